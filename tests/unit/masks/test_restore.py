"""Masks on the networks' grid, back in the exam."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.masks.file import write_clean, write_maps, write_masks
from hepaflow.masks.map import FULL, HALF, mask_of, with_mask
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import read_region, read_restored, region_on, restore, to_restore
from hepaflow.preprocessing.slices import SliceFile, SliceStack
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.settings.postprocess import LargestComponent
from hepaflow.volumes.axes import Axes, Axis, covering, own_grid
from hepaflow.volumes.box import Box
from hepaflow.volumes.resample import resampled_mask
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


# Maps.


def coverage(size: int, row: float, column: float, radius: float) -> np.ndarray:
    """The map of a disc: how much of each pixel it covers."""
    fine = disc(16 * size, row, column, radius)
    return np.rint(FULL * fine.reshape(size, 16, size, 16).mean(axis=(1, 3))).astype(np.uint8)


def enlarged(found: np.ndarray, size: int) -> np.ndarray:
    """One slice, on an exam's grid of another size."""
    return restore(found[None], Box.whole((1, size, size)), (1, size, size))[0]


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("radius", [0.1, 0.2, 0.3])
def test_a_map_keeps_more_of_a_disc_than_its_mask_does(radius: float) -> None:
    """The map is right, and so is the mask: what is lost is lost on the way back."""
    map_, true = coverage(32, 0.47, 0.52, radius), disc(256, 0.47, 0.52, radius)
    by_map, by_mask = (dice(enlarged(found, 256), true) for found in (map_, mask_of(map_)))
    assert 1 - by_map < 0.5 * (1 - by_mask)
    assert by_map > 0.98


@pytest.mark.parametrize("offset", range(8))
@pytest.mark.parametrize("size", [16, 24, 32, 96, 128, 200])
def test_a_ramp_ends_where_it_passes_one_half(size: int, offset: int) -> None:
    """Between pixels of the networks' grid, whether the exam's is finer or coarser; rows stay rows."""
    ramp = np.tile(8 * np.arange(32) + offset, (32, 1)).astype(np.uint8)
    at = ((HALF - 0.5 - offset) / 8 + 0.5) / 32  # of a side of 1
    expected = np.tile((np.arange(size) + 0.5) / size > at, (size, 1))
    np.testing.assert_array_equal(enlarged(ramp, size), expected)
    np.testing.assert_array_equal(enlarged(ramp.T, size), expected.T)


@quick
@given(st.integers(0, 2**32 - 1), st.sampled_from([16, 32, 8]))
def test_a_map_without_doubt_is_restored_as_its_mask_is(seed: int, size: int) -> None:
    """None of its pixels is of two minds; at these sizes no pixel of the exam is half inside."""
    mask = np.random.default_rng(seed).random((16, 16)) > 0.5
    if size == 8:  # (1, 3, 3, 1) / 8 of each axis: alike rows leave sums that are no half
        mask = np.tile(np.repeat(mask[:1, ::2], 2, axis=1), (16, 1))
    np.testing.assert_array_equal(enlarged(np.where(mask, FULL, 0).astype(np.uint8), size), enlarged(mask, size))


@quick
@given(st.integers(0, 2**32 - 1))
def test_at_the_exams_own_size_a_map_is_its_mask(seed: int) -> None:
    draw = np.random.default_rng(seed)
    map_ = draw.integers(HALF - 2, HALF + 2, (3, 8, 8)).astype(np.uint8)
    np.testing.assert_array_equal(restore(map_, Box.whole(map_.shape), map_.shape), mask_of(map_))


def test_a_removed_region_is_gone_and_what_is_kept_is_untouched() -> None:
    """As if there had been the other disc alone: neither a rim comes back, nor is an edge shifted."""
    near = coverage(32, 0.3, 0.3, 0.15)
    both = np.maximum(near, coverage(32, 0.7, 0.7, 0.1))
    mask = clean(both[None], [LargestComponent(kind="largest_component")])[0]
    assert mask.sum() < mask_of(both).sum()
    for size in (24, 75, 128):
        np.testing.assert_array_equal(enlarged(with_mask(both, mask), size), enlarged(near, size))


@pytest.mark.parametrize("level", [HALF, 200, FULL])
def test_a_cut_edge_lies_where_that_of_the_mask_does(level: int) -> None:
    """Cut through pixels of one probability, the map ends midway between those kept and those removed."""
    mask = np.zeros((16, 16), bool)
    mask[:, :5] = True
    found = enlarged(with_mask(np.full((16, 16), level, np.uint8), mask), 64)
    np.testing.assert_array_equal(found, np.tile(np.arange(64) < 20, (64, 1)))


