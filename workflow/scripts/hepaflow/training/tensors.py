"""The tensors of a training that a later process needs to go on: the network's, its average's, its optimiser's."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from hepaflow.networks.weights import named_tensors, put_into

_NETWORK, _OPTIMISER, _AVERAGE = "network/", "optimiser/", "average/"

_STEP = "step"
"""What optimisers call the number of their steps, which stays on the CPU."""


def gathered(network: nn.Module, optimiser: Optimizer, average: nn.Module | None = None) -> dict[str, Tensor]:
    """Return all tensors by name, on the CPU.

    Whatever the optimiser keeps of each parameter is among them: SGD's momentum, AdamW's moments and steps.
    """
    tensors = {_NETWORK + name: tensor for name, tensor in named_tensors(network).items()}
    for name, parameter in network.named_parameters():
        for kept, value in optimiser.state[parameter].items():
            if value is not None:  # SGD's momentum where it is zero
                tensors[f"{_OPTIMISER}{name}/{kept}"] = value
    if average is not None:
        tensors |= {_AVERAGE + name: tensor for name, tensor in named_tensors(average).items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def put_back(
    network: nn.Module, optimiser: Optimizer, tensors: dict[str, Tensor], average: nn.Module | None = None
) -> None:
    """Put tensors that were gathered back into a network, an optimiser and an average of the same kind."""
    put_into(network, _below(_NETWORK, tensors))
    if average is not None:
        put_into(average, _below(_AVERAGE, tensors))
    parameters = dict(network.named_parameters())
    for name, value in _below(_OPTIMISER, tensors).items():
        whose, _, kept = name.rpartition("/")
        parameter = parameters[whose]
        # As torch makes it: on the parameter's device and in its memory layout.
        optimiser.state[parameter][kept] = value if kept == _STEP else torch.empty_like(parameter).copy_(value)


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
