"""How much of a GPU's memory a training takes, as far as it is known before it starts."""

from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.training import Precision

_SLICES, _SIZE = 32, 256
_BYTES_OF_A_WEIGHT = 12
"""Weight, gradient and momentum in fp32."""

COUNTED = {
    "densenet201": (33.3e6, 30.7),
    "inception_v3": (37.9e6, 26.6),
    "resnet152": (74.3e6, 20.8),
    "resnext101_32x8d": (102.9e6, 28.6),
}
"""Weights of a backbone with the DeepLabV3 head, and GiB that a mini-batch of 32 slices of 256×256 takes in fp32
with weights, gradients and momentum (counted with torch: docs/slurm.md). cuDNN's workspaces come on top."""


def training_gib(network: BackboneWeights, *, slices: int, size: int, precision: Precision) -> float | None:
    """Return the GiB that a training takes on a card at least; None for a network that nobody has counted.

    What a mini-batch keeps for the backward pass grows with its pixels, and takes half in bf16.

    Parameters
    ----------
    network : BackboneWeights
    slices : int
        Of a mini-batch, on one card.
    size : int
        Rows and columns of a slice.
    precision : {'fp32', 'tf32', 'bf16'}
    """
    counted = COUNTED.get(network.arch)
    if counted is None or network.decoder is not None:
        return None
    weights, whole = counted
    fixed = weights * _BYTES_OF_A_WEIGHT / 2**30
    growing = (whole - fixed) * slices / _SLICES * (size / _SIZE) ** 2
    return fixed + (growing / 2 if precision == "bf16" else growing)
