"""The shared cache: what is found again, and what never is."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from hepaflow.jobs import cache as cache_module
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
        lambda entry: (entry / "entry.json").write_text('{"sha256": {}, "record": {"seconds": 3.5}}'),
    ],
)
def test_a_damaged_entry_is_not_served_but_removed(
    stored: Cache, job: Job, tmp_path: Path, damage: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    damage(entry(tmp_path))
    assert stored.restore("key", job.outputs) is None
    assert job.found() == {}
    assert "damaged" in caplog.text
    assert not list((tmp_path / "cache").glob("*/key*"))
    job.compute()  # and the next result takes its place
    stored.store("key", job.outputs, digests(), RECORD)
    assert stored.restore("key", job.outputs) == RECORD


@pytest.mark.parametrize(
    "loss",
    [
        lambda entry: (entry / "weights").unlink(),
        lambda entry: (entry / "entry.json").unlink(),
        lambda entry: (entry / "entry.json").write_text("{"),
        lambda entry: (entry / "entry.json").write_text("{}"),
        lambda entry: (entry / "entry.json").write_text('{"sha256": {}, "record": {}}'),
        lambda entry: (entry / "entry.json").write_text("[]"),
        lambda entry: (entry / "entry.json").write_bytes(b"\xff"),
        lambda entry: shutil.rmtree(entry) or entry.mkdir(),
    ],
)
def test_an_entry_that_has_lost_a_part_is_not_served_but_replaced(
    stored: Cache, job: Job, tmp_path: Path, loss: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    loss(entry(tmp_path))
    assert stored.restore("key", job.outputs) is None
    assert job.found() == {}
    assert "computing" in caplog.text
    job.compute()
    stored.store("key", job.outputs, digests(), RECORD)
    assert stored.restore("key", job.outputs) == RECORD
    assert leftovers(tmp_path) == []


def leftovers(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache/.unfinished").glob("*"))


def failing(place: str, number: int) -> Callable[..., Any]:
    """Return an `open` that fails for files below a place."""
    real = open

    def opened(path: Any, *arguments: Any, **keywords: Any) -> Any:
        if place in str(path):
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *arguments, **keywords)

    return opened


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ESTALE, errno.EMFILE, errno.ETIMEDOUT])
@pytest.mark.parametrize("file", ["weights", "history"])
def test_an_entry_that_cannot_be_read_now_stays(
    stored: Cache, job: Job, tmp_path: Path, number: int, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = {path.name: path.read_bytes() for path in entry(tmp_path).iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.open", failing(f"key/{file}", number))
        assert stored.restore("key", job.outputs) is None
        job.compute()
        stored.store("key", job.outputs, digests(), RECORD)
    assert os.strerror(number) in caplog.text
    assert {path.name: path.read_bytes() for path in entry(tmp_path).iterdir()} == before
    assert stored.restore("key", job.outputs) == RECORD


def no_folder(outputs: dict[str, Path]) -> None:
    outputs["history"] = outputs["history"].parent / "none/history"


def full_disk(outputs: dict[str, Path]) -> None:
    outputs["history"].symlink_to("/dev/full")


def read_only(outputs: dict[str, Path]) -> None:
    outputs["history"] = Path("/proc/version")


@pytest.mark.parametrize("fault", [no_folder, full_disk, read_only])
def test_an_output_that_cannot_be_written_says_nothing_of_the_entry(
    stored: Cache, job: Job, tmp_path: Path, fault: Callable[[dict[str, Path]], None]
) -> None:
    good = dict(job.outputs)
    fault(job.outputs)
    with pytest.raises(OSError, match=r"No such|No space|denied|Input/output"):
        stored.restore("key", job.outputs)
    good["history"].unlink(missing_ok=True)
    assert stored.restore("key", good) == RECORD


def test_a_wrong_digest_is_only_believed_twice(
    stored: Cache, job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    chunks, times = cache_module._chunks, iter(range(9))
    monkeypatch.setattr(cache_module, "_chunks", lambda path: [b"noise"] if next(times) == 0 else chunks(path))
    assert stored.restore("key", job.outputs) == RECORD
    assert job.found() == CONTENT
    assert caplog.text == ""


@pytest.mark.parametrize(("mode", "umask"), [(0o2775, 0o077), (0o770, 0o022), (0o755, 0o002), (0o700, 0o022)])
def test_who_may_write_to_the_cache_may_add_to_all_of_it(tmp_path: Path, job: Job, mode: int, umask: int) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    job.compute()
    before = os.umask(umask)
    try:
        Cache(folder).store("key", job.outputs, digests(), RECORD)
    finally:
        os.umask(before)
    found = {path: path.stat().st_mode & 0o3777 for path in folder.rglob("*")}
    assert len(found) == 6
    assert set(found.values()) == {mode, mode & 0o666}


def test_an_entry_that_this_user_may_not_remove_is_told(
    stored: Cache, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    flip(entry(tmp_path) / "weights")

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "rename", refused)
    assert stored.restore("key", job.outputs) is None
    assert "cannot be removed: [Errno 13]" in caplog.text
    assert sorted(path.name for path in entry(tmp_path).iterdir()) == ["entry.json", "history", "weights"]


def test_what_dead_jobs_left_goes_and_what_others_are_about_stays(stored: Cache, job: Job, tmp_path: Path) -> None:
    for name in ("dead", "living"):
        (tmp_path / "cache/.unfinished" / name).mkdir(parents=True)
        (tmp_path / "cache/.unfinished" / name / "weights").write_bytes(b"half")
    os.utime(tmp_path / "cache/.unfinished/dead", (1, 1))
    job.compute()
    stored.store("another", job.outputs, digests(), RECORD)
    assert [path.name for path in leftovers(tmp_path)] == ["living"]


def test_jobs_that_store_the_same_result_at_once(tmp_path: Path, job: Job) -> None:
    job.compute()
    cache, children = Cache(tmp_path / "cache"), []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            cache.store("key", job.outputs, digests(), RECORD)
            os._exit(0)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 6
    assert cache.restore("key", job.outputs) == RECORD
    assert leftovers(tmp_path) == []


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
