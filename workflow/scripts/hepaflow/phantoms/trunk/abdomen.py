"""Organs below the diaphragm beside the liver: spleen, stomach, kidneys, pancreas, bowel, vessels, pelvis."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.bowel import colon, fill, small_bowel
from hepaflow.phantoms.trunk.chest import Chest
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import Frame
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.liver import beside
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Made, Tube, Union, Within, without
from hepaflow.phantoms.trunk.space import Shape, Shared, Space
from hepaflow.phantoms.trunk.tissues import Tissues


@dataclass(frozen=True, eq=False)
class Retroperitoneum:
    """What the liver makes room for."""

    right_kidney: Shape | None
    left_kidney: Shape | None
    gallbladder: Shape | None
    cava: Shape


def draw_retroperitoneum(draws: Draws) -> Retroperitoneum:
    """Draw kidneys, gallbladder and the vena cava; some are absent."""
    size = draws.factor(1.2)
    kidneys: list[Shape | None] = []
    for side in (-1, 1):
        place = (side * 61.0, 50.0, -62.0 if side < 0 else -50.0)
        lean = (side * draws.between(-0.1, 0.35) * -1, draws.between(-0.05, 0.25))
        kidney: Shape = draws.ellipsoid(place, (26 * size, 25 * size, 51 * size), lean, size=1.15, shift=9)
        kidneys.append(None if draws.chance(0.04) else Shared(Grown(kidney, 0, draws.waves(6, (25, 60), 1.0))))
    # It hangs from the liver: most of it lies below, else it would be a cyst without a label.
    gallbladder = draws.ellipsoid(
        (-36, -42, -54), (14, 19, 24), (0, 0.3), size=1.5, stretch=1.25, shift=9, turn=20
    )
    cava = AnyOf(
        draws.tubes([(-22, 26, -200), (-19, 24, -60), (-17, 18, 75)], [12, 12, 13], flat=draws.factor(1.4))
    )
    return Retroperitoneum(
        kidneys[0], kidneys[1], None if draws.chance(0.15) else Shared(gallbladder), Shared(cava)
    )


def abdomen_layers(
    draws: Draws, frame: Frame, tissues: Tissues, liver: Shared, chest: Chest, behind: Retroperitoneum
) -> list[Layer]:
    """Paint all organs of the abdomen and the pelvis but the liver."""
    room = beside(liver, draws.between(0, 3), Within(frame.cavity, chest.domes, 2))
    stomach = _stomach(draws, room)
    return [
        *_ascites(draws, frame, tissues, liver),
        *_pelvis(draws, frame, tissues),
        *small_bowel(draws, frame, tissues, liver),
        *colon(draws, frame, tissues, liver),
        *_kidneys(draws, tissues, behind),
        *_pancreas(draws, tissues, liver),
        *_spleen(draws, tissues, room, stomach, behind),
        *_stomach_layers(draws, tissues, stomach),
        *_gallbladder(draws, behind),
        *_vessels(draws, tissues, behind),
    ]


def _ascites(draws: Draws, frame: Frame, tissues: Tissues, liver: Shared) -> list[Layer]:
    if not draws.chance(0.12):
        return []
    amount = draws.between(2, 22)
    pools = draws.waves(5, (90, 200), 14.0)
    level = draws.between(-30, 50)

    def pool(space: Space) -> Tensor:
        low = torch.maximum(level - space.y + pools.field(space), space.z - 20)
        return torch.maximum(torch.minimum(liver.distance(space) - amount, low), frame.cavity.distance(space) + 1)

    return [Layer(Made(frame.cavity.box, pool), tissues["fluid"] + draws.between(0, 15))]


def _stomach(draws: Draws, room: Shape) -> Shared:
    full = draws.factor(1.4)
    fundus = draws.ellipsoid((60, 12, 38), (33 * full, 40 * full, 30), (0.1, 0.2), size=1.15, shift=8)
    body = draws.ellipsoid((58, -32, -4), (30 * full, 28 * full, 50), (0.35, 0.3), size=1.15, shift=8)
    antrum = draws.tubes([(56, -44, -36), (20, -52, -48), (-14, -36, -40)], [22 * full, 17 * full, 11], shift=7)
    whole = Union(Union(fundus, body, 16), AnyOf(antrum, reach=30), 12)
    return Shared(Within(Grown(whole, 0, draws.waves(6, (40, 110), 2.5)), room, 1, 5))


def _stomach_layers(draws: Draws, tissues: Tissues, stomach: Shared) -> list[Layer]:
    shares = {"fluid": 0.3, "food": 0.2, "like liver": 0.2, "contrast": 0.1, "gas": 0.1, "empty": 0.1}
    return [
        Layer(stomach, tissues["bowel_wall"]),
        *fill(draws, tissues, stomach, draws.between(3, 8), shares, draws.between(-50, -10)),
    ]


def _spleen(draws: Draws, tissues: Tissues, room: Shape, stomach: Shared, behind: Retroperitoneum) -> list[Layer]:
    if draws.chance(0.04):
        return []
    grown = draws.between(1.2, 1.9) if draws.chance(0.2) else draws.factor(1.2)
    radii = (29 * grown, 45 * grown, 46 * grown)
    body = draws.ellipsoid((94, 36, 10 - 20 * (grown - 1)), radii, (-0.2, 0.15), shift=8, stretch=1.15, turn=15)
    shape: Shape = without(Within(body, room, 2, 6), stomach, 2, 6)
    if behind.left_kidney is not None:
        shape = without(shape, behind.left_kidney, 3, 4)
    shape = Grown(shape, 0, draws.waves(6, (40, 100), 2.0))
    layers = [Layer(shape, tissues["spleen"], mottle=draws.between(0, 8))]
    if tissues.phase == "arterial" and draws.chance(0.7):  # stripes of the early phase
        stripes = draws.waves(4, (14, 30), 8.0)

        def striped(space: Space) -> Tensor:
            return torch.maximum(shape.distance(space), stripes.field(space) - 4)

        layers.append(Layer(Made(shape.box, striped), tissues["spleen"] + draws.between(20, 60), 2.5))
    return layers


def _kidneys(draws: Draws, tissues: Tissues, behind: Retroperitoneum) -> list[Layer]:
    layers = []
    for kidney, side in ((behind.right_kidney, -1), (behind.left_kidney, 1)):
        gland = draws.tubes([(side * 34, 34, -8), (side * 40, 44, -22), (side * 54, 52, -26)], [2.5, 3.5, 2.5])
        layers.append(Layer(AnyOf(gland), tissues["glands"]))
        if kidney is None:
            continue
        layers.append(Layer(kidney, tissues["cortex"]))
        layers.append(Layer(Grown(kidney, -draws.between(5, 9)), tissues["medulla"], 2, mottle=6))
        sinus = draws.ellipsoid((side * 48, 44, -58), (17, 10, 26), shift=5)
        layers.append(Layer(Within(sinus, kidney, -4), tissues["fat"], 1.5))
        if draws.chance(0.4):
            pelvis = draws.ellipsoid((side * 44, 42, -60), (9, 7, 14), shift=3)
            late = tissues.phase == "late" and draws.chance(0.6)
            layers.append(Layer(Within(pelvis, kidney, -8), draws.between(200, 900) if late else tissues["fluid"]))
        for _ in range(draws.count(1, 3) if draws.chance(0.3) else 0):
            r = draws.between(4, 32)
            place = (side * draws.between(55, 95), draws.between(30, 75), draws.between(-110, -15))
            layers.append(Layer(Ellipsoid(place, (r, r, r * draws.factor(1.2))), draws.between(-5, 30)))
    return layers


def _pancreas(draws: Draws, tissues: Tissues, liver: Shape) -> list[Layer]:
    size = draws.factor(1.35)
    points: list[Vector] = [(-26, -6, -58), (-22, -6, -36), (14, -14, -28), (50, 2, -18), (82, 24, -4)]
    body = draws.tubes(points, [11 * size, 13 * size, 10 * size, 9 * size, 7 * size], shift=6)
    lobes = beside(liver, 0.5, Grown(AnyOf(body), 0, draws.waves(8, (10, 22), draws.between(0.6, 1.8))))
    tubes = draws.tubes(
        [(-34, -28, -40), (-46, 4, -46), (-42, 10, -90), (0, 12, -98), (30, 6, -70)], [11, 11, 12, 11, 10]
    )
    duodenum = beside(liver, draws.between(0, 2), AnyOf(tubes))
    shares = {"fluid": 0.35, "empty": 0.3, "gas": 0.15, "like liver": 0.1, "contrast": 0.1}
    return [
        Layer(duodenum, tissues["bowel_wall"]),
        *fill(draws, tissues, duodenum, 2.6, shares, -10),
        Layer(lobes, tissues["pancreas"], mottle=draws.between(2, 14)),
    ]


def _gallbladder(draws: Draws, behind: Retroperitoneum) -> list[Layer]:
    if behind.gallbladder is None:
        if not draws.chance(0.6):
            return []
        clips = tuple(
            Tube(place, draws.moved(place, 3), (0.9, 0.9))
            for place in (draws.moved((-32, -26, -40), 8) for _ in range(3))
        )
        return [Layer(AnyOf(clips), 2500)]
    bile = draws.between(-5, 25) if draws.chance(0.85) else draws.between(40, 220)
    wall = draws.between(30, 90)
    layers = [Layer(behind.gallbladder, wall), Layer(Grown(behind.gallbladder, -draws.between(1, 4)), bile)]
    if draws.chance(0.15):
        stones = tuple(
            Ellipsoid(draws.moved((-36, -42, -62), 6), (r, r, r))
            for r in (draws.between(1.5, 8) for _ in range(draws.count(1, 6)))
        )
        layers.append(Layer(Within(AnyOf(stones), behind.gallbladder, 1), draws.between(60, 700)))
    return layers


def _vessels(draws: Draws, tissues: Tissues, behind: Retroperitoneum) -> list[Layer]:
    r = draws.between(7, 13)
    line: list[Vector] = [(8, 32, 200), (9, 30, 60), (7, 28, -60), (4, 30, -155)]
    aorta = AnyOf(draws.tubes(line, [r + 2, r + 1, r, r - 1], shift=3))
    branches = (
        *draws.tubes([(7, 26, -6), (6, 6, -4)], [4, 3]),
        *draws.tubes([(6, 6, -4), (40, 10, 0), (84, 30, 4)], [3, 2.5, 2.5]),
        *draws.tubes([(7, 24, -24), (4, 0, -60), (-10, -15, -140)], [4, 4, 2]),
        *draws.tubes([(8, 30, -45), (52, 44, -50)], [3, 2.5]),
        *draws.tubes([(6, 30, -45), (-52, 44, -60)], [3, 2.5]),
    )
    veins = (
        *draws.tubes([(-16, 22, -46), (-52, 44, -62)], [5, 4]),
        *draws.tubes([(-14, 18, -42), (20, 14, -40), (52, 40, -50)], [5, 4, 4]),
        *draws.tubes([(8, 0, -40), (44, 6, -14), (88, 30, 0)], [5, 4, 3.5]),
        *draws.tubes([(8, 0, -40), (10, -14, -90), (0, -20, -150)], [5.5, 4.5, 3]),
    )
    legs = [
        tube
        for side in (-1, 1)
        for tube in draws.tubes(
            [(4, 30, -155), (side * 45, 30, -225), (side * 72, -40, -310), (side * 80, -30, -640)],
            [7, 5.5, 4.5, 4],
        )
    ]
    layers = [
        Layer(AnyOf(veins), tissues["portal_vein"]),
        Layer(behind.cava, tissues["cava"]),
        Layer(AnyOf(tuple(Tube(_beside(t.start), _beside(t.end), (6, 6)) for t in legs)), tissues["cava"]),
        Layer(aorta, tissues["aorta"]),
        Layer(AnyOf((*branches, *legs)), tissues["aorta"]),
    ]
    for _ in range(draws.count(2, 10) if draws.chance(0.4) else 0):
        z = draws.between(-150, 190)
        angle = draws.between(0, 2 * np.pi)
        place = (8 + r * np.cos(angle), 30 + r * np.sin(angle), z)
        layers.append(Layer(Ellipsoid(place, (2.5, 2.5, draws.between(2, 8))), draws.between(300, 1000)))
    for _ in range(draws.count(1, 12) if draws.chance(0.3) else 0):  # lymph nodes
        n = draws.between(3, 14)
        place = draws.moved((0, 15, draws.between(-160, 20)), 22)
        layers.insert(0, Layer(draws.ellipsoid(place, (n, n, n * 1.3), shift=0), tissues["glands"]))
    return layers


def _beside(point: Vector) -> Vector:
    return point[0] * 0.86 - 6, point[1] + 10, point[2]


def _pelvis(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    full = draws.between(0.5, 1.7)
    bladder = draws.ellipsoid((0, -30, -292 + 14 * full), (42 * full, 34 * full, 32 * full), size=1.1, shift=6)
    womb = draws.ellipsoid((0, 8, -282), (30, 24, 26), size=1.6, stretch=1.2, shift=8)
    urine = draws.between(0, 20)
    wall = draws.between(2, 6)
    inner = Within(Grown(bladder, -wall), frame.cavity, 1 + wall, 4)
    layers = [
        Layer(
            Within(womb, frame.cavity, 1), tissues["muscle"] + draws.between(0, 70), mottle=draws.between(2, 12)
        ),
        Layer(Within(bladder, frame.cavity, 1, 4), tissues["muscle"]),
        Layer(inner, urine),
    ]
    if draws.chance(0.2 if tissues.phase != "late" else 0.6):  # contrast medium that sank
        level = draws.between(-45, 0)

        def sunk(space: Space) -> Tensor:
            return torch.maximum(inner.distance(space), level - space.y)

        layers.append(Layer(Made(inner.box, sunk), draws.between(150, 1500)))
    return layers
