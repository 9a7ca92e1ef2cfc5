"""The shared cache: what is found again, and what never is."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from hepaflow.jobs.cache import Cache, cache_key
from hepaflow.jobs.recipe import Recipe

RECIPE = Recipe("train", {"stage": "liver"}, {"seed": 1, "size": 2}, {"script": "0", "hepaflow.x": "1"}, {})
INPUTS = [("one.safetensors", "aa"), ("two.safetensors", "bb")]
CONTENT = {"weights": b"weights" * 1000, "history": b"epoch,loss\n"}
RECORD = {"seconds": 3.5}


class Job:
    """A job's folder, with its outputs in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.outputs = {name: folder / f"net.{name}" for name in CONTENT}

    def compute(self) -> None:
        for name, content in CONTENT.items():
            self.outputs[name].write_bytes(content)

    def found(self) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in self.outputs.items() if path.exists()}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "job")


@pytest.fixture
def stored(tmp_path: Path) -> Cache:
    """A cache with one entry, `key`."""
    made = Job(tmp_path / "first")
    made.compute()
    cache = Cache(tmp_path / "cache")
    cache.store("key", made.outputs, digests(), RECORD)
    return cache


def digests() -> dict[str, str]:
    return {name: sha256(content).hexdigest() for name, content in CONTENT.items()}


def entry(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").glob("*/key")
    return found


def test_what_was_stored_is_restored(stored: Cache, job: Job) -> None:
    assert stored.restore("key", job.outputs) == RECORD
    assert job.found() == CONTENT


def test_restored_files_are_no_links(stored: Cache, job: Job, tmp_path: Path) -> None:
    """Or a file that is changed in a run would be changed for all others."""
    stored.restore("key", job.outputs)
    for path in job.outputs.values():
        assert not path.is_symlink()
        assert path.stat().st_nlink == 1
    job.outputs["weights"].write_bytes(b"changed")
    assert stored.restore("key", job.outputs) == RECORD


def test_another_key_is_not_found(stored: Cache, job: Job) -> None:
    assert stored.restore("other", job.outputs) is None
    assert job.found() == {}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: flip(entry / "weights"),
        lambda entry: flip(entry / "history"),
        lambda entry: (entry / "weights").write_bytes(CONTENT["weights"][:-1]),
        lambda entry: (entry / "weights").write_bytes(b""),
        lambda entry: (entry / "weights").unlink(),
        lambda entry: (entry / "entry.json").unlink(),
        lambda entry: (entry / "entry.json").write_text("{"),
        lambda entry: (entry / "entry.json").write_text("{}"),
        lambda entry: (entry / "entry.json").write_text('{"sha256": {}, "record": {}}'),
        lambda entry: (entry / "entry.json").write_text("[]"),
    ],
)
def test_a_damaged_entry_is_not_served_but_removed(
    stored: Cache, job: Job, tmp_path: Path, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    damage(entry(tmp_path))
    assert stored.restore("key", job.outputs) is None
    assert job.found() == {}
    assert "damaged" in caplog.text
    assert not list((tmp_path / "cache").glob("*/key"))
    job.compute()  # and the next result takes its place
    stored.store("key", job.outputs, digests(), RECORD)
    assert stored.restore("key", job.outputs) == RECORD


def test_an_entry_is_whole_or_absent(tmp_path: Path, job: Job) -> None:
    job.compute()
    job.outputs["history"].unlink()
    Cache(tmp_path / "cache").store("key", job.outputs, digests(), RECORD)
    assert list((tmp_path / "cache").glob("*/*")) == []


def test_a_file_that_changes_while_it_is_stored_makes_no_entry(tmp_path: Path, job: Job) -> None:
    job.compute()
    Cache(tmp_path / "cache").store("key", job.outputs, digests() | {"weights": "0" * 64}, RECORD)
    assert list((tmp_path / "cache").glob("*/*")) == []


def test_a_cache_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    job.compute()
    cache = Cache(tmp_path / "cache")
    cache.store("key", job.outputs, digests(), RECORD)
    assert "could not be stored" in caplog.text
    assert job.found() == CONTENT
    assert cache.restore("key", job.outputs) is None
    assert job.found() == CONTENT


def test_two_jobs_store_the_same_result(stored: Cache, job: Job, tmp_path: Path) -> None:
    job.compute()
    stored.store("key", job.outputs, digests(), RECORD)
    assert len(list((tmp_path / "cache").glob("*/*"))) == 1


def test_a_used_entry_is_younger(stored: Cache, job: Job, tmp_path: Path) -> None:
    os.utime(entry(tmp_path), (1, 1))
    stored.restore("key", job.outputs)
    assert entry(tmp_path).stat().st_mtime > 1


def test_a_cache_moves_with_its_folder(stored: Cache, job: Job, tmp_path: Path) -> None:
    shutil.move(tmp_path / "cache", tmp_path / "moved")
    assert Cache(tmp_path / "moved").restore("key", job.outputs) == RECORD


def test_keys_are_the_same_each_time() -> None:
    assert cache_key(RECIPE, INPUTS) == cache_key(replace(RECIPE), list(INPUTS))
    assert len(cache_key(RECIPE, INPUTS)) == 64


@pytest.mark.parametrize(
    ("recipe", "inputs"),
    [
        (replace(RECIPE, rule="predict"), INPUTS),
        (replace(RECIPE, wildcards={"stage": "lesion"}), INPUTS),
        (replace(RECIPE, settings={"seed": 2, "size": 1}), INPUTS),
        (replace(RECIPE, settings={"seed": 1}), INPUTS),
        (replace(RECIPE, code={"script": "0", "hepaflow.x": "2"}), INPUTS),
        (replace(RECIPE, libraries={"torch": "2"}), INPUTS),
        (RECIPE, INPUTS[::-1]),
        (RECIPE, INPUTS[:1]),
        (RECIPE, [("one.safetensors", "aa"), ("two.safetensors", "bc")]),
        (RECIPE, [("one.safetensors", "aa"), ("three.safetensors", "bb")]),
    ],
)
def test_whatever_a_result_depends_on_is_in_its_key(recipe: Recipe, inputs: list[tuple[str, str]]) -> None:
    assert cache_key(recipe, inputs) != cache_key(RECIPE, INPUTS)
