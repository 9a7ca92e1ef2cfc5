"""What a model of a run has seen, by the run's files; of phantoms that are never stored, by what draws them."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from hepaflow.evaluation.scores import read_scores
from hepaflow.model.seen import Seen, seen_of
from hepaflow.phantoms.trunk import ends


def _trunk() -> Seen:
    """Return what is drawn of trunks: pixels lie on the network's grid, whatever those of exams are."""
    return Seen(slice_mm=ends.slice_mm(), liver_hu=ends.liver_hu(), noise_hu=ends.noise_hu())


OF_PHANTOMS: Mapping[str, Callable[[], Seen]] = MappingProxyType({"trunk": _trunk})
"""By the kind of drawn phantoms, what networks have seen that were trained on them alone."""


def read_seen(surveys: Iterable[Path | str], levels: Iterable[Path | str], drawn: Iterable[str]) -> Seen:
    """Return what a model has seen.

    Parameters
    ----------
    surveys : iterable of Path or str
        What the survey found in each training exam, as JSON; none where phantoms are drawn.
    levels : iterable of Path or str
        Tables of the networks' disagreement on the test exams; none where no networks are fused.
    drawn : iterable of str
        Kinds of the phantoms that are drawn in the place of training exams.
    """
    told = [json.loads(Path(path).read_text(encoding="utf-8")) for path in surveys]
    tables = list(levels)
    seen = seen_of(told, read_scores(*tables) if tables else None)
    for kind in drawn:
        seen = seen.with_more(OF_PHANTOMS[kind]())
    return seen
