"""Nothing is left behind by exam after exam, and no job waits for ever for a process that died."""

import gc
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from cases import STOPS, Case, Table, Tell, neutral
from injected import end, same, start
from light import Light, training
from made import HU, LABELS, write
from test_screen import told
from walk import walk

from hepaflow.masks.file import Masks, write_maps
from hepaflow.networks.compute import make_fabric
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.predictor import Predictor
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.sampling import Slices

EXAMS = 200
LEAKS = Case(f"open files, shared memory, temporary files and memory over {EXAMS} exams", "nothing is left")
PREDICTED = Case(
    f"open files, shared memory and temporary files of a prediction of {EXAMS} exams", "nothing is left"
)
WORKER = Case("SIGKILL to a process that loads training slices", STOPS, ("was killed", "workers: 0"))
MEMORY = Case("out of memory (address space) in a job, then with more, another run", STOPS, ("no memory left",))

RESOURCES = Table(
    "Resources",
    "The resources of a process are counted before and after. Jobs that cannot continue must end soon.",
    (LEAKS, PREDICTED, WORKER, MEMORY),
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from Linux' /proc")


def held() -> tuple[set[str], set[str], set[str]]:
    """Return the files that this process holds open, all in shared memory, and all temporary files."""
    gc.collect()
    files = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            files.add(os.readlink(f"/proc/self/fd/{number}"))
        except FileNotFoundError:  # of listing them
            continue
    return files, set(os.listdir("/dev/shm")), set(os.listdir(tempfile.gettempdir()))


def resident() -> int:
    """Return the resident memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.fixture
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


@linux
@pytest.mark.usefixtures("own_temporary_folder")
@pytest.mark.slow
def test_exam_after_exam(tmp_path: Path, tell: Tell) -> None:
    part = np.s_[3:6]
    image, label = write(tmp_path / "image.nii.gz", HU[part]), write(tmp_path / "label.nii.gz", LABELS[part])
    for exam in range(EXAMS):
        if exam == 20:
            before, memory = held(), resident()
        walk(image, label, tmp_path)
    assert held() == before
    assert resident() - memory < 32 << 20
    tell(LEAKS, "")


@linux
@pytest.mark.usefixtures("own_temporary_folder")
@pytest.mark.slow
def test_prediction_of_many_exams(tmp_path: Path, tell: Tell) -> None:
    import torch

    walk(write(tmp_path / "image.nii"), write(tmp_path / "label.nii", LABELS), tmp_path)
    network = torch.nn.Conv2d(1, 1, 1)
    compute = ComputeSettings(accelerator="cpu")
    predictor = Predictor(network, Slices(), make_fabric("fp32", compute), compute)
    path = tmp_path / "liver.safetensors"
    predictor.map(SliceFile(path))
    before = held()
    names = [str(number) for number in range(EXAMS)]
    write_maps(tmp_path / "masks.npz", ((name, predictor.map(SliceFile(path))) for name in names))
    assert held() == before
    with Masks(tmp_path / "masks.npz") as masks:
        assert list(masks) == names
    tell(PREDICTED, "")


def children(of: int, words: str) -> list[int]:
    """Return the processes below one whose command has these words in it, the youngest last."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in listed.splitlines()]
    below, found = {of}, []
    for _ in range(8):
        below |= {int(pid) for pid, parent, *_ in rows if int(parent) in below}
    for pid, _, *command in rows:
        if int(pid) in below and command and words in command[0]:
            found.append(int(pid))
    return sorted(found)


@pytest.mark.slow
@linux
def test_a_loading_process_that_dies(copied: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    model = "results/smoke/models/liver/dense.safetensors"
    copied.configure(training=training(epochs=400), compute={"accelerator": "cpu", "workers": 1})
    run = start(copied, tmp_path / "log", model)
    try:
        state = copied.folder / "results/smoke/models/liver/dense.training/state.safetensors"
        until = time.monotonic() + 300
        while not state.exists():
            assert run.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.1)
        *_, worker = children(run.pid, "python")  # the youngest: forked by the job
        os.kill(worker, signal.SIGKILL)
        killed = time.monotonic()
        assert run.wait(120) == 1
        assert time.monotonic() - killed < 60
    finally:
        end(run)
    message = told((tmp_path / "log").read_text())
    tell(WORKER, neutral(message, copied.folder))


@pytest.mark.slow
@linux
def test_out_of_memory(copied: Light, undisturbed: Light, tmp_path: Path, tell: Tell) -> None:
    """A job that may take no more than its imports, and less than its exam."""
    exam = copied.folder / "data/phantoms/big.nii.gz"
    nib.openers.Opener.default_compresslevel = 1
    nib.save(nib.Nifti1Image(np.zeros((512, 512, 800), np.float32), np.diag([-1, -1, 1, 1])), exam)
    sheet = copied.folder / "config/exams/smoke.tsv"
    before = sheet.read_text()
    sheet.write_text(before + "big\tbig.nii.gz\t\tnew\n")
    copied.configure(phantoms=None)
    limited = ["bash", "-c", f'ulimit -v {1600 << 10}; exec "$0" "$@"', sys.executable, "-m", "snakemake"]
    target = "results/smoke/preprocessed/liver/big.safetensors"
    ended = subprocess.run(
        [*limited, "--cores", "1", target, "--configfile", "config/smoke.yaml"],
        cwd=copied.folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout
    message = told(ended.stdout)
    assert not (copied.folder / target).exists()
    again = copied.snakemake(target)
    assert again.returncode == 0, again.stdout
    assert len(SliceFile(copied.folder / target)) == 800
    sheet.write_text(before)
    copied.configure()
    (copied.folder / target).unlink()
    same(copied, undisturbed)
    tell(MEMORY, neutral(message, copied.folder))
