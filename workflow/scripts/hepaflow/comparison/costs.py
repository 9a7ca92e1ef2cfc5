"""What runs have cost: hours, memory, devices; from the records of the jobs that their scores follow from."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hepaflow.comparison.run import Record, Run
from hepaflow.errors import UserError

_HISTORY = ".history.csv"


@dataclass(frozen=True)
class Cost:
    """What a run has cost.

    Attributes
    ----------
    networks : int
        Trained networks.
    training_hours, longest_hours, prediction_hours, hours : float
        Of all trainings and of the longest, of all predictions, of all jobs; for jobs that were restored from the
        shared cache, when they were computed. A training that was interrupted counts with all its epochs.
    memory_mib, training_memory_mib : int or None
        Largest resident memory of one job, and of one training.
    devices : tuple of str
        What it trained on.
    jobs, restored : int
        Jobs that the scores follow from, and how many of them came from the shared cache.
    """

    networks: int
    training_hours: float
    longest_hours: float
    prediction_hours: float
    hours: float
    training_memory_mib: int | None
    memory_mib: int | None
    devices: tuple[str, ...]
    jobs: int
    restored: int


def cost_of(run: Run) -> Cost:
    """Sum up the records of a run."""
    records = list(run.jobs.values())
    training, predicting = run.of("train"), run.of("predict")
    trained = [_training_hours(run, record) for record in training]
    other = _hours(record for record in records if record["rule"] != "train")
    return Cost(
        networks=len(training),
        training_hours=sum(trained),
        longest_hours=max(trained, default=0.0),
        prediction_hours=_hours(predicting),
        hours=sum(trained) + other,
        training_memory_mib=_memory(training),
        memory_mib=_memory(records),
        devices=tuple(sorted({str(record.get("device")) for record in training})),
        jobs=len(records),
        restored=sum(bool(record.get("restored")) for record in records),
    )


def _training_hours(run: Run, record: Record) -> float:
    """Return the hours of a training: a record has those of its last start, its history those of all epochs."""
    epochs = 0.0
    for path in record["outputs"]:
        if path.endswith(_HISTORY) and run.exists(path).is_file():
            epochs = _seconds(run.exists(path))
    return max(epochs, float(record["seconds"])) / 3600


def _seconds(history: Path) -> float:
    try:
        return float(pd.read_csv(history)["seconds"].sum())
    except (pd.errors.EmptyDataError, pd.errors.ParserError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise UserError(
            f"no history of a training ({error})",
            file=history,
            expected="a table with a line for an epoch, and its seconds",
            remedy="remove it, and let the run make it again",
        ) from None


def _hours(records: Iterable[Record]) -> float:
    return sum(float(record["seconds"]) for record in records) / 3600


def _memory(records: Iterable[Record]) -> int | None:
    return max((int(record["peak_memory_mib"]) for record in records), default=None)
