"""The file between the networks of a new exam and what is written of it."""

import errno
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thresholds import Thresholded

from hepaflow.errors import UserError
from hepaflow.jobs.fingerprint import modules
from hepaflow.segment.segmented import read_segmented, write_segmented
from hepaflow.volumes.box import Box

MODEL = {"model": "0123", "networks": "eins (unet), zwei (resnet50) – zusammen", "precision": "fp32"}
SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"


def drawn(shape: tuple[int, ...] = (3, 5, 7), seed: int = 0) -> Thresholded:
    random = np.random.default_rng(seed)
    liver, lesion = random.random(shape) > 0.4, random.random(shape) > 0.8
    maps = {name: random.integers(0, 101, shape).astype(np.uint8) for name in ("liver", "lesion")}
    boxes = {"lesion": Box((1, 2), (0, 4), (-1, 5)), "liver": Box.whole((3, 5, 7))}
    return Thresholded(liver, lesion, maps, boxes)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.tuples(*[st.integers(1, 9)] * 3), st.integers(0, 2**32 - 1))
def test_all_comes_back(tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, ...], seed: int) -> None:
    path, found = tmp_path_factory.mktemp("file") / "exam.npz", drawn(shape, seed)
    write_segmented(path, found, MODEL)
    read = read_segmented(path)
    for name in ("liver", "lesion"):
        mask = getattr(read, name)
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, getattr(found, name))
        assert read.disagreement[name].dtype == np.uint8
        np.testing.assert_array_equal(read.disagreement[name], found.disagreement[name])
    assert read.boxes == found.boxes
    assert list(read.model.items()) == list(MODEL.items())


def test_a_structure_without_disagreement_has_none(tmp_path: Path) -> None:
    found = drawn()
    del found.disagreement["lesion"]
    write_segmented(tmp_path / "exam.npz", found, {})
    read = read_segmented(tmp_path / "exam.npz")
    assert list(read.disagreement) == ["liver"]
    assert read.model == {}


def test_masks_are_packed_bit_by_bit(tmp_path: Path) -> None:
    found = drawn((64, 64, 64))
    found.liver[:] = found.lesion[:] = np.random.default_rng(1).random(found.liver.shape) > 0.5
    found.disagreement.clear()
    write_segmented(tmp_path / "exam.npz", found, MODEL)
    assert 64**3 / 4 <= (tmp_path / "exam.npz").stat().st_size < 64**3 / 4 * 1.05


def test_bytes_depend_on_content_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_segmented(tmp_path / "one.npz", drawn(), MODEL)
    then, localtime = time.time(), time.localtime
    monkeypatch.setattr(time, "time", lambda: then + 1e6)
    monkeypatch.setattr(time, "localtime", lambda *_: localtime(then + 1e6))
    again = drawn()
    for held in (again.disagreement, again.boxes):
        held["liver"] = held.pop("liver")  # told in another order
    write_segmented(tmp_path / "other.npz", again, MODEL)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


@pytest.mark.parametrize("changed", ["a voxel of the liver", "a voxel of a lesion", "a percent", "a box", "model"])
def test_any_other_content_gives_other_bytes(tmp_path: Path, changed: str) -> None:
    write_segmented(tmp_path / "one.npz", drawn(), MODEL)
    other, model = drawn(), MODEL
    match changed:
        case "a voxel of the liver":
            other.liver[1, 2, 3] ^= True
        case "a voxel of a lesion":
            other.lesion[2, 4, 6] ^= True
        case "a percent":
            other.disagreement["lesion"][0, 0, 0] ^= 1
        case "a box":
            other.boxes["lesion"] = Box((1, 2), (0, 4), (-1, 6))
        case _:
            model = MODEL | {"model": "4567"}
    write_segmented(tmp_path / "other.npz", other, model)
    assert (tmp_path / "one.npz").read_bytes() != (tmp_path / "other.npz").read_bytes()


@pytest.mark.parametrize("bit", [0x01, 0x80])
def test_a_flipped_bit_is_told_or_changes_nothing(tmp_path: Path, bit: int) -> None:
    """Zip files have a checksum of every member, but not of their own tables; bits there may be of no account."""
    found, path = drawn((2, 4, 5)), tmp_path / "exam.npz"
    write_segmented(path, found, MODEL)
    whole, told = path.read_bytes(), 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
        try:
            read = read_segmented(path)
        except UserError as error:
            told += 1
            message = str(error)
        else:
            assert read.model == MODEL
            assert read.boxes == found.boxes
            np.testing.assert_array_equal(read.liver, found.liver)
            np.testing.assert_array_equal(read.lesion, found.lesion)
            assert set(read.disagreement) == {"liver", "lesion"}
            for name, percent in read.disagreement.items():
                np.testing.assert_array_equal(percent, found.disagreement[name])
    assert told > len(whole) / 2
    assert "what to do: delete the file" in message


