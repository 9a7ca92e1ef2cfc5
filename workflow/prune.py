"""List what earlier runs have left in a run's results, and remove it if asked to.

    python workflow/prune.py [--configfile FILE ...] [--config KEY=VALUE ...] [--directory FOLDER] [--remove]

These are files of exams, backbones and methods that the run no longer has. Files that no job has made, and
files that are no longer as their job made them, stay.
"""

import argparse
import sys
from pathlib import Path

from why import chosen_plan, command, left_over, made_otherwise, of_another_configuration

from hepaflow.errors import UserError
from hepaflow.jobs.leftovers import remove
from hepaflow.system.call import NOTE
from hepaflow.system.terminal import run_command
from hepaflow.words import counted


def main() -> None:
    """List what is left over, or remove it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--remove", action="store_true", help="remove the files instead of only listing them")
    chosen, jobs = chosen_plan(parser)
    those = left_over(jobs)
    if not those:
        print("Nothing is left over from earlier runs.")
        return
    if not chosen.remove:
        for line in of_another_configuration(jobs, chosen):
            print(line)
    mebibytes = sum(one.size for one in those) / 2**20
    print("\n".join(str(one.path) for one in those))
    if not chosen.remove:
        size = f"{counted(len(those), 'file')}, {mebibytes:.1f} MiB"
        print(
            f"\n{size}. Nothing was removed: "
            "`hepaflow prune --remove` or `make prune REMOVE=yes`, with the same configuration, does."
        )
        return
    if any(Path(".snakemake/locks").glob("*")):
        raise SystemExit("Snakemake runs in this folder: wait until it has ended (or `snakemake --unlock`).")
    for results, call in made_otherwise(jobs, chosen).items():
        raise UserError(
            f"results that were last made with another configuration: {call.in_words(results)}",
            file=results / NOTE,
            expected="the files and keys of the last run, else its results would be taken for leftovers",
            remedy="give the same --configfile and --config to `hepaflow prune`; if those given now are right, "
            f"run them first: {command(chosen)}",
        )
    others = remove(those)
    print(f"\nRemoved {counted(len(those) - len(others), 'file')}.")
    for path, why in others.items():
        print(f"Kept ({why}): {path}")


if __name__ == "__main__":
    sys.exit(run_command(main))
