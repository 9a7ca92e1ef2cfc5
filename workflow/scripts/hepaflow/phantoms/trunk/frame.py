"""The frame of the body: its wall, the fat and skin around it, and the room for organs inside."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Made, Tube, Union, Within
from hepaflow.phantoms.trunk.space import EVERYWHERE, Box, Shape, Shared, Space
from hepaflow.phantoms.trunk.tissues import Tissues

# Height z, half-axes of the muscular wall to the side and from front to back, its middle in y, its thickness.
PROFILE = np.array(
    [
        (-420, 150, 92, 8, 130),
        (-345, 160, 98, 8, 110),
        (-300, 165, 102, 8, 78),
        (-240, 160, 102, 6, 56),
        (-190, 152, 99, 3, 30),
        (-150, 145, 95, 1, 17),
        (-100, 141, 95, 0, 14),
        (0, 146, 102, 0, 14),
        (80, 147, 103, 0, 14),
        (150, 143, 100, 2, 14),
        (205, 134, 88, 8, 18),
        (240, 112, 74, 14, 34),
        (270, 78, 62, 18, 42),
        (300, 60, 58, 18, 60),
        (380, 60, 66, 16, 66),
    ],
    dtype=float,
)
_STEP = 4.0


@dataclass(frozen=True, eq=False)
class Frame:
    """The body without its organs."""

    wall: Shared
    """Outside of the muscles."""
    cavity: Shared
    """Inside of the muscular wall: room for organs, from the pelvic floor to the neck."""
    skin: Shared
    width: float
    """Of the muscular wall relative to the typical one."""
    depth: float
    fat: float
    """Thickness of the subcutaneous fat in mm."""


def draw_frame(draws: Draws) -> Frame:
    """Draw the body's outline."""
    obese = float(draws.rng.beta(1.3, 2.2))
    width, depth = draws.factor(1.1) * (1 + 0.08 * obese), draws.factor(1.12) * (1 + 0.14 * obese)
    fat = float(3 + 55 * obese**1.3)
    belly = draws.between(0, 30) * obese
    profile = PROFILE.copy()
    profile[:, 1] *= width
    profile[:, 2] *= depth
    profile[:, 1:3] *= draws.rng.uniform(0.95, 1.05, (len(profile), 2))
    profile[:, 4] *= draws.factor(1.2)
    abdomen = np.exp(-(((profile[:, 0] + 80) / 90) ** 2))
    profile[:, 2] += belly * abdomen
    profile[:, 3] -= belly * abdomen * 0.8
    table = _Profile(profile)
    roundness = draws.between(2.1, 2.7)

    def trunk(space: Space) -> Tensor:
        a, b, middle, _ = table.at(space.z)
        y = space.y - middle
        level = ((space.x / a).abs() ** roundness + (y / b).abs() ** roundness + 1e-8) ** (1 / roundness)
        return torch.hypot(space.x, y) * (1 - 1 / level.clamp(min=0.05))

    hip = draws.between(66, 84) * width
    thighs = tuple(
        Tube((side * 88 * width, 10, -330), (side * draws.between(84, 100) * width, 12, -640), (hip, hip * 0.8))
        for side in (-1, 1)
    )
    shoulders = tuple(Tube((side * 55, 22, 236), (side * 158 * width, 18, 222), (40, 44)) for side in (-1, 1))
    torso = Shared(Made(Box((-400, -300, -380), (400, 300, 420)), trunk))
    arms = _arms(draws, width, fat) if draws.chance(0.85) else ()
    wall = Shared(Union(Union(torso, AnyOf(thighs, 80.0), 18), AnyOf((*shoulders, *arms), 80.0), 6), 80.0)

    def cavity(space: Space) -> Tensor:
        *_, thickness = table.at(space.z)
        return torso.distance(space) + thickness

    front = draws.between(0.6, 1.6)

    def skin(space: Space) -> Tensor:
        lower = torch.sigmoid((40 - space.z) / 60)
        ahead = torch.sigmoid(-space.y / 40)
        return wall.distance(space) - fat * (0.45 + 0.55 * lower * (1 + (front - 1) * ahead)) - 2.5

    outside: Shape = Made(wall.box.grown(80), skin)
    if draws.chance(0.5):
        outside = Union(outside, AnyOf(_breasts(draws, width, depth, fat), 30.0), 12)
    room = Box((-260, -220, -345), (260, 220, 300))
    return Frame(wall, Shared(Made(room, cavity)), Shared(outside, 30.0), width, depth, fat)


