"""Livers of very different sizes and forms, their vessels, and what disease and surgery leave of them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import Frame
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Made, Tube, Union, Within, without
from hepaflow.phantoms.trunk.space import EVERYWHERE, Shape, Shared, Space, vector
from hepaflow.phantoms.trunk.tissues import Tissues
from hepaflow.phantoms.vessels import HEPATIC, PORTAL, Path

_HILUM = np.array([-28.0, 0.0, -10.0])
"""Where the portal vein parts (`hepaflow.phantoms.vessels`)."""
_TYPICAL = np.array([[-115.0, -67.0, -61.0], [17.0, 53.0, 46.0]])
"""Between which x, y, z 90 % of the median liver lie."""
_NEAR = 14.0
"""Largest distance in mm from the liver at which branches of the portal vein lie in the fat of its hilum."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Organs that press into the liver; what is absent is none."""

    heart: Shared
    right_kidney: Shape | None
    gallbladder: Shape | None
    cava: Shape


def draw_outline(draws: Draws) -> tuple[Shape, float]:
    """Draw the liver's form before its neighbours press into it, and how large it is; 1 is the median."""
    size = draws.factor(1.22)
    right = draws.ellipsoid((-66, -4, -4), (72, 84, 66), (0.18, -0.12), size=1.12, stretch=1.16, shift=7)
    centre = draws.moved((4 + draws.between(-25, 45), -46 + draws.between(-8, 22), 14), 6)
    left_size = draws.factor(1.35)
    radii = (76 * left_size, 36 * left_size * draws.factor(1.15), 42 * left_size * draws.factor(1.25))
    left = Ellipsoid(centre, radii, turn=(draws.around(0, 8), draws.around(0, 12), draws.around(0, 12)))
    thinning = draws.between(0.25, 0.65)

    def tapered(space: Space) -> Tensor:
        # The left lobe thins towards its tip: sections are stretched before they meet the ellipsoid.
        thin = 1 - thinning * ((space.x - centre[0] + 20) / radii[0]).clamp(0, 1)
        y = centre[1] + (space.y - centre[1]) / thin
        z = centre[2] + (space.z - centre[2]) / thin
        return left.distance(Space(space.x, y, z)) * thin

    outline: Shape = Union(right, Made(left.box, tapered), draws.between(10, 24))
    if draws.chance(0.12):  # a left lobe that reaches around the spleen
        tip = draws.ellipsoid((92, -8, 38), (48, 52, 20), size=1.3, shift=8, turn=15)
        outline = Union(outline, tip, 22)
    if draws.chance(0.18):  # Riedel's lobe
        tongue = draws.ellipsoid((-92, -8, -78), (30, 46, 72), size=1.25, shift=8)
        outline = Union(outline, tongue, 26)
    return _resized(outline, size), size


def _resized(shape: Shape, size: float) -> Shape:
    """Return a shape grown about the middle of the right lobe."""
    x0, y0, z0 = -60.0, 0.0, 0.0

    def resized(space: Space) -> Tensor:
        smaller = Space((space.x - x0) / size + x0, (space.y - y0) / size + y0, (space.z - z0) / size + z0)
        return shape.distance(smaller) * size

    return Made(shape.box.grown(90 * max(size - 1, 0) + 2), resized)


