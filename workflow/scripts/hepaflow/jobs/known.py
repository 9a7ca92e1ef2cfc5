"""The name under which a job knows a file that no job made, and by which Snakemake compares it.

Snakemake compares the names of inputs, and their contents only if they are newer than a result. Here content
decides: a file with the content that the job's results were made from keeps its name, wherever it lies now and
whatever its time; a file with another content gets another name, which Snakemake takes for another input.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

_CONTENT = " (content "
_DIGITS = 16


@dataclass(frozen=True)
class Known:
    """A file as a job knows it.

    Attributes
    ----------
    name : str
        What Snakemake compares.
    same : bool
        Whether its content is known to be that of the job's last run.
    """

    name: str
    same: bool

    @property
    def path(self) -> str:
        """Where the file lay when the job first read it."""
        return self.name.partition(_CONTENT)[0]


def known(
    paths: Sequence[str],
    names: Collection[str],
    digests: Mapping[str, str],
    digest: Callable[[str], str],
) -> dict[str, Known]:
    """Find the names under which a job knows its files.

    Parameters
    ----------
    paths : sequence of str
        Where the files lie now.
    names : collection of str
        Names of all inputs in Snakemake's note on the job's last run.
    digests : mapping of str to str
        SHA-256 of each input of that run, by the path at which it lay then.
    digest : callable
        Returns the SHA-256 of a file as it is now; raises OSError if it cannot be read.

    Returns
    -------
    dict of str to Known
        By path.
    """
    now = {path: digest(path) for path in paths if path in digests}
    # Names that are not the path of an input of that run: of files that had been moved or changed before it.
    others = [name for name in names if name not in digests]
    gone = [path for path in digests if path not in paths]
    found = {}
    for path in paths:
        if path not in digests:
            place = _moved(path, gone, digests, digest)
            if not place:
                found[path] = Known(path, same=False)
                continue
            gone.remove(place)
            found[path] = Known(_name(place, digests[place], names, others), same=True)
        elif now[path] == digests[path]:
            found[path] = Known(_name(path, now[path], names, others), same=True)
        else:
            found[path] = Known(changed(path, now[path]), same=False)
    return found


def changed(path: str, digest: str) -> str:
    """Return the name of a file whose content is not what it was."""
    return f"{path}{_CONTENT}{digest[:_DIGITS]})"


def _moved(path: str, gone: Sequence[str], digests: Mapping[str, str], digest: Callable[[str], str]) -> str:
    """Return where a file lay before, by its content; empty if it is a new one."""
    if not gone:  # else every file of a new exam would be read while a run is planned
        return ""
    content = digest(path)
    return next((place for place in gone if digests[place] == content), "")


def _name(path: str, digest: str, names: Collection[str], others: list[str]) -> str:
    """Return the name that the note has for an unchanged file, and take it from the others."""
    if path in names:
        return path
    own = [name for name in others if name.endswith(changed("", digest))]
    name = next(iter([*own, *(name for name in others if _CONTENT not in name)]), path)
    if name in others:
        others.remove(name)
    return name
