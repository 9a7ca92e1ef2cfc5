"""Levels of a U-Net as nnU-Net plans them in 2-D."""

import pytest

from hepaflow.networks.planning import levels, planned, planned_channels
from hepaflow.settings.network import NetworkSettings


@pytest.mark.parametrize(
    ("size", "count", "last"),
    [(32, 4, 4), (64, 5, 4), (96, 5, 6), (224, 6, 7), (256, 7, 4), (320, 7, 5), (512, 8, 4), (264, 4, 33)],
)
def test_sides_are_halved_while_four_pixels_are_left(size: int, count: int, last: int) -> None:
    """nnU-Net has 8 levels for 512 pixels in its own 2-D plans of LiTS."""
    channels = planned_channels(size)
    assert len(channels) == count
    assert size / 2 ** (count - 1) == last
    assert channels == (32, 64, 128, 256, 512, 512, 512, 512)[:count]


def test_blocks_are_those_of_the_presets() -> None:
    plain, residual = (levels(NetworkSettings(arch=f"{kind}_unet"), 256) for kind in ("plain", "residual"))
    assert plain.blocks == (2,) * 7
    assert residual.blocks == (1, 3, 4, 6, 6, 6, 6)
    assert plain.channels == residual.channels == (32, 64, 128, 256, 512, 512, 512)
    assert plain.deep_supervision


def test_one_network_fits_all_sizes() -> None:
    network = NetworkSettings(arch="plain_unet")
    assert levels(network, 256, 96, 512) == levels(network, 96)
    assert levels(network) == levels(network, 256)  # the thesis' size


def test_what_is_given_stays() -> None:
    given = NetworkSettings(arch="residual_unet", unet={"channels": [4, 8], "deep_supervision": False})
    found = planned(given, 256).unet
    assert found is not None
    assert (found.channels, found.blocks, found.deep_supervision) == ((4, 8), (1, 3), False)
    assert planned(planned(given, 256), 32) == planned(given, 256)


def test_other_networks_are_not_planned() -> None:
    network = NetworkSettings(arch="resnet50")
    assert planned(network, 256) is network
