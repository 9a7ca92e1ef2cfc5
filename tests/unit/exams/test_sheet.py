"""The exam sheet."""

from itertools import pairwise
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.exams.sheet import Exam, read_sheet

ROOT = Path(__file__).parents[3]

HEADER = "exam\timage\tlabel\tsplit\n"
GOOD = HEADER + "a\ta.nii\ta-l.nii\ttrain\nb\tb.nii\tb-l.nii\ttest\n"


def sheet(folder: Path, text: str) -> Path:
    path = folder / "exams.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_exams_whatever_the_order_of_the_sheet(tmp_path: Path) -> None:
    exams = read_sheet(sheet(tmp_path, HEADER + "c\tc.nii\t\tnew\n" + GOOD.removeprefix(HEADER)))
    assert exams.names() == ["a", "b", "c"]
    assert exams.names("test", "new") == ["b", "c"]
    assert exams["a"] == Exam("a", "a.nii", "a-l.nii", "train")


@pytest.mark.parametrize(
    "text",
    ["\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), GOOD.replace("\na", "\n\n  \na"), GOOD.rstrip("\n")],
    ids=["byte order mark", "CRLF", "blank lines", "no last newline"],
)
def test_reads_what_spreadsheets_write(tmp_path: Path, text: str) -> None:
    path = tmp_path / "exams.tsv"
    path.write_bytes(text.encode())
    assert read_sheet(path).names() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["columns (none)", "exam, image, label, split"]),
        (GOOD.replace("\t", ","), ["columns exam,image,label,split", "tabs"]),
        (GOOD + "A\tx.nii\ty.nii\ttrain\n", ["exam: A", "listed twice", "'a' and 'A'"]),
        (GOOD + "a\tx.nii\ty.nii\ttrain\n", ["exam: a", "listed twice"]),
        (GOOD + "c\tc.nii\t\ttrain\n", ["exam: c", "no label for a train exam", "'new'"]),
        (GOOD + "c\t\t\tnew\n", ["exam: c", "no image"]),
        (GOOD + "c\tc.nii\tl.nii\tvalid\n", ["exam: c", "'valid'", "train, test, new"]),
        (GOOD + "../c\tc.nii\tl.nii\ttrain\n", ["'../c'", "letters"]),
        (GOOD + "a.overlap\tc.nii\tl.nii\ttest\n", ["exam: a.overlap", "not ending in .overlap or .uncertainty"]),
        (GOOD + "c\t" + "x" * 200_000 + "\tl.nii\ttest\n", ["cannot be read", "UTF-8"]),
        (GOOD + "c\t{exam}.nii\tl.nii\ttest\n", ["exam: c", "the path '{exam}.nii'", "without braces"]),
        (GOOD + "c\tc.nii\tl\0.nii\ttest\n", ["exam: c", "the path 'l\\x00.nii'", "invisible"]),
        (GOOD + "c d\tc.nii\tl.nii\ttrain\n", ["'c d'"]),
        (GOOD + "c\tc.nii\tl.nii\n", ["3 cells"]),
        (GOOD.replace("test", "train"), ["no exam of the split 'test'"]),
        (GOOD.replace("train", "test"), ["no exam of the split 'train'"]),
    ],
)
def test_bad_sheet_is_refused_with_its_reason(tmp_path: Path, text: str, told: list[str]) -> None:
    path = sheet(tmp_path, text)
    with pytest.raises(UserError) as caught:
        read_sheet(path)
    for words in [*told, str(path)]:
        assert words in str(caught.value)


def test_training_exams_are_needed_only_where_something_learns_from_them(tmp_path: Path) -> None:
    path = sheet(tmp_path, GOOD.replace("train", "test"))
    assert read_sheet(path, to_train=False).names("train") == []
    with pytest.raises(UserError, match="no exam of the split 'test'"):
        read_sheet(sheet(tmp_path, GOOD.replace("test", "train")), to_train=False)


def test_missing_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="hepaflow index"):
        read_sheet(tmp_path / "none.tsv")


def test_committed_split_is_the_thesis_and_not_ordered() -> None:
    exams = read_sheet(ROOT / "config/exams/lits17.tsv")
    assert (len(exams), len(exams.names("train")), len(exams.names("test"))) == (131, 121, 10)
    numbers = [int(name.removeprefix("lits-")) for name in exams.names("test")]
    gaps = {after - before for before, after in pairwise(numbers)}
    assert len(gaps) > 3, "the test exams are a run or a regular pattern"
