"""The command `hepaflow`."""

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.exams import index_folder, write_sheet
from hepaflow.settings.workflow import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="hepaflow", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    index = commands.add_parser(
        "index",
        help="write the exam sheet of a LiTS17 or MSD Task03 folder",
        description="Write the exam sheet of a folder with LiTS17 (volume-N.nii, segmentation-N.nii) or MSD "
        "Task03 (imagesTr/liver_N.nii.gz, labelsTr/liver_N.nii.gz). The test exams are drawn at random.",
    )
    index.add_argument("folder", type=Path, help="folder of the exams; name it `data` in the configuration")
    index.add_argument("--sheet", type=Path, required=True, help="sheet to write, for instance exams.tsv")
    index.add_argument("--test", type=int, default=10, help="test exams to draw (default: %(default)s)")
    index.add_argument("--seed", type=int, default=2022, help="seed of the draw (default: %(default)s)")
    index.set_defaults(run=_index)

    summary = commands.add_parser("summary", help="print the tables of a finished run")
    summary.add_argument("results", type=Path, help="folder of the run, for instance results/demo")
    summary.set_defaults(run=_summary)

    schema = commands.add_parser("schema", help="print the JSON schema of the configuration, for editors")
    schema.set_defaults(run=_schema)

    chosen = parser.parse_args(arguments)
    try:
        chosen.run(chosen)
    except UserError as error:
        print(f"hepaflow: error\n{error}", file=sys.stderr)
        return 1
    return 0


def _index(chosen: argparse.Namespace) -> None:
    exams = index_folder(chosen.folder, test=chosen.test, seed=chosen.seed)
    write_sheet(chosen.sheet, exams)
    counts = Counter(exam.split for exam in exams)
    print(f"{chosen.sheet}: {', '.join(f'{counts[split]} {split}' for split in counts)}")


def _summary(chosen: argparse.Namespace) -> None:
    folder = chosen.results / "tables"
    for name, title in (
        ("liver", "Mean Dice of the test exams, liver"),
        ("lesion", "Mean Dice of the test exams, lesions"),
        ("fusion_weights", "Fusion weights"),
    ):
        try:
            rows = list(csv.reader((folder / f"{name}.csv").read_text(encoding="utf-8").splitlines()))
        except OSError as error:
            raise UserError(
                f"no table ({error})", file=folder, remedy="let the run finish first: snakemake --cores all"
            ) from None
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        print(f"\n{title}")
        for row in rows:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def _schema(_: argparse.Namespace) -> None:
    print(json.dumps(Settings.model_json_schema(), indent=2))
