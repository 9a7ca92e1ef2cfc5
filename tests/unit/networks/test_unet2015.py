"""The U-Net of 2015."""

import numpy as np
import pytest
import torch
from torch import nn

from hepaflow.networks.unet2015 import LOST, UNet2015, cropped, mirrored, valid_size

torch.set_num_threads(1)


def unpadded(side: int) -> int | None:
    """Return the side of an unpadded network's output, step by step; None where a pool does not halve exactly."""
    for _ in range(4):
        side -= 4
        if side % 2 or side <= 0:
            return None
        side //= 2
    side -= 4
    for _ in range(4):
        side = 2 * side - 4
    return side


def test_parameters_are_those_of_the_paper() -> None:
    """By arithmetic over the paper's figure 1: 31,030,658 for one channel in and two classes."""
    with torch.device("meta"):
        published, ours = UNet2015(outputs=2), UNet2015()
    assert sum(parameter.numel() for parameter in published.parameters()) == 31_030_658
    assert sum(parameter.numel() for parameter in ours.parameters()) == 31_030_658 - 65


def test_the_paper_s_tile() -> None:
    assert unpadded(572) == 388
    assert LOST == 572 - 388
    assert (valid_size(388), valid_size(256)) == (572, 444)


@pytest.mark.parametrize("side", range(32, 1025, 8))
def test_the_smallest_input_whose_output_is_large_enough(side: int) -> None:
    wanted = valid_size(side)
    assert (wanted - side) % 2 == 0
    assert unpadded(wanted) == wanted - LOST
    assert wanted - LOST >= side
    assert all(unpadded(smaller) is None for smaller in range(side + LOST, wanted))


@pytest.mark.parametrize(("side", "wanted"), [(95, 283), (32, 220), (5, 29), (8, 8)])
def test_surroundings_are_mirrored_as_often_as_it_takes(side: int, wanted: int) -> None:
    x = torch.arange(2.0 * side * 8).reshape(2, 1, side, 8)
    around = [(0, 0), (0, 0), ((wanted - side) // 2,) * 2, (3, 3)]
    assert np.array_equal(mirrored(x, wanted, 14).numpy(), np.pad(x.numpy(), around, mode="reflect"))


def test_cropping_undoes_mirroring() -> None:
    x = torch.rand(1, 1, 16, 24)
    assert torch.equal(cropped(mirrored(x, 60, 44), 16, 24), x)


def test_the_output_lies_on_the_input() -> None:
    """A network that hands through its finest skip's middle pixel: what it finds lies where it was."""
    network = UNet2015(first_channels=1).eval()
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    for conv in (*network.encoder[0][::2], *network.decoder[0][::2]):
        conv.weight.data[0, 0, 1, 1] = 1
    network.logits.weight.data[:] = 1
    x = torch.rand(1, 1, 40, 48)
    with torch.no_grad():
        torch.testing.assert_close(network(x), x)


def test_weights_start_as_published() -> None:
    torch.manual_seed(0)
    network = UNet2015(first_channels=16)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and module.weight.numel() > 10_000:
            incoming = module.in_channels * (9 if isinstance(module, nn.Conv2d) else 1)
            assert module.weight.std().item() == pytest.approx((2 / incoming) ** 0.5, rel=0.05)
