"""The series in a folder: found by header, told apart, and one chosen."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset

from hepaflow.dicom.geometry import Plane, positions
from hepaflow.dicom.headers import Read, read_header, repaired
from hepaflow.dicom.identity import identifiers, redacted, retold, without_patient
from hepaflow.dicom.instances import (
    Slice,
    same_image,
    series_of,
    studies_of,
    told_apart,
    with_one_frame,
    with_own_instances,
)
from hepaflow.dicom.kinds import is_multi_frame, is_picture, unusable, why_not
from hepaflow.dicom.left_out import AllLost, LeftOut, Lost, counted, missing
from hepaflow.dicom.values import text, whole
from hepaflow.errors import UserError
from hepaflow.exams.walk import Skipped, Walk, walk

_A_SERIES = 3
"""Slices; fewer make no volume."""


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
    warnings : tuple of str
        What else is odd about the series, and does not forbid to use it; files that were left out of it among it.
    refused : str
        Why it makes no volume; empty where that remains to be seen.
    """

    uid: str
    number: int | None
    description: str
    headers: tuple[FileDataset, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: str = ""

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
class Contents:
    """What a folder holds: CT series in the order of their numbers, and what was left out."""

    folder: Path
    series: tuple[Series, ...]
    left_out: tuple[LeftOut, ...]
    identifiers: frozenset[str] = frozenset()
    """What the headers of all objects say of whose they are; no message repeats it."""
    others: tuple[Path, ...] = ()
    """Files that are no DICOM."""
    skipped: tuple[Skipped, ...] = ()
    """What was not looked at."""
    unusable: tuple[Series, ...] = ()
    """CT series of which not one slice can be used: exams that fail, not other objects."""


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
    slices: dict[tuple[str, str], list[Slice]] = defaultdict(list)
    by_uid: dict[tuple[str, ...], list[Slice]] = defaultdict(list)
    of_ct: list[tuple[Path, Read]] = []
    lost = AllLost()
    others: list[Path] = []
    whose: set[str] = set()
    walked = Walk((folder,), ()) if folder.is_file() else walk(folder)
    for path in walked.files:
        try:
            if (read := read_header(path)) is None:
                others.append(path)
                continue
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            lost.add(Lost(path, f"not readable ({reason})"))
            continue
        whose |= identifiers([read.header])
        if reason := why_not(read.header):
            lost.add(Lost(path, reason, read.header))
            continue
        of_ct.append((path, read))
    studies = studies_of(read.header for _, read in of_ct)
    for path, read in of_ct:
        header, filled = repaired(read.header, os.path.relpath(path.parent, folder), studies)
        filled += [f"{name} in a wrong form: taken as absent" for name in sorted(read.wrong)]
        one = Slice(header, path, [*filled, *read.notes], unusable(header, read.wrong))
        alike = by_uid[*series_of(header), text(header, "SOPInstanceUID")]
        if any(same_image(one, other) for other in alike):
            lost.add(Lost(path, "copies of other files", header))
            continue
        alike.append(one)
        slices[series_of(header)].append(one)
    parts = [part for members in slices.values() for part in told_apart(members)]
    found = []
    for part in parts:
        usable = [one for one in part if not one.unusable]
        if not usable and _is_exam(part):
            found.append(_series(part, AllLost()))
            continue
        for one in part:
            if one.unusable:
                lost.add(Lost(one.path, one.unusable, one.header))
        if usable:
            found.append(_series(usable, lost))
    found.sort(key=lambda one: (one.study_uid, one.number is None, one.number or 0, one.uid))
    everyone = frozenset(whose)
    return Contents(
        folder,
        tuple(one for one in _noting_shared_uids(found) if not one.refused),
        tuple(counted(lost, everyone)),
        everyone,
        tuple(others),
        walked.skipped,
        tuple(one for one in found if one.refused),
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
    for some in (contents.series, contents.unusable):
        found = [one for one in some if wanted in (None, one.uid, str(one.number))]
        if found:
            break
    if len(found) == 1:
        return found[0]
    raise without_patient(_no_choice(contents, wanted, found), contents.identifiers, contents.folder)


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
            expected="a CT exam: the slices of a series (DICOM) in a folder, or NIfTI files (.nii, .nii.gz)",
            remedy="name the folder or the file of the exam; where there is none yet, export the axial CT series "
            "as DICOM, one file a slice, or convert it to NIfTI",
        )
    return UserError(
        f"{len(found)} CT series: {_listed(found)}",
        file=contents.folder,
        expected="one series to segment",
        remedy="name one by its UID" if wanted else "put the files of one series into a folder of its own",
    )


def _listed(series: Sequence[Series]) -> str:
    return "; ".join(f"{one.name}, {len(one.files)} slices{spacing_in_words(one)}" for one in series)


def spacing_in_words(series: Series) -> str:
    """Return how far apart pixels and slices of a series are; nothing where its headers do not tell."""
    if series.refused or len(series.headers) < 2:
        return ""
    planes = [Plane.of(header) for header in series.headers]
    gap = float(np.median(np.diff(np.sort(positions(planes)))))
    rows, columns = planes[0].spacing
    return f" of {rows:.3g} × {columns:.3g} mm, {gap:.3g} mm apart"


def _is_exam(members: Sequence[Slice]) -> bool:
    """Tell whether slices that cannot be used are an exam that lost its headers, and not a few pictures."""
    headers = [one.header for one in members]
    scanned = len(headers) >= _A_SERIES and not all(is_picture(header) for header in headers)
    return scanned or any(is_multi_frame(header) for header in headers)


def _series(members: Sequence[Slice], lost: AllLost) -> Series:
    headers, files = tuple(one.header for one in members), tuple(one.path for one in members)
    notes = {note for one in members for note in one.notes}
    if with_own_instances(headers):
        notes.add("several images with one SOPInstanceUID: new ones were made")
    if frame := with_one_frame(headers):
        notes.add(frame)
    whose = identifiers(headers)
    reasons = Counter(one.unusable for one in members)  # of all slices, or of none
    refused = "; ".join(
        f"{reason} ({count} of {len(members)} files)" for reason, count in reasons.items() if reason
    )
    return Series(
        text(headers[0], "SeriesInstanceUID"),
        whole(headers[0], "SeriesNumber"),
        redacted(text(headers[0], "SeriesDescription"), whose),
        headers,
        files,
        tuple(sorted(notes)),
        tuple(retold(one, whose) for one in missing(members, lost)),
        refused,
    )


def _noting_shared_uids(found: Sequence[Series]) -> Iterator[Series]:
    """Tell where images of two series have one UID, to which results refer."""
    uids = [{text(header, "SOPInstanceUID") for header in one.headers} for one in found]
    counts = Counter(uid for inside in uids for uid in inside)
    for one, inside in zip(found, uids, strict=True):
        shared = sum(counts[uid] > 1 for uid in inside)
        told = f"{shared} images have the UIDs of images of another series (SOPInstanceUID)"
        yield replace(one, warnings=(*one.warnings, told)) if shared else one
