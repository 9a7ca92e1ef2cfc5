"""From an exam to the slices that the networks see."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import settings
from skimage.exposure import equalize_adapthist

import hepaflow
from hepaflow.box import Box
from hepaflow.contrast import fill_background
from hepaflow.lesion_slices import lesion_slices
from hepaflow.liver_slices import liver_slices
from hepaflow.resize import resize_image, resize_mask
from hepaflow.restore import restore
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings
from hepaflow.slices import FULL, SliceFile, SliceStack
from hepaflow.voi import volume_of_interest
from hepaflow.window import window

LIVER = LiverSlicesSettings(window=WindowSettings(), size=32)
LESION = LesionSlicesSettings(window=WindowSettings(), size=32, contrast=ContrastSettings())
HALF_A_STEP = 0.5 / FULL + 1e-7
quick = settings(max_examples=60, deadline=None, derandomize=True)


def stack(slices: int = 5, size: int = 8, *, mask: bool = True) -> SliceStack:
    draw = np.random.default_rng(0)
    image = draw.integers(0, FULL + 1, (slices, size, size)).astype(np.uint16)
    shape = (slices + 2, 40, 50)
    box = Box((1, 1 + slices), (-3, 42), (2, 47)) if slices else None
    return SliceStack(image, draw.random((slices, size, size)) > 0.5 if mask else None, box, shape)


def saved(tmp_path: Path, what: SliceStack, name: str = "exam.safetensors") -> SliceFile:
    what.save(tmp_path / name)
    return SliceFile(tmp_path / name)


def exam(shape: tuple[int, int, int] = (7, 48, 64), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """HU and labels: a liver of 100 HU with a lesion of 50 HU in it, both in the exam's middle."""
    z, y, x = (
        np.linspace(-1, 1, n).reshape([-1 if axis == a else 1 for a in range(3)]) for axis, n in enumerate(shape)
    )
    labels = ((z**2 + (y / 0.6) ** 2 + (x / 0.5) ** 2) < 0.8).astype(np.uint8)
    labels[(z**2 + ((y - 0.1) / 0.2) ** 2 + (x / 0.2) ** 2) < 0.4] = 2
    hu = np.array([-80, 100, 50])[labels] + np.random.default_rng(seed).normal(0, 10, shape)
    return np.rint(hu).astype(np.int16), labels


def test_liver_slices_are_windowed_then_resized() -> None:
    hu, labels = exam()
    got = liver_slices(hu, labels, LIVER)
    assert got.image.shape == got.mask.shape == (7, 32, 32)
    assert got.image.dtype == np.uint16
    assert got.box == Box.whole((7, 48, 64))
    assert got.shape == (7, 48, 64)
    for index in range(7):
        expected = resize_image(window(hu[index], LIVER.window), (32, 32))
        np.testing.assert_allclose(got.image[index] / FULL, expected, atol=HALF_A_STEP)
        np.testing.assert_array_equal(got.mask[index], resize_mask(labels[index] >= 1, (32, 32)))


def test_liver_includes_its_lesions() -> None:
    labels = np.full((1, 32, 32), 2, np.uint8)
    assert liver_slices(np.zeros((1, 32, 32), np.int16), labels, LIVER).mask.all()


def test_padding_is_clipped_before_it_is_averaged() -> None:
    """-3024 HU beside liver must darken a pixel no more than air does."""
    padded, _ = exam()
    padded[:, :, ::8] = -3024
    air = np.where(padded == -3024, -1024, padded)
    np.testing.assert_array_equal(liver_slices(padded, None, LIVER).image, liver_slices(air, None, LIVER).image)


def test_ends_of_the_window_are_stored_exactly() -> None:
    hu = np.full((3, 32, 32), -3024, np.int16)
    hu[1], hu[2] = 3000, 0
    stored = liver_slices(hu, None, LIVER).image
    assert [set(np.unique(one).tolist()) for one in stored] == [{0}, {FULL}, {FULL // 2 + 1}]


def test_liver_slices_without_reference_carry_none(tmp_path: Path) -> None:
    hu, labels = exam()
    got = liver_slices(hu, None, LIVER)
    assert got.mask is None
    assert not saved(tmp_path, got).has_mask
    np.testing.assert_array_equal(got.image, liver_slices(hu, labels, LIVER).image)


def test_integer_float_and_big_endian_exams_agree() -> None:
    hu, _ = exam()
    expected = liver_slices(hu, None, LIVER).image
    for dtype in (np.float32, ">i2", np.int32):
        np.testing.assert_array_equal(liver_slices(hu.astype(dtype), None, LIVER).image, expected)


# lesion slices


def test_lesion_slices_step_by_step() -> None:
    """Thesis 4.3: window, box, resize, mean of the liver around it, CLAHE on 8×8 tiles."""
    hu, labels = exam()
    liver, lesion = labels >= 1, labels == 2
    got = lesion_slices(hu, liver, lesion, LESION)
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
        file = saved(tmp_path, got)
        assert len(file) == 0
        assert file.box is None
        assert file.shape == hu.shape
        assert file.size == 32
        assert file.has_mask is (lesion is not None)
        restored = restore(np.zeros((len(file), 32, 32), bool), file.box, file.shape)
        assert restored.shape == hu.shape
        assert not restored.any()


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


# memory

WORKER = """
import json, resource, sys, time
from pathlib import Path
from hepaflow.settings.slices import LiverSlicesSettings
from hepaflow.liver_slices import liver_slices
from hepaflow.volume import read_image, read_labels

began = time.time()
settings = LiverSlicesSettings.model_validate_json('{"window": {}, "size": 256}')
hu, _ = read_image(Path(sys.argv[1]))
labels = read_labels(Path(sys.argv[2]))[0]
liver_slices(hu, labels, settings).save(sys.argv[3])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"GiB": peak, "seconds": time.time() - began, "shape": hu.shape}))
"""


def long_exam(path: Path, one: np.ndarray, slices: int) -> None:
    """Write an exam whose slices are all alike: gzip takes a slice compressed once, again and again."""
    header = nib.Nifti1Image(one[..., None], np.diag([-1, -1, 1, 1])).header
    header["dim"][3], header["magic"], header["vox_offset"] = slices, b"n+1", 352
    begin = gzip.compress(header.binaryblock + bytes(4), 1)
    path.write_bytes(begin + slices * gzip.compress(one.tobytes(order="F"), 1))


def test_slicing_a_long_exam_stays_below_3_gib(tmp_path: Path) -> None:
    """512×512×800 voxels of CT and labels, gzipped, as workflow/scripts/liver_slices.py does it."""
    hu = np.random.default_rng(0).integers(-1024, 1024, (512, 512)).astype(np.int16)
    long_exam(tmp_path / "image.nii.gz", hu, 800)
    long_exam(tmp_path / "label.nii.gz", (hu > 0).astype(np.uint8), 800)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            WORKER,
            *(str(tmp_path / name) for name in ("image.nii.gz", "label.nii.gz", "out")),
        ],
        env={"PYTHONPATH": str(Path(hepaflow.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    measured = json.loads(done.stdout)
    print(measured)
    assert measured["shape"] == [800, 512, 512]
    assert measured["GiB"] < 3
    assert len(SliceFile(tmp_path / "out")) == 800


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
