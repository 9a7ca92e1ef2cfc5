"""How each kind of preprocessed data is made; its settings stand in `settings/preprocessing.py`.

Each entry imports what it needs when it is called: code fingerprints follow those that a job uses, alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hepaflow.preprocessing.slices import SliceStack
    from hepaflow.settings.contrast import LesionSlicesSettings, VoiSlicesSettings
    from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings
    from hepaflow.settings.slices import LiverSlicesSettings
    from hepaflow.volumes.steps import Spacing

    Mask = NDArray[np.bool_] | None

Preprocess = Callable[..., "SliceStack"]
"""Takes an exam's CT values in HU, shape (slices, rows, columns); the mask of the region that its data lie around,
or None; that of the structure, or None where it must not be known; its settings; and how many threads it may use.
What comes out does not depend on these. By name, `spacing`: the exam's distances between slices, rows and columns
in mm, None where they cannot be trusted."""


def _liver_slices(
    hu: NDArray[Any], region: Mask, reference: Mask, settings: LiverSlicesSettings, threads: int, **_: Any
) -> SliceStack:
    from hepaflow.preprocessing.liver_slices import liver_slices

    return liver_slices(hu, reference, settings)


def _lesion_slices(
    hu: NDArray[Any], region: Mask, reference: Mask, settings: LesionSlicesSettings, threads: int, **_: Any
) -> SliceStack:
    from hepaflow.preprocessing.lesion_slices import lesion_slices

    if region is None:
        raise ValueError("lesion slices lie around a region")
    return lesion_slices(hu, region, reference, settings, threads=threads)


def _voi_slices(
    hu: NDArray[Any], region: Mask, reference: Mask, settings: VoiSlicesSettings, threads: int, **_: Any
) -> SliceStack:
    from hepaflow.preprocessing.voi_slices import voi_slices

    if region is None:
        raise ValueError("slices of a volume of interest lie around a region")
    return voi_slices(hu, region, reference, settings)


def _resampled(
    hu: NDArray[Any],
    region: Mask,
    reference: Mask,
    settings: ResampledSettings,
    threads: int,
    *,
    spacing: Spacing | None = None,
) -> SliceStack:
    from hepaflow.preprocessing.resampled import resampled_exam

    return resampled_exam(hu, reference, settings, spacing)


def _resampled_voi(
    hu: NDArray[Any],
    region: Mask,
    reference: Mask,
    settings: ResampledVoiSettings,
    threads: int,
    *,
    spacing: Spacing | None = None,
) -> SliceStack:
    from hepaflow.preprocessing.resampled import resampled_voi

    if region is None:
        raise ValueError("the resampled part of an exam lies around a region")
    return resampled_voi(hu, region, reference, settings, spacing)


PREPROCESSING: Mapping[str, Preprocess] = MappingProxyType(
    {
        "liver_slices": _liver_slices,
        "lesion_slices": _lesion_slices,
        "voi_slices": _voi_slices,
        "resampled": _resampled,
        "resampled_voi": _resampled_voi,
    }
)
"""Every kind of preprocessed data by its name in the settings."""

AROUND_A_REGION = frozenset({"lesion_slices", "voi_slices", "resampled_voi"})
"""Kinds of data that lie around the mask of an earlier stage."""

NEED_SPACING = frozenset({"resampled", "resampled_voi"})
"""Kinds of data for which an exam's spacing must be known."""
