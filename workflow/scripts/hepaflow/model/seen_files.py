"""What a model of a run has seen, by the run's files."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from hepaflow.evaluation.scores import read_scores
from hepaflow.model.drawn import seen_drawn
from hepaflow.model.seen import Seen, seen_of


def read_seen(surveys: Iterable[Path | str], levels: Iterable[Path | str], drawn: Sequence[str] = ()) -> Seen:
    """Return what a model has seen.

    Parameters
    ----------
    surveys : iterable of Path or str
        What the survey found in each training exam, as JSON; none where phantoms are drawn.
    levels : iterable of Path or str
        Tables of the networks' disagreement on the test exams; none where no networks are fused.
    drawn : sequence of str, optional
        Kinds of phantoms that are drawn in the place of training exams.
    """
    told = [json.loads(Path(path).read_text(encoding="utf-8")) for path in surveys]
    tables = list(levels)
    return seen_of(told, read_scores(*tables) if tables else None).with_more(seen_drawn(drawn))
