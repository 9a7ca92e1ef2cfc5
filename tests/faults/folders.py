"""Cases of folders: each fills one, and says what of it is taken for an exam."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import ACCEPTED, REFUSED, WARNED, Case, Table
from made import HU, LABELS, write


class Folder(NamedTuple):
    """A folder, and the exams that are to be found in it."""

    place: Path
    exams: tuple[str, ...] = ("a", "b")


def exams(*names: str, taken: tuple[str, ...] = ("a", "b"), **links: str) -> Any:
    """Exams a and b, and files of these names; links lead to folders or files elsewhere."""

    def do(folder: Path) -> Folder:
        place = folder / "exams"
        for name in ("a.nii", "b.nii.gz"):
            write(_made(place / name), HU)
        for name in names:
            write(_made(folder / "written.nii"), HU).rename(_made(place / name))
        for name, target in links.items():
            (place / name).symlink_to(target)
        return Folder(place, taken)

    return do


def linked(folder: Path) -> Folder:
    """An exam of its own, and one in a folder elsewhere."""
    write(_made(folder / "exams/a.nii"), HU)
    write(_made(folder / "elsewhere/deep/b.nii"), HU)
    (folder / "exams/linked").symlink_to(folder / "elsewhere")
    return Folder(folder / "exams", ("a", "linked-deep-b"))


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def lits(
    *more: str, labels: str = "", test: str = "1", options: tuple[str, ...] = (), sheet: str = "s.tsv"
) -> Any:
    """Four exams of LiTS17 and more files, and the arguments of `hepaflow index`."""

    def do(folder: Path) -> list[str]:
        for number in range(4):
            _made(folder / f"data/volume-{number}.nii").touch()
            _made(folder / f"data/{labels}segmentation-{number}.nii").touch()
        for name in more:
            _made(folder / "data" / name).touch()
        (folder / "file").touch()
        return ["index", str(folder / "data"), "--sheet", str(folder / sheet), "--test", test]

    return do


def linked_lits(folder: Path) -> list[str]:
    arguments: list[str] = lits()(folder)
    for name in ("volume-7.nii", "segmentation-7.nii"):
        _made(folder / "elsewhere" / name).touch()
    (folder / "data/batch 2").symlink_to(folder / "elsewhere")
    return arguments


def kept_sheet(folder: Path) -> list[str]:
    (folder / "s.tsv").write_text("a split drawn by hand\n")
    arguments: list[str] = lits()(folder)
    return arguments


SILENT = "skipped without a word"

SOURCES = Table(
    "Folders of your own exams",
    "What `hepaflow segment` finds in a folder, and what it lists as left out.",
    (
        Case("folder of two NIfTI files", ACCEPTED, (), exams()),
        Case("exam in a linked folder", ACCEPTED, (), linked, mended=SILENT),
        Case("exam named .NII.GZ", ACCEPTED, (), exams("C.NII", taken=("C", "a", "b")), mended=SILENT),
        Case(
            "links to folders above and to themselves",
            WARNED,
            ("1 file: a broken link (self)", "1 file: a link to a folder above (up)"),
            exams(up="..", self="self"),
            mended=SILENT,
        ),
        Case(
            "links to a folder and a file of the same exams",
            WARNED,
            ("a link to a file that was found already (again.nii)",),
            exams(**{"again.nii": "a.nii"}),
            mended="the same exam twice",
        ),
        Case(
            "images in other formats",
            WARNED,
            ("4 files: in a format that is not read: convert to .nii.gz (c.hdr, c.img, d.nrrd, ...)",),
            exams("c.hdr", "c.img", "d.nrrd", "e.mha"),
            mended=SILENT,
        ),
        Case(
            "archives among exams",
            WARNED,
            ("2 files: an archive: unpack it, or name it itself (c.tar.gz, d.zip)",),
            exams("c.tar.gz", "d.zip"),
            mended=SILENT,
        ),
        Case(
            "files that are no images",
            WARNED,
            ("1 file: no image (notes.txt)",),
            exams("notes.txt"),
            mended=SILENT,
        ),
        Case(
            "hidden files and folders",
            WARNED,
            ("2 files: hidden, as notes of other programs are (.old, ._a.nii)",),
            exams("._a.nii", ".old/c.nii"),
            mended=SILENT,
        ),
        Case(
            "name with a line break",
            WARNED,
            (r"1 file: no image (a\nb.txt)",),
            exams("a\nb.txt"),
            mended=SILENT,
        ),
    ),
)

INDEXED = Table(
    "`hepaflow index`",
    "The folders hold LiTS17.",
    (
        Case("plain folder of LiTS17", ACCEPTED, ("3 train, 1 test",), lits()),
        Case(
            "batch in a linked folder", ACCEPTED, ("4 train, 1 test", "1 in batch 2"), linked_lits, mended=SILENT
        ),
        Case(
            "exam in capitals, with a zero before its number",
            ACCEPTED,
            ("4 train, 1 test",),
            lits("VOLUME-07.NII", "Segmentation-7.nii.gz"),
            mended=SILENT,
        ),
        Case(
            "a corrected label beside the first",
            REFUSED,
            ("exam: lits-002", "two labels: data/corrected/segmentation-2.nii and data/segmentation-2.nii"),
            lits("corrected/segmentation-2.nii"),
            mended="the first was taken, without a word",
        ),
        Case(
            "a label gzipped and not",
            REFUSED,
            ("exam: lits-002", "two labels"),
            lits("segmentation-2.nii.gz"),
            mended="the first was taken, without a word",
        ),
        Case(
            "predictions of exams that have no label",
            WARNED,
            ("3 train, 1 test, 1 new", "name suggests predictions or results (predictions/segmentation-9.nii)"),
            lits("volume-9.nii", "predictions/segmentation-9.nii"),
            mended="taken for labels, without a word",
        ),
        Case(
            "predictions beside labels",
            WARNED,
            ("name suggests predictions or results (predictions/segmentation-2.nii)",),
            lits("predictions/segmentation-2.nii", labels="segmentations/"),
            mended="taken for the label where its path came first, without a word",
        ),
        Case(
            "images in other formats, and of other names",
            WARNED,
            (
                "2 files: in a format that is not read: convert to .nii.gz (volume-7.nrrd, volume-8.hdr)",
                "1 file: named like neither LiTS17 nor MSD Task03 (test-volume-0.nii)",
                "1 file: a label without an image (segmentation-9.nii)",
            ),
            lits("volume-7.nrrd", "volume-8.hdr", "test-volume-0.nii", "segmentation-9.nii"),
            mended=SILENT,
        ),
        Case("--test -3", REFUSED, ("-3 test exams",), lits(test="-3"), mended="a traceback"),
        Case("--test 0", REFUSED, ("0 test exams",), lits(test="0"), mended="a sheet that no run accepts"),
        Case("--test 4 of 4 exams", REFUSED, ("4 exams with labels among 4",), lits(test="4")),
        Case(
            "--sheet that is a folder", REFUSED, ("name a file in it",), lits(sheet="data"), mended="a traceback"
        ),
        Case(
            "--sheet below a file",
            REFUSED,
            ("no folder to write to",),
            lits(sheet="file/s.tsv"),
            mended="a traceback",
        ),
        Case(
            "--sheet that is there, with another content",
            REFUSED,
            ("a file that is there already, with another content", "--overwrite"),
            kept_sheet,
            mended="overwritten, without a word",
        ),
        Case(
            "folder whose name no sheet can hold",
            REFUSED,
            ("the path 'a{b}/volume-7.nii'", "rename"),
            lits("a{b}/volume-7.nii"),
            mended="a sheet that no run accepts",
        ),
    ),
)

NOT_CT = "CT values in HU, in which air is near -1000"
WRONG_VALUES = Table(
    "Values that are no HU",
    "NIfTI files that `hepaflow segment` is given.",
    tuple(
        Case(name, REFUSED, (NOT_CT,), _written, mended)
        for name, _written, mended in (
            ("label map given to be segmented", lambda folder: write(folder / "a.nii", LABELS), ""),
            (
                "CT numbers from 0, 1024 above HU",
                lambda folder: write(folder / "a.nii", (HU + 1024).astype(np.int16)),
                "segmented, with a note: status 0",
            ),
            (
                "MR, from 0 to 1151",
                lambda folder: write(folder / "a.nii", np.maximum(HU + 1024, 0).astype(np.float32) * 0.9),
                "segmented, with a note: status 0",
            ),
            (
                "values scaled to -1 to 1",
                lambda folder: write(folder / "a.nii", np.clip(HU / 250, -1, 1).astype(np.float32)),
                "segmented, with a note: status 0",
            ),
            (
                "values of mean 0 and variance 1",
                lambda folder: write(folder / "a.nii", ((HU - HU.mean()) / HU.std()).astype(np.float32)),
                "segmented, with a note: status 0",
            ),
        )
    ),
)
