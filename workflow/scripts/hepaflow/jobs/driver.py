"""Whether torch can use this machine's GPUs; where it cannot, which driver, CUDA and card do not fit.

Torch sees no GPU where a driver is too old, and a container has none unless it is told to. What asks for "a GPU if
there is one" then computes on the CPU, for days. So a job that was given a GPU, or runs on a machine that has one,
ends at once unless torch sees it.
"""

import csv
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hepaflow.errors import UserError
from hepaflow.jobs.answers import answer
from hepaflow.jobs.gpus import PATIENCE, VISIBLE, cards

OLDEST_DRIVER = {11: 450, 12: 525, 13: 580}
"""First series of drivers for each major version of CUDA, with all its minor versions (NVIDIA, CUDA Compatibility,
"Minor Version Compatibility", table 1)."""

KERNEL = Path("/proc/driver/nvidia/gpus")
"""Where the driver in the kernel lists the machine's cards, whatever a container or a queue shows of them."""

_CPU = "or set `compute: {accelerator: cpu}` if the CPU is meant"
_PAGE = "docs/drivers.md"
_QUERY = ("name", "driver_version", "memory.total")


@dataclass(frozen=True)
class Card:
    """A card as nvidia-smi knows it.

    Attributes
    ----------
    name : str
    driver : str
        Version of the driver: "535.104.05".
    mib : int
        Its memory; 0 where nvidia-smi does not say.
    """

    name: str
    driver: str
    mib: int


@dataclass(frozen=True)
class Seen:
    """What torch sees.

    Attributes
    ----------
    torch : str
        Its version.
    cuda : str
        The version of CUDA that it is built with; empty for a torch without.
    names : tuple of str
        The cards.
    mib : tuple of int
        Their memory.
    too_old : tuple of str
        Those of them that this torch has no code for, with their compute capability.
    said : str
        What torch warned of when it looked.
    """

    torch: str
    cuda: str
    names: tuple[str, ...] = ()
    mib: tuple[int, ...] = ()
    too_old: tuple[str, ...] = ()
    said: str = ""


def look() -> Seen:
    """Return what torch sees in this process, which then has torch and CUDA in it."""
    import torch  # takes seconds

    with warnings.catch_warnings(record=True, action="always") as caught:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    said = " ".join(" ".join(str(one.message) for one in caught).split())
    cuda = torch.version.cuda or ""
    if not count:
        return Seen(torch.__version__, cuda, said=said)
    known = torch.cuda.get_arch_list()
    found = [torch.cuda.get_device_properties(number) for number in range(count)]
    return Seen(
        torch.__version__,
        cuda,
        tuple(one.name for one in found),
        tuple(one.total_memory >> 20 for one in found),
        tuple(
            f"{one.name} ({one.major}.{one.minor})" for one in found if not has_code((one.major, one.minor), known)
        ),
        said,
    )


def look_apart() -> Seen:
    """Return what torch sees, from a process of its own: this one stays without torch.

    Raises
    ------
    UserError
        If torch cannot be imported there.
    """
    code = "from hepaflow.jobs.driver import as_json, look; print(as_json(look()))"
    folder = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")])}
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"status {ended.returncode}"])[-1]
        raise UserError(f"torch cannot be imported ({last})", remedy="install the locked environment: make setup")
    told = json.loads(ended.stdout.splitlines()[-1])
    parts: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in told.items()}
    return Seen(**parts)


def as_json(seen: Seen) -> str:
    """Return what torch sees as a line of JSON."""
    return json.dumps(asdict(seen))


def has_code(capability: tuple[int, int], architectures: Sequence[str]) -> bool:
    """Return whether a torch has code for cards of a compute capability.

    Parameters
    ----------
    capability : (int, int)
        Such as (8, 6).
    architectures : sequence of str
        What torch was built for: machine code for a capability and later ones of its major version ("sm_80"), or
        what a driver can compile for any later one ("compute_90"). Empty if unknown.

    Examples
    --------
    >>> has_code((8, 9), ["sm_75", "sm_80"]), has_code((7, 0), ["sm_75", "sm_80"])
    (True, False)
    >>> has_code((9, 0), ["sm_80"]), has_code((9, 0), ["compute_80"])
    (False, True)
    """
    for name in architectures:
        if found := re.fullmatch(r"(sm|compute)_(\d+)(\d)a?", name):
            built = int(found[2]), int(found[3])
            if built <= capability and (found[1] == "compute" or built[0] == capability[0]):
                return True
    return not architectures


