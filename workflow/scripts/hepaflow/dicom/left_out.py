"""Files of a folder that are no slices of the CT volumes in it, and how they are reported."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
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
    def of(self) -> tuple[str, str] | None:
        """UIDs of its study and series; None where they are unknown."""
        known = self.header is not None and text(self.header, "SeriesInstanceUID")
        return series_of(self.header) if known and self.header is not None else None


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


def counted(lost: Sequence[Lost], whose: Set[str]) -> Iterator[LeftOut]:
    """Count files that are left out for one reason of one series; nothing of it says whose they are."""
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for one in lost:
        names = "SeriesInstanceUID", "SeriesNumber", "SeriesDescription"
        uid, number, description = ("" if one.header is None else text(one.header, name) for name in names)
        counts[uid, number, description, one.reason] += 1
    for (uid, number, description, reason), count in sorted(counts.items()):
        yield LeftOut(uid, number, redacted(description, whose), count, retold(reason, whose))


def missing(members: Sequence[Slice], lost: Sequence[Lost]) -> Iterator[str]:
    """Report the files that were left out of a series, and those in its folders that cannot be read."""
    folders = {one.path.parent for one in members}
    own = Counter(one.reason for one in lost if one.of == series_of(members[0].header))
    other = Counter(one.reason for one in lost if one.of is None and one.path.parent in folders)
    for counts, where in ((own, "of the series"), (other, "in the same folder")):
        for reason, count in sorted(counts.items()):
            yield f"{count} file{'s' if count > 1 else ''} {where} left out: {reason}"
