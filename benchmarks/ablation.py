"""What each part of the recipe gives: the demo's `modern` without it, scored on exams that are held out.

    python -m benchmarks.ablation [--set demo|small-lesions] [--only WORDS ...] [--seeds 0 1 2] [--results FOLDER]
        [--configfile FILE ...] [--page]

These are some of the training exams, and further phantoms. No test exam is looked at: choices are made here.
Scores are kept in benchmarks/ablation.csv, by the settings that they follow from, so a stopped call goes on where
it was, also on another machine. The tables go into docs/recipe.md, one for each set of exams.
"""

import argparse
import hashlib
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from snakemake.utils import update_config

from benchmarks.dice_table import spread
from benchmarks.exam_set import MODERN, ROOT, SETS, ExamSet, configurations, draw, exam_set
from benchmarks.quality import mean_dice, scores_of
from benchmarks.side_by_side import table
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.segmenter import Segmenter
from hepaflow.model.trained import model_of_run
from hepaflow.names import STAGES, STRUCTURES
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.training.trainer import train_network

PAGE, KEPT = ROOT / "docs" / "recipe.md", ROOT / "benchmarks" / "ablation.csv"
BEGIN, END = "<!-- benchmarks/ablation.py writes the set {} from here -->", "<!-- to here -->"
EVERY, FIRST = 5, 2
"""Of the training exams by name, every fifth is held out, from the third."""
FURTHER = 12
"""Phantoms that are scored beside them and are in no sheet: four exams differ more than recipes do."""
SEEDS = (0, 1, 2)

Change = Mapping[str, Any]
"""Settings that take the place of the method's; groups are joined, but those that say their kind."""
WHOLE = "the whole recipe"


def _changed(**training: Any) -> Change:
    return {"training": training}


SLICES, SLABS = {"kind": "slices"}, {"kind": "slabs", "slices": 3}
MARGIN = {"lesion": {"data": {"margin": 0.1}}}
CHANGES: Mapping[str, Change] = {
    WHOLE: {},
    "single slices": {"sampling": SLICES},
    "slabs of three slices": {"sampling": SLABS},
    "slabs of five slices": {"sampling": SLABS | {"slices": 5}},
    "single slices, a margin of 10 % around the liver": {"sampling": SLICES, "stages": MARGIN},
    "slabs of three slices, a margin of 10 % around the liver": {"sampling": SLABS, "stages": MARGIN},
    "64×64, not 96×96": {"stages": {stage: {"data": {"size": 64}} for stage in STAGES}},
    "masks restored, not maps": {"restore": "masks"},
    "lesions within the liver alone, not in all around it": {
        "stages": {"lesion": {"data": {"kind": "lesion_slices", "size": 96}}}
    },
    "no flips in prediction": {"stages": {"lesion": {"flips": None}}},
    "horizontal flips alone in prediction": {"stages": {"lesion": {"flips": ["horizontal"]}}},
    "lesions from random weights": {"stages": {"lesion": {"training": {"start": "backbone"}}}},
    "slices as they come, none oversampled": _changed(oversample=None),
    "SGD (0.01, Nesterov 0.99, poly), not AdamW": _changed(
        learning_rate=0.01,
        momentum=0.99,
        optimiser={"kind": "sgd", "nesterov": True, "weight_decay": 3e-5},
        schedule={"kind": "poly"},
    ),
    "AdamW at a constant rate of 0.001": _changed(
        learning_rate=0.001, schedule={"kind": "exponential", "factor": 1}
    ),
    "cross-entropy alone": _changed(loss="bce"),
    "Dice loss alone": _changed(loss="dice"),
    "with deep supervision": {"network": {"unet": {"deep_supervision": True}}},
    "with an average of the weights (EMA)": _changed(average={"kind": "ema", "decay": 0.98}),
    "holes of the liver filled slice by slice": {
        "stages": {"liver": {"postprocessing": [{"kind": "largest_component"}, {"kind": "fill_holes"}]}}
    },
    "no post-processing": {"stages": {stage: {"postprocessing": []} for stage in STAGES}},
}
"""The recipe, and what is changed in it, one part at a time. What a set of exams has anyway is left out for it."""
AUGMENTATIONS: Mapping[str, tuple[str, ...]] = {
    "no augmentation but flips": ("spatial", "brightness", "noise", "blur"),
    "no spatial augmentation": ("spatial",),
    "no brightness, noise and blur": ("brightness", "noise", "blur"),
    "no flips in training": ("flip",),
}
"""What is changed by leaving out kinds of augmentation."""


