"""Files of masks and of maps."""

import os
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.errors import UserError
from hepaflow.masks.file import Masks, write_clean, write_maps, write_masks
from hepaflow.masks.map import mask_of


def drawn(slices: int = 3, rows: int = 5, columns: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((slices, rows, columns)) > 0.5


def test_every_exam_comes_back_in_order(tmp_path: Path) -> None:
    exams = {"b": drawn(3), "a": drawn(1, 8, 8, seed=1), "c": drawn(2, 256, 256, seed=2)}
    write_masks(tmp_path / "masks.npz", exams.items())
    with Masks(tmp_path / "masks.npz") as masks:
        assert list(masks) == ["b", "a", "c"]
        assert len(masks) == 3
        for exam, expected in exams.items():
            assert masks[exam].dtype == bool
            np.testing.assert_array_equal(masks[exam], expected)
        assert "d" not in masks
        with pytest.raises(KeyError, match="d"):
            masks["d"]


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 3), st.integers(0, 9), st.integers(0, 33), st.integers(0, 2**32 - 1))
def test_any_shape_comes_back(
    tmp_path_factory: pytest.TempPathFactory, slices: int, rows: int, columns: int, seed: int
) -> None:
    """Bits of a row that are left over are not taken for pixels."""
    path = tmp_path_factory.mktemp("masks") / "masks.npz"
    exams = {"exam": drawn(slices, rows, columns, seed), "x.masks7": drawn(1, 2, 9), "y": drawn(1, 2, 8)}
    write_masks(path, exams.items())
    with Masks(path) as masks:
        assert list(masks) == list(exams)
        for exam, mask in exams.items():
            assert masks[exam].shape == mask.shape
            np.testing.assert_array_equal(masks[exam], mask)
            assert not masks.restores_map(exam)
            with pytest.raises(KeyError):
                masks.map(exam)


def test_an_exam_without_slices(tmp_path: Path) -> None:
    write_masks(tmp_path / "masks.npz", [("empty", np.zeros((0, 256, 256), bool)), ("full", drawn())])
    with Masks(tmp_path / "masks.npz") as masks:
        assert masks["empty"].shape == (0, 256, 256)
        assert masks["empty"].dtype == bool
        np.testing.assert_array_equal(masks["full"], drawn())


def test_no_exams(tmp_path: Path) -> None:
    write_masks(tmp_path / "masks.npz", [])
    with Masks(tmp_path / "masks.npz") as masks:
        assert list(masks) == []


@pytest.mark.parametrize(
    "name", ["file", "masks", "args", "allow_pickle", "arr_0", "x.masks", "x.npy", "a b", "ü", "7"]
)
def test_any_name_of_an_exam(tmp_path: Path, name: str) -> None:
    write_masks(tmp_path / "masks.npz", [(name, drawn()), ("other", drawn(seed=1))])
    with Masks(tmp_path / "masks.npz") as masks:
        assert list(masks) == [name, "other"]
        np.testing.assert_array_equal(masks[name], drawn())
        np.testing.assert_array_equal(masks["other"], drawn(seed=1))


def test_bytes_depend_on_neither_time_nor_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_masks(tmp_path / "one.npz", [("a", drawn()), ("b", drawn(seed=1))])
    then = time.time()
    monkeypatch.setattr(time, "time", lambda: then + 1e6)
    localtime = time.localtime
    monkeypatch.setattr(time, "localtime", lambda *_: localtime(then + 1e6))
    write_masks(str(tmp_path / "other.npz"), iter([("a", drawn()), ("b", drawn(seed=1))]))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_masks_are_packed_bit_by_bit(tmp_path: Path) -> None:
    noise = drawn(64, 64, 64)  # cannot be compressed further
    write_masks(tmp_path / "masks.npz", [("exam", noise)])
    assert noise.size / 8 <= (tmp_path / "masks.npz").stat().st_size < noise.size / 8 * 1.05


