"""The exam sheet of a folder with LiTS17, or with its copy in MSD Task03."""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from hepaflow.errors import UserError
from hepaflow.exams.sheet import COLUMNS, Exam
from hepaflow.exams.walk import Skipped, counted, walk, why_no_nifti
from hepaflow.volumes.nifti_name import stem

_IMAGE, _LABEL, _MSD = (
    re.compile(rf"{name}(\d+)", re.IGNORECASE | re.ASCII) for name in ("volume-", "segmentation-", "liver_")
)
_MSD_LABELS = "labelstr"
_RESULTS = re.compile(r"(?<![a-z])(pred|infer|result|output)", re.IGNORECASE)
"""Usual names of folders with segmentations that a program made."""


@dataclass(frozen=True)
class Index:
    """The exams of a folder.

    Attributes
    ----------
    exams : tuple of Exam
        By ascending number. Images without a label are of the split 'new'.
    notes : tuple of str
        Where the labels lie, and what was skipped.
    """

    exams: tuple[Exam, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Sorted:
    """Files by the number of their exam; labels of MSD by the folder beside which their images lie, too."""

    images: dict[int, list[Path]] = field(default_factory=lambda: defaultdict(list))
    labels: dict[tuple[Path | None, int], list[Path]] = field(default_factory=lambda: defaultdict(list))
    skipped: list[Skipped] = field(default_factory=list)


def index_folder(folder: Path, *, test: int, seed: int) -> Index:
    """List the exams in a LiTS17 or MSD Task03 folder, and draw the test exams.

    Parameters
    ----------
    folder : Path
        Holds `volume-N.nii` and `segmentation-N.nii` (LiTS17; in any of its subfolders, gzipped or not), or
        `imagesTr/liver_N.nii.gz` and `labelsTr/liver_N.nii.gz` (MSD Task03). Linked folders are searched, too;
        labels in folders whose names suggest predictions, results or outputs are skipped, unless images lie
        beside them.
    test : int
        Test exams to draw (thesis 4.2: 10). They are drawn at random, never in order: the numbering of LiTS
        follows the hospitals.
    seed : int
        Seed of the draw; the same exams give the same split, in whatever folder or format they lie.

    Raises
    ------
    UserError
        If there is no such folder or no exam, one has two images or two labels, or there are fewer labelled exams
        than test exams plus one.
    """
    if not folder.is_dir():
        raise UserError("no such folder", file=folder, expected="the folder that holds the exams")
    if test < 1:
        raise UserError(
            f"{test} test exams", expected="at least one, for every run scores some", remedy="--test 10"
        )
    files = _sorted_out(folder)
    found = sorted((_exam(number, files, folder) for number in files.images), key=lambda exam: exam.name)
    labelled = [exam.name for exam in found if exam.label]
    used = {exam.label for exam in found}
    alone = [
        path for paths in files.labels.values() for path in paths if str(path.relative_to(folder)) not in used
    ]
    passed = [*files.skipped, *(Skipped(path, "a label without an image") for path in sorted(alone))]
    notes = [f"skipped: {_number(count)}: {reason}" for count, reason in counted(passed, folder)]
    if len(labelled) <= test:
        raise UserError(
            "; ".join([f"{len(labelled)} exams with labels among {len(found)}", *notes]),
            expected=f"more than the {test} test exams; files named volume-N.nii and segmentation-N.nii (LiTS17) "
            "or imagesTr/liver_N.nii.gz and labelsTr/liver_N.nii.gz (MSD Task03)",
            file=folder,
            remedy="name the folder that holds the exams, or ask for fewer test exams",
        )
    drawn = set(Random(seed).sample(labelled, test))
    exams = (replace(exam, split=_split(exam, drawn)) for exam in found)
    return Index(tuple(exams), (*_places("images", found), *_places("labels", found), *notes))


def _split(exam: Exam, drawn: Container[str]) -> str:
    return "new" if not exam.label else "test" if exam.name in drawn else "train"


def _sorted_out(folder: Path) -> _Sorted:
    walked = walk(folder, all_or_nothing=False)
    files = _Sorted(skipped=list(walked.skipped))
    places = {path.parent for path in walked.files}
    results = {place for place in places if _RESULTS.search(str(place.relative_to(folder)))}
    results -= {path.parent for path in walked.files if _IMAGE.fullmatch(stem(path.name) or "")}
    for path in walked.files:
        image, label, msd = (pattern.fullmatch(stem(path.name) or "") for pattern in (_IMAGE, _LABEL, _MSD))
        number = image or label or msd
        if number is None:
            reason = why_no_nifti(path) or "named like neither LiTS17 nor MSD Task03"
            files.skipped.append(Skipped(path, reason))
        elif not image and path.parent in results:
            files.skipped.append(Skipped(path, "in a folder whose name suggests predictions or results"))
        elif label:
            files.labels[None, int(label[1])].append(path)
        elif msd and path.parent.name.lower() == _MSD_LABELS:
            files.labels[path.parent.parent, int(msd[1])].append(path)
        else:
            files.images[int(number[1])].append(path)
    return files


def _exam(number: int, files: _Sorted, folder: Path) -> Exam:
    images = files.images[number]
    own = stem(images[0].name) or ""
    name = f"lits-{re.split('[-_]', own)[-1]:0>3}"
    labels = files.labels.get((images[0].parent.parent if _MSD.fullmatch(own) else None, number), [])
    for what, paths in (("image", images), ("label", labels)):
        if len(paths) > 1:
            raise UserError(
                f"two {what}s: {paths[0]} and {paths[1]}",
                expected=f"one {what} an exam",
                exam=name,
                file=folder,
                remedy="move one of the two elsewhere",
            )
    return Exam(name, _path(images[0], folder), _path(labels[0], folder) if labels else "", "")


def _path(path: Path, folder: Path) -> str:
    own = str(path.relative_to(folder))
    if set(own) & set("{}") or not own.isprintable() or own != own.strip():
        raise UserError(
            f"the path {own!r}",
            expected="a path that an exam sheet can hold: no braces, invisible characters, spaces at its ends",
            file=folder,
            remedy="rename the file or folder, or give it a link by another name",
        )
    return own


def _places(what: str, exams: Iterable[Exam]) -> list[str]:
    """Return a note on the folders in which images or labels lie, if there are several."""
    paths = [getattr(exam, what.removesuffix("s")) for exam in exams]
    places = Counter(str(Path(path).parent) for path in paths if path)
    if len(places) < 2:
        return []
    return [f"{what}: {', '.join(f'{count} in {place}' for place, count in sorted(places.items()))}"]


def _number(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def sheet_text(exams: Iterable[Exam]) -> str:
    """Return an exam sheet that `read_sheet` reads."""
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows((exam.name, exam.image, exam.label, exam.split) for exam in exams)
    return text.getvalue()
