"""The indexing of folders."""

from pathlib import Path

import pytest

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.exams.index import index_folder, sheet_text
from hepaflow.exams.sheet import read_sheet

ROOT = Path(__file__).parents[3]


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
        [(exam.name, exam.split) for exam in index_folder(tmp_path / folder, test=10, seed=2022).exams]
        for folder in ("flat", "zipped", "batches", "msd")
    ]
    assert splits[0] == splits[1] == splits[2] == splits[3]
    for folder in ("flat", "zipped", "batches", "msd"):
        for exam in index_folder(tmp_path / folder, test=10, seed=2022).exams:
            assert (tmp_path / folder / exam.image).is_file()
            assert (tmp_path / folder / exam.label).is_file()
            assert exam.image != exam.label


def test_msd_images_without_label_are_new(tmp_path: Path) -> None:
    msd(tmp_path, range(5))
    (tmp_path / "imagesTs" / "liver_7.nii.gz").touch()
    exams = index_folder(tmp_path, test=1, seed=1).exams
    assert [(exam.name, exam.label) for exam in exams if exam.split == "new"] == [("lits-007", "")]


def test_committed_sheet_is_what_indexing_lits_gives(tmp_path: Path) -> None:
    lits(tmp_path, range(131))
    found = index_folder(tmp_path, test=10, seed=2022)
    assert sheet_text(found.exams) == (ROOT / "config/exams/lits17.tsv").read_text()
    assert found.notes == ()


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


def index(folder: Path, test: int = 1) -> tuple[dict[str, tuple[str, str]], str]:
    found = index_folder(folder, test=test, seed=1)
    return {exam.name: (exam.image, exam.label) for exam in found.exams}, "\n".join(found.notes)


def test_linked_folders_are_indexed(tmp_path: Path) -> None:
    lits(tmp_path / "data", range(3), images="one", labels="one")
    lits(tmp_path / "elsewhere", range(3, 6))
    (tmp_path / "data/two").symlink_to(tmp_path / "elsewhere")
    exams, notes = index(tmp_path / "data")
    assert exams["lits-005"] == ("two/volume-5.nii", "two/segmentation-5.nii")
    assert "images: 3 in one, 3 in two" in notes


def test_names_in_other_cases_and_with_zeros_are_indexed(tmp_path: Path) -> None:
    lits(tmp_path, range(3))
    for name in ("Volume-007.NII.GZ", "SEGMENTATION-7.nii"):
        (tmp_path / name).touch()
    exams, notes = index(tmp_path)
    assert exams["lits-007"] == ("Volume-007.NII.GZ", "SEGMENTATION-7.nii")
    assert notes == ""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("corrected/segmentation-2.nii", "two labels"),
        ("segmentation-2.nii.gz", "two labels"),
        ("Segmentation-02.nii", "two labels"),
        ("other/volume-2.nii", "two images"),
        ("Volume-2.nii", "two images"),
        ("imagesTr/liver_2.nii.gz", "two images"),
    ],
)
def test_two_files_of_one_exam_are_refused(tmp_path: Path, more: str, told: str) -> None:
    lits(tmp_path, range(4))
    (tmp_path / more).parent.mkdir(exist_ok=True)
    (tmp_path / more).touch()
    with pytest.raises(UserError, match=told) as caught:
        index_folder(tmp_path, test=1, seed=1)
    assert "exam: lits-002" in str(caught.value)
    assert more in str(caught.value)


@pytest.mark.parametrize("place", ["predictions", "nnUNet_predicted", "Results/fold 0", "my-output", "inferTs"])
def test_predictions_are_no_labels(tmp_path: Path, place: str) -> None:
    lits(tmp_path, range(4))
    (tmp_path / place).mkdir(parents=True)
    for number in (2, 9):
        (tmp_path / place / f"segmentation-{number}.nii").touch()
    (tmp_path / "volume-9.nii").touch()
    exams, notes = index(tmp_path)
    assert exams["lits-002"][1] == "segmentation-2.nii"
    assert exams["lits-009"][1] == ""
    assert f"2 files: in a folder whose name suggests predictions or results ({place}/segmentation-2.nii" in notes


