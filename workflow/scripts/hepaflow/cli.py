"""Segmentation of the liver and its lesions in CT exams: commands besides the workflow, which `snakemake` runs."""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, TextIO, get_args

import yaml
from pydantic import ValidationError

from hepaflow.checks.check import CHECKS
from hepaflow.errors import UserError
from hepaflow.evaluation.folder import score_folder
from hepaflow.evaluation.scores import write_scores
from hepaflow.evaluation.statistics import summarise
from hepaflow.exams.index import index_folder, sheet_text
from hepaflow.exams.sheet import read_sheet
from hepaflow.garbage import collect_seldom
from hepaflow.methods.given_files import structures_of
from hepaflow.methods.thesis import plan_of
from hepaflow.methods.words import in_words
from hepaflow.settings.configuration import read_files
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.settings.training import Precision
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.system.destination import check_earlier, make_folder, write_text
from hepaflow.system.parser import Parser
from hepaflow.system.signals import EndedError, Ending
from hepaflow.system.terminal import STOPPED, command_name, run_command, without_warnings
from hepaflow.tables.printed import printed_summary
from hepaflow.tables.scores import score_table, write_statistics
from hepaflow.version import version
from hepaflow.words import counted

_MOST_THREADS = 1024
_SCORES = ("metrics.csv", "summary.csv", "metrics.json")
"""What `evaluate` writes: scores of exams, their summary, the same for programs."""
_USES = {"train": "to train", "test": "to test", "new": "to segment"}

