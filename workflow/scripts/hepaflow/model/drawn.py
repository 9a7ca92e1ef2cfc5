"""What networks have seen that were trained on phantoms, which are drawn as they are needed and never stored.

Each entry imports what it needs when it is called: code fingerprints follow those that a job uses, alone.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from hepaflow.model.seen import Seen


def _trunk() -> Seen:
    """Return what is drawn of trunks: pixels lie on the network's grid, whatever those of exams are."""
    from hepaflow.phantoms.trunk import ends

    return Seen(
        height_mm=ends.height_mm(), slice_mm=ends.slice_mm(), liver_hu=ends.liver_hu(), noise_hu=ends.noise_hu()
    )


DRAWN: Mapping[str, Callable[[], Seen]] = MappingProxyType({"trunk": _trunk})
"""By the kind of drawn phantoms."""


def seen_drawn(kinds: Iterable[str]) -> Seen:
    """Return what is seen of some kinds of drawn phantoms."""
    seen = Seen()
    for kind in kinds:
        seen = seen.with_more(DRAWN[kind]())
    return seen
