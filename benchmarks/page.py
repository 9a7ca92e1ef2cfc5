"""A page of measurements: sections that are measured together or apart, each of which says how and where."""

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch

from benchmarks.nnunet import FOLDER
from benchmarks.side_by_side import seconds
from hepaflow.networks.compute import has_bf16_instructions
from hepaflow.words import counted

BUSY = 0.5
"""Load of the machine above which a measurement is called disturbed."""
HEADING = "## "

Run = TypeVar("Run")
"""What is told to all sections of a run."""


@dataclass(frozen=True)
class Section(Generic[Run]):
    """A part of the page.

    Attributes
    ----------
    title, explained : str
    measure : callable
        Returns what was found, in Markdown.
    libraries : tuple of str
        Whose versions matter.
    """

    title: str
    explained: str
    measure: Callable[[Run], str]
    libraries: tuple[str, ...] = ("numpy", "torch")


def measure(
    page: Path,
    introduction: str,
    sections: Mapping[str, Section[Run]],
    only: Collection[str],
    run: Run,
    how: str,
) -> Iterator[str]:
    """Measure sections of a page, one after another; the others stay as they are.

    Parameters
    ----------
    page : Path
        In Markdown. It is written after every section, so a run that is stopped keeps what it has measured.
        Sections that are not of the page come last.
    introduction : str
        What the page begins with.
    sections : mapping of str to Section
        All of the page, by name, in its order.
    only : collection of str
        Names of those that are measured.
    run : object
        What is told to them.
    how : str
        "in full", say.

    Yields
    ------
    str
        The text of a section.
    """
    texts = sections_of(page.read_text(encoding="utf-8")) if page.is_file() else {}
    busy = os.getloadavg()[0]  # before the first of them: later it is their own
    for section in (section for name, section in sections.items() if name in only):
        on = machine(section.libraries)  # first: what is not installed is told before hours are spent
        began = time.monotonic()
        found = section.measure(run)
        beside = " (**other work ran beside it**)" if busy > BUSY else ""
        where = (
            f"Measured {how} in {seconds(time.monotonic() - began)} on {on}. Load of the machine before: "
            f"{busy:.1f}{beside}."
        )
        text = "\n\n".join([f"{HEADING}{section.title}", section.explained, where, found]) + "\n"
        texts[section.title] = text
        titles = dict.fromkeys([*(one.title for one in sections.values()), *texts])
        written = [texts[title] for title in titles if title in texts]
        page.write_text("\n".join([introduction, *written]), encoding="utf-8")
        yield text


def sections_of(page: str) -> dict[str, str]:
    r"""Return the sections of a page by their titles.

    Examples
    --------
    >>> sections_of("# Benchmarks\n\n## One\n\na\n\n## Two\n\nb\n")
    {'One': '## One\n\na\n', 'Two': '## Two\n\nb\n'}
    """
    parts = f"\n{page}".split(f"\n{HEADING}")[1:]
    return {part.partition("\n")[0]: f"{HEADING}{part.rstrip()}\n" for part in parts}


def machine(libraries: Collection[str]) -> str:
    """Describe the machine: processor, memory, system, and libraries."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    told = {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    with_bf16 = "with" if has_bf16_instructions() else "without"
    processor = f"{told.get('model name', platform.machine())}, {with_bf16} bf16 instructions"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {_version(name)}" for name in libraries)
    return (
        f"{len(os.sched_getaffinity(0))} cores ({processor}), {memory:.0f} GiB, {platform.system()}; Python "
        f"{platform.python_version()}, {versions}; torch on {counted(torch.get_num_threads(), 'thread')}"
    )


def _version(library: str) -> str:
    """Return the version of a library, also of one in the folder beside the environment that has nnU-Net."""
    found = next(iter(importlib.metadata.distributions(name=library, path=[*sys.path, str(FOLDER)])), None)
    return "is not installed" if found is None else found.version