def test_a_filled_hole_is_full() -> None:
    map_ = np.full((16, 16), FULL, np.uint8)
    map_[6:9, 6:9] = [[10, 127, 0], [127, 0, 127], [90, 3, 60]]
    for size in (12, 61):
        assert enlarged(with_mask(map_, np.ones_like(map_, bool)), size).all()


def test_what_is_restored_is_the_mask_or_the_map_that_has_it() -> None:
    draw = np.random.default_rng(0)
    map_, mask = draw.integers(0, 256, (2, 4, 4)).astype(np.uint8), draw.random((2, 4, 4)) > 0.5
    for how in (None, "masks"):
        assert to_restore(map_, mask, how) is mask  # type: ignore[arg-type]
    np.testing.assert_array_equal(to_restore(map_, mask, "maps"), with_mask(map_, mask))


def test_a_file_says_what_is_restored(tmp_path: Path) -> None:
    """Maps as they were drawn are restored as those are that were post-processed."""
    map_ = np.random.default_rng(0).integers(0, 256, (2, 8, 8)).astype(np.uint8)
    shape = (2, 24, 24)
    SliceStack(np.zeros((2, 8, 8), np.uint16), None, Box.whole(shape), shape).save(tmp_path / "exam.safetensors")
    slices, raw = SliceFile(tmp_path / "exam.safetensors"), tmp_path / "raw.npz"
    write_maps(raw, [("exam", map_)])
    changed = with_mask(map_, ~mask_of(map_))
    expected = {"masks": mask_of(map_), "maps": map_}
    assert (restore(expected["masks"], slices.box, shape) != restore(map_, slices.box, shape)).any()
    np.testing.assert_array_equal(read_restored(raw, "exam", slices), restore(mask_of(map_), slices.box, shape))
    for how, found in (("masks", mask_of(changed)), ("maps", changed)):
        write_clean(tmp_path / f"{how}.npz", [("exam", found)])
        own = read_restored(tmp_path / f"{how}.npz", "exam", slices)
        np.testing.assert_array_equal(own, restore(found, slices.box, shape))
        like = read_restored(raw, "exam", slices, like=tmp_path / f"{how}.npz")
        np.testing.assert_array_equal(like, restore(expected[how], slices.box, shape))


# The way to the grid of a later stage.


@quick
@given(organs())
def test_a_region_lies_on_the_grid_of_its_box(organs: tuple[np.ndarray, np.ndarray]) -> None:
    liver, _ = organs
    box = volume_of_interest(liver)
    size = box.shape[1]
    region = region_on(liver, box, size)
    np.testing.assert_array_equal(region, box.crop(liver))
    doubled = region_on(liver, box, 2 * size)
    assert doubled.shape == (box.shape[0], 2 * size, 2 * size)
    np.testing.assert_array_equal(doubled, resize_masks(region, (2 * size, 2 * size)))


def test_where_there_are_no_slices_there_is_no_region() -> None:
    assert region_on(np.zeros((3, 5, 7), bool), None, 16).shape == (0, 16, 16)


def test_a_region_is_read_onto_the_grid_of_the_later_stage(tmp_path: Path) -> None:
    shape, box = (3, 32, 32), Box((1, 3), (4, 20), (8, 24))
    liver = np.zeros((3, 16, 16), bool)
    liver[1:, 3:9, 5:11] = True
    write_clean(tmp_path / "clean.npz", [("exam", liver)])
    for name, image, lies in (("whole", (3, 16, 16), Box.whole(shape)), ("own", (2, 8, 8), box)):
        SliceStack(np.zeros(image, np.uint16), None, lies, shape).save(tmp_path / f"{name}.safetensors")
    around, own = (SliceFile(tmp_path / f"{name}.safetensors") for name in ("whole", "own"))
    found = read_region(tmp_path / "clean.npz", "exam", around, own)
    np.testing.assert_array_equal(found, region_on(restore(liver, Box.whole(shape), shape), box, 8))
    assert found.sum() == 2 * 6 * 6  # rows 6 to 18 and columns 10 to 22 of the exam, in pixels of two


def test_one_half_itself_is_outside() -> None:
    """Of three pixels between one below and one above, the middle one is exactly there."""
    map_ = np.tile(np.array([HALF - 1, HALF], np.uint8), (1, 2, 1))
    found = restore(map_, Box((0, 1), (0, 2), (0, 3)), (1, 2, 3))
    assert found[0, 0].tolist() == [False, False, True]


# Resampled exams, whose grid need not end where the box does.

GRID_OF = ((2, 12), (4, 34), (6, 46))
"""A box in an exam of 14×40×50 voxels of 2.5×1×1 mm."""


def grid_around(spacing: tuple[float, float, float]) -> Axes:
    slices, rows, columns = (covering(*one) for one in zip(GRID_OF, (2.5, 1, 1), spacing, strict=True))
    return slices, rows, columns


