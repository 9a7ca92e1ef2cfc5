"""Files of a trained network's weights: safetensors, never unpickled."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, load_file, save
from torch import Tensor, nn

from hepaflow.errors import UserError
from hepaflow.system.faults import check_opens, remedy

_HEADER = "hepaflow"


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return a module's parameters and buffers by name; one that has several names under the first alone.

    Some networks reach a layer in two ways (MONAI's DynUNet); files hold each of its tensors once.
    """
    found: dict[int, tuple[str, Tensor]] = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        found.setdefault(id(tensor), (name, tensor.detach()))
    return dict(found.values())


def put_into(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Fill a module with what `named_tensors` gave of one of its kind.

    Raises
    ------
    RuntimeError
        If a tensor is missing, has another shape, or is not the module's.
    """
    first: dict[int, str] = {}
    names = {name: first.setdefault(id(one), name) for name, one in module.state_dict(keep_vars=True).items()}
    further = {name: tensors[other] for name, other in names.items() if other in tensors and name not in tensors}
    module.load_state_dict({**tensors, **further})


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
    tensors = {name: tensor.cpu().contiguous() for name, tensor in named_tensors(network).items()}
    Path(path).write_bytes(save(tensors, {_HEADER: recipe}))


def load_weights(
    network: nn.Module,
    path: Path | str,
    content: bytes | None = None,
    *,
    otherwise: str = "delete the file; the next run trains it again",
) -> None:
    """Fill a network with the weights in a file.

    Parameters
    ----------
    network : Module
    path : Path or str
    content : bytes, optional
        The weights, where they were read already; the path then only says from where.
    otherwise : str, optional
        What to do if they do not fit.

    Raises
    ------
    UserError
        If the file is damaged, or is another network's.
    """
    try:
        if content is None:
            check_opens(path)
        put_into(network, load_file(path) if content is None else load(content))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise UserError(
            f"weights that this network cannot load ({error})",
            file=path,
            expected="weights that a training with these settings wrote",
            remedy=remedy(error, otherwise),
        ) from None
