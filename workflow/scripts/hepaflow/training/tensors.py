"""The tensors of a training that a later process needs to go on: the network's, and those its optimiser keeps."""

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_NETWORK, _OPTIMISER = "network/", "optimiser/"

_STEP = "step"
"""What optimisers call the number of their steps, which stays on the CPU."""


def gathered(network: nn.Module, optimiser: Optimizer) -> dict[str, Tensor]:
    """Return all tensors by name, on the CPU.

    Whatever the optimiser keeps of each parameter is among them: SGD's momentum, AdamW's moments and steps.
    """
    tensors = {_NETWORK + name: tensor for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        for kept, value in optimiser.state[parameter].items():
            if value is not None:  # SGD's momentum where it is zero
                tensors[f"{_OPTIMISER}{name}/{kept}"] = value
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def put_back(network: nn.Module, optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put tensors that were gathered back into a network and an optimiser of the same kind."""
    parameters = dict(network.named_parameters())
    weights = {}
    for name, value in tensors.items():
        if name.startswith(_NETWORK):
            weights[name.removeprefix(_NETWORK)] = value
            continue
        whose, _, kept = name.removeprefix(_OPTIMISER).rpartition("/")
        parameter = parameters[whose]
        # As torch makes it: on the parameter's device and in its memory layout.
        optimiser.state[parameter][kept] = value if kept == _STEP else torch.empty_like(parameter).copy_(value)
    network.load_state_dict(weights)
