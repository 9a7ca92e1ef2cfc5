"""Settings of sampling: how an exam is shown to a network piece by piece, and put together again."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hepaflow.settings.base import SettingsModel


class Slices(SettingsModel):
    """One slice at a time (thesis 4.5)."""

    kind: Literal["slices"] = "slices"


class Slabs(SettingsModel):
    """One slice at a time, with its neighbours as further channels (2.5-D)."""

    kind: Literal["slabs"]
    slices: Literal[1, 3, 5] = 3
    """Slices of a slab, of which the middle one is segmented; beyond the ends of its data the last is repeated."""


Sampling = Annotated[Slices | Slabs, Field(discriminator="kind")]


def _once(flips: tuple[str, ...]) -> tuple[str, ...]:
    if not flips or len(set(flips)) < len(flips):
        raise ValueError("expected `horizontal`, `vertical` or both, each once; null for none")
    return tuple(sorted(flips))


Flips = Annotated[
    tuple[Literal["horizontal", "vertical"], ...], Field(strict=False, max_length=2), AfterValidator(_once)
]
"""Whether columns (`horizontal`), rows (`vertical`) or both change their order."""
