"""The exam sheet: which exams there are, where their files lie, and what each is for."""

import csv
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.faults import remedy

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


def read_sheet(path: Path) -> ExamSheet:
    """Read an exam sheet: tab-separated columns exam, image, label and split.

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
            remedy="mend the first line of the sheet",
        )
    sheet = ExamSheet(_checked_rows(rows[1:], path))
    for split, purpose in (("train", "to train on"), ("test", "to score")):
        if not sheet.names(split):
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
                remedy="mend the line: look for missing tabs and lone quotation marks",
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


def check_files(sheet: ExamSheet, data: Path) -> None:
    """Check that every exam has files of its own, and that they exist.

    Raises
    ------
    UserError
        Naming the first missing file, and how many are missing; or a file that two exams share, by any name.
    """
    missing = [
        (name, kind, data / path)
        for name in sheet.names()
        for kind, path in (("image", sheet[name].image), ("label", sheet[name].label))
        if path and not _is_there(data / path, sheet[name].split if kind == "image" else "")
    ]
    if missing:
        name, kind, path = missing[0]
        others = f" (and {len(missing) - 1} more missing files)" if len(missing) > 1 else ""
        raise UserError(
            f"no such {kind}{others}",
            exam=name,
            file=path,
            expected="an existing file",
            remedy="mend the path in the exam sheet, or set `data` to the folder that its paths are relative to",
        )
    owners: dict[str, str] = {}
    for name in sheet.names():
        for own in filter(None, (sheet[name].image, sheet[name].label)):
            owner = owners.setdefault(os.path.realpath(data / own), f"{name}: {own}")
            if owner != f"{name}: {own}" or sheet[name].image == sheet[name].label:
                raise UserError(
                    f"a file that is there already, as {owner}",
                    exam=name,
                    file=data / own,
                    expected="a file for each image and each label: else an exam could be trained on and scored",
                    remedy="name every exam's own files in the sheet, or remove the exam that is listed twice",
                )


def _is_there(path: Path, split: str) -> bool:
    """Return whether a file exists; a new exam's image may be a folder with a DICOM series."""
    # os.path's tests are False, too, for a name that no file can have.
    return os.path.isfile(path) or (split == "new" and os.path.isdir(path))
