"""Cases of CT volumes: each writes an image, and says what reading it is to give."""

import gzip
import itertools
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from cases import ACCEPTED, REFUSED, WARNED, Case, Table
from made import AFFINE, HU, LABELS, forms, lengths, number, scale, write, zooms
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform
from numpy.typing import NDArray


class Image(NamedTuple):
    """An image that was written, what reading it is to give, and whether its millimetres are to be trusted."""

    path: Path
    hu: NDArray[Any] = HU
    millimetres: bool = True
    labels: NDArray[np.uint8] = LABELS


# Files that are no files of volumes.


def cut(name: str, keep: float) -> Any:
    def do(folder: Path) -> Image:
        path = write(folder / name)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * keep) if keep < 1 else -4])
        return Image(path)

    return do


def flipped(place: float) -> Any:
    """One bit of a gzipped file's content, or (beyond it) of its checksum."""

    def do(folder: Path) -> Image:
        path = write(folder / "image.nii.gz")
        raw = bytearray(path.read_bytes())
        raw[int(len(raw) * place) if place < 1 else -6] ^= 1
        path.write_bytes(raw)
        return Image(path)

    return do


def content(name: str, data: bytes) -> Any:
    def do(folder: Path) -> Image:
        (folder / name).write_bytes(data)
        return Image(folder / name)

    return do


def misnamed(real: str, name: str) -> Any:
    def do(folder: Path) -> Image:
        (folder / name).write_bytes(write(folder / f"real{real}").read_bytes())
        return Image(folder / name)

    return do


def followed_by_more(folder: Path) -> Image:
    path = write(folder / "image.nii.gz")
    path.write_bytes(path.read_bytes() + b"more")
    return Image(path)


def in_two_members(folder: Path) -> Image:
    """As parallel gzip programs write; `zcat a.gz b.gz` too."""
    raw = write(folder / "image.nii").read_bytes()
    (folder / "image.nii.gz").write_bytes(gzip.compress(raw[:1000]) + gzip.compress(raw[1000:]))
    return Image(folder / "image.nii.gz")


# Arrays.


def stored(array: NDArray[Any], hu: NDArray[Any] | None = None, **how: Any) -> Any:
    """An array as a file, and what it is to be read as (itself, if nothing is said)."""
    return lambda folder: Image(write(folder / "image.nii", array, **how), array if hu is None else hu)


def as_type(dtype: str) -> Any:
    """The exam's values as far as a type holds them."""
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else np.finfo(dtype)
    return stored(np.clip(HU, max(limits.min, -32768), min(limits.max, 32767)).astype(dtype))


def scaled(folder: Path) -> Image:
    return Image(write(folder / "image.nii", ((HU + 1024) * 2).astype(np.uint16), edits=(scale(0.5, -1024),)))


def big_endian(folder: Path) -> Image:
    header = nib.Nifti1Header(endianness=">")
    return Image(write(folder / "image.nii", HU.astype(">i2"), header=header))


def with_value(value: float) -> Any:
    array = HU.astype(np.float32)
    array[1, 2, 3] = value
    return stored(array)


def part(*places: Any) -> Any:
    """Some of the exam's slices, rows and columns."""
    hu, labels = (np.ascontiguousarray(array[places]) for array in (HU, LABELS))
    return lambda folder: Image(write(folder / "image.nii", hu), hu, labels=labels)


# Headers.


def headed(*edits: Any, millimetres: bool = True, hu: NDArray[Any] = HU, affine: NDArray[Any] = AFFINE) -> Any:
    return lambda folder: Image(write(folder / "image.nii", affine=affine, edits=edits), hu, millimetres)


def turned(degrees: float) -> NDArray[np.float64]:
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    made: NDArray[np.float64] = turn @ AFFINE
    return made


ORIENTATIONS = [
    tuple(axes[place] for place in order)
    for axes in itertools.product("LR", "PA", "SI")
    for order in itertools.permutations(range(3))
]


def oriented(codes: tuple[str, ...], array: NDArray[Any] = HU, name: str = "image.nii") -> Any:
    def do(folder: Path) -> Image:
        image = nib.Nifti1Image(array.transpose(2, 1, 0), AFFINE)
        nib.save(image.as_reoriented(ornt_transform(io_orientation(AFFINE), axcodes2ornt(codes))), folder / name)
        return Image(folder / name)

    return do


MIRRORED = HU[:, :, ::-1]
"""What a file gives whose columns count to the patient's right."""
FLIPPED = HU[:, ::-1]
NOT_NIFTI = ("not readable as NIfTI", "compare checksums")
NO_MILLIMETRES = "measures in mm would be false and are left empty"
NOT_HU = "is the image in HU"

