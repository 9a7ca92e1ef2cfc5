"""The command `hepaflow evaluate`; its numbers are compared with a run's in `test_other_systems.py`."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.evaluation.folder import exam_of, exams_in, pair, score_folder
from hepaflow.settings.predictions import PredictionLabels

AFFINE = np.diag([-0.7, -0.8, 2.5, 1.0])
LABELS = np.zeros((6, 5, 4), np.uint8)
LABELS[1:4, 1:3, 1:3] = 1
LABELS[2, 2, 2] = 2


def folder(place: Path, *names: str, affine: np.ndarray = AFFINE) -> Path:
    place.mkdir(exist_ok=True)
    for name in names:
        nib.save(nib.Nifti1Image(LABELS, affine), place / name)
    return place


@pytest.mark.parametrize(
    ("name", "exam"),
    [
        ("segmentation-12.nii", "12"),
        ("liver_12.nii.gz", "12"),
        ("case.label.nii.gz", "case"),
        ("volume-3_pred.NII.GZ", "3"),
        ("deliver_1.nii", "deliver_1"),
    ],
)
def test_exam_of_a_name(name: str, exam: str) -> None:
    assert exam_of(Path(name)) == exam


def test_hidden_files_are_other_programs_notes(tmp_path: Path) -> None:
    folder(tmp_path, "a.nii")
    (tmp_path / "._a.nii").touch()
    assert list(exams_in(tmp_path)) == ["a"]


def test_earlier_scores_are_replaced_only_if_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [str(folder(tmp_path / name, "a.nii")) for name in ("p", "r")]
    arguments = ["evaluate", *places, "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    (tmp_path / "out/metrics.json").write_text("earlier")
    assert main(arguments) == 1
    assert "replace it with --overwrite" in capsys.readouterr().err
    assert (tmp_path / "out/metrics.json").read_text() == "earlier"
    assert main([*arguments, "--overwrite"]) == 0
    assert (tmp_path / "out/metrics.json").read_text() != "earlier"


def test_a_method_is_called_as_the_link_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "nnunet").symlink_to(folder(tmp_path / "p", "a.nii"))
    scores, _ = score_folder(tmp_path / "nnunet", folder(tmp_path / "r", "a.nii"), PredictionLabels())
    assert set(scores["method"]) == {"nnunet"}


@pytest.mark.parametrize("name", ["none", "file"])
def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="no folder that can be read"):
        exams_in(tmp_path / name)


def test_references_alone_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(pair(folder(tmp_path / "p", "a.nii"), folder(tmp_path / "r", "a.nii.gz", "b.nii")))
    assert [exam for exam, _, _ in found] == ["a"]
    assert "1 of 2 references have no segmentation: b" in capsys.readouterr().err


def test_files_in_other_formats_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    segmented = folder(tmp_path / "p", "a.nii")
    for name in ("b.nrrd", "plans.json"):
        (segmented / name).touch()
    assert list(exams_in(segmented)) == ["a"]
    assert capsys.readouterr().err == "note: skipped in p: b.nrrd: convert to .nii.gz\n"


def test_references_without_millimetres_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [str(folder(tmp_path / name, "a.nii", affine=np.eye(4))) for name in ("p", "r")]
    assert main(["evaluate", *places]) == 0
    assert "note: a: identity affine and 1 mm spacing: measures in mm would be false" in capsys.readouterr().err


def test_all_grids_are_looked_at_before_the_first_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hepaflow.evaluation.folder.read_prediction", None)
    segmented = folder(tmp_path / "p", "a.nii")
    folder(segmented, "b.nii", affine=AFFINE * [1, 1, 2, 1])
    assert main(["evaluate", str(segmented), str(folder(tmp_path / "r", "a.nii", "b.nii"))]) == 1
    assert "exam: b" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["p", "r"])
def test_a_late_error_leaves_out_its_exam_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    places = [folder(tmp_path / name, "a.nii", "b.nii", "c.nii") for name in ("p", "r")]
    half = nib.Nifti1Image(LABELS * np.float32(1.5), AFFINE)
    nib.save(half, tmp_path / wrong / "b.nii")
    assert main(["evaluate", *map(str, places), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "liver, 2 exams" in told.out
    assert "1 exam not scored, and not among the numbers:\n\nexam: b\n" in told.err
    assert set(pd.read_csv(tmp_path / "out/metrics.csv")["exam"]) == {"a", "c"}


def test_an_error_of_the_first_exam_ends_it_at_once(tmp_path: Path) -> None:
    segmented, known = (folder(tmp_path / name, "a.nii", "b.nii") for name in ("p", "r"))
    nib.save(nib.Nifti1Image(LABELS * np.float32(1.5), AFFINE), segmented / "a.nii")
    with pytest.raises(UserError, match="exam: a"):
        score_folder(segmented, known, PredictionLabels())


def test_a_place_that_cannot_be_written_to_is_told_before_scoring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hepaflow.cli.score_folder", None)
    (tmp_path / "file").touch()
    segmented, known = folder(tmp_path / "p", "a.nii"), folder(tmp_path / "r", "a.nii")
    assert main(["evaluate", str(segmented), str(known), "--out", str(tmp_path / "file")]) == 1
    assert "no folder to write to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["--liver", "--lesion"], "of the liver, of lesions, or of both"),
        (["--lesion", "0"], "whole numbers from 1 on"),
    ],
)
def test_label_values_of_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], values: list[str], expected: str
) -> None:
    given, references = folder(tmp_path / "p", "a.nii"), folder(tmp_path / "r", "a.nii")
    assert main(["evaluate", str(given), str(references), *values]) == 1
    assert expected in capsys.readouterr().err