@pytest.mark.parametrize("spacing", [(2.5, 1, 1), (2, 1.5, 1.5), (1.1, 0.6, 0.7), (4, 2.3, 2.3)], ids=str)
def test_masks_and_maps_of_a_resampled_exam_come_back_to_its_voxels(spacing: tuple[float, float, float]) -> None:
    """A probability that falls from the middle of the exam: where it passes one half is known everywhere."""
    shape, box, grid = (14, 40, 50), Box(*GRID_OF), grid_around(spacing)

    def probability(axes: Axes) -> np.ndarray:
        centres = (axis.place[0] + (np.arange(axis.voxels) + 0.5) * axis.step for axis in axes)
        z, y, x = np.meshgrid(*centres, indexing="ij")
        distance = np.sqrt(((z - 7) * 2.5) ** 2 + (y - 19) ** 2 + (x - 25) ** 2)
        return np.clip(1 - distance / 22, 0, 1)

    exact = probability(own_grid(np.empty(shape)))
    map_ = np.rint(255 * probability(grid)).astype(np.uint8)
    found = restore(map_, box, shape, grid)
    differing = found != (exact > 0.5)
    assert found.shape == shape
    assert np.abs(exact[differing] - 0.5).max(initial=0) < 0.02 * max(spacing)
    assert found.sum() == pytest.approx((exact > 0.5).sum(), rel=0.03)
    of_mask = restore(mask_of(map_), box, shape, grid)
    assert of_mask.sum() == pytest.approx((exact > 0.5).sum(), rel=0.03)
    assert not restore(np.ones_like(map_) * 255, box, shape, grid)[: box.slices[0]].any()
    np.testing.assert_array_equal(
        restore(np.ones(map_.shape, bool), box, shape, grid), box.place(np.ones(box.shape, bool), shape)
    )


def test_at_the_exams_own_spacing_masks_come_back_as_they_are() -> None:
    box, grid = Box(*GRID_OF), grid_around((2.5, 1, 1))
    mask = np.random.default_rng(0).random(box.shape) > 0.5
    np.testing.assert_array_equal(restore(mask, box, (14, 40, 50), grid), box.place(mask, (14, 40, 50)))
    map_ = np.random.default_rng(0).integers(0, 256, box.shape, np.uint8)
    np.testing.assert_array_equal(restore(map_, box, (14, 40, 50), grid), box.place(map_ >= 128, (14, 40, 50)))


def test_a_region_is_brought_onto_the_grid_of_a_resampled_exam(tmp_path: Path) -> None:
    box, grid = Box(*GRID_OF), grid_around((2, 1.5, 1.5))
    region = np.zeros((14, 40, 50), bool)
    region[4:10, 10:30, 12:40] = True
    on = region_on(region, box, 0, grid)
    np.testing.assert_array_equal(on, resampled_mask(region, own_grid(region), grid))
    assert on.sum() * 2 * 1.5**2 == pytest.approx(region.sum() * 2.5, rel=0.1)  # whole voxels of a cuboid
    own, around = np.zeros(on.shape, np.uint16), np.zeros(region.shape, np.uint16)
    SliceStack(own, None, box, region.shape, grid).save(tmp_path / "own.safetensors")
    SliceStack(around, None, Box.whole(region.shape), region.shape).save(tmp_path / "around.safetensors")
    write_clean(tmp_path / "liver.npz", [("exam", region)])
    files = (SliceFile(tmp_path / f"{name}.safetensors") for name in ("around", "own"))
    np.testing.assert_array_equal(read_region(tmp_path / "liver.npz", "exam", *files), on)


def test_one_half_itself_is_outside_of_a_resampled_exam_too() -> None:
    """Three voxels on two, the middle one halfway between one below and one above."""
    box = Box((0, 1), (0, 2), (0, 3))
    map_ = np.tile(np.array([HALF - 1, HALF], np.uint8), (1, 2, 1))
    grid = (Axis(1, (0, 1)), Axis(2, (0, 2)), Axis(2, (0, 3)))
    assert restore(map_, box, (1, 2, 3), grid)[0, 0].tolist() == [False, False, True]


def test_a_map_of_a_finer_grid_is_not_smoothed() -> None:
    """An exam's voxel halfway between two of the grid has their mean: smoothing would leave too little of it."""
    box, grid = Box((0, 1), (0, 2), (0, 3)), (Axis(1, (0, 1)), Axis(2, (0, 2)), Axis(6, (0, 3)))
    map_ = np.tile(np.array([0, 0, FULL, 20, 0, 0], np.uint8), (1, 2, 1))
    assert restore(map_, box, (1, 2, 3), grid)[0, 0].tolist() == [False, True, False]