def test_one_exam_after_the_other_is_asked_for(tmp_path: Path) -> None:
    """Exams are drawn one at a time and dropped: no list of unpacked masks is made."""
    drawn_before: list[weakref.ref[np.ndarray]] = []

    def exams() -> Iterator[tuple[str, np.ndarray]]:
        for number in range(5):
            assert sum(mask() is not None for mask in drawn_before) <= 1
            mask = drawn(seed=number)
            drawn_before.append(weakref.ref(mask))
            yield str(number), mask
            del mask

    write_masks(tmp_path / "masks.npz", exams())
    assert len(Masks(tmp_path / "masks.npz")) == 5


def test_an_exam_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    """Damage to one exam's bytes is met when that exam is read, and not before."""
    write_masks(tmp_path / "masks.npz", [("a", drawn(9, 64, 64)), ("b", drawn(9, 64, 64, seed=1))])
    content = bytearray((tmp_path / "masks.npz").read_bytes())
    middle = content.index(b"b.masks.npy") + 200
    content[middle : middle + 50] = bytes(50)
    (tmp_path / "masks.npz").write_bytes(content)
    with Masks(tmp_path / "masks.npz") as masks:
        assert list(masks) == ["a", "b"]
        np.testing.assert_array_equal(masks["a"], drawn(9, 64, 64))
        with pytest.raises(UserError, match=r"file: .*masks\.npz\nfound: .*(CRC|decompress)"):
            masks["b"]


@pytest.mark.parametrize("bit", [0x01, 0x10, 0x80])
def test_a_flipped_bit_is_told_or_changes_no_mask(tmp_path: Path, bit: int) -> None:
    """Zip files have a checksum of every member, but not of their own tables; bits there may be of no account."""
    given, path = {"a": drawn(2, 8, 8), "b": drawn(3, 8, 16, seed=1)}, tmp_path / "masks.npz"
    write_masks(path, given.items())
    whole, told = path.read_bytes(), 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            with Masks(path) as masks:
                found = dict(masks)
        except UserError as error:
            told += 1
            message = str(error)
        else:
            assert all(np.array_equal(found[name], given[name]) for name in found if name in given)
    assert told > len(whole) / 2
    assert "what to do: delete the file" in message


@pytest.mark.parametrize("content", [b"", b"PK", b"not masks" * 99])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "masks.npz").write_bytes(content)
    with pytest.raises(UserError, match="not readable as masks"):
        Masks(tmp_path / "masks.npz")


def test_an_array_alone_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "masks.npy", np.packbits(drawn(), axis=-1))
    with pytest.raises(UserError, match=r"not an \.npz file"):
        Masks(tmp_path / "masks.npy")


def test_other_arrays_than_masks_are_refused(tmp_path: Path) -> None:
    packed = np.packbits(drawn(), axis=-1)
    np.savez(tmp_path / "masks.npz", **{"exam.masks": packed, "exam": packed})
    with pytest.raises(UserError, match="a member that is no mask: 'exam'"):
        Masks(tmp_path / "masks.npz")


