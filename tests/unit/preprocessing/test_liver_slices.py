"""From an exam to the slices that the liver networks see."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from small_exams import HALF_A_STEP, exam, saved

import hepaflow
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.preprocessing.slices import FULL, SliceFile
from hepaflow.preprocessing.window import window
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings
from hepaflow.volumes.box import Box
from hepaflow.volumes.labels import structure_mask
from hepaflow.volumes.resize import resize_image, resize_mask

LIVER = LiverSlicesSettings(window=WindowSettings(), size=32)


def test_liver_slices_are_windowed_then_resized() -> None:
    hu, labels = exam()
    got = liver_slices(hu, labels >= 1, LIVER)
    assert got.image.shape == got.mask.shape == (7, 32, 32)
    assert got.image.dtype == np.uint16
    assert got.box == Box.whole((7, 48, 64))
    assert got.shape == (7, 48, 64)
    for index in range(7):
        expected = resize_image(window(hu[index], LIVER.window), (32, 32))
        np.testing.assert_allclose(got.image[index] / FULL, expected, atol=HALF_A_STEP)
        np.testing.assert_array_equal(got.mask[index], resize_mask(labels[index] >= 1, (32, 32)))


def test_liver_includes_its_lesions() -> None:
    liver = structure_mask(np.full((1, 32, 32), 2, np.uint8), "liver")
    assert PREPROCESSING["liver_slices"](np.zeros((1, 32, 32), np.int16), None, liver, LIVER, 1).mask.all()


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
    np.testing.assert_array_equal(got.image, liver_slices(hu, labels >= 1, LIVER).image)


def test_integer_float_and_big_endian_exams_agree() -> None:
    hu, _ = exam()
    expected = liver_slices(hu, None, LIVER).image
    for dtype in (np.float32, ">i2", np.int32):
        np.testing.assert_array_equal(liver_slices(hu.astype(dtype), None, LIVER).image, expected)


# memory

WORKER = """
import json, resource, sys, time
from pathlib import Path
from hepaflow.settings.slices import LiverSlicesSettings
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.volumes.labels import read_labels, structure_mask
from hepaflow.volumes.volume import read_image

began = time.time()
settings = LiverSlicesSettings.model_validate_json('{"window": {}, "size": 256}')
hu, _ = read_image(Path(sys.argv[1]))
liver = structure_mask(read_labels(Path(sys.argv[2]))[0], "liver")
liver_slices(hu, liver, settings).save(sys.argv[3])
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
    """512×512×800 voxels of CT and labels, gzipped, as workflow/scripts/preprocess.py does it."""
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
