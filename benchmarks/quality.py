"""Dice for the same compute: systems trained on the same exams for the same time, some seeds each.

    python -m benchmarks.quality [--set demo|small-lesions] [--only SYSTEM] [--seeds 3]
        [--seconds LIVER LESION] [--configfile FILE ...]

Each is trained for as long as the four networks of a stage took together in the finished demo, on all cores, or
for the seconds of one core that are asked for. MONAI's UNet and nnU-Net have the slices of the thesis' networks,
at the same size. They are methods of the plan: a cascade around their own liver, with the thesis' post-processing.
A method `modern` of the configuration is trained by its own settings, on its own data. The demo's networks, their
fusion and its averages stand as the finished demo scored them.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import torch

from benchmarks import nnunet
from benchmarks.dice_table import Trial, aims, dice_table
from benchmarks.exam_set import (
    MODERN,
    ROOT,
    SETS,
    ExamSet,
    Pair,
    configurations,
    exam_set,
    results_of,
    settings_of,
)
from benchmarks.side_by_side import digits, table
from benchmarks.within_time import Segments, Train, Trained, method, monais_unet, nnunet_2d
from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.evaluation.scores import final, read_scores
from hepaflow.exams.sheet import read_sheet
from hepaflow.names import FUSION, STAGES, STRUCTURES
from hepaflow.settings.workflow import Settings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image

UNET, NNUNET = "MONAI's UNet", "nnU-Net 2d"
MODEL = "hepaflow-model.zip"
Trains = Callable[[ExamSet, str, Mapping[str, float], Path], Train]
SYSTEMS: Mapping[str, Trains] = {UNET: monais_unet, NNUNET: nnunet_2d, MODERN: method}
"""What is trained, and how."""
AVERAGE = ROOT / "config" / "examples" / "demo-average.yaml"
HOW = f"`snakemake --cores all --configfile config/demo.yaml {AVERAGE.relative_to(ROOT)}`"
UNFINISHED = "Not measured: it needs the finished demo (`make demo`)."
AIMS: Mapping[str, Mapping[str, float] | None] = {"demo": {"liver": 0.975, "lesion": 0.945}, "small-lesions": None}
"""The least Dice of `modern` in each set; on the harder one it is only not to be below nnU-Net's."""
SEEDS = 3


def mean_dice(scores: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the mean Dice over the exams, by method, then by structure."""
    means = dice_of(scores).groupby("structure").mean()
    return {
        str(method): dict(zip(map(str, means.index), of_method.to_numpy(float).tolist(), strict=True))
        for method, of_method in means.items()
    }


def dice_of(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the Dice of every exam, a row for a structure and an exam, a column for every method."""
    return scores[scores["metric"] == "dice"].pivot(index=["structure", "exam"], columns="method", values="value")


def scores_of(systems: Mapping[str, Segments], exams: Mapping[str, Pair]) -> pd.DataFrame:
    """Return the scores, on exams, of what segments an exam, by name."""
    tables = []
    for name, (image, label) in exams.items():
        hu, grid = read_image(image, exam=name)
        labels, _ = read_labels(label, exam=name, image=grid)
        scores = Scores(name, segmentation_of(labels), grid.trusted_steps)
        for system, segments in systems.items():
            found = segments(hu)
            scores.add(system, "clean", {structure: getattr(found, structure) for structure in STRUCTURES})
        tables.append(scores.metrics())
    return pd.concat(tables, ignore_index=True)


def seconds_of(results: Path, stage: str) -> dict[str, float]:
    """Return the seconds of one core that the training of each network of a stage took."""
    records = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (results / "records/train").glob(f"{stage}.*.json")
    ]
    return {record["wildcards"]["network"]: record["seconds"] * record["threads"] for record in records}


def is_finished(results: Path) -> bool:
    """Return whether a run has ended with its model."""
    return (results / MODEL).is_file()


