"""Masks on the networks' grid, back in the exam."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.masks.file import write_masks
from hepaflow.masks.restore import read_restored, restore
from hepaflow.preprocessing.slices import SliceFile, SliceStack
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_masks

quick = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def organs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A liver (anywhere, also at the border, also as large as the slice) and lesions in it."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 20), st.integers(1, 20)))
    liver = np.zeros(shape, bool)
    ranges = []
    for length in shape:
        start = draw(st.integers(0, length - 1))
        ranges.append(slice(start, draw(st.integers(start + 1, length))))
    liver[tuple(ranges)] = True
    noise = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).random(shape)
    return liver, liver & (noise < 0.4)


@quick
@given(organs())
def test_crop_then_restore_is_the_identity_at_the_volumes_own_size(organs: tuple[np.ndarray, np.ndarray]) -> None:
    """Square larger than the slice, liver at the border, one voxel: every case of the box."""
    liver, lesion = organs
    box = volume_of_interest(liver)
    for mask in (liver, lesion):
        restored = restore(box.crop(mask), box, mask.shape)
        assert restored.dtype == bool
        np.testing.assert_array_equal(restored, mask)


@quick
@given(organs(), st.sampled_from([8, 16, 32]))
def test_nothing_is_restored_outside_the_volume(organs: tuple[np.ndarray, np.ndarray], size: int) -> None:
    liver, _ = organs
    box = volume_of_interest(liver)
    restored = restore(np.ones((box.shape[0], size, size), bool), box, liver.shape)
    np.testing.assert_array_equal(restored, box.place(np.ones(box.shape, bool), liver.shape))
    assert restored[liver].all()
    assert not restored[: box.slices[0]].any()
    assert not restored[box.slices[1] :].any()


def disc(size: int, row: float, column: float, radius: float) -> np.ndarray:
    """A disc on a slice whose sides are 1."""
    r, c = (np.indices((size, size)) + 0.5) / size
    return (r - row) ** 2 + (c - column) ** 2 < radius**2


@pytest.mark.parametrize("size", [512, 300])
def test_the_liver_is_enlarged_to_the_exam(size: int) -> None:
    """Rows stay rows, and the outline stays within a pixel of the networks' grid."""
    small = np.stack([disc(256, 0.3, 0.6, 0.2), np.zeros((256, 256), bool)])
    restored = restore(small, Box.whole((2, size, size)), (2, size, size))
    assert not restored[1].any()
    true = disc(size, 0.3, 0.6, 0.2)
    assert (restored[0] ^ true).sum() < 0.01 * true.sum()
    assert restored[0][disc(size, 0.3, 0.6, 0.2 - 1 / 256)].all()
    assert not restored[0][~disc(size, 0.3, 0.6, 0.2 + 1 / 256)].any()


def test_a_lesion_lands_where_its_volume_is() -> None:
    box = Box((3, 5), (40, 140), (10, 110))
    lesion = np.stack([disc(256, 0.25, 0.5, 0.1), disc(256, 0.75, 0.5, 0.1)])
    restored = restore(lesion, box, (9, 200, 180))
    assert restored.shape == (9, 200, 180)
    assert np.flatnonzero(restored.any(axis=(1, 2))).tolist() == [3, 4]
    centres = [np.argwhere(restored[index]).mean(axis=0) for index in (3, 4)]
    np.testing.assert_allclose(centres, [[40 + 24.5, 10 + 49.5], [40 + 74.5, 10 + 49.5]], atol=0.3)


def test_a_slice_that_is_not_square() -> None:
    """The volume's square is larger than the slice; what reaches over both edges is cut off."""
    shape = (4, 40, 100)
    liver = np.zeros(shape, bool)
    liver[1:3, 5:35, 10:90] = True
    box = volume_of_interest(liver)
    assert box.shape == (2, 80, 80)
    network = resize_masks(box.crop(liver), (256, 256))
    restored = restore(network, box, shape)
    assert (restored ^ liver).sum() <= 0.01 * liver.sum()
    everything = restore(np.ones_like(network), box, shape)
    assert everything[1:3, :, 10:90].all()
    assert everything.sum() == 2 * 40 * 80


def test_no_liver_gives_an_empty_mask() -> None:
    restored = restore(np.zeros((0, 256, 256), bool), None, (3, 5, 7))
    assert restored.shape == (3, 5, 7)
    assert restored.dtype == bool
    assert not restored.any()


def test_masks_of_another_exam_are_refused() -> None:
    with pytest.raises(ValueError, match="3 masks for a box of 2 slices"):
        restore(np.zeros((3, 8, 8), bool), Box.whole((2, 8, 8)), (2, 8, 8))


def test_a_mask_is_read_back_to_where_its_slices_were_cut(tmp_path: Path) -> None:
    masks = np.random.default_rng(0).random((2, 8, 8)) > 0.5
    write_masks(tmp_path / "masks.npz", [("other", ~masks), ("exam", masks)])
    box, shape = Box((1, 3), (2, 10), (0, 8)), (5, 11, 9)
    SliceStack(np.zeros((2, 8, 8), np.uint16), None, box, shape).save(tmp_path / "exam.safetensors")
    restored = read_restored(tmp_path / "masks.npz", "exam", SliceFile(tmp_path / "exam.safetensors"))
    assert restored.shape == shape
    np.testing.assert_array_equal(restored[1:3, 2:10, 0:8], masks)
    assert restored.sum() == masks.sum()
