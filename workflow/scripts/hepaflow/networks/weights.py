"""Files of a trained network's weights: safetensors, never unpickled."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import nn

from hepaflow.errors import UserError
from hepaflow.system.faults import check_opens, remedy

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


def load_weights(network: nn.Module, path: Path | str, content: bytes | None = None) -> None:
    """Fill a network with the weights in a file.

    Parameters
    ----------
    network : Module
    path : Path or str
    content : bytes, optional
        The weights, where they were read already; the path then only says from where.

    Raises
    ------
    UserError
        If the file is damaged, or is another network's.
    """
    try:
        if content is None:
            check_opens(path)
        network.load_state_dict(load_file(path) if content is None else load(content))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise UserError(
            f"weights that this network cannot load ({error})",
            file=path,
            expected="weights that a training with these settings wrote",
            remedy=remedy(error, "delete the file; the next run trains it again"),
        ) from None
