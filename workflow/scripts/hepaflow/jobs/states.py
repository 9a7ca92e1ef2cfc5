"""States of finished trainings: removed when Snakemake has registered the weights, and no sooner.

Until then the weights can be lost: Snakemake deletes the outputs of a job that was killed, or that it lost sight
of. So no job removes its own state. What an earlier attempt left goes as well where the weights then came from the
cache.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from hepaflow.jobs.alone import is_held

log = logging.getLogger(__name__)

_SUFFIX = ".training"


def remove_states(weights: Iterable[Path]) -> None:
    """Remove the states beside the weights of finished trainings, unless a job still uses them.

    Parameters
    ----------
    weights : iterable of Path
        Files of weights; the state of those that do not exist stays, as it is all that their training has.
    """
    for folder in (path.with_suffix(_SUFFIX) for path in weights if path.is_file()):
        if not folder.is_dir() or is_held(folder / "lock"):
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            log.warning("%s is no longer needed, but cannot be removed (%s)", folder, error.strerror)