def variants(modern: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the settings of the method after each change, by its words."""
    found = {words: _joined(modern, change) for words, change in CHANGES.items()}
    return found | {words: _without(modern, kinds) for words, kinds in AUGMENTATIONS.items()}


def _joined(old: Mapping[str, Any], change: Change) -> dict[str, Any]:
    joined = deepcopy(dict(old))
    for key, value in change.items():
        is_group = isinstance(value, Mapping) and isinstance(joined.get(key), Mapping) and "kind" not in value
        joined[key] = _joined(joined[key], value) if is_group else deepcopy(value)
    return joined


def _without(modern: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """Return the method without these kinds of augmentation, wherever it has some."""
    left = deepcopy(dict(modern))
    for group in (left, *left["stages"].values()):
        training = group.get("training", {})
        if training.get("augmentation"):
            training["augmentation"] = [one for one in training["augmentation"] if one["kind"] not in kinds]
    return left


@dataclass(frozen=True)
class Planned:
    """A variant with a seed, before it is measured.

    Attributes
    ----------
    words : str
    number : int
        Of the seed.
    exams : ExamSet
        The held-out exams are its test exams.
    networks : dict of str to str
        Digest of what the network of each stage follows from.
    """

    words: str
    number: int
    exams: ExamSet
    networks: dict[str, str]

    @cached_property
    def key(self) -> str:
        """Digest of all that its scores follow from."""
        model = model_of(self.exams.plan, MODERN).canonical()
        return _digest(model, _phantoms(self.exams), *self.networks.values(), *self.exams.test)


@dataclass(frozen=True)
class Ablation:
    """Trainings and scores of variants.

    Attributes
    ----------
    config : dict
        The run that has the method.
    folder : Path
        Where trained networks are kept.
    kept : Path
        Table of the scores.
    """

    config: dict[str, Any]
    folder: Path
    kept: Path

    def planned(self, words: str, method: Mapping[str, Any], number: int) -> Planned:
        """Plan a variant.

        Parameters
        ----------
        words : str
            Of the variant.
        method : mapping
            Its settings.
        number : int
            Of the seed: how much is added to the run's.
        """
        settings = read_settings(
            {**self.config, "methods": {MODERN: dict(method)}, "seed": self.config["seed"] + number}
        )
        exams = _held_out(settings, self.folder / "exams")
        keys: dict[str, str] = {}
        for stage in STAGES:
            keys[stage] = _key(exams, stage, keys)
        return Planned(words, number, exams, keys)

    def row(self, planned: Planned, *, to_train: bool) -> dict[str, Any] | None:
        """Return the mean Dice of a variant over the held-out exams, by structure.

        Parameters
        ----------
        planned : Planned
        to_train : bool
            Whether it is trained and scored unless it was before; otherwise, None is returned.
        """
        found = self._scores().get(planned.key)
        if found is None and to_train:
            found = self._measured(planned.exams, planned.networks)
            self._keep(planned, found)
        return None if found is None else {"variant": planned.words, "seed": planned.number, **found}

    def _measured(self, exams: ExamSet, keys: Mapping[str, str]) -> dict[str, float]:
        """Train and score; the mean Dice by structure."""
        weights: dict[str, Path] = {}
        for stage in STAGES:
            weights[stage] = self._trained(exams, stage, keys[stage], weights)
        model = model_of_run(model_of(exams.plan, MODERN), [weights[stage] for stage in STAGES], [])
        segments = Segmenter(model, exams.compute).segment
        dice = mean_dice(scores_of({MODERN: segments}, exams.test))
        return {structure: round(dice[MODERN][structure], 5) for structure in STRUCTURES}

    def _trained(self, exams: ExamSet, stage: str, key: str, earlier: Mapping[str, Path]) -> Path:
        """Return the weights of a stage: two variants that are trained alike share them."""
        planned, name = exams.training(MODERN, stage)
        data = exams.plan.data[name].preprocess.canonical()
        output = self.folder / "networks" / key / "weights.safetensors"
        if not output.is_file():
            output.parent.mkdir(parents=True, exist_ok=True)
            slices = exams.preprocessed(name, self.folder / "data" / _digest(data))
            train_network(
                slices,
                planned.settings,
                code="",
                output=output,
                history=output.with_name("history.csv"),
                compute=exams.compute,
                start=earlier[planned.start] if planned.start else None,
            )
        return output

    def _scores(self) -> dict[str, dict[str, float]]:
        """Return the scores that are kept, by the digest of what they follow from."""
        if not self.kept.is_file():
            return {}
        rows = pd.read_csv(self.kept)
        return {row["key"]: {structure: row[structure] for structure in STRUCTURES} for _, row in rows.iterrows()}

    def _keep(self, planned: Planned, found: Mapping[str, float]) -> None:
        """Add a row, as another process may at the same time."""
        row = pd.DataFrame([{"key": planned.key, "variant": planned.words, "seed": planned.number, **found}])
        row.to_csv(self.kept, mode="a", header=not self.kept.is_file(), index=False)


def _key(exams: ExamSet, stage: str, earlier: Mapping[str, str]) -> str:
    """Return the digest of what a network follows from."""
    planned, name = exams.training(MODERN, stage)
    data = exams.plan.data[name].preprocess.canonical()
    start = earlier[planned.start] if planned.start else ""
    return _digest(planned.settings.canonical(), data, start, _phantoms(exams), *exams.train)


def _phantoms(exams: ExamSet) -> str:
    """Return what the exams are drawn from."""
    return exams.settings.phantoms.canonical() if exams.settings.phantoms else ""


def _held_out(settings: Settings, drawn: Path) -> ExamSet:
    """Return the training exams; some of them, and further phantoms, are in the place of the test exams."""
    exams = exam_set(settings, drawn)
    held = sorted(exams.train)[FIRST::EVERY]
    further = {
        name: (drawn / f"{name}.image.nii.gz", drawn / f"{name}.label.nii.gz")
        for name in (f"ablation-{number:02d}" for number in range(FURTHER))
    }
    draw(settings, further)
    return replace(
        exams,
        plan=plan_of(settings),
        train={name: pair for name, pair in exams.train.items() if name not in held},
        test={name: exams.train[name] for name in held} | further,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def measured(ablation: Ablation, only: Collection[str], seeds: Sequence[int], *, to_train: bool) -> pd.DataFrame:
    """Return a row for every variant and seed, of those that were measured if none is to be trained."""
    found = {
        words: method for words, method in variants(ablation.config["methods"][MODERN]).items() if words in only
    }
    rows = []
    for number in seeds:
        seen: set[str] = set()
        for words, method in found.items():
            planned = ablation.planned(words, method, number)
            if planned.key in seen:
                continue  # what the set's recipe has anyway
            seen.add(planned.key)
            row = ablation.row(planned, to_train=to_train)
            if row is not None:
                rows.append(row)
                print(*row.values(), sep=" | ", flush=True)
    return pd.DataFrame(rows, columns=["variant", "seed", *STRUCTURES])


def page_table(found: pd.DataFrame) -> str:
    """Return the table: mean and range over the seeds, and what each change costs beside the whole recipe."""
    if found.empty:
        return "Not measured yet."
    return table(["recipe", "seeds", *_columns()], list(_rows(found)))


def _columns() -> list[str]:
    return [column for structure in STRUCTURES for column in (f"{structure} Dice", "difference")]


def _rows(found: pd.DataFrame) -> Iterator[list[str]]:
    whole = found[found["variant"] == WHOLE].set_index("seed")
    for words in found["variant"].unique():
        own = found[found["variant"] == words].set_index("seed")
        cells = [words, str(len(own))]
        for structure in STRUCTURES:
            values = own[structure]
            cells.append(spread(values.tolist()))
            cells.append("" if words == WHOLE else _difference((values - whole[structure]).dropna().tolist()))
        yield cells


def _difference(values: Sequence[float]) -> str:
    """Return the mean difference, seed by seed, with its standard deviation.

    Examples
    --------
    >>> _difference([-0.02, -0.03]), _difference([0.01])
    ('-0.025 ± 0.007', '+0.010')
    """
    mean = f"{statistics.mean(values):+.3f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.3f}"


def main() -> None:
    """Measure, or write the tables of what was measured into docs/recipe.md."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--set", choices=SETS, action="append", help="exams (default: all sets)")
    parser.add_argument("--only", metavar="WORDS", nargs="+", help="these variants (default: all)")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="which (default: 0 1 2)")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "ablation", help="what is trained")
    parser.add_argument("--configfile", type=Path, nargs="+", default=[], help="over config/demo.yaml")
    parser.add_argument("--page", action="store_true", help="train nothing: write the tables")
    chosen = parser.parse_args()
    for name in chosen.set or SETS:
        config: dict[str, Any] = {"seed": 2022}
        for path in configurations(name, chosen.configfile):
            update_config(config, yaml.safe_load(path.read_text(encoding="utf-8")))
        known = variants(config["methods"][MODERN])
        if unknown := set(chosen.only or ()) - set(known):
            parser.error(f"no such variants: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
        ablation = Ablation(config, chosen.results / name, KEPT)
        if not chosen.page:
            measured(ablation, chosen.only or known, chosen.seeds, to_train=True)
        else:
            _write(name, page_table(measured(ablation, known, SEEDS, to_train=False)))


def _write(name: str, text: str) -> None:
    """Write the table of a set into the page."""
    begin = BEGIN.format(name)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{begin}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
