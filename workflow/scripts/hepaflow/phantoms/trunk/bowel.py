"""Small bowel and colon, and what fills hollow organs: fluid, food, contrast medium, gas."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import Frame
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.liver import beside
from hepaflow.phantoms.trunk.shapes import AnyOf, Grown, Made, Tube, Within
from hepaflow.phantoms.trunk.space import Shape, Space
from hepaflow.phantoms.trunk.tissues import Tissues


def fill(
    draws: Draws, tissues: Tissues, hollow: Shape, wall: float, shares: dict[str, float], front: float
) -> list[Layer]:
    """Fill a hollow organ with fluid, food, contrast medium or gas, gas above what is liquid."""
    inside = Grown(hollow, -wall)
    fluid, food = tissues["fluid"] + draws.between(0, 25), draws.between(-40, 120)
    like_liver = tissues["liver"] + draws.around(0, 12)
    fillings = {
        "fluid": _Filling(fluid, below_gas=True),
        "food": _Filling(food, mottle=draws.between(3, 130), below_gas=True),
        "like liver": _Filling(like_liver, mottle=draws.between(1, 8), below_gas=True),
        "contrast": _Filling(draws.between(120, 600), below_gas=True),
        "gas": _Filling(-960.0),
        "empty": _Filling(tissues["bowel_wall"] + draws.around(0, 8)),
    }
    filling = fillings[draws.one_of(shares)]
    layers = [Layer(inside, filling.hu, mottle=filling.mottle)]
    if filling.below_gas and draws.chance(0.65):
        level = front + draws.between(-25, 20)
        bubbles = draws.waves(4, (60, 160), 20.0)

        def gas(space: Space) -> Tensor:
            return torch.maximum(inside.distance(space), (space.y - level) + bubbles.field(space) * 0.6)

        layers.append(Layer(Made(inside.box, gas), -960))
    return layers


@dataclass(frozen=True)
class _Filling:
    """What is in a hollow organ."""

    hu: float
    mottle: float = 3.0
    below_gas: bool = False


def small_bowel(draws: Draws, frame: Frame, tissues: Tissues, liver: Shape) -> list[Layer]:
    wide = draws.between(8, 15) if draws.chance(0.85) else draws.between(15, 24)
    middle, radii = np.array((5.0, -28.0, -145.0)), np.array((105.0, 52.0, 115.0)) * frame.width
    spot, heading = np.array((70.0, -10.0, -50.0)), np.array((0.0, -0.5, -1.0))
    tubes: list[Tube] = []
    layers: list[Layer] = []
    for _ in range(draws.count(40, 85)):
        heading = heading * 0.8 + draws.rng.normal(0, 0.8, 3)
        away = (spot - middle) / radii
        if away @ away > 0.8:
            heading = heading - 1.6 * away * np.sign(radii)
        heading /= np.linalg.norm(heading) + 1e-6
        following = spot + heading * draws.between(20, 36)
        radius = wide * draws.factor(1.15)
        start, end = tuple(map(float, spot)), tuple(map(float, following))
        tubes.append(Tube(start, end, (radius, radius * draws.factor(1.1))))  # type: ignore[arg-type]
        spot = following
    shares = {"fluid": 0.35, "empty": 0.25, "contrast": 0.2, "gas": 0.08, "food": 0.12}
    pieces, gap = max(3, len(tubes) // draws.count(6, 14)), draws.between(0, 4)
    for part in np.array_split(np.arange(len(tubes)), pieces):
        loops = beside(liver, gap, Within(AnyOf(tuple(tubes[number] for number in part)), frame.cavity, 2, 4))
        layers.append(Layer(loops, tissues["bowel_wall"]))
        layers += fill(draws, tissues, loops, draws.between(1.6, 3.5), shares, draws.between(-70, -20))
    return layers


_COLON: tuple[Vector, ...] = (
    (-92, -12, -205),
    (-104, 8, -130),
    (-98, 2, -68),
    (-56, -58, -80),
    (10, -72, -92),
    (72, -52, -50),
    (106, 22, 4),
    (113, 42, -62),
    (108, 32, -145),
    (82, 8, -212),
    (34, -14, -250),
    (-8, 22, -244),
    (0, 56, -262),
    (0, 58, -300),
    (0, 40, -345),
)


def colon(draws: Draws, frame: Frame, tissues: Tissues, liver: Shape) -> list[Layer]:
    wide = draws.between(13, 30)
    width = frame.width
    points: list[Vector] = [(x * width, y * frame.depth, z) for x, y, z in _COLON]
    if draws.chance(0.15):  # in front of the liver, or above it
        points[2] = (-100 * width, -40, draws.between(-40, 60))
    sag = draws.between(-90, 25)
    points[3], points[4] = _lower(points[3], sag * 0.6), _lower(points[4], sag)
    radii = [wide * draws.factor(1.3) for _ in points]
    tubes = draws.tubes(points, radii, shift=9)
    folds = draws.waves(8, (18, 45), draws.between(1.0, 3.5))
    shares = {"food": 0.35, "gas": 0.3, "like liver": 0.12, "fluid": 0.08, "contrast": 0.08, "empty": 0.07}
    layers, gap = [], draws.between(0, 4)
    for first in range(0, len(tubes), 3):
        part = beside(liver, gap, Within(Grown(AnyOf(tubes[first : first + 3]), 0, folds), frame.cavity, 2, 4))
        layers.append(Layer(part, tissues["bowel_wall"]))
        layers += fill(draws, tissues, part, draws.between(1.8, 4), shares, draws.between(-60, 20))
    return layers


def _lower(point: Vector, by: float) -> Vector:
    return point[0], point[1], point[2] + by