def together(settings: Settings) -> dict[str, float]:
    """Return the seconds of one core that all backbones of each stage took in a finished run."""
    spent = {stage: seconds_of(results_of(settings), stage) for stage in STAGES}
    return {stage: sum(spent[stage][name] for name in settings.backbones) for stage in STAGES}


def measure(
    scratch: Path,
    name: str,
    seeds: int,
    seconds: Mapping[str, float] | None = None,
    over: Sequence[Path] = (),
    only: Collection[str] = SYSTEMS,
) -> str:
    """Train and score systems on a set of exams, beside its finished run, if there is one; a table in Markdown.

    Parameters
    ----------
    scratch : Path
        Folder for data and trained networks.
    name : str
        Of the set.
    seeds : int
        How often each system is trained.
    seconds : mapping, optional
        Of one core, by stage; as long as the demo's four networks of it if absent.
    over : sequence of Path
        Further configurations.
    only : collection of str
        The systems that are trained.
    """
    demo = settings_of(*configurations("demo", over))
    if seconds is None and not is_finished(results_of(demo)):
        return f"{UNFINISHED} Or say for how long: `python -m benchmarks.quality --seconds 600 400`."
    budget = together(demo) if seconds is None else seconds
    exams = exam_set(settings_of(*configurations(name, over)), scratch / "exams")
    cores = torch.get_num_threads()
    wall = {stage: spent / cores for stage, spent in budget.items()}
    trials: dict[str, list[Trial]] = {system: [trial] for system, trial in _of_the_run(exams)}
    told, left_out = [], []
    for system in only:
        if missing := _missing(system, exams):
            left_out.append(missing)
            continue
        train = SYSTEMS[system](exams, system, wall, scratch)
        runs = [_trial(exams, system, train, exams.settings.seed + number, cores) for number in range(seeds)]
        trials[system] = [trial for _, trial in runs]
        told.append(_how_far(system, [trained for trained, _ in runs]))
    parts = [
        _how_long([system for system in only if system in trials], budget, like_the_demo=seconds is None),
        dice_table(trials),
        aims(trials, MODERN, NNUNET, AIMS[name]),
        f"In that time, {'; '.join(told)}." if told else "",
        *left_out,
    ]
    return "\n\n".join(part for part in parts if part)


def _how_long(systems: Sequence[str], budget: Mapping[str, float], *, like_the_demo: bool) -> str:
    """Say for how long systems were to be trained; the table tells how long each was."""
    if not systems:
        return ""
    times = ", ".join(f"{digits(spent)} core seconds for the {stage}" for stage, spent in budget.items())
    like = ": as long as the demo's four networks together, which is also the time of their fusion"
    return f"Planned for each of {', '.join(systems)}: {times}, on all cores{like if like_the_demo else ''}."


def _missing(system: str, exams: ExamSet) -> str:
    """Return why a system is not trained; empty if it is."""
    if system == NNUNET and not nnunet.is_installed():
        return "nnU-Net was not measured: `make bench` installs it."
    if system == MODERN and MODERN not in exams.settings.cascades:
        return (
            f"`{MODERN}` was not measured: `config/demo.yaml` has no such method. Add it below `methods:`, or "
            "name a configuration that has it: `python -m benchmarks.quality --configfile FILE`."
        )
    return ""


def _trial(exams: ExamSet, system: str, train: Train, seed: int, cores: int) -> tuple[Trained, Trial]:
    """Train a system from a seed and score it."""
    trained = train(seed)
    dice = mean_dice(scores_of({system: trained.segments}, exams.test))[system]
    trial = Trial(
        {stage: trained.stages[stage].seconds * cores for stage in STAGES},
        {structure: dice[structure] for structure in STRUCTURES},
    )
    print(f"{system}, seed {seed}: {trial.seconds} seconds of a core, Dice {trial.dice}", flush=True)
    return trained, trial


