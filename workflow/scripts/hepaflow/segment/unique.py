"""Names for the exams of a command: no two alike, and to an exam that has a result that result's name."""

import re
from collections.abc import Collection
from itertools import chain, count
from pathlib import Path

from hepaflow.segment.digests import fingerprint, keyed, read_key
from hepaflow.segment.names import shortened
from hepaflow.segment.result_folder import digests_in
from hepaflow.segment.source import Source

_NUMBERED = r"exam-(\d+)"


class UniqueNames:
    """Names that are given once each.

    Parameters
    ----------
    out : Path
        Folder for results.
    reserved : collection of str
        Names that no exam may have; in small letters.
    """

    def __init__(self, out: Path, reserved: Collection[str]) -> None:
        self._key, self._earlier = read_key(out), digests_in(out)
        self._taken = set(reserved)
        numbers = [int(match[1]) for name in self._earlier if (match := re.fullmatch(_NUMBERED, name))]
        self._numbered = (f"exam-{number}" for number in count(max(numbers, default=0) + 1))

    def of_result(self, source: Source) -> str:
        """Return the name under which an exam has a result, if it is one that `free` could give; else nothing."""
        own = rf"{re.escape(shortened(source.name))}(-\d+)?" if source.name else _NUMBERED
        digests = {
            name: digest
            for name, digest in self._earlier.items()
            if digest and re.fullmatch(own, name) and name.lower() not in self._taken
        }
        wanted = keyed(fingerprint(source), self._key) if digests else ""
        name = next((name for name, digest in digests.items() if digest == wanted), "")
        self._taken |= {name.lower()} - {""}
        return name

    def free(self, source: Source) -> str:
        """Return a name that no other exam of the command has: its own, or one with a number.

        Numbers go on after those of earlier results, and pass over those of other exams' results.
        """
        short = shortened(source.name)
        more = (f"{short}-{number}" for number in count(2))
        candidates = chain([short], (name for name in more if not self._earlier.get(name)))
        # There are file systems to which upper and lower case are one.
        name = next(one for one in (candidates if short else self._numbered) if one.lower() not in self._taken)
        self._taken.add(name.lower())
        return name
