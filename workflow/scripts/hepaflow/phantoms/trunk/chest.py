"""What lies above the diaphragm: lungs with their vessels and airways, heart, great vessels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import Frame
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Made, Tube, Within
from hepaflow.phantoms.trunk.space import Box, Shape, Shared, Space
from hepaflow.phantoms.trunk.tissues import Tissues


@dataclass(frozen=True, eq=False)
class Chest:
    """Shapes of the chest that organs of the abdomen keep away from."""

    heart: Shared
    domes: Shared
    """Below the diaphragm, on both sides."""
    layers: list[Layer]


def draw_chest(draws: Draws, frame: Frame, tissues: Tissues, liver: Shape) -> Chest:
    """Draw the chest above a liver."""
    breath = draws.around(0, 8)
    heart_shape = draws.ellipsoid((26, -34, 98 + breath), (54, 46, 42), size=1.25, stretch=1.15, shift=8)
    heart = Shared(Grown(heart_shape, 0, draws.waves(6, (60, 140), 1.5)))
    left = draws.ellipsoid((66, 0, -30 + breath), (78, 96, 92), size=1.08, stretch=1.08, turn=4)
    # As a rule the lung reaches down to the liver. In some patients, fat lies between.
    near = draws.chance(0.8)
    low = draws.between(15, 60) if near else 0.0
    away, thin = (draws.between(0.5, 4), 0.5) if near else (3.5, 2.0)
    right = draws.ellipsoid((-66, 0, -30 - low + breath), (80, 98, 98), size=1.08, stretch=1.08, turn=4)

    def below(space: Space) -> Tensor:
        # Below its centre each dome goes straight down along the wall.
        found = []
        for dome in (left, right):
            raised = Space(space.x, space.y, space.z.clamp(min=dome.centre[2]))
            found.append(dome.distance(raised))
        return torch.minimum(*found)

    domes = Shared(Made(Box((-200, -160, -345), (200, 160, 100 + breath)), below), 200.0)
    mediastinum = Ellipsoid((2, 30, 110), (draws.between(22, 36), draws.between(50, 64), 160))
    recess_height, recess_slope = draws.between(0, 25), draws.between(0.3, 0.6)
    room = Box((-220, -180, -100), (220, 180, 280))

    def lung(space: Space) -> Tensor:
        found = frame.cavity.distance(space)
        for other, gap in ((liver, away), (domes, 0.0), (heart, 4.0)):
            found = torch.maximum(found, gap - other.distance(space))
        found = torch.maximum(found, -mediastinum.distance(space))
        return torch.maximum(found, recess_height - recess_slope * space.y - space.z)

    lungs = Shared(Made(room, lung), 20.0)
    layers = [
        Layer(Grown(lungs, draws.between(thin, thin + 2.5)), tissues["muscle"]),
        Layer(lungs, tissues["lung"], 1.5, mottle=draws.between(10, 50)),
        *_inside_lungs(draws, tissues, lungs, breath),
        *_heart(draws, tissues, heart, heart_shape),
        *_great_vessels(draws, tissues),
    ]
    return Chest(heart, domes, layers)


def _inside_lungs(draws: Draws, tissues: Tissues, lungs: Shared, breath: float) -> list[Layer]:
    layers = []
    vessels: list[Tube] = []
    for side in (-1, 1):
        hilum = (side * 34.0, 18.0, 140.0 + breath)
        for _ in range(draws.count(10, 18)):
            end = (side * draws.between(50, 125), draws.between(-70, 90), draws.between(20, 230))
            vessels += draws.tubes([hilum, end], [draws.between(4, 8), 1.0], shift=5)
    layers.append(Layer(Within(AnyOf(tuple(vessels)), lungs, 2), tissues["blood"]))
    if draws.chance(0.25):  # effusion, or lung that is collapsed at the back
        level = draws.between(20, 95)
        where = draws.one_of({"both": 0.4, "left": 0.3, "right": 0.3})

        def fluid(space: Space) -> Tensor:
            found = torch.maximum(lungs.distance(space), level - space.y)
            if where == "both":
                return found
            return torch.maximum(found, -space.x if where == "left" else space.x)

        layers.append(Layer(Made(lungs.box, fluid), draws.between(0, 80), 1.5, mottle=4))
    if draws.chance(0.35):  # consolidations, nodules, scars
        spots = tuple(
            Ellipsoid(
                (draws.between(-120, 120), draws.between(-70, 95), draws.between(0, 220)),
                (r, r * draws.factor(1.5), r),
            )
            for r in (draws.between(3, 28) for _ in range(draws.count(1, 6)))
        )
        layers.append(
            Layer(Within(AnyOf(spots), lungs, 1), draws.between(-400, 80), draws.between(1, 4), mottle=20)
        )
    return layers


def _heart(draws: Draws, tissues: Tissues, heart: Shared, whole: Ellipsoid) -> list[Layer]:
    x, y, z = whole.centre
    a, b, c = whole.radii
    chambers = (
        ((0.37, -0.05, -0.2), (0.4, 0.42, 0.62)),
        ((-0.25, -0.45, -0.25), (0.5, 0.38, 0.62)),
        ((-0.1, 0.45, 0.3), (0.5, 0.38, 0.42)),
        ((-0.62, 0.05, 0.1), (0.3, 0.48, 0.62)),
    )
    left, right = tissues["aorta"], tissues["blood"]
    layers = [Layer(Grown(heart, draws.between(1, 9)), tissues["fat"]), Layer(heart, tissues["heart"])]
    for number, (place, size) in enumerate(chambers):
        centre = (x + place[0] * a, y + place[1] * b, z + place[2] * c)
        radii = (size[0] * a, size[1] * b, size[2] * c)
        chamber = draws.ellipsoid(centre, radii, size=1.1, stretch=1.1, shift=2)
        layers.append(Layer(Within(chamber, heart, 2.5), left if number in (0, 2) else right, 1.2))
    if draws.chance(0.15):
        layers.insert(0, Layer(Grown(heart, draws.between(4, 16)), tissues["fluid"]))
    return layers


def _great_vessels(draws: Draws, tissues: Tissues) -> list[Layer]:
    r = draws.between(9, 15)
    arch = draws.tubes([(8, 32, 190), (10, 8, 214), (-8, -16, 200), (-10, -14, 150)], [r, r + 1, r + 2, r + 3])
    upper = draws.tubes([(-28, -12, 240), (-26, -8, 130)], [9, 10])
    trunk_of_lung = draws.tubes([(14, -30, 150), (20, 4, 168), (-40, 12, 158)], [13, 12, 9])
    arteries = draws.tubes([(-14, -10, 210), (-34, 2, 280), (-36, 6, 400)], [6, 5, 4])
    arteries += draws.tubes([(14, 0, 212), (34, 4, 280), (36, 8, 400)], [5, 4.5, 4])
    windpipe = draws.tubes([(0, -10, 400), (0, 0, 290), (0, 14, 190)], [9, 9, 9], shift=3)
    bronchi = draws.tubes([windpipe[-1].end, (-44, 20, 150)], [8, 4]) + draws.tubes(
        [windpipe[-1].end, (44, 22, 150)], [8, 4]
    )
    gullet = draws.tubes([(2, 22, 400), (0, 34, 250), (-2, 40, 130), (14, 16, 62)], [6, 7, 8, 9], shift=3)
    air = AnyOf((*windpipe, *bronchi))
    thyroid = tuple(Ellipsoid((side * 20, -4, 300), (11, 13, 26)) for side in (-1, 1))
    layers = [
        Layer(AnyOf(arch), tissues["aorta"]),
        Layer(AnyOf((*upper, *trunk_of_lung)), tissues["blood"]),
        Layer(AnyOf(arteries), tissues["aorta"]),
        Layer(AnyOf(thyroid), draws.between(60, 180)),
        Layer(Grown(air, 1.8), tissues["cartilage"]),
        Layer(air, -990),
        Layer(AnyOf(gullet), tissues["bowel_wall"]),
    ]
    if draws.chance(0.4):
        layers.append(Layer(Grown(AnyOf(gullet), -4.5), -900 if draws.chance(0.6) else draws.between(0, 300)))
    return layers