def test_labels_beside_their_images_are_labels_whatever_the_folder_is_called(tmp_path: Path) -> None:
    lits(tmp_path / "results of radiology", range(4))
    exams, notes = index(tmp_path)
    assert exams["lits-002"][1] == "results of radiology/segmentation-2.nii"
    assert notes == ""


def test_predictions_beside_msd_are_no_images(tmp_path: Path) -> None:
    msd(tmp_path, range(5))
    (tmp_path / "predsTs").mkdir()
    (tmp_path / "predsTs/liver_3.nii.gz").touch()
    exams, notes = index(tmp_path)
    assert exams["lits-003"] == ("imagesTr/liver_3.nii.gz", "labelsTr/liver_3.nii.gz")
    assert "predsTs/liver_3.nii.gz" in notes


def test_what_is_skipped_is_told(tmp_path: Path) -> None:
    lits(tmp_path, range(3))
    for name in (
        "volume-7.nrrd",
        "volume-8.hdr",
        "test-volume-0.nii",
        "._volume-0.nii",
        "segmentation-9.nii",
        "a.txt",
    ):
        (tmp_path / name).touch()
    (tmp_path / "segmentation-9.nii").touch()
    (tmp_path / "volume-4.nii").symlink_to("nowhere.nii")
    _, notes = index(tmp_path)
    for told in (
        "skipped: 2 files: in a format that is not read: convert to .nii.gz (volume-7.nrrd, volume-8.hdr)",
        "1 file: named like neither LiTS17 nor MSD Task03 (test-volume-0.nii)",
        "1 file: hidden, as notes of other programs are (._volume-0.nii)",
        "1 file: a label without an image (segmentation-9.nii)",
        "1 file: no image (a.txt)",
        "1 file: a broken link (volume-4.nii)",
    ):
        assert told in notes


def test_what_is_skipped_is_told_with_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "volume-7.nrrd").touch()
    with pytest.raises(UserError, match=r"0 exams with labels among 0; skipped: 1 file: in a format"):
        index_folder(tmp_path, test=1, seed=1)


@pytest.mark.parametrize("name", ["a{b}", "line\nbreak", " before"])
def test_a_folder_that_no_sheet_can_name_is_refused(tmp_path: Path, name: str) -> None:
    lits(tmp_path, range(3), images=name)
    with pytest.raises(UserError, match="the path"):
        index_folder(tmp_path, test=1, seed=1)


@pytest.mark.parametrize("test", [-3, 0, 6, 7])
def test_a_number_of_test_exams_that_no_run_accepts_is_refused(tmp_path: Path, test: int) -> None:
    lits(tmp_path, range(6))
    with pytest.raises(UserError, match=r"test exams"):
        index_folder(tmp_path, test=test, seed=1)


@pytest.mark.parametrize("place", ["none", "file"])
def test_something_else_than_a_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="no such folder"):
        index_folder(tmp_path / place, test=1, seed=1)


def test_command_keeps_a_sheet_that_lists_something_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lits(tmp_path / "data", range(6))
    arguments = ["index", str(tmp_path / "data"), "--sheet", str(tmp_path / "s.tsv"), "--test"]
    assert main([*arguments, "2"]) == main([*arguments, "2"]) == 0
    before = (tmp_path / "s.tsv").read_text()
    assert main([*arguments, "3"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "s.tsv").read_text() == before
    assert main([*arguments, "3", "--overwrite"]) == 0
    assert len(read_sheet(tmp_path / "s.tsv").names("test")) == 3


@pytest.mark.parametrize("sheet", [".", "file/s.tsv"])
def test_command_tells_a_sheet_that_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sheet: str
) -> None:
    lits(tmp_path / "data", range(6))
    (tmp_path / "file").touch()
    assert main(["index", str(tmp_path / "data"), "--sheet", str(tmp_path / sheet), "--test", "2"]) == 1
    told = capsys.readouterr().err
    assert "file: " in told
    assert "Traceback" not in told
