"""The shared cache: results of jobs, found again by what they were made from.

An entry's key is a digest of the job's recipe and of the *content* of its input files. So a result is found again
by another run, in another folder or clone, whatever made its inputs; and if a stage that ran again writes the same
bytes as before, the results of all later stages are found again. Thread counts, devices and times are in no key.

An entry is a folder with the job's output files and a list of their digests. Every file is checked while it is
copied out: an entry that was altered is not used but removed, and the job computes. An entry that cannot be read
now, or not by this user, stays; one that has lost files is replaced when its result has been computed again.
"""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from hepaflow.files import copy
from hepaflow.files import sha256 as digest_of
from hepaflow.jobs.recipe import Recipe

log = logging.getLogger(__name__)

_MANIFEST = "entry.json"
_CHUNK = 1 << 22

_UNFINISHED = ".unfinished"
"""Folder of entries that jobs are storing."""

_DEAD = 7 * 86400.0
"""Seconds after which the job that was storing an entry must have died."""


class _UnreadableError(Exception):
    """A file of an entry cannot be read; that does not say that its content is wrong."""


def cache_key(recipe: Recipe, inputs: Sequence[tuple[str, str]]) -> str:
    """Return the key of a result.

    Parameters
    ----------
    recipe : Recipe
    inputs : sequence of (name, digest)
        File name without folders and digest of the content of each input, in the rule's order.
    """
    parts = {"recipe": recipe.as_dict(), "inputs": [list(pair) for pair in inputs]}
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class Cache:
    """A folder of results, shared by runs, clones, the jobs of a cluster, and users.

    Parameters
    ----------
    folder : Path
        Made at the first use. What is stored in it gets its permissions: who may write to it may add to all of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def restore(self, key: str, outputs: Mapping[str, Path]) -> dict[str, Any] | None:
        """Copy the files of an entry to a job's outputs, if there is one and it is whole.

        Parameters
        ----------
        key : str
        outputs : mapping of str to Path
            Where to write each file of the entry.

        Returns
        -------
        dict or None
            The record that was stored with the entry; None if there is no usable entry, and no file was written.

        Raises
        ------
        OSError
            If an output cannot be written.
        """
        entry = self._entry(key)
        try:
            digests, record = _manifest(entry)
        except FileNotFoundError as error:
            if _exists(entry):
                log.warning("the cache's entry %s is damaged (%s): computing", entry, error)
            return None
        except _UnreadableError as error:
            log.warning("the cache's entry %s%s cannot be read (%s): computing", entry, _owner(entry), error)
            return None
        try:
            wrong = [name for name, path in outputs.items() if not _copied(entry / name, path, digests.get(name))]
        except _UnreadableError as error:
            log.warning("the cache's entry %s%s cannot be read (%s): computing", entry, _owner(entry), error)
        else:
            if not wrong:
                _touch(entry)
                return record
            log.warning("the cache's entry %s is damaged (%s): removed, computing", entry, ", ".join(wrong))
            self._remove(entry)
        for path in outputs.values():
            path.unlink(missing_ok=True)
        return None

    def store(
        self, key: str, outputs: Mapping[str, Path], digests: Mapping[str, str], record: Mapping[str, Any]
    ) -> None:
        """Copy a job's outputs into an entry, unless there is a whole one already.

        A cache that cannot be written (full, read-only) costs a warning, not the job's result.

        Parameters
        ----------
        key : str
        outputs : mapping of str to Path
        digests : mapping of str to str
            SHA-256 of each output.
        record : mapping
            What `restore` returns with the entry; ready for JSON.
        """
        entry = self._entry(key)
        partial = None
        try:
            broken = _exists(entry)
            if broken and not _is_broken(entry, outputs):
                return
            unfinished = self._made(self._folder / _UNFINISHED)
            partial = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=unfinished))
            for dead in _dead(partial):
                shutil.rmtree(dead, ignore_errors=True)
            for name, path in outputs.items():
                if copy(path, partial / name) != digests[name]:
                    raise OSError(f"{path} changed while it was stored")
            manifest = {"sha256": dict(digests), "record": dict(record)}
            (partial / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            for path in (partial, *partial.iterdir()):
                self._share(path)
            self._made(entry.parent)
            if broken and _is_broken(entry, outputs):  # no other job has replaced it meanwhile
                self._remove(entry)
            os.rename(partial, entry)
        except OSError as error:
            if not _exists(entry):  # else another job stored the same result meanwhile
                log.warning("the result could not be stored in the cache: %s", error)
            if partial is not None:
                shutil.rmtree(partial, ignore_errors=True)

    def _entry(self, key: str) -> Path:
        return self._folder / key[:2] / key

    def _made(self, folder: Path) -> Path:
        """Make a folder of the cache, for all who may write to the cache."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir()
            self._share(folder)
        return folder

    def _share(self, path: Path) -> None:
        """Give a new file or folder the permissions of the cache, whatever this user's umask is."""
        mode = self._folder.stat().st_mode
        with suppress(OSError):  # of file systems without permissions
            path.chmod(mode & 0o3777 if path.is_dir() else mode & 0o666)

    def _remove(self, entry: Path) -> None:
        """Remove an entry as a whole or not at all, as others may be reading it."""
        try:
            aside = Path(tempfile.mkdtemp(prefix=f"{entry.name}.", dir=self._made(self._folder / _UNFINISHED)))
            os.rename(entry, aside)
        except OSError as error:
            log.warning("%s%s cannot be removed: %s", entry, _owner(entry), error)
            return
        shutil.rmtree(aside, ignore_errors=True)


