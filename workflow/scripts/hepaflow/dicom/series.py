"""The series in a folder: found by header, told apart, and one chosen."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset

from hepaflow.dicom.geometry import GeometryError, Plane, positions
from hepaflow.dicom.headers import mended, read_header, why_not
from hepaflow.dicom.identity import identifiers, redacted
from hepaflow.errors import UserError
from hepaflow.folder_walk import PassedOver, Walk, walk


@dataclass(frozen=True)
class Series:
    """A CT series: one header a slice.

    Attributes
    ----------
    uid : str
        SeriesInstanceUID.
    number : int or None
        SeriesNumber.
    description : str
        SeriesDescription.
    headers : tuple of FileDataset
        Without pixels; as found, or in the order of the volume's slices once it was read.
    files : tuple of Path
        In the order of the headers.
    notes : tuple of str
        What was missing in the headers and has been filled in.
    """

    uid: str
    number: int | None
    description: str
    headers: tuple[FileDataset, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The series in words, for messages: number, description and UID, but nothing of the patient."""
        return f"{self.short_name} ({self.uid})"

    @property
    def short_name(self) -> str:
        """The same without the UID."""
        number = "without number" if self.number is None else str(self.number)
        return f"series {number}" + (f" '{self.description}'" if self.description else "")

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return str(self.headers[0].StudyInstanceUID)


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


@dataclass(frozen=True)
class Contents:
    """What a folder holds: CT series in the order of their numbers, and what was left out."""

    folder: Path
    series: tuple[Series, ...]
    left_out: tuple[LeftOut, ...]
    identifiers: frozenset[str] = frozenset()
    """What the headers of all objects say of whose they are; no message repeats it."""
    others: tuple[Path, ...] = ()
    """Files that are no DICOM."""
    passed_over: tuple[PassedOver, ...] = ()
    """What was not looked at."""


def find_series(folder: Path) -> Contents:
    """Find the CT series in a folder and the folders below, whatever the names of the files.

    Parameters
    ----------
    folder : Path
        A folder, or a single file of DICOM.

    Returns
    -------
    Contents
        Linked folders are looked at, too.

    Raises
    ------
    UserError
        If there is no such folder, or one below cannot be read.
    """
    if not folder.exists():
        raise UserError("no such folder", file=folder, remedy="name a folder with DICOM files")
    slices: dict[tuple[str, str], list[tuple[FileDataset, Path]]] = defaultdict(list)
    notes: dict[tuple[str, str], set[str]] = defaultdict(set)
    left_out: Counter[tuple[str, str, str, str]] = Counter()
    others: list[Path] = []
    seen: set[str] = set()
    whose: set[str] = set()
    walked = Walk((folder,), ()) if folder.is_file() else walk(folder)
    for path in walked.files:
        try:
            header = read_header(path)
            if header is None:
                others.append(path)
                continue
            whose |= identifiers([header])
            reason = why_not(header) or _another_plane(header)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            left_out["", "", "", f"not readable ({reason})"] += 1
            continue
        if not reason:
            header, filled = mended(header)
            instance = str(header.SOPInstanceUID)
            if instance not in seen:
                seen.add(instance)
                key = str(header.StudyInstanceUID), str(header.SeriesInstanceUID)
                slices[key].append((header, path))
                notes[key] |= set(filled)
                continue
            reason = "copies of other files"
        names = "SeriesInstanceUID", "SeriesNumber", "SeriesDescription"
        uid, number, description = (str(header.get(name) or "") for name in names)
        left_out[uid, number, description, reason] += 1
    found = [_series(uid, members, notes[study, uid]) for (study, uid), members in slices.items()]
    return Contents(
        folder,
        tuple(sorted(found, key=lambda one: (one.study_uid, one.number is None, one.number or 0, one.uid))),
        tuple(
            LeftOut(uid, number, redacted(description, whose), count, redacted(reason, whose))
            for (uid, number, description, reason), count in sorted(left_out.items())
        ),
        frozenset(whose),
        tuple(others),
        walked.passed_over,
    )


def choose_series(contents: Contents, wanted: str | None = None) -> Series:
    """Choose the series to segment.

    Parameters
    ----------
    contents : Contents
    wanted : str, optional
        SeriesInstanceUID or SeriesNumber; needed where a folder holds several CT series.

    Raises
    ------
    UserError
        If no CT series is there, or several and none is named, or the named one is missing or not alone.
    """
    found = [one for one in contents.series if wanted in (None, one.uid, str(one.number))]
    if len(found) == 1:
        return found[0]
    raise _no_choice(contents, wanted, found).reworded(lambda text: redacted(text, contents.identifiers))


def _no_choice(contents: Contents, wanted: str | None, found: Sequence[Series]) -> UserError:
    if wanted and not found:
        other = [str(one) for one in contents.left_out if wanted in (one.uid, one.number)]
        return UserError(
            f"no CT series {wanted}" + (f"; left out: {'; '.join(other)}" if other else ""),
            file=contents.folder,
            expected=f"one of: {_listed(contents.series)}" if contents.series else "a CT series",
            remedy="name a series that is listed, by its UID or its number",
        )
    if not found:
        reasons = "; ".join(str(one) for one in contents.left_out)
        return UserError(
            "no CT series" + (f"; left out: {reasons}" if reasons else ""),
            file=contents.folder,
            expected="a folder with the slices of a CT series",
            remedy="export the axial CT series as DICOM, one file a slice",
        )
    return UserError(
        f"{len(found)} CT series: {_listed(found)}",
        file=contents.folder,
        expected="one series to segment",
        remedy="name one with --series, by its UID" + ("" if wanted else " or its number"),
    )


def _listed(series: Sequence[Series]) -> str:
    return "; ".join(f"{one.name}, {len(one.files)} slices{_spacing(one)}" for one in series)


def _spacing(series: Series) -> str:
    planes = [Plane.of(header) for header in series.headers]
    if len(planes) < 2:
        return ""
    gap = float(np.median(np.diff(np.sort(positions(planes)))))
    rows, columns = planes[0].spacing
    return f" of {rows:.3g} × {columns:.3g} mm, {gap:.3g} mm apart"


def _another_plane(header: FileDataset) -> str:
    try:
        return "" if Plane.of(header).is_axial else "reformatted: not axial"
    except GeometryError as error:
        return str(error)


def _series(uid: str, members: Sequence[tuple[FileDataset, Path]], notes: set[str]) -> Series:
    headers, files = zip(*members, strict=True)
    number = headers[0].get("SeriesNumber")
    return Series(
        uid,
        None if number in (None, "") else int(number),
        redacted(str(headers[0].get("SeriesDescription") or ""), identifiers(headers)),
        headers,
        files,
        tuple(sorted(notes)),
    )
