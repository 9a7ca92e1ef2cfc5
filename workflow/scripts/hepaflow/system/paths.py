"""One spelling for every path: users can write a path in several ways, and Snakemake compares paths as text."""

import os
from pathlib import Path


def normal(path: str) -> str:
    """Return the one spelling of a path: relative where it lies in the working folder, else absolute.

    `~` means a home folder. Links on the way stay as they are, so that a folder of data can be a link.

    Parameters
    ----------
    path : str
        Relative to the working folder, absolute, or beginning with `~`.

    Raises
    ------
    ValueError
        If `~` names the home of a user who does not exist, or the path has the character NUL.
    """
    expanded = os.path.expanduser(path)
    if expanded.startswith("~") and not os.path.lexists(expanded):
        raise ValueError(f"{path.partition('/')[0]!r} is not a user's home folder here")
    if "\0" in expanded:
        raise ValueError("a path without the character NUL")
    absolute = os.path.abspath(_without_steps_up(expanded))
    here, below = Path(), Path(absolute)
    for folder in (below, *below.parents):
        if os.path.exists(folder) and os.path.samefile(folder, here):
            return str(below.relative_to(folder))
    return absolute


def _without_steps_up(path: str) -> str:
    """Follow each `..` as the system does: behind a link it leads to the parent of what the link points to."""
    parts = path.split("/")
    if ".." not in parts:
        return path
    last = len(parts) - parts[::-1].index("..")
    return "/".join([os.path.realpath("/".join(parts[:last])), *parts[last:]])