def _manifest(entry: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return an entry's digests, and its record.

    Raises
    ------
    FileNotFoundError
        If there is no entry, or it has no list of files.
    _UnreadableError
        If the list cannot be read, or is not valid.
    """
    try:
        read = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        digests, record = read["sha256"], read["record"]
        if not isinstance(record, dict) or not record:
            raise TypeError("without a record")
        return dict(digests), record
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _UnreadableError(f"{_MANIFEST}: {error!r}") from error


def _copied(source: Path, target: Path, expected: str | None) -> bool:
    """Copy a file out of an entry; return whether it is what was stored. A wrong digest is checked again."""
    for _ in range(2):
        digest = sha256()
        with open(target, "wb") as writing:
            for chunk in _chunks(source):
                digest.update(chunk)
                writing.write(chunk)
            writing.flush()
            os.fsync(writing.fileno())
        if digest.hexdigest() == expected:
            return True
    return False


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise _UnreadableError(error) from error


def _is_broken(entry: Path, outputs: Mapping[str, Path]) -> bool:
    """Return whether parts of an entry are gone or damaged; not if that cannot be told."""
    try:
        digests, _ = _manifest(entry)
        return any(digest_of(entry / name) != digests.get(name) for name in outputs)  # raises if one is gone
    except FileNotFoundError:
        return True
    except _UnreadableError as error:
        return not isinstance(error.__cause__, OSError)
    except OSError:
        return False


def _exists(entry: Path) -> bool:
    """Return whether there is an entry; also where this user may not look."""
    try:
        return entry.exists()
    except OSError:
        return True


def _dead(own: Path) -> Iterator[Path]:
    """Yield what jobs that died have left beside the entry that is being stored."""
    now = own.stat().st_mtime  # by the clock of the file system
    for path in own.parent.iterdir():
        with suppress(FileNotFoundError):  # of another job, which has finished
            if path.stat().st_mtime < now - _DEAD:
                yield path


def _owner(entry: Path) -> str:
    """Return ' of NAME' for an entry of another user; empty for one of this user."""
    try:
        state = entry.stat()
        return "" if state.st_uid == os.getuid() else f" of {entry.owner()}"
    except (OSError, KeyError):
        return ""


def _touch(entry: Path) -> None:
    """Note that an entry was used: its time tells which entries are old."""
    try:
        os.utime(entry)
    except OSError as error:  # a cache of others, readable only
        log.info("the time of %s stays as it is: %s", entry, error)
