"""Processes that load slices: as many as there is room for, and no wait without an end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Timer
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import hepaflow
from hepaflow.errors import UserError
from hepaflow.sampling.slices import Batch
from hepaflow.training import loading
from hepaflow.training.loading import arriving, begin, fitting_workers, in_shared_memory

MIB = 1 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="shared memory is a file system on Linux alone")


@pytest.fixture(autouse=True)
def _ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torch not wait for processes that still load when a test has ended."""
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.1)


@pytest.mark.parametrize(
    ("wanted", "batch", "room", "expected"),
    [
        (4, 16 * MIB, 1 << 30, (4, 2)),
        (4, 16 * MIB, 161 * MIB, (4, 2)),  # eight ahead, one in use, the one that follows it, and semaphores
        (4, 16 * MIB, 161 * MIB - 1, (4, 1)),
        (4, 16 * MIB, 65 * MIB, (2, 1)),
        (4, 16 * MIB, 64 * MIB, (1, 1)),  # what Docker gives
        (4, 18 * MIB, 64 * MIB, (1, 1)),
        (4, 16 * MIB, 47 * MIB, (0, 2)),
        (4, 16 * MIB, 0, (0, 2)),
        (0, 16 * MIB, 0, (0, 2)),
    ],
)
@linux
def test_as_many_processes_as_shared_memory_has_room_for(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    wanted: int,
    batch: int,
    room: int,
    expected: tuple[int, int],
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda folder: SimpleNamespace(f_bavail=room, f_frsize=1))
    assert fitting_workers(wanted, batch) == expected
    as_wanted = expected == (wanted, 2)
    for words in (
        f"{room >> 20} MiB of shared memory are free",
        "/dev/shm",
        "need 160",
        "--shm-size",
        "workers: ",
    ):
        assert (words in caplog.text) == (not as_wanted) or batch != 16 * MIB


@linux
def test_no_shared_memory_at_all_is_none_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "SHARED_MEMORY", Path("/nowhere"))
    assert fitting_workers(4, MIB) == (0, 2)


@linux
@pytest.mark.parametrize("name", ["none", "long/" * 20])
def test_temporary_folders_that_serve_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    folder = tmp_path / name
    if name != "none":
        folder.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert fitting_workers(4, MIB) == (0, 2)
    assert "loaded in the training process" in caplog.text
    assert "TMPDIR" in caplog.text


class Numbers(Dataset[Batch]):
    """Mini-batches of one number each; some take long to load, or are never loaded."""

    def __init__(self, slow: dict[int, float]) -> None:
        self._slow = slow

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> Batch:
        time.sleep(self._slow.get(index, 0))
        return torch.full((1,), float(index)), torch.ones(1)


def loader(slow: dict[int, float], workers: int = 2, poll: float = 0.3) -> DataLoader[Batch]:
    return DataLoader(
        Numbers(slow),
        batch_size=None,
        num_workers=workers,
        collate_fn=in_shared_memory,
        timeout=poll if workers else 0,
        worker_init_fn=begin,
        persistent_workers=workers > 0,
    )


def numbers(batches: Sequence[Batch]) -> list[float]:
    return [float(image) for image, _ in batches]


@pytest.mark.parametrize("workers", [0, 2])
def test_mini_batches_come_in_order_however_long_they_take(workers: int) -> None:
    waited: list[float] = []
    loading_processes = loader({1: 1.2, 4: 1.2}, workers)
    for _ in range(2):
        assert numbers(list(arriving(loading_processes, waited.append))) == [0, 1, 2, 3, 4, 5]
    assert (len(waited) > 4) == (workers > 0)
    assert all(0 < seconds < 30 for seconds in waited)


@linux
def test_processes_may_take_long_to_begin_the_next_epoch() -> None:
    two = loader({})
    assert len(list(arriving(two, lambda seconds: None))) == 6
    processes = [worker.pid for worker in two._iterator._workers]  # type: ignore[union-attr, attr-defined]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    later = Timer(1.0, lambda: [os.kill(process, signal.SIGCONT) for process in processes])
    later.start()
    assert numbers(list(arriving(two, lambda seconds: None))) == [0, 1, 2, 3, 4, 5]
    later.join()


