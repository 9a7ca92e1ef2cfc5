"""Files of a folder that are no slices of the CT volumes in it, and how they are reported."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from pydicom.dataset import FileDataset

from hepaflow.dicom.identity import redacted, retold
from hepaflow.dicom.instances import Slice, series_of
from hepaflow.dicom.values import text


class Lost(NamedTuple):
    """A file that is left out: what of, as far as that is known, and why."""

    path: Path
    reason: str
    header: FileDataset | None = None

    @property
    def of(self) -> tuple[str, str] | Path:
        """UIDs of its study and series; its folder where they are unknown."""
        known = self.header is not None and text(self.header, "SeriesInstanceUID")
        return series_of(self.header) if known and self.header is not None else self.path.parent


class AllLost:
    """All files that are left out, by what they are of."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, str] | Path, list[Lost]] = defaultdict(list)

    def add(self, one: Lost) -> None:
        """Add a file."""
        self._by_place[one.of].append(one)

    def reasons(self, *places: tuple[str, str] | Path) -> Counter[str]:
        """Count for which reasons files of series or folders are left out."""
        return Counter(one.reason for place in places for one in self._by_place.get(place, ()))

    def __iter__(self) -> Iterator[Lost]:
        return chain.from_iterable(self._by_place.values())


@dataclass(frozen=True)
class LeftOut:
    """Objects of a folder that are no slices of a CT volume.

    Attributes
    ----------
    uid, number, description : str
        Of their series; empty where unknown.
    count : int
        Files.
    reason : str
    """

    uid: str
    number: str
    description: str
    count: int
    reason: str

    def __str__(self) -> str:
        described = f" '{self.description}'" if self.description else ""
        series = f"series {self.number or 'without number'}{described}: " if self.uid else ""
        return f"{series}{self.count} file{'s' if self.count > 1 else ''}: {self.reason}"


def counted(lost: Iterable[Lost], whose: Set[str]) -> Iterator[LeftOut]:
    """Count files that are left out for one reason of one series; nothing of it says whose they are."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for one in lost:
        names = "SeriesInstanceUID", "SeriesNumber", "SeriesDescription"
        uid, number, description = ("" if one.header is None else text(one.header, name) for name in names)
        counts[uid, number, description, one.reason] += 1
    for (uid, number, description, reason), count in sorted(counts.items()):
        yield LeftOut(uid, number, redacted(description, whose), count, retold(reason, whose))


def missing(members: Sequence[Slice], lost: AllLost) -> Iterator[str]:
    """Report the files that were left out of a series, and those in its folders that cannot be read."""
    own = lost.reasons(series_of(members[0].header))
    other = lost.reasons(*{one.path.parent for one in members})
    for counts, where in ((own, "of the series"), (other, "in the same folder")):
        for reason, count in sorted(counts.items()):
            yield f"{count} file{'s' if count > 1 else ''} {where} left out: {reason}"
