"""The exam sheet, and the indexing of folders."""

from itertools import pairwise
from pathlib import Path

import pytest

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.exams import Exam, check_files, index_folder, read_sheet, write_sheet

ROOT = Path(__file__).parents[2]

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


def test_missing_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="hepaflow index"):
        read_sheet(tmp_path / "none.tsv")


def test_missing_files_are_named(tmp_path: Path) -> None:
    exams = read_sheet(sheet(tmp_path, GOOD))
    for name in ("a.nii", "a-l.nii", "b.nii"):
        (tmp_path / name).touch()
    with pytest.raises(UserError) as caught:
        check_files(exams, tmp_path)
    for words in ("exam: b", "b-l.nii", "no such label", "data"):
        assert words in str(caught.value)
    (tmp_path / "b-l.nii").touch()
    check_files(exams, tmp_path)


@pytest.mark.parametrize("image", ["a.nii", "./a.nii", "link.nii", "c-l.nii"])
def test_a_file_of_two_exams_is_refused(tmp_path: Path, image: str) -> None:
    exams = read_sheet(sheet(tmp_path, f"{GOOD}c\t{image}\tc-l.nii\ttest\n"))
    for name in ("a.nii", "a-l.nii", "b.nii", "b-l.nii", "c-l.nii"):
        (tmp_path / name).touch()
    (tmp_path / "link.nii").symlink_to("a.nii")
    with pytest.raises(
        UserError, match=r"exam: c\n(.*\n)*found: a file that is there already, as (a: a|c: c-l)\.nii"
    ):
        check_files(exams, tmp_path)


def test_a_path_that_no_file_can_have_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such image"):
        check_files(read_sheet(sheet(tmp_path, GOOD.replace("a.nii", "x" * 300))), tmp_path)


def lits(folder: Path, numbers: range, suffix: str = ".nii", images: str = "", labels: str = "") -> None:
    for number in numbers:
        for sub, name in ((images, "volume"), (labels, "segmentation")):
            (folder / sub).mkdir(parents=True, exist_ok=True)
            (folder / sub / f"{name}-{number}{suffix}").touch()


def msd(folder: Path, numbers: range) -> None:
    for sub in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / sub).mkdir(parents=True)
    for number in numbers:
        for sub in ("imagesTr", "labelsTr"):
            (folder / sub / f"liver_{number}.nii.gz").touch()


def test_lits_is_indexed_wherever_its_files_lie(tmp_path: Path) -> None:
    lits(tmp_path / "flat", range(131))
    lits(tmp_path / "zipped", range(131), ".nii.gz")
    lits(tmp_path / "batches", range(28), images="Training Batch 1", labels="Training Batch 1")
    lits(tmp_path / "batches", range(28, 131), images="Training Batch 2", labels="segmentations")
    msd(tmp_path / "msd", range(131))
    splits = [
        [(exam.name, exam.split) for exam in index_folder(tmp_path / folder, test=10, seed=2022)]
        for folder in ("flat", "zipped", "batches", "msd")
    ]
    assert splits[0] == splits[1] == splits[2] == splits[3]
    for folder in ("flat", "zipped", "batches", "msd"):
        for exam in index_folder(tmp_path / folder, test=10, seed=2022):
            assert (tmp_path / folder / exam.image).is_file()
            assert (tmp_path / folder / exam.label).is_file()
            assert exam.image != exam.label


def test_msd_images_without_label_are_new(tmp_path: Path) -> None:
    msd(tmp_path, range(5))
    (tmp_path / "imagesTs" / "liver_7.nii.gz").touch()
    exams = index_folder(tmp_path, test=1, seed=1)
    assert [(exam.name, exam.label) for exam in exams if exam.split == "new"] == [("lits-007", "")]


def test_committed_sheet_is_what_indexing_lits_gives(tmp_path: Path) -> None:
    lits(tmp_path, range(131))
    write_sheet(tmp_path / "sheet.tsv", index_folder(tmp_path, test=10, seed=2022))
    assert (tmp_path / "sheet.tsv").read_text() == (ROOT / "config/exams/lits17.tsv").read_text()


def test_committed_split_is_the_thesis_and_not_ordered() -> None:
    exams = read_sheet(ROOT / "config/exams/lits17.tsv")
    assert (len(exams), len(exams.names("train")), len(exams.names("test"))) == (131, 121, 10)
    numbers = [int(name.removeprefix("lits-")) for name in exams.names("test")]
    gaps = {after - before for before, after in pairwise(numbers)}
    assert len(gaps) > 3, "the test exams are a run or a regular pattern"


def test_folder_with_an_exam_twice_is_refused(tmp_path: Path) -> None:
    lits(tmp_path, range(12))
    lits(tmp_path, range(3, 4), ".nii.gz")
    with pytest.raises(UserError, match="two images"):
        index_folder(tmp_path, test=2, seed=1)


def test_command_writes_the_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lits(tmp_path / "data", range(6))
    assert main(["index", str(tmp_path / "data"), "--sheet", str(tmp_path / "s.tsv"), "--test", "2"]) == 0
    assert "4 train" in capsys.readouterr().out
    assert len(read_sheet(tmp_path / "s.tsv").names("test")) == 2


def test_command_tells_a_mistake_without_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["index", str(tmp_path), "--sheet", str(tmp_path / "s.tsv")]) == 1
    assert "volume-N.nii" in capsys.readouterr().err
    assert not (tmp_path / "s.tsv").exists()
