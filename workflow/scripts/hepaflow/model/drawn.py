"""What networks have seen that were trained on phantoms, which are drawn as they are needed and never stored."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from hepaflow.model.seen import Seen
from hepaflow.phantoms.trunk import ends


def _trunk() -> Seen:
    """Return what is drawn of trunks: pixels lie on the network's grid, whatever those of exams are."""
    return Seen(slice_mm=ends.slice_mm(), liver_hu=ends.liver_hu(), noise_hu=ends.noise_hu())


OF_PHANTOMS: Mapping[str, Callable[[], Seen]] = MappingProxyType({"trunk": _trunk})
"""By the kind of drawn phantoms."""


def seen_drawn(kinds: Iterable[str]) -> Seen:
    """Return what is seen of some kinds of drawn phantoms."""
    seen = Seen()
    for kind in kinds:
        seen = seen.with_more(OF_PHANTOMS[kind]())
    return seen
