"""The exam sheet: which exams there are, where their files lie, and what each is for."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.system.faults import remedy

COLUMNS = ("exam", "image", "label", "split")
SPLITS = ("train", "test", "new")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_TAKEN = (".overlap", ".uncertainty")  # ends of the names of an exam's other tables


@dataclass(frozen=True)
class Exam:
    """One CT exam.

    Attributes
    ----------
    name : str
        Unique; names its files in the results.
    image : str
        CT volume, relative to the data folder.
    label : str
        Label map, relative to the data folder; empty for a new exam.
    split : {'train', 'test', 'new'}
        Trains the networks, scores them, or is only to be segmented.
    """

    name: str
    image: str
    label: str
    split: str


class ExamSheet:
    """The exams of a run."""

    def __init__(self, exams: Iterable[Exam]) -> None:
        self._exams = {exam.name: exam for exam in exams}

    def __getitem__(self, name: str) -> Exam:
        return self._exams[name]

    def __len__(self) -> int:
        return len(self._exams)

    def names(self, *splits: str) -> list[str]:
        """Return the names of the exams of these splits, or of all; sorted, whatever the sheet's order."""
        return sorted(name for name, exam in self._exams.items() if not splits or exam.split in splits)


def read_sheet(path: Path, *, to_train: bool = True) -> ExamSheet:
    """Read an exam sheet: tab-separated columns exam, image, label and split.

    Parameters
    ----------
    path : Path
    to_train : bool
        Whether there has to be an exam to train on.

    Raises
    ------
    UserError
        If the sheet is missing or not a table of these columns, an exam is listed twice or badly named, a label
        or a split is missing or unknown, or there is no exam to train on or to test with.
    """
    try:
        lines = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), delimiter="\t")
        rows = [row for row in lines if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"an exam sheet that cannot be read ({error})",
            file=path,
            expected="a table as text: UTF-8, cells separated by tabs",
            remedy=remedy(
                error,
                "set `exams` to a sheet (`hepaflow index FOLDER` writes one for LiTS17 or MSD Task03); "
                "where a spreadsheet wrote this file, save it as UTF-8 text with tabs",
            ),
        ) from None
    if not rows or tuple(cell.strip() for cell in rows[0]) != COLUMNS:
        raise UserError(
            f"columns {', '.join(rows[0]) if rows else '(none)'}",
            expected=f"{', '.join(COLUMNS)}, separated by tabs",
            file=path,
            remedy="correct the first line of the sheet",
        )
    sheet = ExamSheet(_checked_rows(rows[1:], path))
    for split, purpose in (("train", "to train networks or their fusion on"), ("test", "to score")):
        if not sheet.names(split) and (to_train or split != "train"):
            raise UserError(
                f"no exam of the split {split!r}",
                expected=f"at least one exam {purpose}",
                file=path,
                remedy=f"give an exam the split {split!r}",
            )
    return sheet


def _checked_rows(rows: Sequence[Sequence[str]], path: Path) -> list[Exam]:
    exams: list[Exam] = []
    seen: dict[str, str] = {}
    for row in rows:
        cells = [cell.strip() for cell in row]
        if len(cells) != len(COLUMNS):
            raise UserError(
                f"a line of {len(cells)} cells: {row}",
                expected=f"{len(COLUMNS)} cells separated by tabs (an empty label is still a cell)",
                file=path,
                remedy="correct the line: look for missing tabs and lone quotation marks",
            )
        exam = Exam(*cells)
        if not _NAME.fullmatch(exam.name) or exam.name.endswith(_TAKEN):
            raise UserError(
                f"the name {exam.name!r}",
                expected="letters, digits, '_', '.' and '-', at most 100, beginning with a letter or digit, and "
                f"not ending in {' or '.join(_TAKEN)}",
                exam=exam.name,
                file=path,
                remedy="rename the exam in the sheet (its files may keep their names)",
            )
        if exam.name.lower() in seen:
            raise UserError(
                f"listed twice: as {seen[exam.name.lower()]!r} and {exam.name!r}",
                expected="each exam once, whatever the case of its letters",
                exam=exam.name,
                file=path,
                remedy="remove or rename one of the two",
            )
        seen[exam.name.lower()] = exam.name
        if exam.split not in SPLITS:
            raise UserError(
                f"the split {exam.split!r}",
                expected=", ".join(SPLITS),
                exam=exam.name,
                file=path,
                remedy="give the exam one of these splits, in lower case",
            )
        if not exam.image:
            raise UserError(
                "no image",
                expected="the path of a NIfTI file; for a new exam, of a folder with a DICOM series, too",
                exam=exam.name,
                file=path,
                remedy="name the exam's image, or remove the line",
            )
        if not exam.label and exam.split != "new":
            raise UserError(
                f"no label for a {exam.split} exam",
                expected="the path of a label map",
                exam=exam.name,
                file=path,
                remedy="name its label map, or give it the split 'new'",
            )
        for own in (exam.image, exam.label):
            if set(own) & set("{}") or not own.isprintable():
                raise UserError(
                    f"the path {own!r}",
                    expected="a path without braces, which rules take for wildcards, and invisible characters",
                    exam=exam.name,
                    file=path,
                    remedy="rename the file, or give it a link by another name",
                )
        exams.append(exam)
    return exams