def draw_liver(
    draws: Draws, frame: Frame, outline: Shape, size: float, neighbours: Neighbours
) -> tuple[Shared, tuple[Tube, ...]]:
    """Cut a liver's form to its place among its neighbours, and carve its surface; and draw its portal vein."""
    hilum = draws.ellipsoid((18, 30, -26), (52, 46, 62), (-0.2, 0.1), size=1.2, shift=7)
    shape: Shape = without(outline, hilum, 0, draws.between(6, 14))
    if draws.chance(0.85):
        shape = _with_caudate_lobe(draws, shape, size)
    shape = Grown(shape, 0, draws.waves(8, (55, 140), draws.between(1.5, 4)))
    if draws.chance(0.2):  # cirrhosis
        shape = Grown(shape, -draws.between(0, 4), draws.waves(14, (10, 28), draws.between(0.5, 1.5)))
    if draws.chance(0.12):
        shape = _resected(draws, shape)
    if neighbours.right_kidney is not None:
        kidney = neighbours.right_kidney
        if draws.chance(0.8):
            kidney = _and_behind(kidney)
        shape = without(shape, Grown(kidney, draws.between(0.3, 12)), 0, 4)
    if neighbours.gallbladder is not None:
        shape = without(shape, neighbours.gallbladder, draws.between(-0.5, 1), 1)
    shape = without(shape, neighbours.cava, draws.between(-0.8, 0.2), 0.5)  # no fat between them, as a rule
    if draws.chance(0.8):
        shape = without(shape, _round_ligament(draws), 0, 2)
    shape = without(shape, neighbours.heart, draws.between(0.5, 5), 2)
    shape = Within(shape, frame.cavity, draws.between(-1, 3), draws.between(1, 6))
    portal = draw_tree(draws, _stretched(PORTAL, _reach_of(draws, shape)), 0.45)
    if draws.chance(0.85):
        shape = without(shape, AnyOf(_porta(draws, portal)), 0, 2)
    return Shared(shape, 45.0), portal


def _with_caudate_lobe(draws: Draws, shape: Shape, size: float) -> Shape:
    """Add the caudate lobe: behind the hilum, left of the vena cava, and a fissure apart from the left lobe."""
    lobe = draws.ellipsoid((6, 12, 10), (24, 19, 32), (0, 0.1), size=1.3, stretch=1.25, shift=6, turn=12)
    into_right_lobe = draws.moved((-48, 0, lobe.centre[2] + draws.between(-12, 12)), 5)
    process = Tube(lobe.centre, into_right_lobe, (draws.between(8, 13), draws.between(10, 18)))
    caudate = _resized(Union(lobe, process, 8), size)
    fissure, right_end = draws.between(0.5, 5), draws.between(-24, -6)

    def around(space: Space) -> Tensor:
        return torch.maximum(caudate.distance(space) - fissure, right_end - space.x)

    apart = without(shape, Made(caudate.box.grown(fissure), around), 0, 2)
    return Union(apart, caudate, draws.between(1, 4))


def _round_ligament(draws: Draws) -> Shape:
    """Return the fissure of the round ligament, from the front edge to the left portal vein, open below."""
    x, y, lower = draws.between(-24, 4), draws.between(-56, -30), draws.between(-6, 14)
    fissure = Tube(
        (x + draws.around(10, 8), -98, lower), (x, y, lower), (draws.between(1, 8), draws.between(0.8, 3))
    )
    lean = draws.between(-0.2, 0.2)

    def cleft(space: Space) -> Tensor:
        return fissure.distance(Space(space.x - lean * (space.z - lower), space.y, space.z.clamp(min=lower)))

    return Made(EVERYWHERE, cleft)


def _porta(draws: Draws, portal: tuple[Tube, ...]) -> tuple[Tube, ...]:
    """Return the fat around the portal vein where it enters the liver, and along the beginning of its branches."""
    fat = draws.between(0.5, 6)
    trunk = portal[0]
    found = [Tube(trunk.start, trunk.end, (trunk.radii[0] + fat, trunk.radii[1] + fat))]
    for branch in _first_branches(portal):
        end = np.add(branch.start, draws.between(0.1, 0.9) * np.subtract(branch.end, branch.start))
        found.append(Tube(branch.start, vector(end), (branch.radii[0] + fat, branch.radii[1] + 0.3 * fat)))
    return tuple(found)


def _first_branches(portal: tuple[Tube, ...]) -> list[Tube]:
    """Return the branches that begin where the trunk ends."""
    return [tube for tube in portal[1:] if tube.start == portal[0].end]