def driver_cards() -> list[Card]:
    """Return the cards as nvidia-smi describes them; none where it is missing or fails."""
    command = ["nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        asked = answer(command, PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return []
    if asked.returncode:
        return []
    rows = [[cell.strip() for cell in row] for row in csv.reader(asked.stdout.splitlines())]
    return [
        Card(name, driver, int(mib) if mib.isdecimal() else 0)
        for name, driver, mib in (row for row in rows if len(row) == len(_QUERY))
    ]


def in_kernel(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the cards that the kernel has, unless the environment hides them or names others."""
    if VISIBLE in environment:
        return []
    try:
        return sorted(path.name for path in KERNEL.iterdir())
    except OSError:
        return []


def check_gpus(
    accelerator: str,
    *,
    looking: Callable[[], Seen] = look,
    environment: Mapping[str, str] = os.environ,
) -> Seen | None:
    """See that torch can use the GPUs that this process was given or this machine has.

    Parameters
    ----------
    accelerator : {'auto', 'gpu', 'cpu'}
        As `compute.accelerator`. Nothing is looked at for `cpu`, nor for `auto` where there is no card.
    looking : callable, optional
        `look` or `look_apart`.
    environment : mapping of str to str, optional

    Returns
    -------
    Seen or None
        What torch sees, if it was asked.

    Raises
    ------
    UserError
        If there is a card, and torch cannot use it; or if there must be one (`gpu`), and there is none.
    """
    if accelerator == "cpu":
        return None
    known = cards(environment) or in_kernel(environment)
    if not known:
        if accelerator == "gpu":
            raise UserError(
                "no GPU" + (f" ({VISIBLE} is {environment[VISIBLE]!r})" if VISIBLE in environment else ""),
                expected="a GPU, as the setting `compute.accelerator: gpu` has it",
                remedy="run this on a machine with one, and request it of a queue; or set `accelerator: auto`, "
                "which goes on without",
            )
        return None
    seen = looking()
    if not seen.names:
        raise _unseen(known, driver_cards(), seen)
    if seen.too_old:
        raise UserError(
            f"{', '.join(seen.too_old)}: torch {seen.torch} has no code for it",
            expected="a GPU that this torch is built for",
            remedy=f"use another GPU, or a torch for older GPUs ({_PAGE}); {_CPU}",
        )
    return seen


def _unseen(known: Sequence[str], described: Iterable[Card], seen: Seen) -> UserError:
    """Return what is wrong where torch sees no card, though there are some."""
    described = list(described)
    names = ", ".join(dict.fromkeys(card.name for card in described))
    driver = described[0].driver if described else ""
    built = f"torch {seen.torch} (CUDA {seen.cuda})" if seen.cuda else f"torch {seen.torch} (built without CUDA)"
    told = f"; it says: {seen.said}" if seen.said else ""
    what = f"{names}, driver {driver}" if described else f"{len(known)} of them, and nvidia-smi describes none"
    return UserError(
        f"GPUs ({what}) of which {built} sees none{told}",
        expected="a GPU that torch can use, where the machine or the job has one",
        remedy=f"{_remedy(driver, seen.cuda)}; {_CPU}",
    )


def _remedy(driver: str, cuda: str) -> str:
    if not cuda:
        return "install the locked environment (`make setup`), whose torch has CUDA"
    oldest = oldest_driver(cuda)
    if driver and oldest and series(driver) < oldest:
        return f"update the driver to {oldest} or later, or install a torch for older drivers ({_PAGE})"
    if not driver:
        return (
            "start a container with the machine's GPUs (`apptainer exec --nv`, `snakemake --apptainer-args=--nv`, "
            "`docker run --gpus all`), or see what `nvidia-smi` says: after an update of the driver, the machine "
            "has to be restarted"
        )
    return f"see what `nvidia-smi` and the system's log say about the GPUs ({_PAGE})"


def oldest_driver(cuda: str) -> int:
    """Return the first series of drivers that runs a version of CUDA: 580 for "13.0"; 0 if it is unknown."""
    return OLDEST_DRIVER.get(series(cuda), 0)


def series(version: str) -> int:
    """Return the first number of a version: 535 of "535.104.05"; 0 without one."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