FILES = Table(
    "Files of images",
    "Every image goes through the survey, which comes before everything else.",
    (
        Case(".nii that was cut in half", REFUSED, NOT_NIFTI, cut("image.nii", 0.5)),
        Case(".nii that ends within its header", REFUSED, NOT_NIFTI, cut("image.nii", 0.02)),
        Case(".nii.gz that was cut in half", REFUSED, NOT_NIFTI, cut("image.nii.gz", 0.5)),
        Case(".nii.gz without its last four bytes", REFUSED, NOT_NIFTI, cut("image.nii.gz", 1)),
        Case(".nii.gz whose checksum (CRC) is wrong", REFUSED, NOT_NIFTI, flipped(1)),
        Case(".nii.gz with one bit flipped in its middle", REFUSED, NOT_NIFTI, flipped(0.5)),
        Case(".nii.gz followed by other bytes", REFUSED, NOT_NIFTI, followed_by_more),
        Case(".nii.gz of two gzip members", ACCEPTED, (), in_two_members),
        Case("text file named .nii.gz", REFUSED, NOT_NIFTI, content("image.nii.gz", b"not an image\n" * 99)),
        Case("text file named .nii", REFUSED, NOT_NIFTI, content("image.nii", b"not an image\n" * 99)),
        Case(".nii named .nii.gz", REFUSED, NOT_NIFTI, misnamed(".nii", "image.nii.gz")),
        Case(".nii.gz named .nii", REFUSED, NOT_NIFTI, misnamed(".nii.gz", "image.nii")),
        Case("zero bytes named .nii", REFUSED, NOT_NIFTI, content("image.nii", b"")),
        Case("zero bytes named .nii.gz", REFUSED, NOT_NIFTI, content("image.nii.gz", b"")),
        Case(
            "header that tells of 35 TB of voxels",
            REFUSED,
            (*NOT_NIFTI, "32767×32767×32767"),
            headed(lengths(32767, 32767, 32767)),
            mended="a MemoryError with its traceback: nibabel takes the memory before it looks at the file",
        ),
        Case(
            "header that says voxels begin at byte 0",
            REFUSED,
            (*NOT_NIFTI, "within the header"),
            headed(number(108, 0)),
            mended="the header's bytes were read as CT values, with a warning of odd values at most",
        ),
        Case("header that says voxels begin at NaN", REFUSED, NOT_NIFTI, headed(number(108, np.nan))),
        Case("header with an axis of no voxels", REFUSED, ("three axes",), headed(lengths(0))),
        Case(
            "header with a type of voxels that does not exist", REFUSED, NOT_NIFTI, headed(number(70, 7, kind="h"))
        ),
    ),
)

ARRAYS = Table(
    "Shapes and number types",
    "HU are compared with those of the exam, slices with those of the plain exam.",
    (
        Case("2-D", REFUSED, ("(20, 24)", "three axes"), stored(HU[0])),
        Case("4-D with one frame", ACCEPTED, (), stored(HU[..., None], HU)),
        Case("5-D with one frame", ACCEPTED, (), stored(HU[..., None, None], HU)),
        Case("4-D with three frames", REFUSED, ("(20, 24, 8, 3)", "three axes"), stored(np.stack([HU] * 3, 3))),
        Case("NaN", REFUSED, ("1 voxels that are NaN or infinite",), with_value(np.nan)),
        Case("infinity", REFUSED, ("1 voxels that are NaN or infinite",), with_value(np.inf)),
        Case("negative infinity", REFUSED, ("1 voxels that are NaN or infinite",), with_value(-np.inf)),
        Case(
            "values that overflow through their slope",
            REFUSED,
            ("NaN or infinite",),
            stored(HU, edits=(scale(1e38, 0),)),
            mended="infinite HU went into the slices: only the stored values were looked at",
        ),
        Case("int8", WARNED, (NOT_HU,), as_type("int8"), mended="no warning: -128 to 127 passed for HU"),
        *(Case(name, ACCEPTED, (), as_type(name)) for name in ("int16", "int32", "int64", "float32", "float64")),
        *(Case(name, WARNED, (NOT_HU,), as_type(name)) for name in ("uint8", "uint16", "uint32", "uint64")),
        Case("scaled by slope and intercept", ACCEPTED, (), scaled),
        Case("slope without intercept", REFUSED, ("invalid intercept",), stored(HU, edits=(scale(1, np.nan),))),
        Case("slope 0, which means none", ACCEPTED, (), stored(HU, edits=(scale(0, 7),))),
        Case("complex numbers", REFUSED, ("complex64",), stored(HU.astype(np.complex64))),
        Case(
            "colours",
            REFUSED,
            ("R/G/B", "rather than colours"),
            stored(np.zeros(HU.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])),
            mended="the remedy was to copy the file again",
        ),
        Case("big-endian", ACCEPTED, (), big_endian),
        Case("NIfTI-2", ACCEPTED, (), stored(HU, kind=nib.Nifti2Image)),
        Case("slices that are not square", ACCEPTED, (), part(slice(None), slice(0, 19))),
        Case("one slice", ACCEPTED, (), part(slice(4, 5))),
        Case("two slices", ACCEPTED, (), part(slice(4, 6))),
        Case("1200 slices", ACCEPTED, (), part([index % 8 for index in range(1200)])),
    ),
)

