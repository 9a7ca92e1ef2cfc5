"""Bones, and the muscles that lie along the spine."""

import torch
from torch import Tensor

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.frame import Frame
from hepaflow.phantoms.trunk.layers import Layer
from hepaflow.phantoms.trunk.shapes import AnyOf, Ellipsoid, Grown, Made, Tube, Union, Within
from hepaflow.phantoms.trunk.space import Box, Shape, Space
from hepaflow.phantoms.trunk.tissues import Tissues


def skeleton_layers(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    """Draw ribs, spine, shoulder girdle, pelvis and thighs."""
    return [
        *_ribs(draws, frame, tissues),
        *_spine(draws, frame, tissues),
        *_shoulders(draws, frame, tissues),
        *_pelvis(draws, frame, tissues),
    ]


def _bone(shape: Shape, tissues: Tissues, cortex: float = 3.0, mottle: float = 40.0) -> list[Layer]:
    return [
        Layer(shape, tissues["bone"], 1.1),
        Layer(Grown(shape, -cortex), tissues["marrow"], 1.4, mottle),
    ]


def _ribs(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    pitch = draws.between(22, 31)
    phase = draws.between(0, pitch)
    slope, rise = draws.between(0.4, 0.75), draws.between(0.2, 0.5)
    thick = draws.between(4.6, 6.6)
    last = draws.between(-75, -25)
    turn = draws.between(-75, -50)

    def ribs(space: Space) -> Tensor:
        height = space.z - slope * space.y + rise * space.x.abs() + phase
        across = height - pitch * torch.round(height / pitch)
        # Ribs lie in the middle of the chest's wall, which is 14 mm thick.
        rib = torch.hypot((frame.cavity.distance(space) - 6) * 1.4, across) - thick
        return torch.maximum(torch.maximum(rib, last - 1.4 * space.z - space.y), space.z - 228)

    def bony(space: Space) -> Tensor:
        return torch.maximum(ribs(space), (turn - space.y))

    reach = Box((-230, -200, -150), (230, 200, 232))
    cartilage = Layer(Made(reach, ribs), tissues["cartilage"])
    depth = 100 * frame.depth
    breastbone = Tube((0, -depth + 4, 40), (0, -depth + 24, 205), (15, 20), 2.4)
    return [cartilage, *_bone(Made(reach, bony), tissues, 2.6), *_bone(breastbone, tissues)]


def _spine(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    pitch = draws.between(29, 37)
    phase = draws.between(0, pitch)
    body_x, body_y = draws.between(18, 25), draws.between(14, 20)
    middle = 56 * frame.depth + draws.around(0, 4)
    sway, side = draws.waves(2, (350, 700), 7.0), draws.waves(2, (350, 700), 5.0)
    reach = Box((-60, middle - 50, -200), (60, middle + 95, 420))

    def line(space: Space) -> tuple[Tensor, Tensor, Tensor]:
        along = Space(torch.zeros_like(space.x), torch.zeros_like(space.y), space.z)
        level = space.z + phase
        level = level - pitch * torch.round(level / pitch)
        return space.x - side.field(along), space.y - middle - sway.field(along), level

    def oval(x: Tensor, y: Tensor, a: float, b: float) -> Tensor:
        level = torch.sqrt((x / a) ** 2 + (y / b) ** 2 + 1e-6)
        return (level - 1) * min(a, b)

    def body(space: Space) -> Tensor:
        x, y, level = line(space)
        return oval(x, y, body_x, body_y) - 0.03 * (level.abs() - pitch / 2)

    def disc(space: Space) -> Tensor:
        *_, level = line(space)
        return torch.maximum(body(space), pitch / 2 - 4.5 - level.abs())

    def canal(space: Space) -> Tensor:
        x, y, _ = line(space)
        return oval(x, y - 25, 10, 8.5)

    def arch(space: Space) -> Tensor:
        x, y, level = line(space)
        ring = torch.maximum(canal(space) - 5, level.abs() - 0.42 * pitch)
        spinous = torch.hypot(torch.hypot(x, (y - 42) * 0.3), level * 0.3) - 4
        transverse = torch.hypot(torch.hypot((x.abs() - 27) * 0.3, y - 24), level * 0.6) - 5
        return torch.minimum(ring, torch.minimum(spinous, transverse))

    back = Ellipsoid((0, middle + 30, 60), (62, 24, 420))
    psoas = tuple(
        tube
        for side in (-1, 1)
        for tube in draws.tubes(
            [(side * 24, middle + 6, 0), (side * 40, middle + 4, -150), (side * 75, 10, -290)], [4, 24, 17]
        )
    )
    return [
        Layer(Within(back, frame.wall, 6), tissues["muscle"], mottle=draws.between(3, 25)),
        Layer(AnyOf(psoas), tissues["muscle"], mottle=5),
        *_bone(Made(reach, arch), tissues, 2.5),
        *_bone(Made(reach, body), tissues),
        Layer(Made(reach, disc), tissues["cartilage"], 1.5),
        Layer(Made(reach, canal), draws.between(10, 45)),
    ]


def _shoulders(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    layers = []
    width = frame.width
    for side in (-1, 1):
        head = (side * 156 * width, 20, 226)
        blade = draws.ellipsoid((side * 98, 88 * frame.depth, 165), (46, 6, 66), shift=5, turn=0)
        blade = Ellipsoid(blade.centre, blade.radii, turn=(draws.around(8, 5), 0, side * draws.around(-28, 8)))
        collar = AnyOf(
            draws.tubes([(side * 16, -48, 214), (side * 78, -36, 238), (side * 142 * width, 6, 242)], [8, 6, 7])
        )
        layers += [
            *_bone(blade, tissues, 2.2),
            *_bone(collar, tissues, 2.5),
            *_bone(Tube(head, head, (24, 24)), tissues),
        ]
    return layers


def _pelvis(draws: Draws, frame: Frame, tissues: Tissues) -> list[Layer]:
    w = frame.width * draws.factor(1.06)
    down = draws.around(0, 8)
    sacrum = Ellipsoid((0, 74 * frame.depth, -222 + down), (50 * w, 19, 58), (0, -0.25))
    layers = _bone(sacrum, tissues, 3)
    for side in (-1, 1):
        wing = Ellipsoid(
            (side * 96 * w, 28, -190 + down),
            (9, 62, 66),
            turn=(0, side * draws.around(-24, 6), side * draws.around(26, 8)),
        )
        hip = (side * 92 * w, 14, -298 + down)
        socket = Tube(hip, hip, (36, 36))
        front = draws.tubes([hip, (side * 45, -48, -286 + down), (0, -56, -310 + down)], [11, 9, 10], shift=2)
        seat = draws.tubes(
            [hip, (side * 66 * w, 40, -335 + down), (side * 30, -20, -350 + down)], [18, 15, 9], shift=2
        )
        neck = draws.tubes(
            [hip, (side * 135 * w, 24, -318 + down), (side * 118 * w, 16, -640)], [22, 20, 14], shift=1
        )
        frame_of_hip = Union(Union(wing, socket, 16), AnyOf((*front, *seat)), 6)
        layers += _bone(frame_of_hip, tissues, 3.2)
        layers.append(Layer(Tube(hip, hip, (27.5, 27.5)), tissues["cartilage"]))
        layers += _bone(AnyOf((Tube(hip, hip, (24, 24)), *neck)), tissues, 4.5)
    return layers
