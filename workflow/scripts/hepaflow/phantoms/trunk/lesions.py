"""Lesions of every kind: dark, bright, mixed, with a rim, necrotic, cysts, calcified, or at the capsule."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.liver import covers
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Union, Within
from hepaflow.phantoms.trunk.space import Shape, Shared
from hepaflow.phantoms.trunk.tissues import Tissues

KINDS = {
    "dark": 0.37,
    "bright": 0.17,
    "rim": 0.11,
    "necrotic": 0.11,
    "cyst": 0.1,
    "mixed": 0.08,
    "calcified": 0.03,
    "target": 0.03,
}
_TRIED = 6000
_SMALL = 14.0
"""Largest mean radius in mm where there are many."""
_USUAL = 15.0
"""Largest mean radius in mm of most lesions: else most marked voxels would be of large ones."""
_MOST = 0.6
"""Their share."""
_VISIBLE = 20.0
"""Smallest contrast in HU of what is filled with fluid, whatever the liver has."""
_FAINTEST = 16.0
"""Smallest contrast in HU of other lesions, where noise does not ask for more."""
_STRONGEST = 90.0
"""Largest contrast in HU of other lesions; where noise asks for more, they are larger, or left out."""
_LAYERED, _WALL = 8.0, 3.0
"""Radius from which on a lesion can have a wall that is brighter than the liver and an inside that is darker, or
the reverse, and the least width of that wall, in mm: across a thinner one, both average to the liver's own HU."""
_COVERED, _COVER = 7.0, 2.0
"""Radius in mm up to which lesions lie wholly in the liver, and how far below its surface: of a small one that the
surface cuts, what is left looks like fat beside it."""
_LARGER = 1.15
"""Factor by which a lesion grows that would need more than `_STRONGEST` to be seen."""

LeastContrast = Callable[[float], float]
"""From which contrast on, in HU, a lesion of some radius in mm is seen in an exam's noise."""


def any_contrast(_radius: float) -> float:
    """Return that any contrast is seen, as without noise."""
    return 0.0


@dataclass(frozen=True)
class Wanted:
    """Which lesions livers have."""

    most: int = 20
    """Largest number in one liver."""
    radius: tuple[float, float] = (3.0, 60.0)
    """Smallest and largest mean radius in mm; most lesions have at most `_USUAL`, if possible."""
    free: float = 0.25
    """Share of livers without any."""


@dataclass(frozen=True, eq=False)
class Lesion:
    """A lesion: where it is, and its layers."""

    kind: str
    radius: float
    shape: Shape
    layers: list[Layer]


def draw_lesions(
    draws: Draws, liver: Shared, tissues: Tissues, wanted: Wanted, least: LeastContrast
) -> tuple[Lesion, ...]:
    """Place lesions in the liver: mostly a few of any size, sometimes many small ones.

    Where the noise asks for it, they have more contrast, or are larger: what nobody can see would teach a network
    to guess. What does not fit then is left out.
    """
    if draws.chance(wanted.free) or not wanted.most:
        return ()
    many = draws.chance(0.15)
    count = (
        draws.count(min(8, wanted.most), wanted.most) if many else min(int(draws.rng.geometric(0.3)), wanted.most)
    )
    low_radius, high_radius = wanted.radius
    if many:
        high_radius = max(low_radius, min(_SMALL, high_radius))
    low, high = np.array(liver.box.low), np.array(liver.box.high)
    spots = draws.rng.uniform(np.maximum(low, -220), np.minimum(high, 220), (_TRIED, 3))
    depth = covers(liver, torch.tensor(spots, dtype=torch.float32)).numpy()
    spots, depth = spots[depth > -1], depth[depth > -1]
    alike = draws.one_of(KINDS)
    lesions: list[Lesion] = []
    taken: list[tuple[np.ndarray, float]] = []
    for _ in range(count):
        top = min(high_radius, _USUAL) if draws.chance(_MOST) and low_radius < _USUAL else high_radius
        radius = float(np.exp(draws.between(np.log(low_radius), np.log(top))))
        while least(radius) > _STRONGEST and radius < high_radius:
            radius = min(_LARGER * radius, high_radius)
        if least(radius) > _STRONGEST:
            continue
        at_capsule, deepest = draws.chance(0.3), 0.85 * depth.max(initial=0)
        if radius < _COVERED:
            fits = depth > min(radius + _COVER, deepest)
        elif at_capsule:  # less than half of it outside
            fits = (depth > 0.3 * radius) & (depth < 0.6 * radius)
        else:
            fits = depth > min(0.7 * radius, deepest)
        apart = np.ones(len(spots), dtype=bool)
        if not draws.chance(0.15):  # the others may run together
            for centre, size in taken:
                apart &= np.linalg.norm(spots - centre, axis=1) > 1.15 * (size + radius)
        found = spots[fits & apart]
        if not len(found):
            continue
        centre = found[int(draws.rng.integers(len(found)))]
        taken.append((centre, radius))
        kind = alike if draws.chance(0.6) else draws.one_of(KINDS)
        lesions.append(_lesion(draws, kind, centre, radius, liver, tissues, least(radius)))
    return tuple(lesions)