ALL_ORIENTATIONS = Case("each of the 48 orientations", ACCEPTED)

HEADERS = Table(
    "Headers",
    "If a header does not say where the voxels lie, or contradicts itself, the order of voxels in the file is "
    "trusted.",
    (
        Case(
            "sform and qform both zero",
            WARNED,
            ("neither sform nor qform", "LAS is assumed"),
            headed(forms(0, 0), hu=FLIPPED),
            mended="no warning: nibabel's guess passed for the exam's orientation",
        ),
        Case(
            "sform and qform both zero, 1 mm",
            WARNED,
            ("neither sform nor qform", NO_MILLIMETRES),
            headed(forms(0, 0), zooms(1, 1, 1), hu=FLIPPED, millimetres=False),
            mended="measures in mm were taken: nibabel's guess has an origin, so it was no identity",
        ),
        Case("qform alone", ACCEPTED, (), headed(forms(1, 0))),
        Case("sform alone", ACCEPTED, (), headed(forms(0, 1))),
        Case(
            "sform and qform that contradict each other",
            WARNED,
            ("sform and qform disagree", "RPS"),
            headed(forms(1, 1), number(280, 0.7), hu=MIRRORED),
            mended="no warning",
        ),
        Case(
            "identity affine, 1 mm",
            WARNED,
            (NO_MILLIMETRES,),
            headed(affine=np.eye(4), hu=HU[:, ::-1, ::-1], millimetres=False),
        ),
        Case("oblique by 20°", ACCEPTED, (), headed(affine=turned(20))),
        Case("left-handed affine", ACCEPTED, (), headed(affine=AFFINE * [-1, 1, 1, 1], hu=MIRRORED)),
        Case("affine without directions (all zero)", REFUSED, ("no direction",), headed(number(280, *[0] * 12))),
        Case("affine with NaN", REFUSED, ("no direction",), headed(number(280, np.nan))),
        Case("negative zooms", ACCEPTED, (), headed(forms(1, 0), zooms(-0.7, -0.8, -2.5))),
        Case(
            "zero zooms",
            WARNED,
            ("no spacing in the header", NO_MILLIMETRES),
            headed(forms(1, 0), zooms(0, 0, 0), millimetres=False),
            mended="measures in mm were taken with the 1 mm that nibabel puts instead of 0",
        ),
        Case("zero zooms beside a good sform", ACCEPTED, (), headed(forms(0, 1), zooms(0, 0, 0))),
        Case(
            "lengths in metres",
            WARNED,
            ("unit 'meter'",),
            headed(number(123, 1, kind="b")),
            mended="no warning: 0.7 m passed for 0.7 mm",
        ),
        Case(
            "slices 2.5 m apart",
            WARNED,
            ("a spacing of 2500×0.8×0.7", NO_MILLIMETRES),
            headed(affine=AFFINE * [[1, 1, 1, 1]] * [1, 1, 1000, 1], millimetres=False),
            mended="no warning; later one, but measures in mm were taken",
        ),
        ALL_ORIENTATIONS,
    ),
)

VALUES = Table(
    "CT values",
    "Values are clamped to the window before anything else is done with them.",
    (
        Case("constant", WARNED, ("every voxel is 40 HU",), stored(np.full_like(HU, 40))),
        Case(
            "air only",
            WARNED,
            ("values from -1024 to -9", NOT_HU),
            stored(np.random.default_rng(0).integers(-1024, -900, HU.shape).astype(np.int16)),
            mended="no warning",
        ),
        Case("0 to 255", WARNED, (NOT_HU,), stored(np.clip((HU + 200) // 2, 0, 255).astype(np.uint8))),
        Case("0 to 1", WARNED, (NOT_HU,), stored(np.clip((HU + 250) / 500, 0, 1).astype(np.float32))),
        Case(
            "-1 to 1",
            WARNED,
            (NOT_HU,),
            stored(np.clip(HU / 250, -1, 1).astype(np.float32)),
            mended="no warning: only values from 0 on were noticed",
        ),
        Case("unsigned, 1024 above HU", WARNED, (NOT_HU,), stored((HU + 1024).astype(np.uint16))),
        Case(
            "padding of -3024",
            WARNED,
            ("padding of -3024 HU",),
            stored(np.where(HU < -900, -3024, HU).astype("i2")),
        ),
        Case("metal at 30000", WARNED, ("30000 HU: metal",), stored(np.where(HU > 120, 30000, HU).astype("i2"))),
    ),
)
