"""Weights rounded to float16: half the bytes, and nearly the same network."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

_LENGTH = 8
"""Bytes in which a file of safetensors says how long its header is."""


def rounded(content: bytes) -> bytes:
    """Round the float32 tensors of a file to float16, to the nearest, ties to even.

    A tensor with a value beyond float16's range (65,504) stays as it is; so do tensors of other types. What was
    rounded before does not change.

    Parameters
    ----------
    content : bytes
        In the safetensors format.

    Returns
    -------
    bytes
        In the same format, with the same text in the header.

    Raises
    ------
    SafetensorError
        If the content is damaged.
    """
    tensors = {name: _rounded(tensor) for name, tensor in load(content).items()}
    header = json.loads(content[_LENGTH : _LENGTH + int.from_bytes(content[:_LENGTH], "little")])
    return save(tensors, header.get("__metadata__"))


def rounded_file(path: Path) -> bytes:
    """Return the content of a file with its tensors rounded; a damaged one as it is, for its reader to say so."""
    content = path.read_bytes()
    try:
        return rounded(content)
    except SafetensorError:
        return content


def _rounded(tensor: NDArray[np.generic]) -> NDArray[np.generic]:
    if tensor.dtype != np.float32:
        return tensor
    with np.errstate(over="ignore"):
        half = tensor.astype(np.float16)
    return half if np.isfinite(half).all() or not np.isfinite(tensor).all() else tensor
