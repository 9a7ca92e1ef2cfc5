"""How each sampling shows an exam to a network; its settings stand in `settings/sampling.py`.

Each entry imports what it needs when it is called: code fingerprints follow those that a job uses, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hepaflow.sampling.protocol import Sampling
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
