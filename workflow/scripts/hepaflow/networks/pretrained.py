"""Pretrained weights of the backbones (thesis 4.6.1)."""

import os
import pickle
import re
import socket
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import get_model_weights

from hepaflow.errors import UserError
from hepaflow.networks.backbone import RGB, Backbone
from hepaflow.system.faults import check_opens, remedy

# In torchvision's DenseNet files a layer is called norm.1, in its networks norm1.
_OLD_DENSENET_NAME = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
PATIENCE = 60.0
"""Seconds in which a server has to send something."""

_UNREADABLE = (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError, SafetensorError)


def load_pretrained(backbone: Backbone, weights: str) -> None:
    """Set all of a backbone's layers but a new first convolution to pretrained weights (thesis 4.6.1).

    Parameters
    ----------
    backbone : Backbone
        Is changed in place. Where an error is raised it is as it was.
    weights : str
        `imagenet`, or the path of a file with weights of torchvision's network of the backbone's name.

    Raises
    ------
    UserError
        If the weights cannot be fetched or read, or are those of another network.
    """
    if weights == "imagenet":
        file, found = imagenet_file(backbone.name), imagenet_weights(backbone.name)
    else:
        file, found = Path(weights), read_weights(Path(weights))
    found = {_OLD_DENSENET_NAME.sub(r"\1\2.", name): value for name, value in found.items()}
    found = {name: value for name, value in found.items() if not name.startswith(backbone.REMOVED)}
    expected = backbone.state_dict()
    new = "" if backbone.channels == RGB else backbone.FIRST
    for values in (found, expected):
        for name in [name for name in values if name == new or name.endswith(".num_batches_tracked")]:
            del values[name]
    _check_fit(found, expected, file=file, name=backbone.name)
    backbone.load_state_dict(found, strict=False)


def imagenet_file(name: str) -> Path:
    """Return the path at which torchvision keeps the ImageNet weights (IMAGENET1K_V1) of a network."""
    url = get_model_weights(name)["IMAGENET1K_V1"].url
    return Path(torch.hub.get_dir(), "checkpoints", os.path.basename(url))


def imagenet_weights(name: str) -> dict[str, Tensor]:
    """Return the ImageNet weights of one of torchvision's networks; fetch them where they are not kept yet.

    They are torchvision's IMAGENET1K_V1, which was what `pretrained=True` gave when the thesis was written.

    Raises
    ------
    UserError
        If they are not at :func:`imagenet_file` and cannot be fetched, or cannot be read. It says which file
        to put where.
    """
    file = imagenet_file(name)
    if file.exists():
        return read_weights(file)
    entry = get_model_weights(name)["IMAGENET1K_V1"]
    try:
        with _answers_within(PATIENCE):
            state: dict[str, Tensor] = entry.get_state_dict(
                progress=False, check_hash=True, map_location="cpu", weights_only=True
            )
    except (*_UNREADABLE, HTTPException) as error:
        raise UserError(
            f"the ImageNet weights of {name} cannot be fetched from {entry.url} ({error})",
            expected="access to download.pytorch.org, or the file in place",
            remedy=f"fetch {file.name} on another machine and put it at {file}; or set `weights` to the path "
            "of a file with weights; or set `weights: none` to start from random weights",
            file=file,
        ) from error
    return state


@contextmanager
def _answers_within(seconds: float) -> Iterator[None]:
    """Have servers answer in time: where packets are dropped, as on compute nodes, torch would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read tensors by name from a .safetensors file, or else from one that `torch.save` wrote.

    Code in a pickle is never run.

    Raises
    ------
    UserError
        If there is no such file, or it holds anything but tensors by name.
    """
    another = "give the path of a file with weights, or set `weights` to `imagenet` or `none`"
    if not file.is_file():
        raise UserError("there is no such file of weights", remedy=another, file=file)
    try:
        check_opens(file)
        state = (
            load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"the weights cannot be read ({reason})",
            expected="a .safetensors file, or a state_dict written by torch.save",
            remedy=remedy(error, f"remove it if its download broke off; {another}"),
            file=file,
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise UserError(
            f"a {type(state).__name__} which is no state_dict",
            expected="tensors by name",
            remedy=f"save `model.state_dict()` itself; {another}",
            file=file,
        )
    return dict(state)


def weights_in_model(file: Path, name: str) -> bytes:
    """Read the weights of a network in a model of hepaflow, in the safetensors format.

    Parameters
    ----------
    file : Path
        The model, `hepaflow-model.zip`.
    name : str
        Of the member that holds the network.

    Raises
    ------
    UserError
        If there is no such file, it is no zip file or damaged, or does not hold the network.
    """
    if not file.is_file():
        raise UserError("there is no such model", remedy="correct the path in `weights`", file=file)
    try:
        check_opens(file)
        with zipfile.ZipFile(file) as archive:
            return archive.read(name)
    except KeyError:
        raise UserError(
            f"a model without {name}",
            file=file,
            expected="a network of this method's name for every stage that does not start from an earlier one",
            remedy="give the method the name that it has in the model, or set `weights: none`",
        ) from None
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(
            f"the model cannot be read ({error})",
            file=file,
            expected="hepaflow-model.zip as a finished run makes it",
            remedy=remedy(error, "copy the file again"),
        ) from error


def _check_fit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, file: Path, name: str) -> None:
    """Raise a UserError that lists what is missing, unknown or of another shape."""
    shapes = [
        f"{key} {tuple(found[key].shape)} for {tuple(expected[key].shape)}"
        for key in expected
        if key in found and found[key].shape != expected[key].shape
    ]
    problems = [
        _listed("missing", [key for key in expected if key not in found]),
        _listed("unknown", [key for key in found if key not in expected]),
        _listed("of another shape", shapes),
    ]
    if any(problems):
        raise UserError(
            "; ".join(filter(None, problems)),
            expected=f"the weights of torchvision's {name}",
            remedy="give the weights of this architecture, or set `weights` to `imagenet` or `none`",
            file=file,
        )


def _listed(what: str, names: list[str], at_most: int = 5) -> str:
    """Return how many names there are and the first of them; empty where there is none."""
    if not names:
        return ""
    rest = ", ..." if len(names) > at_most else ""
    return f"{len(names)} {what}: {', '.join(names[:at_most])}{rest}"
