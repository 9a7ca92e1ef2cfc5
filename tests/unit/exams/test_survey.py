"""The survey accepts what can be used, warns of what is odd, and refuses the rest by name."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import small_exams

from hepaflow.errors import UserError
from hepaflow.exams.survey import survey
from hepaflow.files import sha256

AFFINE = np.diag([-0.7, -0.7, 2.5, 1.0])  # LPS


def write(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def image() -> np.ndarray:
    hu = np.full((6, 5, 4), -1000, np.int16)
    hu[1:4, 1:4, 1:3] = 60
    return hu


def label() -> np.ndarray:
    labels = np.zeros((6, 5, 4), np.uint8)
    labels[1:3, 1:3, 1:3] = 1
    labels[1, 1, 1] = 2
    return labels


def test_describes_the_exam(tmp_path: Path) -> None:
    one, other = write(tmp_path / "i.nii.gz", image()), write(tmp_path / "l.nii.gz", label())
    found = survey("a", one, other)
    assert found["shape"] == [4, 5, 6]
    assert found["spacing_mm"] == [2.5, 0.7, 0.7]
    assert found["axes"] == "LPS"
    assert found["hu_range"] == [-1000, 60]
    assert found["voxels"] == {"background": 112, "liver": 7, "lesion": 1}
    assert found["image_sha256"] == sha256(one)
    assert found["warnings"] == []
    assert found["liver_hu"] is found["noise_hu"] is None  # of seven voxels nothing is told


def test_tells_how_the_liver_looks_beside_its_lesions(tmp_path: Path) -> None:
    hu, labels = small_exams.exam((7, 96, 96))
    one, other = write(tmp_path / "i.nii.gz", hu.transpose()), write(tmp_path / "l.nii.gz", labels.transpose())
    found = survey("a", one, other)
    assert found["liver_hu"] == pytest.approx(100, abs=1)
    assert found["noise_hu"] == pytest.approx(10, rel=0.05)
    alone = survey("a", one, None)
    assert alone["liver_hu"] is alone["noise_hu"] is None


def test_an_exam_without_a_spacing_is_refused_where_one_is_needed(tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.nii", image()), write(tmp_path / "bad.nii", image(), np.eye(4))
    survey("a", good, None, needs_spacing=True)
    survey("b", bad, None)
    with pytest.raises(UserError, match="no spacing which could be trusted") as caught:
        survey("b", bad, None, needs_spacing=True)
    assert "bad.nii" in str(caught.value)


def test_new_exam_has_no_voxels(tmp_path: Path) -> None:
    assert survey("a", write(tmp_path / "i.nii", image()), None)["voxels"] is None


@pytest.mark.parametrize(
    ("array", "affine", "words"),
    [
        (image(), np.eye(4), "mm"),
        (np.zeros((4, 4, 4), np.int16), AFFINE, "every voxel is 0"),
        ((image() + 1024).astype(np.int16), AFFINE, "HU"),
        (np.where(image() < 0, -3024, image()).astype(np.int16), AFFINE, "padding of -3024"),
        (np.where(image() > 0, 30000, image()).astype(np.int16), AFFINE, "30000"),
        (np.clip(image() / 250, -1, 1).astype(np.float32), AFFINE, "from -1 to 0.24: is the image in HU"),
        (np.minimum(image(), -500), AFFINE, "from -1000 to -500: is the image in HU"),
        (image(), AFFINE * [[1], [1], [1000], [1]], "spacing of 2500×0.7×0.7"),
    ],
)
def test_warns_of_odd_images(tmp_path: Path, array: np.ndarray, affine: np.ndarray, words: str) -> None:
    found = survey("a", write(tmp_path / "i.nii", array, affine), None)
    assert any(words in warning for warning in found["warnings"]), found["warnings"]


def test_warns_of_odd_labels(tmp_path: Path) -> None:
    one = write(tmp_path / "i.nii", image())
    moved = AFFINE.copy()
    moved[:3, 3] = 5
    empty = survey("a", one, write(tmp_path / "l0.nii", np.zeros((6, 5, 4), np.uint8)))
    healthy = survey("a", one, write(tmp_path / "l1.nii", np.minimum(label(), 1)))
    shifted = survey("a", one, write(tmp_path / "l2.nii", label(), moved))
    assert empty["warnings"] == ["no liver in the label"]
    assert healthy["warnings"] == ["no lesion in the label"]
    assert "affine" in shifted["warnings"][0]


@pytest.mark.parametrize(("sform", "qform", "words"), [(0, 0, "LAS is assumed"), (1, 1, "disagree"), (0, 1, "")])
def test_warns_of_forms_that_leave_the_direction_open(tmp_path: Path, sform: int, qform: int, words: str) -> None:
    made = nib.Nifti1Image(image(), AFFINE)
    made.set_qform(AFFINE @ np.diag([-1, 1, 1, 1]), 1)
    nib.save(made, tmp_path / "i.nii")
    raw = bytearray((tmp_path / "i.nii").read_bytes())
    raw[252:256] = np.array([qform, sform], "<i2").tobytes()  # as nibabel would not write them
    (tmp_path / "i.nii").write_bytes(raw)
    warnings = survey("a", tmp_path / "i.nii", None)["warnings"]
    assert [words in warning for warning in warnings] == [True] * bool(words)


def test_warns_of_a_unit_that_is_not_mm(tmp_path: Path) -> None:
    made = nib.Nifti1Image(image(), AFFINE)
    made.header.set_xyzt_units("micron")
    nib.save(made, tmp_path / "i.nii")
    assert "'micron'" in survey("a", tmp_path / "i.nii", None)["warnings"][0]


def test_counts_lesions_that_touch_no_liver(tmp_path: Path) -> None:
    one, labels = write(tmp_path / "i.nii", image()), label()
    labels[5, 4, 3] = labels[5, 0, 0] = labels[4, 0, 0] = 2
    warnings = survey("a", one, write(tmp_path / "l.nii", labels))["warnings"]
    assert warnings[0] == "2 lesions touch no liver: they are taken for liver, too"
    assert "27 % of the label lie on CT values that no liver has" in warnings[1]
    labels[labels == 1] = 0
    assert "without any liver" in survey("a", one, write(tmp_path / "l.nii", labels))["warnings"][0]


def test_names_the_directions_on_which_image_and_label_disagree(tmp_path: Path) -> None:
    mirrored = write(tmp_path / "l.nii", label(), AFFINE @ np.diag([-1, 1, 1, 1]))
    assert "LPS and RPS" in survey("a", write(tmp_path / "i.nii", image()), mirrored)["warnings"][0]


def test_refuses_a_label_of_another_shape(tmp_path: Path) -> None:
    one, other = write(tmp_path / "i.nii", image()), write(tmp_path / "l.nii", label()[:5])
    with pytest.raises(UserError) as caught:
        survey("a", one, other)
    for words in ("exam: a", str(other), "5×5×4", "6×5×4", "what to do"):
        assert words in str(caught.value)


def test_refuses_label_values_outside_lits(tmp_path: Path) -> None:
    wrong = label()
    wrong[0, 0, 0] = 3
    one, other = write(tmp_path / "i.nii", image()), write(tmp_path / "l.nii", wrong)
    with pytest.raises(UserError) as caught:
        survey("a", one, other)
    for words in ("exam: a", str(other), "label values 3", "0 background, 1 liver, 2 lesion"):
        assert words in str(caught.value)


def test_refuses_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "i.nii.gz"
    path.write_text("not an image")
    with pytest.raises(UserError) as caught:
        survey("a", path, None)
    for words in ("exam: a", str(path), "not readable as NIfTI"):
        assert words in str(caught.value)
