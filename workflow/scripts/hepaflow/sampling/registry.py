"""How each sampling shows an exam to a network, and from what patches are drawn.

Their settings stand in `settings/sampling.py` and `settings/drawn.py`.

Each entry imports what it needs when it is called: code fingerprints follow those that a job uses, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hepaflow.sampling.protocol import Pieces, Sampling
    from hepaflow.settings.drawn import DrawnTrunks
    from hepaflow.settings.preprocessing import PreprocessSettings
    from hepaflow.settings.sampling import Patches, Slabs, Slices


Build = Callable[..., "Sampling"]
"""Takes the settings of its kind."""


def _slices(_: Slices) -> Sampling:
    from hepaflow.sampling.slices import SliceBySlice

    return SliceBySlice()


def _slabs(settings: Slabs) -> Sampling:
    from hepaflow.sampling.slices import SliceBySlice

    return SliceBySlice(settings.slices)


def _patches(settings: Patches) -> Sampling:
    from hepaflow.sampling.patches import SlidingPatches

    return SlidingPatches(settings.size, settings.overlap)


SAMPLINGS: Mapping[str, Build] = MappingProxyType({"slices": _slices, "slabs": _slabs, "patches": _patches})
"""Every sampling by its kind in the settings."""


def _trunk(
    drawn: DrawnTrunks, data: PreprocessSettings, size: tuple[int, int, int], count: int, seed: int
) -> Pieces:
    from hepaflow.sampling.drawn import DrawnPatches

    return DrawnPatches(drawn, data, size, count, seed)


DRAWN: Mapping[str, Callable[..., Pieces]] = MappingProxyType({"trunk": _trunk})
"""Every source of drawn patches by its kind in the settings: takes those of its kind, the data that patches are
like, their shape, how many there are in an epoch, and a seed."""