def test_a_wait_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(seconds: float) -> None:
        raise KeyboardInterrupt

    batches = arriving(loader({1: 60}), ended)
    assert numbers([next(batches)]) == [0]
    with pytest.raises(KeyboardInterrupt):
        next(batches)


def test_no_wait_is_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PATIENCE", 1.0)
    with pytest.raises(UserError, match=r"no training slices (.*\n)*what to do: .*run Snakemake again"):
        list(arriving(loader({0: 60}), lambda seconds: None))


def test_other_errors_are_passed_on() -> None:
    def failing(batch: Any) -> Any:
        raise RuntimeError("no room")

    broken = DataLoader(Numbers({}), batch_size=None, num_workers=1, collate_fn=failing, timeout=5)
    with pytest.raises(RuntimeError, match="no room"):
        list(arriving(broken, lambda seconds: None))


class _Unsendable:
    def share_memory_(self) -> None: ...

    def __reduce__(self) -> Any:
        raise OSError(24, "Too many open files")


def _unsendable(batch: Any) -> Any:
    return (_Unsendable(),)


def test_a_process_that_cannot_hand_over_ends_and_is_missed(capfd: pytest.CaptureFixture[str]) -> None:
    """Torch's own would lose the mini-batch, and wait for it."""
    broken = DataLoader(
        Numbers({}), batch_size=None, num_workers=1, collate_fn=_unsendable, timeout=30, worker_init_fn=begin
    )
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(arriving(broken, lambda seconds: None))
    assert "cannot hand them over" in capfd.readouterr().err


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU, signal.SIGUSR2])
def test_loading_processes_leave_signals_to_the_training(number: int) -> None:
    batches = arriving(loader({3: 1.0}, poll=5), lambda seconds: None)
    begun = [next(batches), next(batches)]  # one of each process
    for child in torch.multiprocessing.active_children():  # type: ignore[attr-defined]
        os.kill(child.pid, number)
    assert numbers([*begun, *batches]) == [0, 1, 2, 3, 4, 5]


SMALL = """
import sys
import torch
from torch.utils.data import DataLoader, Dataset
from hepaflow.jobs.machine import fault_of
from hepaflow.training.loading import arriving, begin, fitting_workers, in_shared_memory

class Large(Dataset):
    def __len__(self):
        return 20
    def __getitem__(self, index):
        return torch.ones(1 << 21), torch.ones(1 << 21)

workers, ahead = fitting_workers(4, 1 << 24)
print("workers", workers, ahead)
workers, ahead = (4, 2) if sys.argv[1] == "wanted" else (workers, ahead)
loader = DataLoader(
    Large(), batch_size=None, num_workers=workers, collate_fn=in_shared_memory, prefetch_factor=ahead, timeout=5,
    worker_init_fn=begin, persistent_workers=True,
)
try:
    print("slices", sum(int(image.sum() / image.numel()) for image, _ in arriving(loader, lambda seconds: None)))
except RuntimeError as error:
    print(fault_of(error))
"""


@linux
@pytest.mark.skipif(sys.platform == "linux" and os.getuid() != 0, reason="root alone can mount")
@pytest.mark.parametrize(
    ("which", "told"),
    [("fitting", "workers 1 1\nslices 20"), ("wanted", "found: no space left in shared memory (/dev/shm)")],
)
def test_in_the_shared_memory_that_docker_gives(tmp_path: Path, which: str, told: str) -> None:
    (tmp_path / "small.py").write_text(SMALL)
    mount = "mount -t tmpfs -o size=64m tmpfs /dev/shm || exit 75"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{mount}; exec "$0" "$@"', sys.executable, tmp_path / "small.py", which],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(Path(hepaflow.__file__).parents[1])},
    )
    if done.returncode == 75 or "unshare failed" in done.stderr:
        pytest.skip("nothing can be mounted here")
    assert told in done.stdout, done.stdout + done.stderr
