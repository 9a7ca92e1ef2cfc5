"""`make demo`: one at a time, stopped with a word on how it goes on, and what comes next."""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import demo
import pytest

from hepaflow.names import STAGES
from hepaflow.settings.configuration import read_files
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.system import terminal

ROOT = Path(__file__).parents[2]
IN_ITS_PLACE = """
import sys, demo
from pathlib import Path
demo.ROOT = Path(sys.argv.pop(1))
code = sys.argv.pop(1)
demo.snakemake = lambda cores: [sys.executable, "-c", code]
sys.exit(demo.main())
"""
"""Runs the demo with another program in the place of Snakemake."""


@pytest.fixture
def settings() -> Settings:
    return read_settings(read_files([ROOT / demo.CONFIG]))


def started(folder: Path, code: str) -> subprocess.Popen[str]:
    (folder / "config").mkdir()
    (folder / demo.CONFIG).write_text((ROOT / demo.CONFIG).read_text(encoding="utf-8"), encoding="utf-8")
    paths = os.pathsep.join([str(ROOT / "workflow"), str(ROOT / "workflow/scripts")])
    return subprocess.Popen(
        [sys.executable, "-c", IN_ITS_PLACE, str(folder), code],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_says_that_it_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit('a complaint'));"
    with started(tmp_path, f"{code} print('ready', flush=True); time.sleep(60)") as run:
        assert run.stdout
        next(line for line in run.stdout if line == "ready\n")
        os.killpg(run.pid, number)
        told = run.stdout.read()
    assert run.returncode == -number
    assert "make demo" in demo.STOPPED
    assert told == f"{demo.STOPPING}\n{demo.STOPPED}\n"  # nothing of what the program complains of


def test_a_terminal_that_is_gone_lets_it_end_in_order(tmp_path: Path) -> None:
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(open('ended', 'w').write('x')));"
    with started(tmp_path, f"{code} print('ready', flush=True); time.sleep(60)") as run:
        assert run.stdout
        next(line for line in run.stdout if line == "ready\n")
        run.stdout.close()
        os.killpg(run.pid, signal.SIGHUP)
        assert run.wait(timeout=60) == -signal.SIGHUP
    assert (tmp_path / "ended").exists()


def test_what_fails_says_that_it_goes_on(tmp_path: Path) -> None:
    with started(tmp_path, "raise SystemExit(1)") as run:
        told, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert told.splitlines()[-1] == demo.FAILED


def test_one_runs_at_a_time(tmp_path: Path) -> None:
    with (tmp_path / demo.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with started(tmp_path, "") as run:
            told, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "another demo that is running in this folder" in told


def test_a_lock_that_a_killed_run_left_is_lifted(tmp_path: Path) -> None:
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    (tmp_path / ".snakemake/locks/0.input.lock").touch()
    with started(tmp_path, "import sys; print(sys.argv[1:]); sys.exit('--unlock' not in sys.argv)") as run:
        told, _ = run.communicate(timeout=60)
    assert told.index("--unlock") < told.index("--quiet', 'reason")


def test_a_line_tells_how_many_trainings_are_finished_and_the_epoch_of_the_others(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    total = len(STAGES) * len(settings.networks)
    assert demo.progress(settings, 0) == f"[0 min] 0 of {total} trainings finished"
    records, logs = (tmp_path / settings.results / part / "train" for part in ("records", "logs"))
    for folder in (records, logs):
        folder.mkdir(parents=True)
    for name in ("liver.resnet50", "lesion.modern", "liver.of_an_earlier_run"):
        (records / f"{name}.json").touch()
        (logs / f"{name}.log").write_text("... INFO: epoch 2/2: loss\n")
    for name in ("liver.modern", "lesion.resnet50"):
        (logs / f"{name}.log").write_text("... INFO: epoch 3/11, batch 5/32: loss\n")
    os.utime(logs / "lesion.resnet50.log", (0, 0))  # of a demo that was stopped; it has not begun again
    assert demo.progress(settings, 150) == (
        f"[2 min] 2 of {total} trainings finished; "
        f"liver.modern: epoch 3 of 11 ({settings.results}/logs/train/liver.modern.log)"
    )


def test_next_steps_can_be_typed_as_they_are(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    own = Path(sys.executable).with_name("hepaflow")
    monkeypatch.setattr(terminal.shutil, "which", lambda _: None)
    told = "\n".join(demo.ending(settings))
    assert (
        f"  {terminal.command_name()} segment data/phantoms/phantom-10.image.nii.gz --model results/demo/" in told
    )
    assert ROOT / terminal.command_name() == own
    assert "source .venv/bin/activate" in told
    monkeypatch.setattr(terminal.shutil, "which", lambda _: str(own))
    told = "\n".join(demo.ending(settings))
    assert "  hepaflow index --help" in told
    assert "activate" not in told


def test_an_exam_that_next_steps_name_is_one_to_test(settings: Settings) -> None:
    assert "\tphantom-10.image.nii.gz\tphantom-10.label.nii.gz\ttest" in (ROOT / settings.exams).read_text()
