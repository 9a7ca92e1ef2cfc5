"""What is changed in a mask where its network is unlikely to be right (thesis 4.7, 4.8)."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hepaflow.masks.map import FULL, mask_of
from hepaflow.settings.postprocess import (
    FillHoles,
    Hysteresis,
    Inside,
    LargestComponent,
    MinArea,
    MinComponent,
    MinInside,
    MinProbability,
    NearLargest,
    PostprocessingStep,
)

EIGHT_CONNECTED = np.ones((3, 3), int)
TWENTY_SIX_CONNECTED = np.ones((3, 3, 3), int)

Mask = NDArray[np.bool_]
Map = NDArray[np.uint8]
Step = Callable[[Mask, Map, "PostprocessingStep", Mask | None], Mask]
"""Takes the mask so far, the map, the step's settings and the region; returns another mask, leaves these alone.

Mask, map and region are of one exam, on the network's grid, shape (slices, rows, columns). The region is the mask
of the method's earlier stage, for steps whose kind is in `NEEDS_REGION`.
"""


def clean(map_: Map, steps: Sequence[PostprocessingStep], region: Mask | None = None) -> Mask:
    """Post-process the mask of one exam.

    Parameters
    ----------
    map_ : ndarray of uint8, shape (slices, rows, columns)
        The map whose mask it is (`hepaflow.masks.map`).
    steps : sequence of PostprocessingStep
        What is done to the mask, in this order.
    region : ndarray of bool, same shape, optional
        The mask of the method's earlier stage, if a step looks at it.

    Raises
    ------
    ValueError
        If a step looks at the region, and there is none.
    """
    mask = mask_of(map_)
    for step in steps:
        mask = POSTPROCESSING[step.kind](mask, map_, step, region)
    return mask


def _near_largest(mask: Mask, _map: Map, settings: NearLargest, _region: Mask | None) -> Mask:
    """Keep the largest region of each slice and those that are near and large enough (thesis 4.7).

    Regions are 8-connected; of two largest regions of the same area the one that comes first (from anterior, then
    from the patient's right) is the liver.
    """
    return _slice_by_slice(mask, lambda one: _near_largest_of_slice(one, settings))


def _near_largest_of_slice(mask: Mask, settings: NearLargest) -> Mask:
    regions, count = ndimage.label(mask, EIGHT_CONNECTED)
    if count < 2:
        return mask
    numbers = np.arange(1, count + 1)
    areas = np.bincount(regions.ravel())[1:]
    centroids = np.array(ndimage.center_of_mass(mask, regions, numbers))
    main = int(areas.argmax())
    near = np.linalg.norm(centroids - centroids[main], axis=1) <= settings.max_distance
    large = areas >= areas[main] * settings.min_area_ratio
    keep = np.concatenate([[False], near & large])
    kept: Mask = keep[regions]
    return kept


def _min_area(mask: Mask, _map: Map, settings: MinArea, _region: Mask | None) -> Mask:
    """Drop the regions of each slice that are too small to be a lesion (thesis 4.8). Regions are 8-connected."""
    return _slice_by_slice(mask, lambda one: _large_enough(one, EIGHT_CONNECTED, settings.min_area))


def _large_enough(mask: Mask, connected: NDArray[np.int_], least: int) -> Mask:
    """Keep connected parts of at least `least` elements."""
    regions, _ = ndimage.label(mask, connected)
    keep = np.bincount(regions.ravel()) >= least
    keep[0] = False
    kept: Mask = keep[regions]
    return kept


def _largest_component(mask: Mask, _map: Map, settings: LargestComponent, _region: Mask | None) -> Mask:
    """Keep the largest component of the exam, by voxels.

    Components are 26-connected. Of two largest ones of the same volume the one that comes first (from the feet,
    then from anterior, then from the patient's right) is kept. With `erosion`, components are those of the eroded
    mask, and what of the mask can be reached from the largest in one step more than it was eroded by is kept, too;
    steps go to the six neighbours. A mask of which erosion leaves nothing is not eroded.
    """
    steps = settings.erosion or 0
    core = _eroded(mask, steps)
    if not core.any():
        core, steps = mask, 0
    components, count = ndimage.label(core, TWENTY_SIX_CONNECTED)
    if count < 2 and not steps:
        return mask
    volumes = np.bincount(components.ravel())
    kept: Mask = components == 1 + volumes[1:].argmax()
    return ndimage.binary_dilation(kept, iterations=steps + 1, mask=mask) if steps else kept


def _eroded(mask: Mask, steps: int) -> Mask:
    """Erode a mask, but not from the edges of the exam: what it shows goes on there."""
    if not steps or not mask.any():  # also an exam without slices, where no liver was found
        return mask
    eroded: Mask = ndimage.binary_erosion(mask, iterations=steps, border_value=1)
    return eroded


def _min_component(mask: Mask, _map: Map, settings: MinComponent, _region: Mask | None) -> Mask:
    """Keep the components of the exam that have enough voxels. Components are 26-connected."""
    if not mask.any():  # also an exam without slices, where no liver was found
        return mask
    return _large_enough(mask, TWENTY_SIX_CONNECTED, settings.min_voxels)


def _hysteresis(mask: Mask, map_: Map, settings: Hysteresis, _region: Mask | None) -> Mask:
    """Keep the components of the exam that have a voxel of some probability. Components are 26-connected.

    Of two thresholds, one half decides where a component ends, the higher one whether it is kept (Canny 1986).
    """
    components, count = ndimage.label(mask, TWENTY_SIX_CONNECTED)
    sure = np.zeros(count + 1, bool)
    sure[components[mask & (map_ >= FULL * settings.probability)]] = True
    kept: Mask = sure[components]
    return kept


def _min_probability(mask: Mask, map_: Map, settings: MinProbability, _region: Mask | None) -> Mask:
    """Keep the components of the exam whose mean probability is high enough. Components are 26-connected."""
    components, count = ndimage.label(mask, TWENTY_SIX_CONNECTED)
    volumes = np.bincount(components.ravel(), minlength=count + 1)
    sums = np.bincount(components[mask], map_[mask], count + 1)
    likely = sums >= FULL * settings.mean * volumes
    kept: Mask = mask & likely[components]
    return kept


def _fill_holes(mask: Mask, _map: Map, settings: FillHoles, _region: Mask | None) -> Mask:
    """Add what the mask encloses: background that is not connected with the border of the slice, or of the exam.

    Background is 4-connected in a slice and 6-connected in the exam, as masks are 8- and 26-connected. The border
    of the exam includes its first and its last slice.
    """
    if settings.dimensions == 2:
        return _slice_by_slice(mask, ndimage.binary_fill_holes)
    filled: Mask = ndimage.binary_fill_holes(mask)
    return filled


def _inside(mask: Mask, _map: Map, settings: Inside, region: Mask | None) -> Mask:
    """Keep the pixels whose distance to the region, in their slice, is `dilation` at most.

    The distance is Euclidean, between centres of pixels. Where a slice has no region, nothing is kept.
    """
    if region is None:
        raise ValueError("post-processing inside a region, of a stage that has none")
    near = _slice_by_slice(region, lambda one: ndimage.distance_transform_edt(~one) <= settings.dilation)
    return mask & near


def _min_inside(mask: Mask, _map: Map, settings: MinInside, region: Mask | None) -> Mask:
    """Keep the components of the exam of which the region holds a share of the voxels. They are 26-connected."""
    if region is None:
        raise ValueError("post-processing inside a region, of a stage that has none")
    components, count = ndimage.label(mask, TWENTY_SIX_CONNECTED)
    volumes = np.bincount(components.ravel(), minlength=count + 1)
    in_region = np.bincount(components[region], minlength=count + 1)
    enough = in_region >= settings.share * volumes
    kept: Mask = mask & enough[components]
    return kept


def _slice_by_slice(mask: Mask, change: Callable[[Mask], Mask]) -> Mask:
    """Change each slice that has something in it."""
    changed = np.zeros_like(mask)
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        changed[index] = change(mask[index])
    return changed


POSTPROCESSING: Mapping[str, Callable[..., Mask]] = MappingProxyType(
    {
        "near_largest": _near_largest,
        "min_area": _min_area,
        "largest_component": _largest_component,
        "min_component": _min_component,
        "hysteresis": _hysteresis,
        "min_probability": _min_probability,
        "fill_holes": _fill_holes,
        "inside": _inside,
        "min_inside": _min_inside,
    }
)
"""Every step by its kind in the settings; each is a `Step`."""
