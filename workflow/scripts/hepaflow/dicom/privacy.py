"""A series whose derivatives do not tell whose it is."""

import copy
import secrets
from dataclasses import replace

from pydicom.uid import generate_uid

from hepaflow.dicom.headers import ALWAYS_THERE, PATIENT_AND_STUDY
from hepaflow.dicom.series import Series

_DATES = ("AcquisitionDate", "AcquisitionTime")
_FREE_TEXT = "PositionReferenceIndicator"
"""Meant for a place in the body; whatever else was written there, nobody needs it."""

_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def anonymised(series: Series) -> Series:
    """Return a series without patient and study, for results that leave the house.

    Parameters
    ----------
    series : Series
        As `read_series` returns it; remains as it is.

    Returns
    -------
    Series
        With new UIDs that cannot be led back. Objects made from one call's result belong together, in one study
        and one frame of reference; they no longer belong to the CT. The pixels are the same: the overlay shows
        the body as the CT does.
    """
    secret = secrets.token_hex(32)
    headers = []
    for header in series.headers:
        bare = copy.deepcopy(header)
        for name in (*PATIENT_AND_STUDY, *_DATES):
            if name in bare and name not in _UIDS:
                del bare[name]
        for name in (*ALWAYS_THERE, _FREE_TEXT):
            setattr(bare, name, "")
        for name in _UIDS:
            setattr(bare, name, generate_uid(entropy_srcs=[secret, str(header[name].value)]))
        bare.PatientIdentityRemoved = "YES"
        bare.DeidentificationMethod = "hepaflow: patient, study, dates removed; new UIDs"
        headers.append(bare)
    return replace(series, uid=str(headers[0].SeriesInstanceUID), headers=tuple(headers))
