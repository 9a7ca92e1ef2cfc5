"""The ends of the ranges that patients and exams of the trunk are drawn from: what who has seen them has seen.

The draws themselves tell them: an exam all of whose draws are the smallest, and one of the largest.
"""

import numpy as np

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.patches import HIGHEST, LOWEST
from hepaflow.phantoms.trunk.scanner import draw_acquisition
from hepaflow.phantoms.trunk.tissues import draw_tissues

_FAR = 1e6
"""Standard deviations at which a number of a normal distribution ends, as it has no end of its own."""

Ends = tuple[float, float]


class _AtAnEnd(Draws):
    """Draws that all lie at one end of their ranges; nothing happens that need not."""

    def __init__(self, *, largest: bool) -> None:
        super().__init__(np.random.default_rng(0))
        self._largest = largest

    def between(self, low: float, high: float) -> float:
        return high if self._largest else low

    def around(self, mean: float, spread: float) -> float:
        return mean + spread * (_FAR if self._largest else -_FAR)

    def chance(self, share: float) -> bool:
        return False


def height_mm() -> Ends:
    """Return the heights of the lowest and the highest exam of which patches are drawn, in mm."""
    return LOWEST, HIGHEST


def slice_mm() -> Ends:
    """Return the thinnest and the thickest slices, in mm."""
    blur = draw_acquisition(_AtAnEnd(largest=False), thickness=1.0).slice_profile
    thin, thick = (round(draw_acquisition(draws).slice_profile / blur, 6) for draws in _both())
    return thin, thick


def noise_hu() -> Ends:
    """Return the ends of the noise, in HU, as it shows from a pixel to the next.

    The weakest shows as next to nothing where it is as smooth as it can be.
    """
    _, largest = (draw_acquisition(draws).noise for draws in _both())
    return 0.0, round(largest, 6)


def liver_hu() -> Ends:
    """Return the ends of what livers have, in HU."""
    low, high = (float(draw_tissues(draws, spread=1.0)["liver"]) for draws in _both())
    return low, high


def _both() -> tuple[Draws, Draws]:
    return _AtAnEnd(largest=False), _AtAnEnd(largest=True)
