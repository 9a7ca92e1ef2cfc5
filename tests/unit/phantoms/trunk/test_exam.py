"""Exams of the trunk in files: their grid, their lesions, the same bytes for the same name."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hepaflow.phantoms.rendering import write_phantom
from hepaflow.phantoms.trunk.exam import draw_exam
from hepaflow.settings.phantom import PhantomSettings

SETTINGS = PhantomSettings(
    anatomy="trunk", size=48, slices=(24, 30), slice_thickness=(5.0, 9.0), field_of_view=(330.0, 420.0), noise=8.0
)


def test_an_exam_has_the_grid_that_was_asked_for() -> None:
    image, label, affine, orientation = draw_exam("one", SETTINGS)

    assert image.shape == label.shape
    assert 24 <= image.shape[0] <= 30
    assert image.shape[1:] == (48, 48)
    assert (image.dtype, label.dtype) == (np.int16, np.uint8)
    columns, rows, slices = np.abs(np.diag(affine)[:3])
    assert columns == rows
    assert 330 <= 48 * columns <= 420
    assert 5 <= slices <= 9
    assert -1024 <= image.min() < -900
    assert orientation in {"RAS", "LPS", "LAS", "LPI"}


def test_lesions_follow_the_settings() -> None:
    none = SETTINGS.model_copy(update={"max_lesions": 0})
    large = SETTINGS.model_copy(update={"lesion_free": 0.0, "lesion_radius": (18.0, 30.0), "max_lesions": 1})

    assert 2 not in draw_exam("one", none)[1]
    found = [draw_exam(name, large)[1] for name in "bdef"]  # which show most of the liver
    assert all((label > 0).sum() > 1000 and 2 in label for label in found)


def test_one_name_gives_the_same_files(tmp_path: Path) -> None:
    paths = [(tmp_path / f"{number}.image.nii.gz", tmp_path / f"{number}.label.nii.gz") for number in range(3)]
    for name, pair in zip(("one", "one", "two"), paths, strict=True):
        write_phantom(name, SETTINGS, *pair)

    (image, label), (image_again, label_again), (other, _) = paths
    assert image.read_bytes() == image_again.read_bytes()
    assert label.read_bytes() == label_again.read_bytes()
    assert image.read_bytes() != other.read_bytes()


def test_the_liver_is_on_the_right_in_the_world(tmp_path: Path) -> None:
    name = next(name for name in "abcdefgh" if (draw_exam(name, SETTINGS)[1] == 1).sum() > 300)
    write_phantom(name, SETTINGS, tmp_path / "i.nii.gz", tmp_path / "l.nii.gz")
    stored = nib.load(tmp_path / "l.nii.gz")
    content = np.asarray(stored.dataobj)
    points = nib.affines.apply_affine(stored.affine, np.argwhere(content > 0))
    middle = nib.affines.apply_affine(stored.affine, (np.array(content.shape) - 1) / 2)

    assert points[:, 0].mean() > middle[0] + 15  # x grows to the patient's right


@pytest.mark.parametrize("seed", [1, 2])
def test_another_seed_is_another_exam(seed: int) -> None:
    other = SETTINGS.model_copy(update={"seed": seed})

    first, second = draw_exam("one", SETTINGS)[0], draw_exam("one", other)[0]

    assert first.shape != second.shape or (first != second).any()
