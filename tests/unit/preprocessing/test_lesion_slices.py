"""From an exam and its liver to the slices that the lesion networks see."""

from pathlib import Path

import numpy as np
import pytest
from skimage.exposure import equalize_adapthist
from small_exams import HALF_A_STEP, exam, saved

from hepaflow.masks.restore import restore
from hepaflow.preprocessing.contrast import fill_background
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.slices import FULL
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.preprocessing.window import window
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings
from hepaflow.settings.slices import WindowSettings
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_image, resize_mask

LESION = LesionSlicesSettings(window=WindowSettings(), size=32, contrast=ContrastSettings())


def test_lesion_slices_step_by_step() -> None:
    """Thesis 4.3: window, box, resize, mean of the liver around it, CLAHE on 8×8 tiles."""
    hu, labels = exam()
    liver, lesion = labels >= 1, labels == 2
    got = lesion_slices(hu, liver, lesion, LESION, threads=2)
    box = volume_of_interest(liver)
    assert got.box == box
    assert got.shape == hu.shape
    assert len(got.image) == len(got.mask) == box.shape[0] < len(hu)
    assert box.shape[1] == box.shape[2]
    rows, columns = slice(*box.rows), slice(*box.columns)
    for index, own in enumerate(range(*box.slices)):
        inside = resize_mask(liver[own, rows, columns], (32, 32))
        pixels = resize_image(window(hu[own], LESION.window)[rows, columns], (32, 32))
        expected = equalize_adapthist(fill_background(pixels, inside), kernel_size=4)
        np.testing.assert_allclose(got.image[index] / FULL, expected, atol=HALF_A_STEP)
        np.testing.assert_array_equal(got.mask[index], resize_mask(lesion[own, rows, columns], (32, 32)))


def test_what_lies_outside_the_liver_leaves_no_trace() -> None:
    """Two pixels away from the liver (the reach of the resizing), the exam may hold anything."""
    hu, labels = exam()
    liver = labels >= 1
    near = np.zeros_like(liver)
    for rows in range(-4, 5):
        for columns in range(-4, 5):
            near |= np.roll(liver, (rows, columns), (1, 2))
    other = np.where(near, hu, 1000).astype(np.int16)
    np.testing.assert_array_equal(
        lesion_slices(other, liver, None, LESION).image, lesion_slices(hu, liver, None, LESION).image
    )


def test_metal_in_the_liver_is_clipped_before_it_is_averaged() -> None:
    hu, labels = exam()
    metal, bright = hu.copy(), hu.copy()
    metal[:, 20:30, ::8], bright[:, 20:30, ::8] = 3000, 250
    np.testing.assert_array_equal(
        lesion_slices(metal, labels >= 1, None, LESION).image,
        lesion_slices(bright, labels >= 1, None, LESION).image,
    )


def test_background_is_flat_before_clahe() -> None:
    """A liver of one value gives a slice without any edge."""
    hu, labels = exam()
    hu = np.where(labels >= 1, 100, 100).astype(np.int16)
    image = lesion_slices(hu, labels >= 1, None, LESION).image
    assert (np.abs(image / FULL - 0.7) < 1e-4).all()


def test_an_exam_without_liver_gives_no_slices(tmp_path: Path) -> None:
    hu, _ = exam()
    nothing = np.zeros(hu.shape, bool)
    for lesion in (None, nothing):
        got = lesion_slices(hu, nothing, lesion, LESION)
        assert got.image.dtype == np.uint16
        assert got.mask is None if lesion is None else got.mask.dtype == bool
        file = saved(tmp_path, got)
        assert len(file) == 0
        assert file.box is None
        assert file.shape == hu.shape
        assert file.size == 32
        assert file.has_mask is (lesion is not None)
        restored = restore(np.zeros((len(file), 32, 32), bool), file.box, file.shape)
        assert restored.shape == hu.shape
        assert not restored.any()


def test_lesion_slices_do_not_depend_on_threads() -> None:
    hu, labels = exam()
    one, three = (lesion_slices(hu, labels >= 1, None, LESION, threads=count).image for count in (1, 3))
    assert len(one) > 4  # more than one group
    assert one.tobytes() == three.tobytes()


