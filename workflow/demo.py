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
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hepaflow.errors import UserError  # noqa: E402
from hepaflow.names import STAGES  # noqa: E402
from hepaflow.settings.configuration import read_files  # noqa: E402
from hepaflow.settings.workflow import Settings, read_settings  # noqa: E402
from hepaflow.system.call import DEMO, DEMO_LOCK  # noqa: E402
from hepaflow.system.group import run_group  # noqa: E402
from hepaflow.system.terminal import command_name, run_command  # noqa: E402
from hepaflow.tables.printed import printed_summary  # noqa: E402

CONFIG = Path(DEMO)
LOCK = Path(DEMO_LOCK)

BEGINNING = """\
The demo takes about nine minutes on two cores. {trainings} trainings, and what their networks predict, take nearly
all of them: while a network is trained, little else seems to go on.
"""
STOPPING = "\nThe demo is being stopped: a training saves its state first. Once more stops it at once."
STOPPED = "Stopped. The next `make demo` goes on where this one was."
FAILED = "The demo has not come to its end. What is finished is kept: the next `make demo` goes on from there."
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
    """Return a line on what takes the time."""
    done, total = _trainings(settings)
    return f"[{seconds / 60:.0f} min] {done} of {total} trainings are finished"


def _trainings(settings: Settings) -> tuple[int, int]:
    records = Path(settings.results) / "records/train"
    jobs = [(stage, name) for stage in STAGES for name in settings.networks]
    return sum((records / f"{stage}.{name}.json").is_file() for stage, name in jobs), len(jobs)


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
        say(BEGINNING.format(trainings=_trainings(settings)[1]))
        shown = ["--logger", "rich"] if sys.stdout.isatty() else ["--quiet", "reason", "progress"]
        status, number = run_group(
            [*command, *shown],
            asked=lambda: say(STOPPING),
            beat=lambda seconds: None if sys.stdout.isatty() else say(progress(settings, seconds)),
            inherited=[lock.fileno()],
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
