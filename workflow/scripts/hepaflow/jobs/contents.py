"""Digests of the files that a run reads and does not make, kept from plan to plan.

Whether such a file is still what results were made from is a question of its content: its time says little, as
`cp -p`, `rsync -a`, `tar` and links bring older times. A digest is kept as long as size, time, inode and the time
of the inode's last change stay the same; no copy can set back the last of these. The digests only save time: if
they are absent, damaged or cannot be written, files are read again.
"""

import json
import os
import time
from hashlib import sha256 as digest_of_text
from pathlib import Path
from typing import Any

from hepaflow.files import sha256

_SETTLED = 2 * 10**9
"""Nanoseconds after which a second change of a file has another time on every file system (FAT counts in twos)."""


class Contents:
    """A folder with the digest of each of these files.

    Parameters
    ----------
    folder : Path
        Made at the first use. Each file has an entry of its own, so that jobs side by side can write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digest(self, path: str) -> str:
        """Return the SHA-256 digest of a file, which is read only if it may have changed since it was noted.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        state = _state(path)
        entry = self._entry(path)
        if entry.get("state") == state and entry["settled"]:
            return str(entry["sha256"])
        before = time.time_ns()
        digest = sha256(path)
        self._write(path, {"state": state, "settled": state[-1] < before - _SETTLED, "sha256": digest})
        return digest

    def noted(self, path: str) -> str:
        """Return the digest that was noted last, whatever the file is now; empty if there is none."""
        return str(self._entry(path).get("sha256", ""))

    def note(self, path: str, digest: str, since: int) -> None:
        """Note the digest that a job has taken of a file.

        Parameters
        ----------
        path : str
        digest : str
        since : int
            When the job began to read its inputs, in nanoseconds (`time.time_ns`). A file that changed later may
            have another digest by now, so it is read again when it is next asked for.
        """
        state = _state(path)
        settled = state[-1] < since - _SETTLED
        if self._entry(path) != (entry := {"state": state, "settled": settled, "sha256": digest}):
            self._write(path, entry)

    def forget_if_changed(self, path: str) -> None:
        """Drop the digest of a file that is no longer as it was when it was noted, without reading the file."""
        entry = self._entry(path)
        try:
            if entry and entry["state"] != _state(path):
                self._place(path).unlink(missing_ok=True)
        except OSError:
            return

    def _entry(self, path: str) -> dict[str, Any]:
        try:
            entry: dict[str, Any] = json.loads(self._place(path).read_text(encoding="utf-8"))
            whole = isinstance(entry, dict) and entry.keys() == {"path", "state", "settled", "sha256"}
        except (OSError, ValueError):
            return {}
        if not whole or entry.pop("path") != path:
            return {}
        return entry

    def _write(self, path: str, entry: dict[str, Any]) -> None:
        place = self._place(path)
        partial = place.with_name(f".{place.name}.{os.uname().nodename}.{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps({"path": path} | entry), encoding="utf-8")
            partial.replace(place)
        except OSError:
            return

    def _place(self, path: str) -> Path:
        return self._folder / f"{digest_of_text(path.encode(errors='surrogateescape')).hexdigest()[:32]}.json"


def _state(path: str) -> list[int]:
    """Return what the file system says of a file, or of a link's target: size, time, inode, its last change."""
    state = os.stat(path)
    return [state.st_size, state.st_mtime_ns, state.st_ino, state.st_ctime_ns]
