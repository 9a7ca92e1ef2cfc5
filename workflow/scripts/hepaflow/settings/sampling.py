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


PatchSide = Annotated[int, Field(ge=4, le=512)]


class Patches(SettingsModel):
    """Three-dimensional parts: at random positions in training, as a sliding window in prediction."""

    kind: Literal["patches"]
    size: Annotated[tuple[PatchSide, PatchSide, PatchSide], Field(strict=False)]
    """Slices, rows and columns of a patch, in voxels; padded with the window's lower limit beyond the data."""
    overlap: float = Field(default=0.5, ge=0, le=0.9)
    """Least overlap of neighbouring windows, as a share of a side (Isensee et al. 2021: 0.5)."""


Sampling = Annotated[Slices | Slabs | Patches, Field(discriminator="kind")]


def _once(flips: tuple[str, ...]) -> tuple[str, ...]:
    if not flips or len(set(flips)) < len(flips):
        raise ValueError("expected `horizontal`, `vertical` and `axial` or some of them, each once; null for none")
    return tuple(sorted(flips))


Flips = Annotated[
    tuple[Literal["horizontal", "vertical", "axial"], ...],
    Field(strict=False, max_length=3),
    AfterValidator(_once),
]
"""Whether columns (`horizontal`), rows (`vertical`) or, of patches, slices (`axial`) change their order."""
