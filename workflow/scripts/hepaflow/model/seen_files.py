"""What a model of a run has seen, by the run's files."""

import json
from collections.abc import Iterable
from pathlib import Path

from hepaflow.evaluation.scores import read_scores
from hepaflow.model.seen import Seen, seen_of


def read_seen(surveys: Iterable[Path | str], levels: Iterable[Path | str]) -> Seen:
    """Return what a model has seen.

    Parameters
    ----------
    surveys : iterable of Path or str
        What the survey found in each training exam, as JSON; none where phantoms are drawn (`model.drawn`).
    levels : iterable of Path or str
        Tables of the networks' disagreement on the test exams; none where no networks are fused.
    """
    told = [json.loads(Path(path).read_text(encoding="utf-8")) for path in surveys]
    tables = list(levels)
    return seen_of(told, read_scores(*tables) if tables else None)
