"""What a comparison says, and what it cannot say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hepaflow.comparison.differences import (
    CODE,
    DATA,
    DECIDING,
    METHOD,
    Difference,
    changed_groups,
    has,
    scored_differently,
)
from hepaflow.comparison.exams import SharedExams
from hepaflow.comparison.run import Run
from hepaflow.comparison.scores import ASKED, METRICS, Scores, unequal
from hepaflow.words import counted, number, signed, structure_in_words

LEVEL = 0.05
"""Of the tests, after correction for their number."""
_MANY = 30
"""Exams of which a bootstrap interval is about as wide as it says."""
WEIGHTS = ".safetensors"
"""How files of weights end, among what a training writes."""


@dataclass(frozen=True)
class Conclusion:
    """What a comparison says.

    Attributes
    ----------
    found : tuple of str
        A sentence for each question: for every other run and structure.
    limits : tuple of str
        What cannot be concluded, and why.
    """

    found: tuple[str, ...]
    limits: tuple[str, ...]


def conclude(runs: Sequence[Run], shared: SharedExams, scores: Scores, found: Sequence[Difference]) -> Conclusion:
    """Put into words what was found.

    Parameters
    ----------
    runs : sequence of Run
    shared : SharedExams
    scores : Scores
    found : sequence of Difference
    """
    first, others = runs[0], runs[1:]
    differing = unequal(scores.values, first.name)
    asked = scores.comparisons[scores.comparisons["family"] == ASKED].to_dict("records")
    sentences = [
        f"{run.name} gives the same numbers as {first.name} in every exam: in each metric of each method that is "
        "compared."
        for run in others
        if run.name not in differing
    ]
    for row in asked:
        if row["other_run"] in differing:
            sentences.append(answer({str(key): value for key, value in row.items()}, tests=len(asked)))
    return Conclusion(tuple(sentences), tuple(_limits(runs, shared, differing, found)))


def answer(row: Mapping[str, Any], *, tests: int) -> str:
    """Return one sentence on a comparison.

    Parameters
    ----------
    row : mapping
        A row of `COMPARISON_COLUMNS`.
    tests : int
        How many tests it was corrected for.
    """
    one, other = _named(row["run"], row["method"]), _named(row["other_run"], row["other_method"])
    metric = f"{METRICS[row['metric']].title} of the {structure_in_words(row['structure'])}"
    exams = counted(row["exams"], "exam")
    if not row["exams"]:
        return f"{metric}: undefined in every exam, so nothing can be concluded."
    differ = row["higher"] + row["lower"]
    if not differ:
        return f"{metric}: the same in {one} and {other}, in {'each of ' if row['exams'] > 1 else ''}{exams}."
    direction = "higher" if row["difference"] > 0 else "lower"
    between = (
        "" if pd.isna(row["low"]) else f" (95 % interval {signed(row['low'], 4)} to {signed(row['high'], 4)})"
    )
    size = f"{number(abs(row['difference']), 4)} {direction}"
    measured = f"{metric}: {size} in {other} than in {one}, on average over {exams}{between}"
    if row["holm_p"] < LEVEL:
        return f"{measured}. On exams such as these this is a difference ({_chance(row, tests)})."
    least = 2.0 ** (1 - differ)
    if tests * least >= LEVEL:  # no such difference alone would be one; beside a smaller p-value it can be
        those = f"{differ} exams that differ" if differ > 1 else "one exam that differs"
        before = f", before the correction for {tests} tests" if tests > 1 else ""
        return (
            f"{measured}. Not conclusive: with {those}, no p-value can be below {least:.2g}{before}, however "
            "large the difference."
        )
    return (
        f"{measured}. No difference is shown ({_chance(row, tests)}), which does not say that there is none: "
        "values within the interval are possible."
    )


def _named(run: str, method: str) -> str:
    return f"{run} ({method})"


def _chance(row: Mapping[str, Any], tests: int) -> str:
    return f"p = {row['holm_p']:.2g}" + (f", corrected for {tests} tests" if tests > 1 else "")


def _limits(
    runs: Sequence[Run], shared: SharedExams, differing: Collection[str], found: Sequence[Difference]
) -> Iterator[str]:
    """Yield what cannot be concluded; what says something of a difference, only where there is one."""
    first = runs[0]
    count = len(shared.compared)
    if all(run.phantoms for run in runs):
        yield "The exams are phantoms that hepaflow has drawn: nothing is said of patients' exams."
    if differing and count < _MANY:
        few = f"{count} exams are few" if count > 1 else "One exam is few"
        yield (
            f"{few}: an interval of so few is somewhat too narrow, and a difference that matters can remain "
            "undetected."
        )
    if run_names := [run.name for run in runs if shared.left_out[run.name]]:
        yield f"Not all exams are compared: {' and '.join(run_names)} scored others, too, which not all runs have."
    if differing and any(_weights(run) != _weights(first) for run in runs[1:]):
        yield from _of_seeds(runs)
    for run in runs[1:]:
        yield from (_of_changes if run.name in differing else _of_none)(first, run, found)


def _weights(run: Run) -> dict[tuple[str, ...], set[str]]:
    """Return the digests of a run's trained weights, by network: alike, no training makes a difference."""
    return {
        tuple(record["wildcards"].values()): {
            digest for path, digest in record["outputs"].items() if path.endswith(WEIGHTS)
        }
        for record in run.of("train")
    }


def _of_none(first: Run, run: Run, found: Sequence[Difference]) -> Iterator[str]:
    """Yield what two runs with the same numbers do not say."""
    own = {one.kind for one in found if one.run == run.name}
    if own & DECIDING:
        yield (
            f"What differs between {first.name} and {run.name} changes no number of these exams; it may change "
            "those of others."
        )
    else:
        yield f"{_nothing(first, run)} The same numbers are what is to be expected, and say nothing more."


def _nothing(first: Run, run: Run) -> str:
    names = f"{first.name} and {run.name}"
    return f"Nothing that decides scores differs between {names}: neither settings, code nor data."


def _of_seeds(runs: Sequence[Run]) -> Iterator[str]:
    seeds = sorted(set().union(*(run.seeds for run in runs)))
    if not seeds:
        return
    if len(seeds) == 1:
        yield (
            f"Every network was trained once, with seed {seeds[0]}: how far another seed would move the scores is "
            "not known. A run with another seed shows it; a difference that is not larger says nothing of the "
            "settings."
        )
    else:
        yield (
            f"The runs have different seeds ({', '.join(map(str, seeds))}): part of each difference is what "
            "another training with the same settings changes."
        )


def _of_changes(first: Run, run: Run, found: Sequence[Difference]) -> Iterator[str]:
    settings, code = changed_groups(found, run.name), has(found, run.name, CODE)
    changes = len(settings) + has(found, run.name, METHOD)
    if not changes and not code and not has(found, run.name, DATA):
        yield f"{_nothing(first, run)} That numbers differ all the same comes from versions or machines."
    if changes > 1:
        yield (
            f"{first.name} and {run.name} differ in {changes} ways: which of them makes a difference "
            "cannot be said."
        )
    if modules := scored_differently(first, run):
        yield (
            f"{run.name} was scored by other code than {first.name} ({', '.join(modules)}): scores may not be "
            "the same measure."
        )
    elif code:
        yield f"The code differs between {first.name} and {run.name}, too: a difference may come from there."
    if _other_training(first, run):
        yield f"{first.name} and {run.name} were trained on different exams."


def _other_training(first: Run, run: Run) -> bool:
    return {exam: set(files.values()) for exam, files in first.trained_on.items()} != {
        exam: set(files.values()) for exam, files in run.trained_on.items()
    }