_TOOLS = {
    "check": (
        "check machine and data before a run: exams, weights, GPU, memory, folders, disk",
        "Check this machine and the files of a run before it starts. The exit status is 1 if something is wrong. "
        f"One or more lines are printed for each of: {', '.join(CHECKS)}. On a cluster, run it where "
        "training will run: on a node with a GPU.",
    ),
    "why": (
        "say what would run again, and why",
        "Say what the next run would compute, and why: which settings, code and inputs have changed since each "
        "job ran. Nothing is run.",
    ),
    "prune": (
        "list or remove files that earlier runs have left in the results",
        "List files of exams, backbones and methods that a run no longer has. With --remove, remove them.",
    ),
}
"""Commands of the workflow beside the package: `workflow/NAME.py`."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    chosen = make_parser().parse_args(arguments)
    return run_command(lambda: chosen.run(chosen))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with a command of its own for each thing that can be done."""
    parser = Parser(prog="hepaflow", description=__doc__)
    parser.add_argument("--version", action="store_true", help="print the versions of hepaflow, torch and Python")
    parser.set_defaults(run=lambda chosen: _version() if chosen.version else parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")

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
    index.add_argument("--overwrite", action="store_true", help="replace a sheet that lists something else")
    index.set_defaults(run=_index)

    segment = commands.add_parser(
        "segment",
        help="segment your own exams, NIfTI or DICOM",
        description="Segment the liver and its lesions in one exam or in many, with the model that comes with "
        "hepaflow or with that of a finished run. Every exam gets a folder with a label map, measurements and an "
        "HTML page, and for DICOM a segmentation and an overlay in the same study. An overview and tables cover "
        "all exams. Research software: not for diagnosis.",
    )
    segment.add_argument(
        "exam",
        type=Path,
        nargs="+",
        help="NIfTI file, folder of DICOM or NIfTI files, zip or tar archive of these, or one file of a "
        "DICOM series; one or more",
    )
    segment.add_argument(
        "--model",
        type=Path,
        help="hepaflow-model.zip of a finished run (default: the model that comes with hepaflow, which has only "
        "seen synthetic exams)",
    )
    segment.add_argument(
        "--out", type=Path, required=True, help="folder for the results; nothing is written elsewhere"
    )
    segment.add_argument("--series", help="CT series to segment if a study has several: its number or UID")
    segment.add_argument(
        "--anonymise",
        action="store_true",
        help="write DICOM results without patient, study and dates, with new UIDs",
    )
    segment.add_argument(
        "--keep-names",
        action="store_true",
        help="name results after folders even if their names contain that of the patient",
    )
    segment.add_argument(
        "--keep-outside",
        action="store_true",
        help="keep lesions outside the liver; by default, those more than 10 mm from it are left out",
    )
    segment.add_argument("--overwrite", action="store_true", help="replace earlier results")
    segment.add_argument(
        "--device", choices=("auto", "cpu"), default="auto", help="auto: a GPU if there is one (default)"
    )
    segment.add_argument(
        "--threads", type=_threads, metavar="N", help="threads on the CPU, at least 1 (default: all cores)"
    )
    segment.add_argument(
        "--precision",
        choices=get_args(Precision),
        help="arithmetic of the networks (default: the model's own, but fp32 instead of bf16 if the processor has "
        "no instructions for it); bf16 is faster if it has",
    )
    segment.set_defaults(run=_segment)

    evaluate = commands.add_parser(
        "evaluate",
        help="score a folder of segmentations by any software",
        description="Score a folder of segmentations against a folder of references, without a workflow. Files "
        "are matched by name.",
    )
    evaluate.add_argument("predictions", type=Path, help="folder of segmentations, .nii or .nii.gz")
    evaluate.add_argument("references", type=Path, help="folder of references: 0 background, 1 liver, 2 lesion")
    evaluate.add_argument("--out", type=Path, help=f"folder for {', '.join(_SCORES)}")
    evaluate.add_argument("--overwrite", action="store_true", help="replace the scores of an earlier evaluation")
    evaluate.add_argument(
        "--liver", type=int, nargs="*", default=[1, 2], metavar="VALUE",
        help="label values of the liver with its lesions in the segmentations (default: 1 2)",
    )  # fmt: skip
    evaluate.add_argument(
        "--lesion", type=int, nargs="*", default=[2], metavar="VALUE",
        help="label values of lesions in the segmentations (default: 2); with no value, only the liver is scored",
    )  # fmt: skip
    evaluate.add_argument(
        "--trust-grid",
        action="store_true",
        help="compare voxel by voxel, whatever positions the headers give",
    )
    evaluate.set_defaults(run=_evaluate)

    summary = commands.add_parser("summary", help="print the tables of a finished run")
    summary.add_argument("results", type=Path, help="folder of the run, for instance results/demo")
    summary.set_defaults(run=_summary)

    compare = commands.add_parser(
        "compare",
        help="hold finished runs against each other, exam by exam",
        description="Hold finished runs against the first of them: what differs in settings, code, versions and "
        "data, every metric exam by exam with intervals and tests, what each run has cost, and what can be "
        "concluded. Only exams count that all runs have scored, on the same image and label map.",
    )
    compare.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="folders of results, for instance results/demo"
    )
    compare.add_argument(
        "--out", type=Path, required=True, help="folder for the page (comparison.html) and its tables"
    )
    compare.add_argument(
        "--method",
        action="append",
        default=[],
        metavar="[RUN=]NAME",
        help="method to compare, in all runs or in one; may be repeated (default: the runs' results, then every "
        "method that has one name in all of them)",
    )
    compare.add_argument("--overwrite", action="store_true", help="replace an earlier comparison")
    compare.set_defaults(run=_compare)

    fetch = commands.add_parser(
        "fetch",
        help="download the ImageNet weights that a configuration needs",
        description="Download the ImageNet weights that a configuration needs to the folder where torchvision "
        "looks for them, for training on machines without internet access. Run it as the user who will run the "
        "training.",
    )
    fetch.set_defaults(run=_fetch)

    plan = commands.add_parser(
        "plan",
        help="describe what a configuration computes: data, networks and methods",
        description="Describe in words what a run computes from every exam: the data that its networks see, and "
        "how each method's masks are made. It reads only the configuration and its exam sheet, and runs nothing.",
    )
    plan.set_defaults(run=_plan)
    tools = {name: _tool(commands, name) for name in _TOOLS}
    tools["prune"].add_argument("--remove", action="store_true", help="remove the files instead of listing them")
    for name in ("why", "prune"):
        tools[name].add_argument(
            "--config",
            nargs="+",
            action="extend",
            default=[],
            metavar="KEY=VALUE",
            help="keys of the configuration, as for snakemake: they count more than those of the files",
        )
    for command in (fetch, plan, *tools.values()):
        default = "the thesis'" if command in (fetch, plan) else "config/config.yaml"
        command.add_argument(
            "--configfile",
            type=Path,
            nargs="+",
            action="extend",
            default=[],
            help=f"configurations, as for snakemake: later ones override earlier ones (default: {default})",
            metavar="FILE",
        )

    schema = commands.add_parser("schema", help="print the JSON schema of the configuration, for editors")
    schema.set_defaults(run=_schema)
    return parser


