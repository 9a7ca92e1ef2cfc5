"""SAR-U-Net."""

import pytest
import torch
from torch import nn

from hepaflow.networks.sar_unet import AtrousPyramid, Residual, SarUNet, SqueezeExcitation

torch.set_num_threads(1)


def test_parameters_are_those_of_the_authors_code() -> None:
    """35,926,914 for one channel in and two classes, without the logits that the code leaves unused."""
    with torch.device("meta"):
        published, ours = SarUNet(outputs=2), SarUNet()
    assert sum(parameter.numel() for parameter in published.parameters()) == 35_926_914
    assert sum(parameter.numel() for parameter in ours.parameters()) == 35_926_914 - 65


def test_nothing_follows_the_sum_of_a_residual_block() -> None:
    block = Residual(4, 4).eval()
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    x = torch.randn(1, 4, 8, 8)
    assert torch.equal(block(x), x)


def test_maps_are_weighed_by_all_means() -> None:
    """With weights of zero, by one half; without ReLU's zero, by the sigmoid of the mean."""
    layer = SqueezeExcitation(2)
    x = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]])
    first, last = layer.weights[0], layer.weights[2]
    nn.init.zeros_(last.weight)
    assert torch.equal(layer(x), x / 2)
    first.weight.data[:] = torch.tensor([[1.0, 0.0]])
    last.weight.data[:] = torch.tensor([[0.0], [1.0]])
    weighed = layer(x)
    assert torch.equal(weighed[:, 0], x[:, 0] / 2)
    torch.testing.assert_close(weighed[:, 1], x[:, 1] * torch.tensor(2.0).sigmoid())


def test_a_pyramid_sees_pixels_at_its_rates() -> None:
    pyramid = AtrousPyramid(1, 1).eval()
    for branch in pyramid.branches:
        nn.init.ones_(branch[0].weight)
    nn.init.ones_(pyramid.project.weight)
    x = torch.ones(1, 1, 41, 41, requires_grad=True)
    pyramid(x)[0, 0, 20, 20].backward()
    assert x.grad is not None
    seen = {tuple(place) for place in (x.grad[0, 0].nonzero() - 20).tolist()}
    assert seen == {(a, b) for rate in (6, 12, 18) for a in (-rate, 0, rate) for b in (-rate, 0, rate)}


def test_a_branch_normalises_behind_its_relu() -> None:
    assert [type(layer) for layer in AtrousPyramid(1, 1).branches[0]] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d]


def test_sides_are_multiples_of_16() -> None:
    network = SarUNet(1, widths=(2, 2, 2, 2, 4))
    assert network(torch.rand(2, 1, 16, 48)).shape == (2, 1, 16, 48)
    with pytest.raises(ValueError, match="multiples of 16"):
        network(torch.rand(2, 1, 16, 24))