def _of_the_run(exams: ExamSet) -> Iterator[tuple[str, Trial]]:
    """Yield what the finished run itself has trained of the thesis, each network and their fusion."""
    settings, results = exams.settings, results_of(exams.settings)
    if not is_finished(results):
        return
    names = (*settings.backbones, FUSION)
    dice = mean_dice(final(read_scores(*(path for one in names for path in _scores(results, one, exams.test)))))
    spent = {stage: seconds_of(results, stage) for stage in STAGES}
    for name in names:
        seconds: dict[str, float] = (
            together(settings) if name == FUSION else {stage: spent[stage][name] for stage in STAGES}
        )
        yield name, Trial(seconds, {structure: dice[name][structure] for structure in STRUCTURES})


def _scores(results: Path, method: str, exams: Iterable[str]) -> list[Path]:
    """Return the files in which a run keeps the scores of a method."""
    return [results / "metrics" / method / f"{exam}.csv" for exam in exams]


def _how_far(system: str, runs: Sequence[Trained]) -> str:
    """Say how large a system is, and how many epochs it took, from the fewest to the most."""
    stages = {stage: [trained.stages[stage] for trained in runs] for stage in STAGES}
    sizes = sorted({f"{one.parameters / 1e6:.1f}" for of_stage in stages.values() for one in of_stage})
    far = ", ".join(
        f"{_range([one.epochs for one in of_stage])} epochs for the {stage}" for stage, of_stage in stages.items()
    )
    return f"{system} ({' and '.join(sizes)} million parameters) took {far}"


def _range(values: Sequence[float]) -> str:
    ends = dict.fromkeys((digits(min(values)), digits(max(values))))
    return "-".join(ends)


def averages(over: Sequence[Path] = ()) -> str:
    """Return a table of the averages of the finished demo, each below its members."""
    settings = settings_of(*configurations("demo", (AVERAGE, *over)))
    exams = read_sheet(ROOT / settings.exams).names("test")
    of = {name: (*average.of, name) for name, average in settings.averages.items()}
    files = {one: _scores(results_of(settings), one, exams) for members in of.values() for one in members}
    if missing := [one for one, paths in files.items() if not all(path.is_file() for path in paths)]:
        return f"Not measured: the demo has no scores of {', '.join(missing)} yet ({HOW})."
    dice = mean_dice(final(read_scores(*(path for paths in files.values() for path in paths))))
    rows = [
        [
            f"**{name}**, their average" if one == name else one,
            *(f"{dice[one][key]:.3f}" for key in STRUCTURES),
        ]
        for name, members in of.items()
        for one in members
    ]
    return table(["method", *(f"{structure} Dice" for structure in STRUCTURES)], rows)


def add_seconds(parser: argparse.ArgumentParser) -> None:
    """Add the option that says for how long systems are trained."""
    parser.add_argument(
        "--seconds",
        type=float,
        nargs=len(STAGES),
        metavar=tuple(stage.upper() for stage in STAGES),
        help="of one core, for each training whose Dice are compared (default: as the demo's four networks)",
    )


def seconds_by_stage(chosen: argparse.Namespace) -> dict[str, float] | None:
    """Return the seconds that were asked for, by stage; None if none were."""
    return None if chosen.seconds is None else dict(zip(STAGES, chosen.seconds, strict=True))


def main() -> None:
    """Train, score and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--set", choices=SETS, action="append", help="exams (default: all sets)")
    parser.add_argument("--only", choices=SYSTEMS, action="append", help="train this system (default: all)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="trainings of each system (default: %(default)s)")
    add_seconds(parser)
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], help="over config/demo.yaml")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen.set or SETS:
            found = measure(
                Path(folder) / name,
                name,
                chosen.seeds,
                seconds_by_stage(chosen),
                chosen.configfile,
                chosen.only or SYSTEMS,
            )
            print(f"\n## {name}\n\n{found}\n", flush=True)
    print(f"## Averages\n\n{averages(chosen.configfile)}")


if __name__ == "__main__":
    main()