@pytest.mark.parametrize("length", [0, 1, 100, -30])
def test_a_cut_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "exam.npz"
    write_segmented(path, drawn(), MODEL)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UserError, match="not readable as what networks have found"):
        read_segmented(path)


def test_a_file_that_may_not_be_read_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(np, "load", refuse)
    with pytest.raises(UserError, match="what to do: leave the file as it is"):
        read_segmented(tmp_path / "exam.npz")


def header(**others: object) -> np.ndarray:
    held = {"shape": [3, 4, 5], "disagreement": [], "model": {}} | others
    return np.frombuffer(json.dumps(held).encode(), np.uint8)


def members(**others: np.ndarray) -> dict[str, np.ndarray]:
    bits = np.packbits(np.ones(60, bool))
    return {"header": header(), "liver.mask": bits, "lesion.mask": bits} | others


FLAT = {"header": header(disagreement=["liver"]), "liver.disagreement": np.zeros(60, np.uint8)}


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"liver.mask": np.zeros(7, np.uint8)}, "7 bytes for a mask of 60 voxels"),
        ({"lesion.mask": np.zeros(9, np.uint8)}, "9 bytes for a mask of 60 voxels"),
        (FLAT, "a disagreement of another shape"),
        ({"header": header(disagreement=["lesion"])}, "lesion.disagreement"),
        ({"header": header(shape=[60])}, "not enough values"),
        ({"header": header(boxes={"liver": [[0, 3]]})}, "not enough values"),
        ({"header": header(boxes=[])}, "not readable as what networks have found"),
        ({"header": np.frombuffer(b"{", np.uint8)}, "not readable as what networks have found"),
        ({"header": np.frombuffer(b"[]", np.uint8)}, "not readable as what networks have found"),
        ({"header": np.array([None])}, "allow_pickle=False"),
    ],
    ids=str,
)
def test_members_that_do_not_fit_are_refused(tmp_path: Path, others: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "exam.npz", **members())
    assert read_segmented(tmp_path / "exam.npz").liver.shape == (3, 4, 5)
    assert read_segmented(tmp_path / "exam.npz").boxes == {}, "a file of an earlier version"
    np.savez(tmp_path / "exam.npz", **members(**others))
    with pytest.raises(UserError, match=words):
        read_segmented(tmp_path / "exam.npz")


@pytest.mark.parametrize("missing", sorted(members()))
def test_a_missing_member_is_told(tmp_path: Path, missing: str) -> None:
    kept = {name: array for name, array in members().items() if name != missing}
    np.savez(tmp_path / "exam.npz", **kept)
    with pytest.raises(UserError, match=missing):
        read_segmented(tmp_path / "exam.npz")


def test_another_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "exam.npy", np.zeros(3))
    with pytest.raises(UserError, match="not readable"):
        read_segmented(tmp_path / "exam.npy")


SHOWN = ("colours", "viewer", "figures", "segment.report", "segment.output", "segment.own_exam")
WRITTEN = ("dicom.derived", "dicom.overlay", "dicom.segmentation", "dicom.privacy")


def test_the_networks_job_knows_nothing_of_what_is_written_and_the_other_of_no_network() -> None:
    """So a colour segments nothing again, and no label map waits for a network."""

    def reached(script: str) -> set[str]:
        return {name.removeprefix("hepaflow.") for name in modules(SCRIPTS / f"{script}.py")}

    networks, results = reached("segment"), reached("present")
    assert not [name for name in networks if f"{name}.".startswith(tuple(f"{one}." for one in SHOWN + WRITTEN))]
    assert {"colours", "viewer.page", "segment.report.page", *WRITTEN} <= results
    assert {"model.segmenter", "networks.registry"} <= networks
    of_networks = {name for name in results if name.startswith(("model", "networks", "sampling", "training"))}
    # What a model was made from, and what its exams were like.
    assert of_networks == {"model", *(f"model.{name}" for name in ("drawn", "origin", "seen", "seen_files"))}
