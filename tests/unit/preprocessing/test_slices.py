"""The slice data set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save
from small_exams import saved, stack

from hepaflow.errors import UserError
from hepaflow.preprocessing.slices import FULL, SliceFile, SlicesInMemory, SliceStack, no_slices, stored
from hepaflow.volumes.axes import own_grid
from hepaflow.volumes.box import Box

quick = settings(max_examples=60, deadline=None, derandomize=True)


# files


@pytest.mark.parametrize("with_mask", [True, False])
def test_what_is_saved_is_read(tmp_path: Path, with_mask: bool) -> None:
    what = stack(mask=with_mask)
    file = saved(tmp_path, what)
    assert (len(file), file.size, file.shape, file.box) == (5, 8, what.shape, what.box)
    assert file.has_mask is with_mask
    image = file.image()
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, what.image / FULL, atol=1e-7)
    assert image.min() >= 0
    assert image.max() <= 1
    if with_mask:
        assert file.mask().dtype == bool
        np.testing.assert_array_equal(file.mask(), what.mask)
    else:
        with pytest.raises(ValueError, match="no reference"):
            file.mask()


def test_reading_is_exact_at_the_ends(tmp_path: Path) -> None:
    image = np.zeros((1, 8, 8), np.uint16)
    image[0, 0, :2] = FULL, 1
    read = saved(tmp_path, SliceStack(image, None, Box.whole((1, 8, 8)), (1, 8, 8))).image(0)
    assert read[0, 0] == 1
    assert read[0, 1] == np.float32(1 / FULL)
    assert read[0, 2] == 0


ends = st.one_of(st.none(), st.integers(-9, 9))
steps = st.one_of(st.none(), st.integers(-3, 3).filter(bool))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[SliceStack, SliceFile]:
    what = stack()
    return what, saved(tmp_path_factory.mktemp("slices"), what)


@quick
@given(ends, ends, steps)
def test_ranges_are_those_of_a_list(
    shared: tuple[SliceStack, SliceFile], first: int | None, last: int | None, step: int | None
) -> None:
    what, file = shared
    chosen = slice(first, last, step)
    image, mask = file.image(chosen), file.mask(chosen)
    assert image.dtype == np.float32
    assert mask.dtype == bool
    np.testing.assert_allclose(image, what.image[chosen] / FULL, atol=1e-7)
    np.testing.assert_array_equal(mask, what.mask[chosen])


@pytest.mark.parametrize("index", [0, 4, -1, -5, np.int64(3), np.uint8(2)])
def test_indices_are_those_of_a_list(shared: tuple[SliceStack, SliceFile], index: int) -> None:
    what, file = shared
    np.testing.assert_allclose(file.image(index), what.image[index] / FULL, atol=1e-7)
    np.testing.assert_array_equal(file.mask(index), what.mask[index])


@pytest.mark.parametrize("index", [5, -6, 100])
def test_indices_beyond_the_end(shared: tuple[SliceStack, SliceFile], index: int) -> None:
    for read in (shared[1].image, shared[1].mask):
        with pytest.raises(IndexError):
            read(index)


def test_slices_in_memory_are_read_as_those_of_a_file(shared: tuple[SliceStack, SliceFile]) -> None:
    what, file = shared
    memory = SlicesInMemory(what)
    assert (len(memory), memory.size) == (len(file), file.size) == (5, 8)
    for index in (slice(None), slice(1, 4), slice(0), 0, -1):
        np.testing.assert_array_equal(memory.image(index), file.image(index))
        assert memory.image(index).dtype == np.float32
    np.testing.assert_array_equal(memory.image(), file.image())


def test_the_size_of_slices_that_are_not_square_is_their_rows(tmp_path: Path) -> None:
    """Those of resampled exams."""
    shape = (2, 3, 4)
    what = SliceStack(np.zeros(shape, np.uint16), None, Box.whole(shape), shape, own_grid(np.zeros(shape)))
    for one in (what, saved(tmp_path, what), SlicesInMemory(what)):
        assert (one.voxels, one.size) == (shape, 3)


def test_pixels_are_stored_as_the_nearest_fixed_point_number() -> None:
    pixels = np.array([-0.5, 0, 0.4 / FULL, 0.6 / FULL, 1.6 / FULL, 0.5, 1 - 0.6 / FULL, 1, 1.5], np.float32)
    assert stored(pixels).dtype == np.uint16
    assert stored(pixels).tolist() == [0, 0, 0, 1, 2, FULL // 2 + 1, FULL - 1, FULL, FULL]


def test_empty_stack(tmp_path: Path) -> None:
    file = saved(tmp_path, stack(0))
    assert len(file) == 0
    assert file.box is None
    assert file.shape == (2, 40, 50)
    assert file.image().shape == file.mask().shape == (0, 8, 8)
    assert file.image(slice(0, 9)).dtype == np.float32
    assert file.mask(slice(0, 9)).dtype == bool


@pytest.mark.parametrize("with_mask", [True, False])
@pytest.mark.parametrize("with_region", [True, False])
def test_where_there_are_no_slices_there_are_masks_of_none(
    tmp_path: Path, with_mask: bool, with_region: bool
) -> None:
    made = no_slices(8, (2, 40, 50), with_mask=with_mask, with_region=with_region)
    file, memory = saved(tmp_path, made), SlicesInMemory(made)
    assert (file.has_mask, file.has_region, memory.has_region) == (with_mask, with_region, with_region)
    assert (file.voxels, file.shape, file.box, file.grid) == ((0, 8, 8), (2, 40, 50), None, None)
    for read, wanted in ((file.mask, with_mask), (file.region, with_region), (memory.region, with_region)):
        if wanted:
            assert (read().shape, read().dtype) == ((0, 8, 8), bool)
    assert no_slices(8, (2, 40, 50), with_mask=True).region is None


def test_a_region_is_read_as_the_mask_is(tmp_path: Path) -> None:
    what = stack()
    what = replace(what, region=~what.mask)
    file, memory = saved(tmp_path, what), SlicesInMemory(what)
    for index in (slice(None), slice(1, 4), slice(0), 0, -1):
        for one in (file, memory):
            assert one.region(index).dtype == bool
            np.testing.assert_array_equal(one.region(index), what.region[index])
    np.testing.assert_array_equal(file.region(), memory.region())


def test_equal_stacks_give_equal_bytes_and_digests(tmp_path: Path) -> None:
    one = saved(tmp_path, stack(), "one")
    turned = stack()
    other = saved(
        tmp_path,
        SliceStack(np.asfortranarray(turned.image), np.asfortranarray(turned.mask), turned.box, turned.shape),
        "other",
    )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert one.sha256 == other.sha256


def test_another_pixel_gives_another_digest(tmp_path: Path) -> None:
    digests = {saved(tmp_path, stack(), "one").sha256, saved(tmp_path, stack(mask=False), "none").sha256}
    changed = stack()
    changed.image[2, 3, 4] ^= 1
    digests.add(saved(tmp_path, changed, "image").sha256)
    changed = stack()
    changed.mask[2, 3, 4] ^= True
    digests.add(saved(tmp_path, changed, "mask").sha256)
    assert len(digests) == 4


def test_a_file_holds_pixels_and_nothing_of_the_patient(tmp_path: Path) -> None:
    saved(tmp_path, stack())
    assert set(load_file(tmp_path / "exam.safetensors")) == {"image", "mask"}


def damaged(whole: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "short": whole[:5],
        "half a header": whole[:40],
        "last byte missing": whole[:-1],
        "text": b"not slices\n" * 50,
        "other tensors": save({"weight": np.zeros(3, np.float32)}),
        "other header": save({"weight": np.zeros(3, np.float32)}, {"format": "pt"}),
    }


@pytest.mark.parametrize("kind", list(damaged(b"")))
def test_damaged_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "exam.safetensors"
    stack().save(path)
    path.write_bytes(damaged(path.read_bytes())[kind])
    with pytest.raises(UserError) as caught:
        SliceFile(path)
    assert f"file: {path}" in str(caught.value)
    assert "not readable as slices" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.safetensors"):
        SliceFile(tmp_path / "nothing.safetensors")


def test_what_cannot_be_opened_is_told_as_the_system_tells_it(tmp_path: Path) -> None:
    """Safetensors says of any such file that there is no such device."""
    with pytest.raises(UserError, match="Is a directory"):
        SliceFile(tmp_path)


# liver slices


def test_a_flipped_bit_in_the_header_is_told_or_leaves_it_as_it_is(tmp_path: Path) -> None:
    one = stack(3)
    one.save(tmp_path / "exam.safetensors")
    whole, told = (tmp_path / "exam.safetensors").read_bytes(), 0
    length = 8 + int.from_bytes(whole[:8], "little")
    for place in range(length):
        raw = bytearray(whole)
        raw[place] ^= 0x10
        (tmp_path / "exam.safetensors").write_bytes(raw)
        try:
            SliceFile(tmp_path / "exam.safetensors")
        except UserError as error:
            told += 1
            message = str(error)
    assert told > length / 3
    assert "what to do: delete the file" in message
