"""Files of a trained network's weights: safetensors, never unpickled."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from hepaflow.errors import UserError

_HEADER = "hepaflow"


def save_weights(network: nn.Module, path: Path | str, recipe: str) -> None:
    """Write a network's weights, with the settings that they were trained by in the header.

    Parameters
    ----------
    network : Module
    path : Path or str
        File to write, `.safetensors`; equal weights and recipes give equal bytes.
    recipe : str
        Settings of the training as JSON.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    Path(path).write_bytes(save(tensors, {_HEADER: recipe}))


def load_weights(network: nn.Module, path: Path | str) -> None:
    """Fill a network with the weights in a file.

    Raises
    ------
    UserError
        If the file is damaged, or is another network's.
    """
    try:
        tensors = load_file(path)
        network.load_state_dict(tensors)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise UserError(
            f"weights that this network cannot load ({error})",
            file=path,
            expected="weights that a training with these settings wrote",
            remedy="delete the file; the next run trains it again",
        ) from None