def _and_behind(shape: Shape) -> Shape:
    """Return a shape and all behind it: kidneys lie on the muscles of the back, not in the liver."""
    middle = (shape.box.low[1] + shape.box.high[1]) / 2

    def behind(space: Space) -> Tensor:
        return shape.distance(Space(space.x, space.y.clamp(max=middle), space.z))

    return Made(EVERYWHERE, behind)


def _resected(draws: Draws, shape: Shape) -> Shape:
    """Take a part away, as surgeons do."""
    kind = draws.one_of({"right": 0.35, "left": 0.35, "wedge": 0.3})
    if kind == "wedge":
        spot = draws.ellipsoid(
            (draws.between(-130, 50), draws.between(-80, 40), draws.between(-50, 50)), (32, 32, 36)
        )
        return without(shape, spot, 0, 6)
    at, lean = draws.between(-50, -5), draws.between(-0.3, 0.3)
    sign = 1.0 if kind == "right" else -1.0

    def plane(space: Space) -> Tensor:
        return sign * (space.x - at - lean * space.y) * 1.0

    rest = without(shape, Made(EVERYWHERE, plane), 0, 10)
    return Grown(rest, draws.between(0, 14))  # what is left grows


def liver_layers(draws: Draws, liver: Shared, branches: tuple[Tube, ...], tissues: Tissues) -> list[Layer]:
    """Paint the liver and its vessels; the portal vein also on its way to it."""
    way = _reach_of(draws, liver)
    portal, veins = AnyOf(branches), AnyOf(draw_tree(draws, _stretched(HEPATIC, way), 0.5))
    artery = AnyOf(draws.tubes([(8, 26, -14), (0, 2, -18), (-26, -4, -10)], [3.5, 2.5, 2]))
    ducts = draws.chance(0.12)
    layers = [
        Layer(artery, tissues["aorta"]),
        Layer(branches[0], tissues["portal_vein"]),
        # Its branches in the hilum's fat; further away they would lie where a part of the liver is gone.
        Layer(Within(AnyOf(tuple(_first_branches(branches))), Grown(liver, _NEAR)), tissues["portal_vein"]),
        Layer(liver, tissues["liver"], mottle=draws.between(0, 4)),
    ]
    if draws.chance(0.3):  # fat that is spread unevenly, and perfusion
        area = draws.ellipsoid(draws.moved((-60, -10, 0), 45), (48, 44, 40), size=1.5, stretch=1.3)
        change = draws.between(-12, 12)  # weaker than any lesion, and without an edge: else it would be one
        layers.append(Layer(area, tissues["liver"] + change, draws.between(6, 20), mottle=4, within=liver))
    layers += [
        Layer(Within(portal, liver), tissues["portal_vein"], 1.1),
        Layer(Within(veins, liver), tissues["hepatic_vein"], 1.1),
    ]
    clefts = tuple(
        Tube(draws.moved(t.start, t.radii[0]), draws.moved(t.end, t.radii[1]), (draws.between(0.8, 2), 0.8))
        for t in branches[1:]
        if draws.chance(0.08)
    )
    if clefts:  # fat along the branches of the portal vein: thin and dark, and no lesion
        layers.append(Layer(Within(AnyOf(clefts), liver), draws.between(-60, 20), 0.7))
    if ducts:
        tree = tuple(
            Tube(t.start, t.end, (t.radii[0] * 0.8, t.radii[1] * 0.7))
            for t in draw_tree(draws, _stretched(PORTAL[1:], way), 0.6)
        )
        layers.append(Layer(Within(AnyOf(tree), liver), draws.between(0, 25)))
    return layers


