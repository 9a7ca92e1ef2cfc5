"""The shared cache: results of jobs, found again by what they were made from.

An entry's key is a digest of the job's recipe and of the *content* of its input files. So a result is found again
by another run, in another folder or clone, whatever made its inputs; and where a stage that ran again ends with
the same bytes as before, all below it is found again. Thread counts, devices and times are in no key.

An entry is a folder with the job's output files and a list of their digests. Every file is checked while it is
copied out: an entry that was cut short or altered is never served, but removed, and the job computes.
"""

import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from hepaflow.files import copy
from hepaflow.jobs.recipe import Recipe

log = logging.getLogger(__name__)

_MANIFEST = "entry.json"


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
    """A folder of results, shared by runs, clones and the jobs of a cluster.

    Parameters
    ----------
    folder : Path
        Made at the first use. Files get the usual permissions of their writer.
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
        """
        entry = self._entry(key)
        if not entry.exists():
            return None
        try:
            manifest = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
            wrong = [name for name in outputs if copy(entry / name, outputs[name]) != manifest["sha256"][name]]
            record: dict[str, Any] = manifest["record"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            wrong = [str(error)]
        if wrong:
            log.warning("the cache's entry %s is damaged (%s): removed, computing", entry, ", ".join(wrong))
            shutil.rmtree(entry, ignore_errors=True)
            for path in outputs.values():
                path.unlink(missing_ok=True)
            return None
        _touch(entry)
        return record

    def store(
        self, key: str, outputs: Mapping[str, Path], digests: Mapping[str, str], record: Mapping[str, Any]
    ) -> None:
        """Copy a job's outputs into an entry, unless there is one already.

        A cache that cannot be written (full, read-only) costs a warning, not the job's result.

        Parameters
        ----------
        key : str
        outputs : mapping of str to Path
        digests : mapping of str to str
            SHA-256 of each output.
        record : mapping
            What to hand back with the entry; ready for JSON.
        """
        entry = self._entry(key)
        if entry.exists():
            return
        partial = entry.with_name(f".{key}.{os.uname().nodename}.{os.getpid()}")
        try:
            partial.mkdir(parents=True)
            for name, path in outputs.items():
                if copy(path, partial / name) != digests[name]:
                    raise OSError(f"{path} changed while it was stored")
            manifest = {"sha256": dict(digests), "record": dict(record)}
            (partial / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
            os.rename(partial, entry)
        except OSError as error:
            if not entry.exists():  # else another job stored the same result meanwhile
                log.warning("the result could not be stored in the cache: %s", error)
            shutil.rmtree(partial, ignore_errors=True)

    def _entry(self, key: str) -> Path:
        return self._folder / key[:2] / key


def _touch(entry: Path) -> None:
    """Note that an entry was used: old ones can be told by their time."""
    try:
        os.utime(entry)
    except OSError as error:  # a cache of others, readable only
        log.info("the time of %s stays as it is: %s", entry, error)
