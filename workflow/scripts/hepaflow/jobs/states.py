"""States of trainings that are done: removed when Snakemake has taken note of the weights, and no sooner.

Until then the weights can be lost: Snakemake deletes what a job wrote that was ended before it was done, or that
it could not watch to its end. So no job removes its own state. What an old attempt left, where weights came from
the cache, goes as well.
"""

import fcntl
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

_SUFFIX = ".training"


def remove_states(weights: Iterable[Path]) -> None:
    """Remove the states beside the weights of trainings that are done, unless a job is still about them.

    Parameters
    ----------
    weights : iterable of Path
        Files of weights that no job of this run has left to make.
    """
    for folder in (path.with_suffix(_SUFFIX) for path in weights):
        if not folder.is_dir() or _in_use(folder / "lock"):
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            log.warning("%s: a state that is no longer needed, and cannot be removed (%s)", folder, error.strerror)


def _in_use(lock: Path) -> bool:
    """Return whether another process holds a lock."""
    try:
        with open(lock, "rb+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError:  # no locks in this file system, or no right to take one: removing it says why
        return False
    return False
