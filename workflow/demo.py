"""Run the whole workflow on phantom exams: `make demo`.

    python workflow/demo.py [--cores N]

If it is stopped, it goes on where it was when it is called again. Only one runs in a folder at a time.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hepaflow.errors import UserError  # noqa: E402
from hepaflow.settings.configuration import read_files  # noqa: E402
from hepaflow.settings.workflow import Settings, read_settings  # noqa: E402
from hepaflow.system.call import DEMO, DEMO_LOCK  # noqa: E402
from hepaflow.system.group import run_group  # noqa: E402
from hepaflow.system.terminal import command_name, run_command  # noqa: E402
from hepaflow.tables.printed import printed_summary  # noqa: E402
from hepaflow.training.followed import followed  # noqa: E402
from hepaflow.words import counted  # noqa: E402

CONFIG = Path(DEMO)
LOCK = Path(DEMO_LOCK)

BEGINNING = """\
The demo takes 9 to 15 minutes on two cores. {trainings} trainings, and what their networks predict, take nearly
all of them: while a network is trained, little else seems to go on. Its log tells every epoch: {logs}
"""
STOPPING = "\nStopping: a training saves its state first. Once more stops at once."
STOPPED = "Stopped. To go on where it was: make demo"
FAILED = "The demo has not come to its end, but what is finished is kept. To go on from there: make demo"
"""How it ends otherwise."""


def snakemake(cores: str) -> list[str]:
    """Return how Snakemake is called for the demo."""
    return [
        *(sys.executable, "-m", "snakemake", "--cores", cores, "--configfile", str(CONFIG)),
        # The solver of the default scheduler takes a tenth of a core, which so short a run does not have to spare.
        *("--scheduler", "greedy"),
        # Snakemake looks at all jobs again a timespan (1 s if not told) after every look: many times a second in
        # the end, on one of two cores.
        *("--max-jobs-per-timespan", "1000/5s"),
    ]


def progress(settings: Settings, seconds: float) -> str:
    """Return a line on what takes the time: trainings, and how far those are that are under way.

    Parameters
    ----------
    settings : Settings
    seconds : float
        How long the demo runs; logs that are older are of an earlier one.
    """
    jobs, done = _trainings(settings)
    line = f"[{seconds / 60:.0f} min] {len(done)} of {counted(len(jobs), 'training')} finished"
    logs = {name: Path(settings.results, "logs/train", f"{name}.log") for name in jobs if name not in done}
    under_way = []
    for name, log in logs.items():
        with suppress(OSError):  # it has not begun
            if log.stat().st_mtime >= time.time() - seconds:
                under_way.append(f"{name}: {followed(log)} ({log})")
    return "; ".join([line, *under_way])


def _trainings(settings: Settings) -> tuple[list[str], list[str]]:
    """Return the names of all trainings, and of those that are finished."""
    jobs = [f"{stage}.{network}" for network in settings.networks for stage in settings.stages(network)]
    return jobs, [name for name in jobs if Path(settings.results, "records/train", f"{name}.json").is_file()]


def ending(settings: Settings) -> list[str]:
    """Return what can be done with a finished demo, as it can be typed in this shell."""
    command, results = command_name(), settings.results
    exam, model = f"{settings.data}/phantom-10.image.nii.gz", f"{results}/hepaflow-model.zip"
    return [
        f"To read: {results}/report.html",
        "",
        "Next:",
        f"  {command} segment {exam} --model {model} --out segmented",
        f"  {command} index --help       (exams of your own, or LiTS17)",
        *([] if command == "hepaflow" else ["", "After `source .venv/bin/activate`, `hepaflow` alone is enough."]),
    ]


def say(line: str) -> None:
    """Print a line at once, also from within a signal's handler; where nobody reads it any more, go on without."""
    with suppress(OSError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode())


def run(cores: str) -> int:
    """Run the demo; return its exit status."""
    os.chdir(ROOT)
    settings = read_settings(read_files([CONFIG]))
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError("another demo that is running in this folder", remedy="wait for its end") from None
        command = snakemake(cores)
        if any(Path(".snakemake/locks").glob("*")):  # of a run that was killed, as no other demo runs
            subprocess.run([*command, "--unlock", "--quiet", "all"], check=False)
        say(BEGINNING.format(trainings=len(_trainings(settings)[0]), logs=f"{settings.results}/logs/train/"))
        shown = ["--logger", "rich"] if sys.stdout.isatty() else ["--quiet", "reason", "progress"]
        status, number = run_group(
            [*command, *shown],
            asked=lambda: say(STOPPING),
            beat=lambda seconds: None if sys.stdout.isatty() else say(progress(settings, seconds)),
            inherited=[lock.fileno()],
            hushed=True,
        )
    if number:
        say(STOPPED)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # so that make and shells see what it was
    if status:
        say(FAILED)
        return 1
    print("\n".join([*printed_summary(Path(settings.results)), *ending(settings)]))
    return 0


def main() -> int:
    """Read the command line, and run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cores", default="all", help="how many cores it may take (default: %(default)s)")
    chosen = parser.parse_args()
    return run_command(lambda: run(chosen.cores))


if __name__ == "__main__":
    sys.exit(main())
