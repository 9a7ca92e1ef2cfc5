"""The ends of what is drawn of the trunk: no draw lies beyond, and draws come near to them."""

import numpy as np

from hepaflow.phantoms.trunk import ends
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.patient import SPREAD
from hepaflow.phantoms.trunk.scanner import draw_acquisition
from hepaflow.phantoms.trunk.tissues import draw_tissues


def test_acquisitions_lie_between_the_ends_and_fill_them() -> None:
    draws = Draws(np.random.default_rng(0))
    thick = draw_acquisition(draws, thickness=3.0)
    drawn = [draw_acquisition(draws) for _ in range(2000)]
    slices = [3.0 * one.slice_profile / thick.slice_profile for one in drawn]
    (thinnest, thickest), (_, noisiest) = ends.slice_mm(), ends.noise_hu()
    assert thinnest <= min(slices) < 1.02 * thinnest
    assert 0.98 * thickest < max(slices) <= thickest
    assert 0.98 * noisiest < max(one.noise for one in drawn) <= noisiest


def test_livers_lie_between_the_ends() -> None:
    draws = Draws(np.random.default_rng(0))
    drawn = [draw_tissues(draws, SPREAD)["liver"] for _ in range(2000)]
    lowest, highest = ends.liver_hu()
    assert lowest <= min(drawn) < lowest + 20
    assert highest - 40 < max(drawn) <= highest
