"""What a DICOM object is: a slice of CT values, something else, or a slice that lacks what a volume needs."""

import re
from collections.abc import Set

from pydicom.dataset import Dataset
from pydicom.uid import UID, CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from hepaflow.dicom.geometry import GeometryError, Plane
from hepaflow.dicom.values import number, text, uid, whole

_MULTI_FRAME_CT = (EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)

_NOT_SLICES = {
    "LOCALIZER": "localizer",
    "SCOUT": "localizer",
    "TOPOGRAM": "localizer",
    "SURVIEW": "localizer",
    "SCANOGRAM": "localizer",
    "SCREEN SAVE": "screen save",
    "MIP": "projection (MIP)",
    "MAX IP": "projection (MIP)",
    "MAXIP": "projection (MIP)",
    "MINIP": "projection (MinIP)",
    "MIN IP": "projection (MinIP)",
    "PROJECTION IMAGE": "projection",
    "VRT": "volume rendering",
    "VOLUME RENDERED": "volume rendering",
    "SUBTRACTION": "a difference of two series",
    "SUBTRACTED": "a difference of two series",
    "PERFUSION": "a perfusion map",
    "CBF": "a perfusion map",
    "CBV": "a perfusion map",
    "MTT": "a perfusion map",
    "TTP": "a perfusion map",
    "TMAX": "a perfusion map",
    "IODINE": "an iodine map",
    "MAT SPECIFIC": "a map of one material",
    "MAT FRACTIONAL": "a map of one material",
    "MAT VALUE BASED": "a map of one material",
    "EFF ATOMIC NUM": "a map of atomic numbers",
    "ELECTRON DENSITY": "a map of electron densities",
}
"""Values of ImageType, without underscores, that mark an image as something else than one slice of CT values."""

_HOUNSFIELD = re.compile(r"|\W*(H\.?U\.?|HU_MOD|HOUN\w*F\w*LDS?)([ _]?(UNITS?|VALUES?))?\W*")
"""Rescale types of CT values, as scanners and converters write them: HU, Hounsfield Unit, Houndsfield."""

_OPEN = re.compile(r"US|UNSPECIFIED|UNKNOWN|NONE|N/?A|CT(DATA|[ _]NUMBERS?)?")
"""Rescale types that leave the unit open."""

_MAPS = frozenset(("OD", "MGML", "Z_EFF", "ED", "EDW", "PCT"))
"""Rescale types of maps: of optical density, a material, atomic numbers, electrons, percents."""

_COMPUTED = re.compile(
    r"(?<![a-z])(mi?n?ip|mpr|vrt|vnc|virtual|iodine?|jod|z ?eff|monoe?|mono[ -]?energetic|\d+ ?kev|perfusion|cbf|"
    r"cbv|mtt|subtra[ck]t(ed|ion)?|fusion|fused)(?![a-z])"
)
"""Words of descriptions of series that were computed from other series."""

_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
_BITS = ("BitsAllocated", "BitsStored", "PixelRepresentation")
_RESCALE = ("RescaleSlope", "RescaleIntercept")


def why_not(header: Dataset) -> str:
    """Say why an object is something else than a slice of CT values; an empty string where it is one."""
    modality, kind = text(header, "Modality"), _kind(header)
    if kind not in ("", CTImageStorage, *_MULTI_FRAME_CT):
        return f"{kind.name}, not CT Image Storage"
    if modality != "CT" and (modality or not kind):
        return f"modality {modality or 'unknown'}, not CT"
    for value in text(header, "ImageType").upper().split("\\"):
        if reason := _NOT_SLICES.get(value.strip().replace("_", " ")):
            return reason
    if (whole(header, "SamplesPerPixel") or 1) != 1 or "PALETTE" in text(header, "PhotometricInterpretation"):
        return "a colour image"
    if (unit := text(header, "RescaleType").upper()) in _MAPS:
        return f"values in {unit}, not in HU (RescaleType)"
    try:
        return "" if Plane.of(header).is_axial else "reformatted: not axial"
    except GeometryError:
        return ""


def unusable(header: Dataset, wrong: Set[str] = frozenset()) -> str:
    """Say what a slice lacks to be part of a volume; an empty string where that is nothing.

    Parameters
    ----------
    header : Dataset
        Of a CT slice (`why_not`).
    wrong : set of str, optional
        Elements that held no such numbers as belong there.
    """
    if is_multi_frame(header):
        return "multi-frame: convert it to one file a slice"
    unit = text(header, "RescaleType")
    if not (_HOUNSFIELD.fullmatch(unit.upper()) or _OPEN.fullmatch(unit.upper())):
        return f"values in {unit} (RescaleType): if they are in HU, correct it to HU"
    for name in (*_GEOMETRY, *_BITS, *_RESCALE):
        if name in wrong:
            return f"{name} that is not a number, or has the wrong number of values"
    if missing := [name for name in (*_GEOMETRY, *_BITS) if not text(header, name)]:
        return f"no {', '.join(missing)}"
    if number(header, "RescaleSlope") == 0:
        return "a RescaleSlope of 0, which makes all values equal"
    allocated, stored = (whole(header, name) or 0 for name in ("BitsAllocated", "BitsStored"))
    if not 0 < stored <= allocated:
        return f"BitsStored {stored} in BitsAllocated {allocated}"
    try:
        Plane.of(header)
    except GeometryError as error:
        return str(error)
    return ""


def is_multi_frame(header: Dataset) -> bool:
    """Tell whether an object holds several slices."""
    return _kind(header) in _MULTI_FRAME_CT or (whole(header, "NumberOfFrames") or 1) > 1


def is_picture(header: Dataset) -> bool:
    """Tell whether an image was not made by scanning a patient: a page of doses, a rendering, a screen."""
    return "SECONDARY" in text(header, "ImageType").upper().split("\\")


def is_computed(header: Dataset) -> str:
    """Say that a slice's series was computed from others, where its header does; it may be in HU or not."""
    kinds = text(header, "ImageType").split("\\")
    if kinds[0].upper() == "DERIVED":
        return f"computed from other images (ImageType {', '.join(kinds)})"
    if found := _COMPUTED.search(text(header, "SeriesDescription").replace("_", " ").lower()):
        return f"perhaps computed from other images: its description says '{found[0]}'"
    return ""


def unit_is_open(header: Dataset) -> bool:
    """Tell whether the header says nothing of the unit of its values in so many words."""
    unit = text(header, "RescaleType").upper()
    return unit not in ("", "US") and bool(_OPEN.fullmatch(unit))


def _kind(header: Dataset) -> UID:
    meta = getattr(header, "file_meta", Dataset())
    return UID(uid(header, "SOPClassUID") or uid(meta, "MediaStorageSOPClassUID"))
