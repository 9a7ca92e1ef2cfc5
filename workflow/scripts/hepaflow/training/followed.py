"""How far a training is, from its log while it is written."""

import re
from pathlib import Path

_EPOCH = re.compile(r" epoch (\d+)/(\d+)(,|:) ")
_TAIL = 4096
"""Bytes at a log's end within which its last line is."""


def followed(log: Path) -> str:
    """Return at which epoch of how many a training is; 'just begun' before it tells of one.

    Parameters
    ----------
    log : Path
        Whose lines are those of `history.progress` and `history.progress_within`.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(log, "rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        found = _EPOCH.findall(file.read().decode("utf-8", errors="replace"))
    if not found:
        return "just begun"
    epoch, wanted, sign = found[-1]
    ended = sign == ":"
    if ended and epoch == wanted:
        return f"all {wanted} epochs done"
    return f"epoch {int(epoch) + ended} of {wanted}"
