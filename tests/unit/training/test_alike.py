"""Networks of MONAI that several devices would train to another network."""

from typing import Any

import pytest
import torch
from monai.networks import nets
from torch import nn

from hepaflow.errors import UserError
from hepaflow.settings.monai import MonaiNetwork
from hepaflow.training.alike import check_alike

torch.set_num_threads(1)

UNET: dict[str, Any] = {"channels": [4, 8], "strides": [2]}


def tried(name: str, **arguments: Any) -> None:
    check_alike(MonaiNetwork(name=name, arguments=arguments), channels=1, shape=(32, 32))


@pytest.mark.parametrize("norm", ["instance", "batch", "syncbatch", ["batch", {"affine": False}]])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_what_is_the_same_passes(norm: Any, dropout: float) -> None:
    tried("UNet", **UNET, norm=norm, dropout=dropout)
    tried("SegResNet", init_filters=8, blocks_down=[1, 1], blocks_up=[1], dropout_prob=dropout)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("FlexibleUNet", {"backbone": "efficientnet-b0"}, r"draws random numbers by itself \(rand\)"),
        ("UNet", {"norm": ["instance", {"track_running_stats": True}]}, "gathers statistics in a layer"),
        ("UNet", {"norm": ["batch", {"track_running_stats": False}]}, "lets the slices of a mini-batch change"),
    ],
)
def test_what_is_another_is_refused(name: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        tried(name, **(UNET if name == "UNet" else {}), **arguments)
    assert "devices: 1" in str(caught.value)


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([nn.Conv2d(1, 4, 1), nn.Flatten(0, 1), nn.Dropout()], "a dropout of something else than slices"),
        ([nn.Conv2d(1, 4, 2, stride=2), nn.PixelShuffle(2)], "fails on no slice, and a device may have none"),
        ([nn.Flatten(2), nn.BatchNorm1d(1), nn.Unflatten(2, (32, 32))], "gathers statistics"),
    ],
)
def test_layers_of_every_kind_are_seen(
    monkeypatch: pytest.MonkeyPatch, layers: list[nn.Module], told: str
) -> None:
    monkeypatch.setattr(nets, "UNet", lambda **_: nn.Sequential(*layers))
    with pytest.raises(UserError, match=told):
        tried("UNet", **UNET)