def _reach_of(draws: Draws, liver: Shape) -> np.ndarray:
    """Return how far from the hilum a liver reaches, relative to the median one.

    The first row is to the right, the front and below, the second to the left, the back and above.
    """
    low, high = np.clip([liver.box.low, liver.box.high], -220, 220)
    points = draws.rng.uniform(low, high, (1000, 3))
    inside = points[(covers(liver, torch.tensor(points, dtype=torch.float32)) > 0).numpy()]
    if len(inside) < 20:
        return np.ones((2, 3))
    reach: np.ndarray = (np.quantile(inside, [0.05, 0.95], axis=0) - _HILUM) / (_TYPICAL - _HILUM)
    return reach.clip(0.5, 2)


def _stretched(paths: tuple[Path, ...], reach: np.ndarray) -> tuple[Path, ...]:
    """Move the joints of a tree away from the hilum as far as the liver reaches (`_reach_of`)."""

    def moved(joint: Vector) -> Vector:
        away = np.subtract(joint, _HILUM)
        return vector(_HILUM + away * np.where(away < 0, *reach))

    return tuple((moved(start), moved(end), radii) for start, end, radii in paths)


def draw_tree(draws: Draws, paths: tuple[Path, ...], twigs: float) -> tuple[Tube, ...]:
    """Move the joints of a tree; tubes that share one stay together. Some ends part, and their twigs do again."""
    thickness = draws.factor(1.35)
    joints = sorted({joint for start, end, _ in paths for joint in (start, end)})
    moved = {joint: draws.moved(joint, 6) for joint in joints}
    tubes = [
        Tube(moved[start], moved[end], (first * thickness, last * thickness))
        for start, end, (first, last) in paths
    ]
    ends = tubes
    for along, aside in ((0.45, 14), (0.6, 9)):
        ends = [_twig(draws, tube, along, aside) for tube in ends for _ in range(2) if draws.chance(twigs)]
        tubes = [*tubes, *ends]
    apart, grown = draws.between(9, 30), tubes[1:]
    for least in (0.8, 0.7):
        grown = [branch for tube in grown for branch in _side_branches(draws, tube, apart, least)]
        tubes = [*tubes, *grown]
    return tuple(tubes)


def _side_branches(draws: Draws, tube: Tube, apart: float, least: float) -> list[Tube]:
    """Return thinner tubes that leave another at some angle, one every so many mm, no thinner than that in mm."""
    start, way = np.array(tube.start), np.subtract(tube.end, tube.start)
    length = float(np.linalg.norm(way))
    along = way / max(length, 1e-6)
    found = []
    for _ in range(int(draws.rng.poisson(length / apart))):
        share = draws.between(0.1, 1)
        radius = (tube.radii[0] + (tube.radii[1] - tube.radii[0]) * share) * draws.between(0.35, 0.7)
        if radius < least:
            continue
        aside = draws.rng.normal(size=3)
        aside -= aside @ along * along
        aside /= np.linalg.norm(aside) + 1e-9
        angle = np.deg2rad(draws.between(30, 75))
        heading = np.cos(angle) * along + np.sin(angle) * aside
        root = start + share * way
        tip = root + heading * draws.between(14, 14 + 9 * radius)
        found.append(Tube(vector(root), vector(tip), (radius, max(0.55 * radius, 0.6))))
    return found


def _twig(draws: Draws, tube: Tube, along: float, aside: float) -> Tube:
    """Return a thinner tube from the end of another: a share of its length on, and some mm aside."""
    way = np.add(tube.end, along * np.subtract(tube.end, tube.start))
    return Tube(tube.end, draws.moved(vector(way), aside), (tube.radii[1] * 0.8, tube.radii[1] * 0.45))


def beside(liver: Shape, gap: float, organ: Shape) -> Shape:
    """Return what of an organ lies beside the liver: its wall follows the liver, and is not cut open by it."""
    return without(organ, liver, gap, 3)


def covers(liver: Shape, points: torch.Tensor) -> Tensor:
    """Return the depth of points below the liver's surface in mm, without the patient's warp."""
    x, y, z = points.unbind(1)
    return -liver.distance(Space(x, y, z))
