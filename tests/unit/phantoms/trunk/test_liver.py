"""The vessels of livers: where they are painted, and how far they reach."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.lesions import Wanted
from hepaflow.phantoms.trunk.liver import (
    _HILUM,
    _NEAR,
    _TYPICAL,
    _and_behind,
    _reach_of,
    _side_branches,
    _stretched,
    _with_caudate_lobe,
    draw_tree,
    liver_layers,
)
from hepaflow.phantoms.trunk.patient import draw_patient
from hepaflow.phantoms.trunk.shapes import Ellipsoid, Tube
from hepaflow.phantoms.trunk.space import Shared, Space
from hepaflow.phantoms.trunk.tissues import draw_tissues
from hepaflow.phantoms.vessels import PORTAL


def test_outside_of_the_liver_only_the_way_of_the_portal_vein_is_painted() -> None:
    left = Shared(Ellipsoid((20, -50, 15), (45, 25, 25)))  # the right lobe is gone
    points = np.random.default_rng(0).uniform((-130, -90, -60), (90, 70, 70), (20000, 3))
    space = Space(*torch.tensor(points, dtype=torch.float32).unbind(1))
    distance = left.shape.distance(space)
    outside = distance > 0
    for seed in range(8):
        draws = Draws(np.random.default_rng(seed))
        branches = draw_tree(draws, PORTAL, 0.45)
        _, portal, first, *others = liver_layers(draws, left, branches, draw_tissues(draws, 1.0))

        painted = portal.shape.distance(space) < 0
        assert 0 < painted.float().mean() < 0.01
        assert (distance[first.shape.distance(space) < 0] < _NEAR).all()
        for layer in others:
            inside = layer.shape.distance(space) < 0
            if layer.within is not None:
                inside &= layer.within.distance(space) < 0
            assert not (inside & outside).any()


@pytest.mark.parametrize("size", [0.7, 1.0, 1.5])
def test_vessels_reach_as_far_as_the_liver(size: float) -> None:
    low, high = _HILUM + size * (_TYPICAL - _HILUM)
    radii = (high - low) / 2 / 0.73  # 90 % of a ball lie less than 0.73 radii from its middle along an axis
    middle = (low + high) / 2

    reach = _reach_of(Draws(np.random.default_rng(0)), Ellipsoid(tuple(middle.tolist()), tuple(radii.tolist())))

    assert reach == pytest.approx(np.full((2, 3), size), rel=0.12)


def test_joints_move_away_from_the_hilum_on_each_side() -> None:
    reach = np.array([[2.0, 1.0, 0.5], [3.0, 0.5, 1.0]])
    ((start, end, radii),) = _stretched((((-28, 0, -10), (-38, 10, -30), (3, 2)),), reach)

    assert start == (-28, 0, -10)
    assert end == (-48, 5, -20)
    assert radii == (3, 2)


def test_twigs_part_again_and_become_thinner() -> None:
    tubes = draw_tree(Draws(np.random.default_rng(0)), PORTAL, 1.0)

    ends = {tube.end: tube.radii[1] for tube in tubes}
    for twig in tubes[8 : 8 + 16 + 32]:
        assert twig.radii[1] < twig.radii[0] < ends[twig.start]


def test_side_branches_leave_a_vessel_along_its_way_and_are_thinner() -> None:
    parent = Tube((0, 0, 0), (0, 0, 60), (5.0, 2.0))
    branches = [
        one for seed in range(40) for one in _side_branches(Draws(np.random.default_rng(seed)), parent, 10.0, 0.8)
    ]

    assert 4 < len(branches) / 40 < 6.1  # one every 10 mm, but for those that would be too thin
    for one in branches:
        assert one.start[:2] == (0, 0)
        assert 6 <= one.start[2] <= 60
        away = np.subtract(one.end, one.start)
        assert 30 <= np.rad2deg(np.arccos(away[2] / np.linalg.norm(away))) <= 75
        assert 0.8 <= one.radii[0] <= 0.7 * (5 - 3 * one.start[2] / 60)
    assert not _side_branches(Draws(np.random.default_rng(0)), parent, 10.0, 3.6)


def test_vessels_of_some_livers_have_many_branches() -> None:
    counts = [len(draw_tree(Draws(np.random.default_rng(seed)), PORTAL, 0.45)) for seed in range(20)]
    assert min(counts) < 60
    assert max(counts) > 110


BODY = np.stack(
    np.meshgrid(*(np.arange(low, high, 4.0) for low, high in ((-70, 90), (-110, 110), (-150, 130))), indexing="ij")
)
"""z, y, x of points 4 mm apart, shape (3, slices, rows, columns)."""


def body() -> Space:
    z, y, x = torch.tensor(BODY, dtype=torch.float32)
    return Space(x, y, z)


def test_livers_are_in_one_piece_with_their_caudate_lobe() -> None:
    shares = []
    for seed in range(16):
        patient = draw_patient(Draws(np.random.default_rng([seed])), Wanted(free=1.0))
        pieces, _ = ndimage.label(patient.liver.distance(body()).numpy() < 0)
        volumes = np.bincount(pieces.ravel())[1:]
        shares.append(volumes.max() / volumes.sum())
    assert np.median(shares) > 0.995
    assert np.quantile(shares, 0.2) > 0.97


def test_a_fissure_parts_the_caudate_lobe_from_the_left_lobe_alone() -> None:
    solid = Ellipsoid((0.0, 0.0, 0.0), (140.0, 90.0, 70.0))
    space = body()
    inside = solid.distance(space) < 0
    for seed in range(4):
        missing = inside & (_with_caudate_lobe(Draws(np.random.default_rng(seed)), solid, 1.0).distance(space) > 0)
        assert 0 < missing.sum() < 0.03 * inside.sum()
        assert (space.x[missing] > -30).all()


def test_no_liver_is_behind_a_kidney() -> None:
    kidney = Ellipsoid((-60.0, 50.0, -60.0), (26.0, 25.0, 51.0))
    behind = _and_behind(kidney).distance(body())
    own = kidney.distance(body())
    z, y, x = torch.tensor(BODY, dtype=torch.float32)
    assert (behind[y < 50] == own[y < 50]).all()
    at_the_back = (x == -62) & (y > 90) & (abs(z + 58) < 3)
    assert at_the_back.any()
    assert (behind[at_the_back] < -20).all()
    assert (behind[(y > 50) & (x > 0)] > 20).all()
