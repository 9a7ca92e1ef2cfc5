"""A backbone with the decoder of a U-Net."""

import pytest
import torch

from hepaflow.networks.network import build_network
from hepaflow.settings.network import NetworkSettings

torch.set_num_threads(1)

NARROW = {"kind": "unet", "channels": (8, 8, 8, 4, 4)}


def settings(arch: str, **decoder: object) -> NetworkSettings:
    return NetworkSettings(arch=arch, weights="none", decoder={"kind": "unet"} | decoder)


@pytest.mark.parametrize("arch", ["resnet50", "resnext50_32x4d", "densenet121", "inception_v3"])
def test_logits_have_the_full_resolution(arch: str) -> None:
    with torch.device("meta"):
        network = build_network(settings(arch))
        assert network(torch.empty(2, 1, 96, 128)).shape == (2, 1, 96, 128)
        with pytest.raises(ValueError, match="multiples of 32"):
            network(torch.empty(2, 1, 96, 72))


def test_every_weight_learns() -> None:
    torch.manual_seed(0)
    network = build_network(settings("densenet121", channels=(8, 8, 8, 4, 4)))
    logits = network(torch.rand(2, 1, 32, 64))
    assert logits.dtype == torch.float32
    logits.square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_decoder_is_the_usual_one() -> None:
    """By arithmetic: nearest enlarging has no weights, and two convolutions with batch normalisation follow.

    segmentation_models.pytorch's `Unet("resnet50")` has as many parameters, 32,521,105.
    """
    below, skips, own = (2048, 256, 128, 64, 32), (1024, 512, 256, 64, 0), (256, 128, 64, 32, 16)
    decoder = sum(
        9 * (deep + skip) * out + 9 * out * out + 2 * 2 * out
        for deep, skip, out in zip(below, skips, own, strict=True)
    )
    with torch.device("meta"):
        network = build_network(settings("resnet50"), channels=3)
    assert sum(p.numel() for p in network.decoder.parameters()) == decoder
    assert sum(p.numel() for p in network.logits.parameters()) == 9 * 16 + 1
    assert sum(p.numel() for p in network.parameters()) == 32_521_105


def test_the_head_is_not_there_and_draws_nothing() -> None:
    wide, narrow = (
        NetworkSettings(arch="resnet50", weights="none", decoder={"kind": "unet"}, head={"channels": channels})
        for channels in (16, 8)
    )
    states = []
    for chosen in (wide, narrow):
        torch.manual_seed(0)
        states.append(build_network(chosen).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
