"""The state of an interrupted training, in a side folder beside what it will write.

Snakemake deletes declared outputs before every attempt; this folder is not declared and survives. It is keyed by
all that the training depends on, written atomically, and deleted when the training has succeeded.
"""

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

log = logging.getLogger(__name__)

_HEADER = "hepaflow"
_NETWORK, _MOMENTUM = "network/", "momentum/"


class TrainingState:
    """Where one training keeps its network, its momentum and its history after every epoch.

    Parameters
    ----------
    folder : Path
        The side folder; belongs to this training alone.
    key : str
        Digest of everything that the training's result depends on. A state with another key is never used.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder, self._key = folder, key
        self._current = folder / "state.safetensors"
        self._previous = folder / "previous.safetensors"

    def save(self, network: nn.Module, optimizer: torch.optim.Optimizer, history: list[dict[str, Any]]) -> None:
        """Write the state after an epoch; the one before it is kept until the next."""
        tensors = {_NETWORK + name: tensor for name, tensor in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            momentum = optimizer.state[parameter].get("momentum_buffer")
            if momentum is not None:  # absent where the momentum is zero
                tensors[_MOMENTUM + name] = momentum
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._folder / f"partial.{os.getpid()}"
        save_file(tensors, partial, {_HEADER: json.dumps({"key": self._key, "history": history})})
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())  # or a machine that dies can leave a file of the right length and no content
        if self._current.exists():
            os.replace(self._current, self._previous)
        os.replace(partial, self._current)

    def load(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
        """Put the newest usable state into network and optimizer.

        Returns
        -------
        list of dict
            The history up to that state; empty if there is none and the training starts.
        """
        for path in (self._current, self._previous):
            if not path.exists():
                continue
            try:
                with safe_open(path, framework="pt") as file:
                    header = json.loads(file.metadata()[_HEADER])
                    if header["key"] != self._key:
                        log.info("%s belongs to another recipe and is left aside", path)
                        continue
                    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
                log.warning("%s is damaged (%s); looking for the state before it", path, error)
                if not isinstance(error, OSError):
                    path.unlink(missing_ok=True)  # or the next save would keep it in the place of the one before
                continue
            _fill(network, optimizer, tensors)
            history: list[dict[str, Any]] = header["history"]
            return history
        return []

    def delete(self) -> None:
        """Remove the side folder: the training has succeeded."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _fill(network: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}

    network.load_state_dict(part(_NETWORK))
    momentum = part(_MOMENTUM)
    for name, parameter in network.named_parameters():
        if name in momentum:
            # As torch makes it: on the parameter's device and in its memory layout.
            optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(momentum[name])
