"""Which file system has no space left: the error of a write that failed does not say."""

import os
from collections.abc import Iterable
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")

_NEXT_TO_NOTHING = 1 << 20


def places_without_space(folders: Iterable[Path]) -> list[str]:
    """Return the folders on whose file systems nothing more can be written, one for each, with what is left there.

    Parameters
    ----------
    folders : iterable of Path
        Where something could have been written; for folders that do not exist, those around them.

    Returns
    -------
    list of str
        "results: 0 of 256 MiB free", "/dev/shm, the shared memory: ...", "/tmp: no more files (inodes), ..."
    """
    found: dict[int, str] = {}
    for folder in folders:
        try:
            while not folder.exists() and folder != folder.parent:
                folder = folder.parent
            device, state = folder.stat().st_dev, os.statvfs(folder)
        except OSError:
            continue
        free = state.f_bavail * state.f_frsize
        without_names = state.f_files > 0 and state.f_favail == 0
        if device not in found and state.f_blocks and (free < _NEXT_TO_NOTHING or without_names):
            name = f"{folder}, the shared memory" if folder == SHARED_MEMORY else str(folder)
            sizes = f"{free >> 20} of {state.f_blocks * state.f_frsize >> 20} MiB free"
            found[device] = f"{name}: no more files (inodes), {sizes}" if without_names else f"{name}: {sizes}"
    return list(found.values())
