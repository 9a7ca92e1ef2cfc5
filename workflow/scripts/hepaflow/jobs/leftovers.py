"""What earlier runs have left in a run's results: files of exams, networks and methods that it no longer has.

Every file that a job made has a note of its digest beside it (`hepaflow.jobs.digests`). A file is left
over if it has a note and no job of the present run makes it. Files without a note are not the workflow's, and are
never touched; nor are files outside the results, such as phantoms, which several runs may share, and the results
of other runs in a folder below.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hepaflow.files import sha256
from hepaflow.jobs.alone import is_held, lock_of
from hepaflow.jobs.digests import NOTES, note_of, noted

RECORDS = "records"
"""Folder that every run has in its results, from its first job on."""
_STATE = {"state.safetensors", "previous.safetensors", "lock"}
"""What a training that was interrupted keeps in its side folder."""
_OF_AN_EXAM = ("segmentation.dcm", "overlay/*.dcm", "thumbnail.webp")
"""What a new exam has beside its noted files."""


@dataclass(frozen=True)
class Leftover:
    """A file of an earlier run.

    Attributes
    ----------
    path : Path
    digest : str
        What the job that made it noted; empty for logs and other files without a note.
    """

    path: Path
    digest: str = ""

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size

    @property
    def as_made(self) -> bool:
        """Whether it is as its job made it; a user may have put another file in its place."""
        return not self.digest or sha256(self.path) == self.digest


def leftovers(results: Path, used: Collection[str]) -> list[Leftover]:
    """Find what earlier runs have left.

    Parameters
    ----------
    results : Path
        Folder of the results.
    used : collection of str
        Paths of all inputs, outputs and logs of the run as it is now.

    Returns
    -------
    list of Leftover
        By path.
    """
    kept = {Path(path) for path in used}
    found = {one.path: one for one in _noted_files(results) if one.path not in kept}
    for record in [path for path in found if path.is_relative_to(results / RECORDS)]:
        log = (results / "logs" / record.relative_to(results / RECORDS)).with_suffix(".log")
        if log not in kept and log.is_file():
            found[log] = Leftover(log)
    for path in [*found]:
        found |= {beside: Leftover(beside) for beside in _beside(path, results) if beside not in kept}
    found |= {path: Leftover(path) for path in _states(results, kept)}
    return [found[path] for path in sorted(found)]


def remove(found: Iterable[Leftover]) -> dict[Path, str]:
    """Remove files that are as they were made, their notes, and empty folders; return why other files stay."""
    others = {}
    for one in found:
        try:
            if not one.as_made:
                others[one.path] = "not as its job made it"
                continue
            one.path.unlink(missing_ok=True)
            for own in (note_of(one.path), lock_of(one.path)):
                own.unlink(missing_ok=True)
        except OSError as error:  # of another user, or on a read-only file system
            others[one.path] = str(error.strerror)
            continue
        for folder in (note_of(one.path).parent, *one.path.parents):
            try:
                folder.rmdir()
            except OSError:  # not empty, or not there
                if folder.name != NOTES:
                    break
    return others


def _noted_files(results: Path) -> Iterator[Leftover]:
    for folder, folders, _ in os.walk(results):
        here = Path(folder)
        if here != results and RECORDS in folders:
            folders.clear()  # another run's
            continue
        for note in here.glob(f"{NOTES}/*.sha256"):
            path = here / note.name.removesuffix(".sha256")
            if path.is_file() and not path.is_symlink() and (digest := noted(path)):
                yield Leftover(path, digest)


def _beside(path: Path, results: Path) -> Iterator[Path]:
    """Yield files without a note beside a leftover of an exam."""
    if path.parent.parent == results / "new":
        for pattern in _OF_AN_EXAM:
            yield from path.parent.glob(pattern)


def _states(results: Path, kept: Collection[Path]) -> Iterator[Path]:
    """Yield what trainings of other networks have kept, also of those that never came to an end."""
    for state in results.glob("models/*/*.training"):
        if state.with_suffix(".safetensors") in kept or is_held(state / "lock"):
            continue
        files = [*state.iterdir()] if state.is_dir() else []
        if all(one.name in _STATE or one.match("partial.*") for one in files):
            yield from files
