"""The GPUs of one machine, shared out among the jobs on it.

Snakemake counts GPUs, but says to no job which are its own; nor does a queue where several of its jobs run in one
allocation. So each job takes a lock for every card that it uses before torch looks for cards, and sees no others.
The locks end with the process, however it dies.
"""

import errno
import fcntl
import hashlib
import logging
import os
import random
import re
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.jobs.answers import answer
from hepaflow.words import counted

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"

PATIENCE = 60.0
"""Seconds in which nvidia-smi has to answer: after a start of the machine it can take half a minute."""

_CARD = re.compile(r"[0-9]+|(GPU|MIG)-[\w/-]+")
_LISTED = re.compile(r"(?:GPU|MIG)-[\w/-]+")

_held: list[int] = []
"""Open lock files: closing one would release its card."""


def claim_gpus(
    wanted: int, environment: MutableMapping[str, str] = os.environ, locks: Path | None = None
) -> list[str]:
    """Reserve cards for this process and its children, and hide the others from them.

    On a machine without cards, where networks run on the CPU, nothing happens.

    Parameters
    ----------
    wanted : int
        How many.
    environment : mapping of str to str
        Where to set `CUDA_VISIBLE_DEVICES`. If it is set already, by a queue or a user, it names the cards to
        choose from.
    locks : Path, optional
        Folder of the locks; all of a user's jobs on a machine must share it.

    Returns
    -------
    list of str
        The cards; empty where there is nothing to share.

    Raises
    ------
    UserError
        If the machine has some cards but fewer than wanted, or its driver does not answer.
    """
    if wanted < 1:
        return []
    known = cards(environment)
    if not known:
        return []
    if len(known) < wanted:
        raise UserError(
            f"{counted(len(known), 'GPU')} on this machine, for a job that needs {wanted}",
            remedy=f"set `compute: {{devices: {len(known)}}}`, or run this elsewhere",
        )
    folder = locks or _lock_folder(environment)
    if folder is None:
        log.warning("no folder for locks: jobs that run side by side may take the same GPU")
        return []
    mine = _wait_for(wanted, _lock_names(known, environment), folder)
    _held.extend(mine.values())
    environment[VISIBLE] = ",".join(mine)
    log.info("on GPU %s", environment[VISIBLE])
    return list(mine)


def cards(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the names of the cards that this process may use, without starting CUDA on them.

    Raises
    ------
    UserError
        If the driver does not answer within a minute.
    """
    if VISIBLE not in environment:
        return _listed()
    found: list[str] = []
    for card in map(str.strip, environment[VISIBLE].split(",")):
        if not _CARD.fullmatch(card):  # as CUDA reads it: what comes after -1, NoDevFiles, void is hidden
            break
        if card not in found:
            found.append(card)
    return found


def _listed() -> list[str]:
    """Return the cards that the driver knows; for a card that is divided (MIG), its instances."""
    if shutil.which("nvidia-smi") is None:
        return []
    try:
        asked = answer(["nvidia-smi", "-L"], PATIENCE)
    except subprocess.TimeoutExpired:
        raise UserError(
            "GPUs whose driver does not answer",
            expected=f"an answer of nvidia-smi within {PATIENCE:.0f} s",
            remedy="look at the system's log, and restart the machine; or go on without them: "
            "`compute: {accelerator: cpu}`",
        ) from None
    except OSError as error:
        log.warning("GPUs are not looked for: nvidia-smi cannot be started (%s)", error)
        return []
    if asked.returncode:
        answered = " ".join((asked.stdout + asked.stderr).split())
        log.warning("no GPU is used: nvidia-smi says %r", answered or f"status {asked.returncode}")
        return []
    found: list[str] = []
    for card in _LISTED.findall(asked.stdout):
        if card.startswith("MIG-") and found and found[-1].startswith("GPU-"):
            found.pop()
        found.append(card)
    return found


def _lock_names(known: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each card's lock: the same one in every job, whatever the job calls the card.

    A queue that shows each job only its own cards numbers them from 0 in every job. So numbers are turned into the
    driver's names; where there are none, the queue's number of the job is added.
    """
    listed = _listed() if any(card.isdigit() for card in known) else []
    of_queue = next((environment[name] for name in _JOB_NUMBERS if environment.get(name)), "")
    names = {}
    for card in known:
        if card.isdigit() and int(card) < len(listed):
            name = listed[int(card)]
        else:
            name = f"{of_queue}.{card}" if card.isdigit() and of_queue else card
        names[card] = re.sub(r"[^\w.-]", "_", name)
    return names


_JOB_NUMBERS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "OAR_JOB_ID", "COBALT_JOBID")
"""Of SLURM, PBS, LSF, Grid Engine, OAR and Cobalt."""


def _wait_for(wanted: int, names: Mapping[str, str], folder: Path) -> dict[str, int]:
    """Lock some of these cards, as soon as there are enough; return the open lock file of each."""
    mine: dict[str, int] = {}
    logged = False
    with _turn(names, folder):
        while True:
            for card, name in names.items():
                if len(mine) < wanted and (file := _try_lock(folder / f"{name}.lock")) is not None:
                    mine[card] = file
            if len(mine) == wanted:
                return mine
            # Jobs that choose from other cards, of which some are the same, could wait for each other.
            for file in mine.values():
                os.close(file)
            mine = {}
            if not logged:
                log.info("waiting for %d of %d GPUs", wanted, len(names))
                logged = True
            time.sleep(random.uniform(0.5, 1.5))


@contextmanager
def _turn(names: Mapping[str, str], folder: Path) -> Iterator[None]:
    """Let jobs that choose from the same cards queue, or those that need several would never get them."""
    among = hashlib.sha256("\n".join(sorted(names.values())).encode()).hexdigest()[:16]
    while (file := _try_lock(folder / f"turn.{among}.lock")) is None:
        time.sleep(1)
    try:
        yield
    finally:
        os.close(file)


def _try_lock(path: Path) -> int | None:
    """Lock a file without waiting; return it open, or None if another process has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            os.close(file)
            return None
        log.warning("%s: this file system has no locks (%s)", path, error.strerror)
    return file


def _lock_folder(environment: Mapping[str, str]) -> Path | None:
    """Return a folder for locks that belongs to this user; None if none can be made.

    TMPDIR is ignored, as it can differ between jobs.
    """
    user = os.getuid()
    places = [Path(f"/tmp/hepaflow-gpus-{user}"), Path(f"/var/tmp/hepaflow-gpus-{user}")]
    if home := environment.get("HOME"):
        places.append(Path(home) / ".cache" / f"hepaflow-gpus-{os.uname().nodename}")
    for folder in places:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            state = folder.lstat()  # of a link that another user has put there, the link's own
            if stat.S_ISDIR(state.st_mode) and state.st_uid == user and not state.st_mode & 0o022:
                os.close(os.open(folder / "room", os.O_RDWR | os.O_CREAT, 0o600))
                return folder
            log.warning("%s is not used: it is not this user's own", folder)
        except OSError as error:
            log.warning("no locks in %s: %s", folder, error.strerror)
    return None
