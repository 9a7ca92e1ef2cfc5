"""Single images of a series: which are copies, which are of another series in spite of their UIDs."""

import filecmp
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import generate_uid

from hepaflow.dicom.headers import new_instance
from hepaflow.dicom.values import text, uid

_FRAME = "FrameOfReferenceUID"


class Slice(NamedTuple):
    """One image of a CT series.

    Attributes
    ----------
    header : FileDataset
        Repaired.
    path : Path
    notes : list of str
        What was repaired.
    unusable : str
        What it lacks to be part of a volume; empty where that is nothing.
    """

    header: FileDataset
    path: Path
    notes: list[str]
    unusable: str


def series_of(header: FileDataset) -> tuple[str, str]:
    """Return the UIDs of study and series."""
    return text(header, "StudyInstanceUID"), text(header, "SeriesInstanceUID")


def same_image(one: Slice, other: Slice) -> bool:
    """Tell whether two files hold one image; a writer may also have given its UID to two."""
    same = ("InstanceNumber", "ImagePositionPatient", "PatientID", "PatientName")
    if any(text(one.header, name) != text(other.header, name) for name in same):
        return False
    if one.path.stat().st_size == other.path.stat().st_size and filecmp.cmp(one.path, other.path, shallow=False):
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they spell out values of the header, which may name the patient
            first, second = (pydicom.dcmread(path, force=True).pixel_array for path in (one.path, other.path))
    except Exception:  # each decoder raises errors of its own; what cannot be compared is not the same
        return False
    return first.shape == second.shape and bool((first == second).all())


def told_apart(members: list[Slice]) -> list[list[Slice]]:
    """Part slices that say they are of one series where they lie in folders of their own and cannot be of one.

    They cannot if they are of several patients, or if every folder holds the same places: then there is a whole
    series in each. A series may well be spread over folders otherwise.
    """
    folders: dict[Path, list[Slice]] = defaultdict(list)
    for one in members:
        folders[one.path.parent].append(one)
    patients = {folder: {_patient(one.header) for one in inside} for folder, inside in folders.items()}
    if all(len(found) == 1 for found in patients.values()) and len(set().union(*patients.values())) > 1:
        by_patient: dict[str, list[Slice]] = defaultdict(list)
        for folder, (patient,) in patients.items():
            by_patient[patient] += folders[folder]
        return [part for one in by_patient.values() for part in told_apart(one)]
    places = {
        tuple(sorted(text(one.header, "ImagePositionPatient") for one in inside)) for inside in folders.values()
    }
    return list(folders.values()) if len(folders) > 1 and len(places) == 1 else [members]


def _patient(header: FileDataset) -> str:
    return text(header, "PatientID") or text(header, "PatientName").casefold()


def studies_of(headers: Iterable[FileDataset]) -> dict[str, str]:
    """Return the StudyInstanceUID of each SeriesInstanceUID, where its slices have no other.

    A SeriesInstanceUID is that of one series in the world. So a slice without a study is of the same study as the
    others of its series: else it would be an exam of its own, and the series would lack it.
    """
    studies: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        if study := uid(header, "StudyInstanceUID"):
            studies[uid(header, "SeriesInstanceUID")].add(study)
    return {series: next(iter(known)) for series, known in studies.items() if series and len(known) == 1}


def with_own_instances(headers: Sequence[FileDataset]) -> bool:
    """Give new UIDs to images that share one, so that results can refer to each; say whether there were any."""
    counts = Counter(text(header, "SOPInstanceUID") for header in headers)
    shared = [header for header in headers if counts[text(header, "SOPInstanceUID")] > 1]
    for header in shared:
        header.SOPInstanceUID = new_instance(header)
    return bool(shared)


def with_one_frame(headers: Sequence[FileDataset]) -> str:
    """Give slices one frame of reference where some have none, or each its own, as careless writers do.

    Returns
    -------
    str
        What was done; empty where nothing was. Slices of several frames keep them.
    """
    frames = [uid(header, _FRAME) for header in headers]
    known, lacking = set(frames) - {""}, frames.count("")
    if len(known) == 1 and not lacking:
        return ""
    if len(known) == 1:
        (one,) = known
        note = f"no {_FRAME} in {lacking} of {len(frames)} slices: that of the others was taken"
    elif not known:
        one = generate_uid(entropy_srcs=[_FRAME, *series_of(headers[0])])
        false = any(text(header, _FRAME) for header in headers)
        note = f"{'a false' if false else 'no'} {_FRAME}: a new one was made"
    elif len(known) == len(frames) - lacking:
        one = generate_uid(entropy_srcs=sorted(frames))
        note = f"a {_FRAME} for each slice: one was made for all"
    else:
        return ""
    for header in headers:
        header.FrameOfReferenceUID = one
    return note
