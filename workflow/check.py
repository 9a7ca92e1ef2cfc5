"""Look at this machine and at what a run reads and writes, before hours are spent: a line for each check.

    python workflow/check.py [--configfile FILE ...] [--directory FOLDER]

Nothing is computed, and nothing is left behind. On a cluster, run it as trainings will run: on a node with a GPU.
"""

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hepaflow.checks.check import WRONG, refused  # noqa: E402
from hepaflow.checks.gpu import Gpus  # noqa: E402
from hepaflow.checks.run import checks  # noqa: E402
from hepaflow.errors import UserError  # noqa: E402
from hepaflow.jobs.checkout import here_or_in  # noqa: E402
from hepaflow.jobs.driver import check_gpus, driver_cards, oldest_driver  # noqa: E402
from hepaflow.settings.configuration import read_files  # noqa: E402
from hepaflow.settings.workflow import read_settings  # noqa: E402
from hepaflow.system.terminal import run_command  # noqa: E402


def gpus(accelerator: str) -> Gpus | None:
    """Return the GPUs that torch can use here; None where there is none, or none is to be used."""
    seen = check_gpus(accelerator)
    if seen is None:
        return None
    drivers = ", ".join(dict.fromkeys(card.driver for card in driver_cards()))
    return Gpus(seen.names, seen.mib, drivers, seen.torch, seen.cuda, oldest_driver(seen.cuda))


def main(arguments: list[str] | None = None) -> int:
    """Print the checks; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--configfile",
        nargs="+",
        action="extend",
        type=Path,
        default=[],
        help="configuration of the run (default: config/config.yaml)",
    )
    parser.add_argument(
        "--directory", type=Path, default=ROOT, help="where Snakemake works (default: this project)"
    )
    chosen = parser.parse_args(arguments)
    files = [path.absolute() for path in chosen.configfile]
    os.chdir(chosen.directory)
    try:
        settings = read_settings(read_files(files or [Path(here_or_in(ROOT, "config/config.yaml"))]))
    except UserError as error:
        print(refused("settings", error))
        return 1
    found = []
    for check in checks(settings, gpus, sheet=Path(here_or_in(ROOT, settings.exams))):
        print(check, flush=True)
        found.append(check)
    wrong = sum(one.state == WRONG for one in found)
    print(f"\n{wrong} of {len(found)} checks found something wrong." if wrong else "\nNothing is wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(run_command(main))