class Harmful:
    """An object whose pickle does something when it is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self._path),)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    harmful = np.array([Harmful(tmp_path / "harm")])
    np.savez(tmp_path / "masks.npz", **{"exam.masks": harmful})
    with Masks(tmp_path / "masks.npz") as masks, pytest.raises(UserError, match="allow_pickle=False"):
        masks["exam"]
    np.save(tmp_path / "masks.npy", harmful)
    with pytest.raises(UserError, match="allow_pickle=False"):
        Masks(tmp_path / "masks.npy")
    assert not (tmp_path / "harm").exists()


def test_the_file_is_closed_at_the_end(tmp_path: Path) -> None:
    write_masks(tmp_path / "masks.npz", [("exam", drawn())])
    with Masks(tmp_path / "masks.npz") as masks:
        assert masks._file.zip is not None
    assert masks._file.zip is None


# Maps.


def a_map(slices: int = 3, rows: int = 5, columns: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (slices, rows, columns), np.uint8)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(0, 3), st.integers(1, 9), st.integers(1, 17), st.integers(0, 2**32 - 1))
def test_any_map_comes_back_with_its_mask(
    tmp_path_factory: pytest.TempPathFactory, slices: int, rows: int, columns: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    exams = {"b": a_map(slices, rows, columns, seed), "a": a_map(seed=seed + 1), "x.maps": a_map(1, 2, 2)}
    write_maps(path, exams.items())
    with Masks(path) as maps:
        assert list(maps) == ["b", "a", "x.maps"]
        for exam, expected in exams.items():
            assert maps.map(exam).dtype == np.uint8
            np.testing.assert_array_equal(maps.map(exam), expected)
            assert maps[exam].dtype == bool
            np.testing.assert_array_equal(maps[exam], mask_of(expected))
        assert "c" not in maps
        with pytest.raises(KeyError, match="c"):
            maps.map("c")


def test_a_file_of_masks_has_no_maps(tmp_path: Path) -> None:
    write_masks(tmp_path / "masks.npz", [("exam", drawn())])
    with Masks(tmp_path / "masks.npz") as masks, pytest.raises(KeyError, match="exam"):
        masks.map("exam")


def test_bytes_of_maps_depend_on_neither_time_nor_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_maps(tmp_path / "one.npz", [("a", a_map()), ("b", a_map(seed=1))])
    then = time.time()
    monkeypatch.setattr(time, "time", lambda: then + 1e6)
    localtime = time.localtime
    monkeypatch.setattr(time, "localtime", lambda *_: localtime(then + 1e6))
    write_maps(str(tmp_path / "other.npz"), iter([("a", a_map()), ("b", a_map(seed=1))]))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_one_map_after_the_other_is_asked_for(tmp_path: Path) -> None:
    """Exams are drawn one at a time and dropped, as those of masks are."""
    drawn_before: list[weakref.ref[np.ndarray]] = []

    def exams() -> Iterator[tuple[str, np.ndarray]]:
        for number in range(5):
            assert sum(one() is not None for one in drawn_before) <= 1
            one = a_map(seed=number)
            drawn_before.append(weakref.ref(one))
            yield str(number), one
            del one

    write_maps(tmp_path / "maps.npz", exams())
    with Masks(tmp_path / "maps.npz") as maps:
        assert len(maps) == 5


def test_a_damaged_map_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    write_maps(path, [("a", a_map(9, 64, 64)), ("b", a_map(9, 64, 64, seed=1))])
    content = bytearray(path.read_bytes())
    middle = content.index(b"b.maps.npy") + 200
    content[middle : middle + 50] = bytes(50)
    path.write_bytes(content)
    with Masks(path) as maps:
        np.testing.assert_array_equal(maps.map("a"), a_map(9, 64, 64))
        for read in (maps.map, maps.__getitem__):
            with pytest.raises(UserError, match=r"file: .*maps\.npz\nfound: .*(CRC|decompress)"):
                read("b")


# What was post-processed.


def test_clean_maps_are_told_from_masks_and_from_other_maps(tmp_path: Path) -> None:
    write_clean(tmp_path / "clean.npz", [("a.maps", a_map()), ("b", drawn()), ("none", a_map(0))])
    with Masks(tmp_path / "clean.npz") as clean:
        assert list(clean) == ["a.maps", "b", "none"]
        assert [clean.restores_map(exam) for exam in clean] == [True, False, True]
        np.testing.assert_array_equal(clean.map("a.maps"), a_map())
        np.testing.assert_array_equal(clean["a.maps"], mask_of(a_map()))
        np.testing.assert_array_equal(clean["b"], drawn())
        with pytest.raises(KeyError, match="b"):
            clean.map("b")
    write_maps(tmp_path / "maps.npz", [("a", a_map())])
    with Masks(tmp_path / "maps.npz") as maps:
        assert not maps.restores_map("a")


def test_clean_masks_are_a_file_of_masks(tmp_path: Path) -> None:
    """To the byte: what a run has made by the thesis stays as it is."""
    for name, write in (("masks", write_masks), ("clean", write_clean)):
        write(tmp_path / f"{name}.npz", [("a", drawn()), ("b", drawn(0, 8, 8))])  # type: ignore[operator]
    assert (tmp_path / "masks.npz").read_bytes() == (tmp_path / "clean.npz").read_bytes()
