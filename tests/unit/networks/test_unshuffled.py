"""Neighbours as channels, and back."""

import pytest
import torch
from torch.nn import functional

from hepaflow.errors import UserError
from hepaflow.networks.from_monai import FromMonai, check
from hepaflow.networks.unshuffled import shuffled, unshuffled
from hepaflow.settings.monai import MonaiNetwork

DYNUNET = {
    **{"kernel_size": [3, 3, 3], "strides": [1, 2, 1], "upsample_kernel_size": [2, 1], "filters": [4, 4, 8]},
}


def test_two_dimensions_are_as_in_torch() -> None:
    x = torch.rand(2, 3, 8, 12)
    assert torch.equal(unshuffled(x, [2, 2]), functional.pixel_unshuffle(x, 2))
    y = torch.rand(2, 12, 4, 6)
    assert torch.equal(shuffled(y, [2, 2]), functional.pixel_shuffle(y, 2))


@pytest.mark.parametrize("factors", [(1, 2, 2), (2, 1, 3), (2, 2, 2), (1, 1, 1)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last_3d])
def test_nothing_is_lost(factors: tuple[int, int, int], order: torch.memory_format) -> None:
    x = torch.rand(2, 2, 4, 6, 12).contiguous(memory_format=order)
    small = unshuffled(x, factors)
    assert small.shape == (
        2,
        2 * factors[0] * factors[1] * factors[2],
        *(x.shape[2 + i] // factors[i] for i in range(3)),
    )
    assert torch.equal(shuffled(small, factors), x)


def test_a_side_that_cannot_be_divided_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found sides \(4, 5\), expected multiples of \(2, 2\)"):
        unshuffled(torch.rand(1, 1, 4, 5), [2, 2])


def test_a_network_of_monai_sees_neighbours_as_channels() -> None:
    network = MonaiNetwork(name="DynUNet", arguments=DYNUNET, unshuffle=[1, 2, 2])
    check(network, channels=2, shape=(4, 8, 12))
    built = FromMonai(network, 2, 3)
    first, last = next(built.model.parameters()), built(torch.rand(1, 2, 4, 8, 12))
    assert first.shape[1] == 8
    assert last.shape == (1, 1, 4, 8, 12)


def test_coarser_logits_of_a_training_are_shuffled_as_well() -> None:
    arguments = {"init_filters": 4, "blocks_down": [1, 1, 1], "dsdepth": 2}
    network = MonaiNetwork(name="SegResNetDS", arguments=arguments, unshuffle=[2, 2])
    check(network, channels=1, shape=(32, 32))
    assert [one.shape[2:] for one in FromMonai(network)(torch.rand(2, 1, 32, 32))] == [(32, 32), (16, 16)]


def test_factors_of_other_dimensions_are_refused() -> None:
    network = MonaiNetwork(name="DynUNet", arguments=DYNUNET, unshuffle=[2, 2])
    with pytest.raises(UserError, match=r"`monai.unshuffle: \[2, 2\]` for 3 dimensions") as caught:
        check(network, channels=1, shape=(4, 8, 8))
    assert "3 factors" in str(caught.value)