def _lesion(
    draws: Draws, kind: str, centre: np.ndarray, radius: float, liver: Shared, tissues: Tissues, least: float
) -> Lesion:
    if radius < _LAYERED:
        kind = {"rim": "bright", "target": "dark"}.get(kind, kind)
    form: Shape = _body(draws, centre, radius)
    shape = Within(form, liver)
    healthy = tissues["liver"]
    # Small lesions have clear edges, and all have more contrast than the liver and they themselves are uneven.
    soft = draws.between(0.7, 1.6) if draws.chance(0.7) else min(draws.between(1.6, 4.5), 0.7 + 0.15 * radius)
    faintest = max(_FAINTEST, least)
    contrast = faintest * (_STRONGEST / faintest) ** draws.between(0, 1)  # most are faint
    mottle = draws.between(0, min(10, contrast / 4))
    wall = min(draws.between(0.18, 0.4) * radius, draws.between(2, 9))
    if kind in ("rim", "target"):
        wall = max(wall, _WALL)
    inner = Grown(form, -wall)

    def layer(part: Shape, hu: float) -> Layer:
        return Layer(part, hu, soft, mottle, within=liver)

    if kind == "dark":
        layers = [layer(form, healthy - contrast)]
    elif kind == "bright":
        layers = [layer(form, healthy + contrast)]
    elif kind == "rim":
        layers = [layer(form, healthy + contrast), layer(inner, healthy - max(faintest, draws.between(15, 60)))]
    elif kind == "necrotic":
        layers = [
            layer(form, healthy - max(faintest, 0.5 * contrast)),
            layer(inner, _visible(draws.between(5, 35), healthy, least)),
        ]
    elif kind == "cyst":
        layers = [Layer(shape, _visible(draws.between(-5, 22), healthy, least), draws.between(0.7, 1.1))]
    elif kind == "target":
        layers = [layer(form, healthy - contrast), layer(inner, healthy + max(faintest, draws.between(15, 40)))]
    elif kind == "mixed":  # parts of it hardly differ from the liver, others much
        parts = [draws.moved(_vector(centre), 0.5 * radius) for _ in range(draws.count(2, 6))]
        layers = [layer(form, healthy - contrast)]
        for place in parts:
            part = draws.ellipsoid(place, (0.4 * radius,) * 3, size=1.6, stretch=1.4, shift=0, turn=40)
            layers.append(layer(Within(part, form), healthy - contrast * draws.between(-0.4, 1.8)))
    else:
        spots = tuple(
            Ellipsoid(draws.moved(_vector(centre), 0.4 * radius), (r, r, r))
            for r in (draws.between(1, 0.35 * radius + 1) for _ in range(draws.count(1, 6)))
        )
        layers = [layer(form, healthy - contrast), Layer(Within(AnyOf(spots), shape), draws.between(150, 900))]
    return Lesion(kind, radius, shape, layers)


def _visible(hu: float, healthy: float, least: float) -> float:
    """Return a value that is not too near to that of the healthy liver, on the same side of it."""
    contrast = max(abs(hu - healthy), _VISIBLE, least)
    return healthy + float(np.copysign(contrast, hu - healthy))


def _body(draws: Draws, centre: np.ndarray, radius: float) -> Shape:
    """One uneven ellipsoid, or several that have grown together."""
    parts = draws.count(2, 4) if draws.chance(0.2) else 1
    bodies: list[Shape] = []
    for number in range(parts):
        stretch = draws.rng.uniform(0.75, 1.3, 3)
        radii = radius * (1 if not number else draws.between(0.4, 0.9)) * stretch / np.cbrt(stretch.prod())
        place = _vector(centre) if not number else draws.moved(_vector(centre), 0.7 * radius)
        bodies.append(Ellipsoid(place, _vector(radii), turn=draws.moved((0, 0, 0), 40)))
    if draws.chance(0.75):
        uneven = draws.waves(5, (1.2 * radius, 3 * radius), draws.between(0.03, 0.14) * radius)
    else:  # it grows into the liver without a form of its own
        uneven = draws.waves(8, (0.7 * radius, 2 * radius), draws.between(0.12, 0.22) * radius)
    return Grown(reduce(Union, bodies), 0, uneven)


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
