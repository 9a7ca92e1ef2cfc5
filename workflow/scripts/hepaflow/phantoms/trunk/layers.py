"""A patient as layers: shapes with their tissue, painted one over the other."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hepaflow.phantoms.trunk.space import Shape, Space

EDGE = 0.9
"""Width in mm of a normal edge between tissues: the scale of its logistic profile."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A shape and what fills it."""

    shape: Shape
    hu: float
    edge: float = EDGE
    mottle: float = 0.0
    """Unevenness of the tissue: the standard deviation in HU."""
    within: Shape | None = None
    """An organ at whose surface the tissue ends with a normal edge, however soft its own is."""


def paint(image: Tensor, space: Space, layer: Layer, mottle: Tensor, sharpness: float = 1.0) -> None:
    """Blend a layer into the image in place; half of it shows where the distance is zero.

    Parameters
    ----------
    image : Tensor of float32, shape of the points
        HU.
    space : Space
    layer : Layer
    mottle : Tensor of float32, shape of the points
        A smooth random field of mean zero and standard deviation one.
    sharpness : float, optional
        By which all edges are narrower than they are said to be.
    """
    edge, normal = layer.edge / sharpness, EDGE / sharpness
    box = layer.shape.box if layer.within is None else layer.shape.box & layer.within.box
    if not (found := space.within(box, 5 * edge)):
        return
    place, part = found
    depth = layer.shape.distance(part) * (-1 / edge)
    if layer.within is not None:
        depth = torch.minimum(depth, layer.within.distance(part) * (-1 / normal))
    share = torch.sigmoid(depth)
    tissue = torch.full_like(share, layer.hu) if not layer.mottle else mottle[place] * layer.mottle + layer.hu
    image[place] = torch.lerp(image[place], tissue, share)