def test_lesion_slices_without_reference_carry_none(tmp_path: Path) -> None:
    hu, labels = exam()
    assert not saved(tmp_path, lesion_slices(hu, labels >= 1, None, LESION)).has_mask


@pytest.mark.parametrize("shape", [(7, 48, 64), (7, 64, 48), (3, 33, 100)])
def test_masks_find_their_way_back(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    """What the networks are taught, restored with what the file says of its place, is the reference."""
    hu, labels = exam(shape)
    settings = LesionSlicesSettings(window=WindowSettings(), size=256, contrast=ContrastSettings())
    lesion = labels == 2
    file = saved(tmp_path, lesion_slices(hu, labels >= 1, lesion, settings))
    restored = restore(file.mask(), file.box, file.shape)
    assert (restored ^ lesion).sum() <= 0.02 * lesion.sum()


def test_a_liver_in_the_whole_of_a_slice_that_is_not_square() -> None:
    hu = np.random.default_rng(0).integers(50, 150, (2, 40, 64)).astype(np.int16)
    got = lesion_slices(hu, np.ones(hu.shape, bool), np.ones(hu.shape, bool), LESION)
    assert got.box == Box((0, 2), (-12, 52), (0, 64))
    assert got.mask[:, 6:26].all()
    assert not got.mask[:, :6].any()
    assert not got.mask[:, 26:].any()


def test_the_same_exam_gives_the_same_bytes(tmp_path: Path) -> None:
    hu, labels = exam()
    for name in ("one", "other"):
        lesion_slices(hu.copy(), labels >= 1, labels == 2, LESION).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


@pytest.mark.parametrize("size", [32, 48])
@pytest.mark.parametrize("background", ["mask", "zero"])
def test_exam_and_liver_are_only_read(size: int, background: str) -> None:
    """Also where the volume of interest has the networks' size, and nothing is resized."""
    hu, labels = exam((3, 48, 48))
    hu[:, ::5] = -900
    liver, lesion = np.ones(hu.shape, bool), labels == 2
    for array in (hu, liver, lesion):
        array.setflags(write=False)
    settings = LesionSlicesSettings(
        window=WindowSettings(), size=size, contrast=ContrastSettings.model_validate({"background": background})
    )
    got = lesion_slices(hu, liver, lesion, settings)
    assert got.image.shape == (3, size, size)
    assert liver.all()


def test_zero_background_fills_what_the_window_clips_inside_the_mask() -> None:
    hu, labels = exam((3, 64, 64))
    liver = labels >= 1
    hu[:, 30:34, 20:30] = -900  # lung that a coarse mask takes in
    literal = LESION.model_copy(update={"contrast": ContrastSettings(background="zero")})
    masked, zeroed = (
        lesion_slices(hu, liver, None, chosen).image.astype(float) / FULL for chosen in (LESION, literal)
    )
    lung = masked == 0  # what the mask takes in stays black
    assert lung.any()
    assert (zeroed[lung] > 0.1).all()
    untouched, _ = exam((3, 64, 64))
    same = [lesion_slices(untouched, liver, None, chosen).image for chosen in (LESION, literal)]
    np.testing.assert_array_equal(*same)  # without zeros in the liver, both are one


def test_a_margin_widens_the_volume_and_fills_it_with_the_livers_mean() -> None:
    hu, labels = exam()
    liver = labels >= 1
    close = lesion_slices(hu, liver, labels == 2, LESION)
    wide = lesion_slices(hu, liver, labels == 2, LESION.model_copy(update={"margin": 0.2}))
    assert close.box is not None
    assert wide.box == volume_of_interest(liver, 0.2) != close.box
    assert restore(wide.mask, wide.box, wide.shape).sum() == pytest.approx((labels == 2).sum(), rel=0.05)
    no_margin = lesion_slices(hu, liver, labels == 2, LESION.model_copy(update={"margin": 0.0}))
    np.testing.assert_array_equal(no_margin.image, close.image)