def _arms(draws: Draws, width: float, fat: float) -> tuple[Tube, ...]:
    """Arms above the head, or down at the sides; one may lie otherwise."""
    down = draws.chance(0.35)
    arms: list[Tube] = []
    for side in (-1, 1):
        thick = draws.between(30, 42)
        x = side * 165 * width
        if down != draws.chance(0.08):
            out = side * (190 * width + fat + draws.between(8, 40))
            elbow = (out, draws.between(-10, 60), -75 + draws.around(0, 25))
            hand = (side * draws.between(120, 230), draws.between(-60, 60), -300 + draws.around(0, 30))
            arms += draws.tubes([(x, 18, 222), elbow, hand], [thick, thick * 0.85, thick * 0.6], shift=4)
        else:
            elbow = (side * draws.between(120, 230), draws.between(-60, 30), 420)
            arms += draws.tubes([(x, 18, 222), elbow], [thick, thick * 0.85], shift=4)
    return tuple(arms)


def _breasts(draws: Draws, width: float, depth: float, fat: float) -> tuple[Ellipsoid, ...]:
    size = draws.between(0.6, 1.5)
    y = -(96 * depth + 0.5 * fat)
    return tuple(
        draws.ellipsoid((side * 72 * width, y, 95), (58 * size, 38 * size, 56 * size), size=1.1, shift=5)
        for side in (-1, 1)
    )


class _Profile:
    """Measures along the body, read at any height."""

    def __init__(self, profile: np.ndarray) -> None:
        self._low = float(profile[0, 0])
        heights = np.arange(self._low, profile[-1, 0] + _STEP, _STEP)
        columns = [np.interp(heights, profile[:, 0], column) for column in profile.T[1:]]
        self._table = torch.tensor(np.array(columns), dtype=torch.float32)

    def at(self, z: Tensor) -> tuple[Tensor, ...]:
        """Return each measure in a shape that goes with z; of slices one value each."""
        if z.ndim == 3:
            z = z.mean((1, 2), keepdim=True)
        table = self._table.to(z.device)
        place = ((z - self._low) / _STEP).clamp(0, table.shape[1] - 1.001)
        lower = place.long()
        part = place - lower
        return tuple(torch.lerp(row[lower], row[lower + 1], part) for row in table)


def wall_layers(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    """Paint skin, subcutaneous fat, muscle, and the fat that fills the cavity."""
    streaks = draws.between(0, 18)
    sheets = [_sheet(draws, frame) for _ in range(draws.count(0, 2))]
    return [
        Layer(frame.skin, tissues["skin"]),
        Layer(Grown(frame.skin, -2.5), tissues["fat"], mottle=draws.between(3, 12)),
        Layer(frame.wall, tissues["muscle"], mottle=5 + streaks),
        *(Layer(sheet, tissues["fat"], 0.7) for sheet in sheets),
        Layer(Within(frame.wall, frame.cavity), tissues["fat"], 1.5, mottle=draws.between(4, 16)),
    ]


def _sheet(draws: Draws, frame: Frame) -> Shape:
    """Return a sheet of fat between two muscles of the wall, which breaks where it is thinnest."""
    deep, thick = draws.between(3, 11), draws.between(0.2, 1.2)
    moved = draws.waves(6, (25, 80), draws.between(0.8, 2))
    broken = draws.waves(6, (20, 60), draws.between(0.3, 1))

    def sheet(space: Space) -> Tensor:
        above = frame.cavity.distance(space)
        found = (above - deep + moved.field(space)).abs() - thick + broken.field(space)
        return torch.maximum(torch.maximum(found, 1 - above), frame.wall.distance(space) + 1)

    return Made(frame.wall.box, sheet)


def surroundings(draws: Draws, frame: Frame) -> list[Layer]:
    """Draw what lies around the patient: the table, a mattress, clothing, wires."""
    layers = []
    if draws.chance(0.85):
        back = 103 * frame.depth + frame.fat + draws.between(4, 25)
        bow = draws.between(0, 0.0012)

        def top(space: Space) -> Tensor:
            return (space.y - back - 40 + bow * space.x**2).abs() - 6

        def foam(space: Space) -> Tensor:
            return torch.maximum((space.y - back - 14 + bow * space.x**2).abs() - 20, space.x.abs() - 230)

        layers.append(Layer(Made(EVERYWHERE, foam), draws.between(-980, -880)))
        layers.append(
            Layer(Made(Box((-260, back - 60, -1e9), (260, back + 90, 1e9)), top), draws.between(-400, 150))
        )
    if draws.chance(0.4):
        cloth = draws.between(3, 14)
        folds = draws.waves(5, (30, 90), 3.0)
        shell = Grown(frame.skin, cloth, folds)
        layers.append(Layer(shell, draws.between(-960, -700)))
        layers.append(Layer(Grown(shell, -2.0), -1000))
    for _ in range(draws.count(0, 3) if draws.chance(0.3) else 0):
        x, z = draws.between(-120, 120), draws.between(-200, 200)
        y = -120 * frame.depth - frame.fat - draws.between(0, 15)
        wire = draws.tubes([(x, y, z), draws.moved((x, y, z), 60), draws.moved((x, y, z), 90)], [1.5, 1.5, 1.5])
        layers.append(Layer(AnyOf(wire), draws.between(200, 2500)))
    return layers