def _tool(commands: Any, name: str) -> argparse.ArgumentParser:
    brief, description = _TOOLS[name]
    command: argparse.ArgumentParser = commands.add_parser(name, help=brief, description=description)
    command.add_argument(
        "--directory",
        type=Path,
        metavar="FOLDER",
        help="working folder of Snakemake (`snakemake -d`), or another workflow that has hepaflow as a module "
        "(default: the folder of hepaflow's workflow)",
    )
    command.set_defaults(run=lambda chosen: _run_tool(name, chosen))
    return command


def _run_tool(name: str, chosen: argparse.Namespace) -> int:
    own, here = Path(__file__).parents[2], Path.cwd() / "workflow"  # one may stand in another checkout
    works = chosen.directory
    tool = (here if (here / f"{name}.py").is_file() else own) / f"{name}.py"
    if not tool.is_file():
        raise UserError(
            f"hepaflow without its workflow, which `hepaflow {name}` is about",
            file=tool,
            expected="a checkout of the project",
            remedy="in a checkout, `make setup`, and then `.venv/bin/hepaflow` of there",
        )
    if not works and tool.parents[1] != Path.cwd():
        print(f"In {tool.parents[1]}, where hepaflow's workflow is:\n", flush=True)
    files = [os.path.abspath(file) for file in chosen.configfile]  # the tool goes to the workflow's folder
    options = [*(["--configfile", *files] if files else []), *(["--remove"] if vars(chosen).get("remove") else [])]
    options += ["--config", *keys] if (keys := vars(chosen).get("config")) else []
    options += ["--directory", str(works)] if works else []
    try:
        return subprocess.run([sys.executable, str(tool), *options], check=False).returncode
    except KeyboardInterrupt:  # which the tool got, too, and has told
        return STOPPED


def _version() -> None:
    print(f"hepaflow {version()} (torch {metadata.version('torch')}, Python {platform.python_version()})")


def _threads(text: str) -> int:
    """Read a number of threads."""
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MOST_THREADS}")
    return int(text)


def _segment(chosen: argparse.Namespace) -> int:
    collect_seldom()
    with without_warnings(), Ending() as ending:
        try:
            return _segmented(chosen, ending)
        except EndedError as ended:
            say = _say_to(sys.stderr)
            say(f"\nhepaflow: ended by {ended.name}: finished exams are kept, what was unfinished is removed")
            return ended.status


def _segmented(chosen: argparse.Namespace, ending: Ending) -> int:
    from hepaflow.model.bundle import read_bundle
    from hepaflow.model.shipped import shipped_model
    from hepaflow.segment.command import (  # takes seconds to import
        known_model,
        list_failures,
        load_model,
        segment_exams,
    )

    tell = _say_to(sys.stdout)

    def say(line: str) -> None:
        ending.check()
        tell(line)

    model = chosen.model or shipped_model()
    if all(map(os.path.exists, chosen.exam)):
        read_bundle(model)  # before an archive is unpacked, and many files are looked at
    failures = segment_exams(
        chosen.exam,
        chosen.out,
        lambda: load_model(
            model, device=chosen.device, threads=chosen.threads, precision=chosen.precision, say=say
        ),
        know=lambda: known_model(model, device=chosen.device, precision=chosen.precision),
        say=say,
        series=chosen.series,
        anonymise=chosen.anonymise,
        overwrite=chosen.overwrite,
        keep_names=chosen.keep_names,
        keep_outside=chosen.keep_outside,
    )
    list_failures(failures, say)
    return 1 if failures else 0


def _say_to(stream: TextIO) -> Callable[[str], None]:
    """Return what prints lines, and goes on without where nobody reads them any more."""

    def say(line: str) -> None:
        try:
            print(line, file=stream, flush=True)
        except OSError:  # `| head` has gone, or the terminal
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    return say


