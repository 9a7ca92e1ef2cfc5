"""Build a segmentation network from its settings."""

from pathlib import Path

from torch import nn

from hepaflow.errors import UserError
from hepaflow.networks.backbone import Backbone
from hepaflow.networks.pretrained import load_pretrained, weights_in_model
from hepaflow.networks.registry import ARCHITECTURES
from hepaflow.networks.weights import load_weights
from hepaflow.settings.network import NetworkSettings


def build_network(settings: NetworkSettings, channels: int = 1) -> nn.Module:
    """Build a network and start its weights (thesis 4.4, 4.6.1).

    Random weights are drawn from torch's global generator: seed it before, for equal networks. The settings'
    `weights` do not change what is drawn.

    Parameters
    ----------
    settings : NetworkSettings
        Architecture, head, and where the weights start: `none` where a caller loads weights of its own next.
    channels : int
        Channels of the input.

    Returns
    -------
    nn.Module
        On the CPU, in training mode. Maps slices (b, channels, h, w), float in [-1, 1], to float32 logits
        (b, 1, h, w), for every h and w that are multiples of 8, or of more for some architectures. In training, b
        is 2 or more, and logits of coarser levels may follow in a list (`Build` in `networks/registry.py`).

    Raises
    ------
    UserError
        If the pretrained weights cannot be had or do not fit.
    """
    network = ARCHITECTURES[settings.arch](settings, channels)
    if settings.weights_of is not None:
        model = Path(settings.weights)
        otherwise = "name a model with this network in `weights`, or set `weights: none`"
        load_weights(network, model, weights_in_model(model, settings.weights_of), otherwise=otherwise)
    elif settings.weights != "none":
        backbone = getattr(network, "backbone", None)
        if not isinstance(backbone, Backbone):
            raise UserError(
                f"{settings.arch} has no ImageNet weights, and no backbone to load others into",
                remedy="set `weights: none`",
            )
        load_pretrained(backbone, settings.weights)
    return network
