"""Metal in the body: screws in the spine, artificial hips, pacemakers, stents, clips."""

from dataclasses import dataclass

from hepaflow.phantoms.shapes import Vector
from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import Frame
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Tube
from hepaflow.phantoms.trunk.space import Shape


@dataclass(frozen=True, eq=False)
class Metal:
    """A piece of metal; its streaks start from its middle."""

    layer: Layer
    middle: Vector
    strength: float
    """Of its streaks, in HU at 10 mm."""


def draw_metal(draws: Draws, frame: Frame) -> list[Metal]:
    """Draw the metal of a patient; most have none."""
    if not draws.chance(0.15):
        return []
    kind = draws.one_of({"spine": 0.25, "hip": 0.3, "pacemaker": 0.15, "stent": 0.15, "coil": 0.15})
    shape: Shape
    middle: Vector
    if kind == "spine":
        z = draws.between(-150, 40)
        screws = [
            t
            for side in (-1, 1)
            for t in draws.tubes([(side * 20, 92, z), (side * 10, 48, z - 3)], [3, 2.5], shift=2)
        ]
        shape, middle = AnyOf(tuple(screws)), (0, 70, z)
    elif kind == "hip":
        side = -1 if draws.chance(0.5) else 1
        hip = (side * 92 * frame.width, 14.0, -298.0)
        stem = draws.tubes(
            [hip, (hip[0] + side * 36, 22, -325), (hip[0] + side * 26, 16, -470)], [22, 12, 7], shift=2
        )
        shape, middle = AnyOf(stem), hip
    elif kind == "pacemaker":
        middle = (60, -100 * frame.depth, 205)
        lead = draws.tubes([middle, (-20, -20, 200), (-22, -20, 120), (20, -40, 85)], [1.5, 1.5, 1.5, 1.5])
        shape = AnyOf((Tube(middle, (80, middle[1], 195), (9, 9)), *lead))
    elif kind == "stent":
        shape = AnyOf(draws.tubes([(-30, 0, -20), (-36, 4, -60)], [4, 4]))
        middle = (-33, 2, -40)
    else:
        middle = draws.moved((-20, 0, 0), 40)
        shape = Ellipsoid(middle, (3, 3, 3))
    strength = draws.between(20, 250) if kind != "stent" else draws.between(5, 40)
    return [Metal(Layer(shape, 3000 if kind != "stent" else draws.between(400, 1500)), middle, strength)]
