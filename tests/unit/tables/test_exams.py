"""The exams of a run at a glance."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hepaflow.exams.survey import survey
from hepaflow.tables.exams import data_card


@pytest.fixture
def surveys(tmp_path: Path) -> list[Path]:
    """A labelled exam, one without spacing, liver or lesion, and one without a label."""
    hu = np.full((6, 5, 4), -1000, np.int16)
    hu[1:3, 1:3, 1:3] = 60
    lesion = np.zeros((6, 5, 4), np.uint8)
    lesion[1:3, 1:3, 1:3] = 1
    lesion[1, 1, 1] = 2
    affine = np.diag([-0.7, -0.7, 2.5, 1.0])
    written = []
    for name, own, labels in (("007", affine, lesion), ("b", np.eye(4), 0 * lesion), ("c", affine, None)):
        nib.save(nib.Nifti1Image(hu, own), tmp_path / f"{name}.nii")
        label = None if labels is None else tmp_path / f"{name}.label.nii"
        if labels is not None:
            nib.save(nib.Nifti1Image(labels, own), label)
        written.append(tmp_path / f"{name}.json")
        written[-1].write_text(json.dumps(survey(name, tmp_path / f"{name}.nii", label)))
    return written


def test_a_row_for_every_exam(surveys: list[Path]) -> None:
    card = data_card(surveys, {"007": "test", "b": "train", "c": "new"})
    first, second, third = card.to_dict("records")
    assert first == {
        "exam": "007",
        "split": "test",
        "slices": 4,
        "rows × columns": "5 × 6",
        "slice distance, mm": "2.5",
        "pixel, mm": "0.7",
        "HU": "-1000 to 60",
        "liver with lesions, voxels": 8,
        "lesion, % of liver": "12.50",
        "warnings": "",
    }
    assert second["liver with lesions, voxels"] == 0
    assert second["lesion, % of liver"] == ""
    assert "identity affine" in second["warnings"]
    assert "; no liver in the label" in second["warnings"]
    assert (third["split"], third["liver with lesions, voxels"], third["lesion, % of liver"]) == (
        "new",
        "no label",
        "",
    )


def test_exams_of_the_same_image_are_told(surveys: list[Path]) -> None:
    card = data_card(surveys, {"007": "test", "b": "train", "c": "train"}).set_index("exam")
    assert card.loc["c", "warnings"] == "the same image as 007 (test)"
    assert "same image" not in card.loc["007", "warnings"] + card.loc["b", "warnings"]


def test_an_exam_of_no_split_is_refused(surveys: list[Path]) -> None:
    with pytest.raises(KeyError, match="007"):
        data_card(surveys, {})