def _index(chosen: argparse.Namespace) -> None:
    index = index_folder(chosen.folder, test=chosen.test, seed=chosen.seed)
    write_text(chosen.sheet, sheet_text(index.exams), overwrite=chosen.overwrite)
    counts = Counter(exam.split for exam in index.exams)
    print(f"{chosen.sheet}: {', '.join(f'{counts[split]} {split}' for split in counts)}")
    for note in index.notes:
        print(f"  {note}")
    print("\nName both in a configuration, say mine.yaml, and look whether all is there:\n")
    named = {"data": str(chosen.folder), "exams": str(chosen.sheet)}
    for line in yaml.safe_dump(named, allow_unicode=True, sort_keys=False, width=1000).splitlines():
        print(f"  {line}")
    print(f"\n  {command_name()} check --configfile mine.yaml")


def _plan(chosen: argparse.Namespace) -> None:
    settings = read_settings(read_files(chosen.configfile))
    exams = read_sheet(Path(settings.exams), to_train=settings.learns_from_exams)
    counts = [f"{len(exams.names(split))} {use}" for split, use in _USES.items()]
    print(f"{settings.results}: exams {', '.join(counts)} ({settings.exams})\n")
    given = {name: structures_of(prediction) for name, prediction in settings.predictions.items()}
    for line in in_words(plan_of(settings), given):
        print(line)


def _fetch(chosen: argparse.Namespace) -> None:
    settings = read_settings(read_files(chosen.configfile))
    from hepaflow.networks.pretrained import imagenet_file, imagenet_weights  # torch takes seconds to import

    networks = [one.network for one in settings.networks.values()]
    wanted = sorted({network.arch for network in networks if network.weights == "imagenet"})
    for arch in wanted:
        imagenet_weights(arch)
        print(f"{arch}: {imagenet_file(arch)}")
    if not wanted:
        print("no network of this configuration starts from ImageNet's weights")


def _summary(chosen: argparse.Namespace) -> None:
    print("\n".join(printed_summary(chosen.results)))


def _compare(chosen: argparse.Namespace) -> None:
    from hepaflow.comparison.command import compare_runs  # matplotlib takes a second to import

    compare_runs(
        chosen.runs, chosen.out, methods=chosen.method, overwrite=chosen.overwrite, say=_say_to(sys.stdout)
    )


def _schema(_: argparse.Namespace) -> None:
    print(json.dumps(Settings.model_json_schema(), indent=2))


def _evaluate(chosen: argparse.Namespace) -> int:
    values = _label_values(chosen)
    if chosen.out:
        check_earlier(chosen.out, _SCORES, overwrite=chosen.overwrite)
        make_folder(chosen.out)
    metrics, errors = score_folder(chosen.predictions, chosen.references, values, trust_grid=chosen.trust_grid)
    summary = summarise(metrics)
    if chosen.out:
        metrics_csv, summary_csv, statistics = (chosen.out / name for name in _SCORES)
        write_scores(metrics, metrics_csv)
        write_scores(summary, summary_csv)
        write_statistics(summary, statistics)
    for structure in structures_of(values):
        print(f"\n{structure}, {counted(metrics['exam'].nunique(), 'exam')}, 95 % interval in brackets")
        for name, value in score_table(summary, structure).itertuples(index=False):
            print(f"  {name:36}  {value}")
    if errors:
        told = "\n\n".join(map(str, errors))
        print(
            f"\nhepaflow: error\n{counted(len(errors), 'exam')} not scored, and not among the numbers:\n\n{told}",
            file=sys.stderr,
        )
    return 1 if errors else 0


def _label_values(chosen: argparse.Namespace) -> PredictionLabels:
    given = f"--liver {_in_words(chosen.liver)} --lesion {_in_words(chosen.lesion)}"
    try:
        values = PredictionLabels(liver=tuple(chosen.liver), lesion=tuple(chosen.lesion))
    except ValidationError:
        raise UserError(given, expected="label values: whole numbers from 1 on") from None
    if not structures_of(values):
        raise UserError(given, expected="label values of the liver, of lesions, or of both")
    return values


def _in_words(values: list[int]) -> str:
    return " ".join(map(str, values))
