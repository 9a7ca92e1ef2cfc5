"""The GPUs of one machine, shared out among the jobs on it.

Snakemake counts GPUs, but says to no job which are its own. So each job takes a lock for every card that it uses
before torch looks for cards, and sees no others. The locks end with the process, however it dies.
"""

import fcntl
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from hepaflow.errors import UserError

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"

_held: list[int] = []
"""Open lock files: closing one would let go of its card."""


def claim_gpus(
    wanted: int, environment: MutableMapping[str, str] = os.environ, locks: Path | None = None
) -> list[str]:
    """Take as many cards for this process and its children, and hide the others from them.

    In a SLURM job nothing happens, for SLURM has given it cards of its own; nor on a machine without any, where
    networks run on the CPU.

    Parameters
    ----------
    wanted : int
    environment : mapping of str to str
        Where to set `CUDA_VISIBLE_DEVICES`. If it is set already, it names the cards to choose from.
    locks : Path, optional
        Folder of the locks; all of a user's jobs on a machine must share it.

    Returns
    -------
    list of str
        The cards; empty where there is nothing to share.

    Raises
    ------
    UserError
        If the machine has some, but fewer cards.
    """
    if wanted < 1 or "SLURM_JOB_ID" in environment:
        return []
    known = cards(environment)
    if not known:
        return []
    if len(known) < wanted:
        raise UserError(
            f"{len(known)} GPU(s) on this machine, for a job that needs {wanted}",
            remedy=f"set `compute: {{devices: {len(known)}}}`, or run this elsewhere",
        )
    folder = locks or Path(tempfile.gettempdir()) / f"hepaflow-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    mine: dict[str, int] = {}
    told = False
    while True:
        for card in known:
            if (
                card not in mine
                and len(mine) < wanted
                and (file := _try_lock(folder / f"{card}.lock")) is not None
            ):
                mine[card] = file
        if len(mine) == wanted:
            break
        for file in mine.values():  # or two jobs that need two cards could wait for each other
            os.close(file)
        mine = {}
        if not told:
            log.info("waiting for %d of %d GPUs", wanted, len(known))
            told = True
        time.sleep(1)
    _held.extend(mine.values())
    environment[VISIBLE] = ",".join(mine)
    log.info("on GPU %s", environment[VISIBLE])
    return list(mine)


def cards(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of the cards that this process may use, without waking them up."""
    if VISIBLE in environment:
        return [card.strip() for card in environment[VISIBLE].split(",") if card.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return asked.stdout.split() if asked.returncode == 0 else []


def _try_lock(path: Path) -> int | None:
    """Lock a file without waiting; return it open, or None if another process has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
