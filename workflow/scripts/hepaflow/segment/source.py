"""Exams of one's own, found where they lie: NIfTI files and DICOM series in any folder."""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hepaflow.dicom.identity import named_in, redacted, retold, without_patient
from hepaflow.dicom.left_out import LeftOut
from hepaflow.dicom.pixels import AIR
from hepaflow.dicom.reading import read_series
from hepaflow.dicom.series import Contents, Series, choose_series, find_series
from hepaflow.errors import UserError
from hepaflow.exams.image_warnings import image_warnings
from hepaflow.exams.walk import Skipped, counted, why_no_nifti
from hepaflow.segment.names import as_name, exam_name
from hepaflow.volumes.nifti_name import stem
from hepaflow.volumes.volume import Grid, read_image

_LEAST_RANGE = 100
"""HU from the lowest to the highest value; less are values that were brought into another range."""

_AS_HARD, _MOST_HARD = 600, 0.5
"""HU of bone, and the largest share of it: abdomens have 0.002; with 1024 added, all soft tissue is as hard."""


@dataclass(frozen=True)
class LoadedExam:
    """An exam as it is segmented.

    Attributes
    ----------
    name : str
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU, in canonical orientation.
    grid : Grid
        The exam's own grid.
    series : Series or None
        The DICOM series that it was read from, in the order of the grid's slices; None for a NIfTI file.
    warnings : tuple of str
        What whoever reads the result should know of the exam.
    """

    name: str
    hu: NDArray[Any]
    grid: Grid
    series: Series | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where one exam lies, and what it is called.

    Attributes
    ----------
    name : str
        Of its folder or file, which others may have as well; empty where it would say what the headers say of the
        patient.
    place : Path
        NIfTI file, or the folder of the DICOM files.
    series : tuple of Series
        CT series that may be meant; empty for a NIfTI file.
    wanted : str or None
        UID or number of the series to take.
    identifiers : frozenset of str
        What the headers of all that was found with it say of whose they are.
    """

    name: str
    place: Path
    series: tuple[Series, ...] = ()
    wanted: str | None = None
    identifiers: frozenset[str] = frozenset()

    def read(self) -> LoadedExam:
        """Read the exam.

        Raises
        ------
        UserError
            If it is unreadable, is no CT volume, or leaves open which series is meant; without naming the patient.
        """
        if not self.series:
            hu, grid = read_image(self.place, exam=self.name)
            _check_values(hu, self)
            return LoadedExam(self.name, hu, grid, None, tuple(image_warnings(hu, grid)))
        try:
            hu, grid, series = read_series(choose_series(Contents(self.place, self.series, ()), self.wanted))
            _check_values(hu, self)
        except UserError as error:
            raise self.without_patient(error) from None
        repaired = [f"headers repaired: {'; '.join(series.notes)}"] if series.notes else []
        odd = [self.told(one) for one in series.warnings]
        return LoadedExam(self.name, hu, grid, series, (*repaired, *odd, *image_warnings(hu, grid)))

    @property
    def is_unusable(self) -> bool:
        """Whether it is known beforehand that reading it will fail."""
        return bool(self.series) and all(one.refused for one in self.series)

    def told(self, text: str) -> str:
        """Return a text without what the headers say of the patient."""
        return redacted(text, self.identifiers)

    def without_patient(self, error: UserError) -> UserError:
        """Return an error without what the headers say of the patient."""
        return without_patient(error, self.identifiers, self.place)


@dataclass(frozen=True)
class Found:
    """The exams in a folder, and what in it was not taken for one."""

    sources: tuple[Source, ...]
    left_out: tuple[LeftOut, ...] = ()


def find_exams(
    place: Path,
    *,
    series: str | None = None,
    name: str = "",
    keep_names: bool = False,
    without: Path | None = None,
) -> Found:
    """Find the exams in a folder and the folders below.

    A NIfTI file is an exam. So is a CT series that has its folder for itself, or its study's share of the folder.
    Where files of several CT series of one study lie in the same folder they are one exam, of which it remains to
    be said which series is meant. If a series is named, every study is one exam, and the series is taken from it.

    Parameters
    ----------
    place : Path
        NIfTI file, DICOM file, or folder.
    series : str, optional
        SeriesInstanceUID or SeriesNumber.
    name : str, optional
        What the folder is called, where its own name does not tell.
    keep_names : bool, optional
        Call an exam as its folder is called even if that is the patient's name or number.
    without : Path, optional
        Folder for results: where it lies below, nothing in it is taken.

    Returns
    -------
    Found
        At least one exam, in the order of their places.

    Raises
    ------
    UserError
        If there is no exam, or not the series.
    """
    if not os.path.exists(place):
        raise UserError(
            "no such file or folder",
            file=place,
            remedy="name a NIfTI file, a folder of DICOM files, or an archive",
        )
    name = name or exam_name(os.path.basename(os.path.abspath(place)))  # a link's own name, not its target's
    if place.is_file() and stem(place.name) is not None:
        if series:
            raise UserError("a NIfTI file", file=place, expected="DICOM, of which --series names one series")
        return Found((Source(as_name(name), place),))
    if _lies_in(place, without):  # results are written beside the exams or above them, not below
        without = None
    contents = find_series(place)
    whose = contents.identifiers
    groups = _by_study(contents, series) if series else _by_folder(contents)
    sources = [Source("", _folder_of(group), group, series, whose) for group in groups]
    volumes, passed = _sorted_out(contents, series, without)
    sources += [Source("", path, identifiers=whose) for path in volumes]
    left_out = (*contents.left_out, *passed)
    if not sources:
        choose_series(replace(contents, left_out=left_out), series)  # says what there is instead
    sources = [one for one in sources if not _lies_in(one.place, without)]
    if not sources:
        raise UserError(
            "no exam outside of the folder for results",
            file=place,
            expected="exams and results in folders of their own",
            remedy="name another folder with --out, or move the exams out of this one",
        )
    sources.sort(key=lambda source: str(source.place))
    named = tuple(replace(one, name=_name(one, place, name, keep_names)) for one in sources)
    exams = {one.uid for source in sources for one in source.series}
    unusable = tuple(
        LeftOut(one.uid, str(one.number or ""), one.description, len(one.files), retold(one.refused, whose))
        for one in contents.unusable
        if one.uid not in exams
    )
    return Found(named, (*left_out, *unusable))


def read_exam(place: Path, *, name: str) -> LoadedExam:
    """Read the one exam that lies at a place: a NIfTI file, or a folder with the slices of one CT series.

    Raises
    ------
    UserError
        If there is none, or more than one, or it cannot be read.
    """
    sources = find_exams(place, name=name).sources
    found = [one for one in sources if not one.is_unusable] or sources
    if len(found) > 1:
        raise UserError(
            f"{len(found)} exams", exam=name, file=place, expected="one", remedy="name a folder of one"
        )
    return replace(found[0], name=name).read()


def _check_values(hu: NDArray[Any], source: Source) -> None:
    """Refuse what is not CT in HU, by the values that were measured: padding can be below those of any unit."""
    high = hu.max()
    low, high = float(hu.min(initial=high, where=hu > AIR)), float(high)
    hard = float(np.mean(hu > _AS_HARD))
    if low < 0 and high - low >= _LEAST_RANGE and hard <= _MOST_HARD:
        return
    found = f"values from {low:g} to {high:g}" if low < high else f"every voxel is {low:g}"
    found += f", {100 * hard:.0f} % of them as hard as bone" if low < 0 and hard > _MOST_HARD else ""
    found += f", beside padding of {float(hu.min()):g}" if hu.min() < low else ""
    counts_from_0 = "; from CT numbers that count from 0, subtract 1024" if high > 1000 else ""
    raise UserError(
        found,
        exam=source.name,
        file=source.place,
        expected="CT values in HU, in which air is near -1000 and fat near -100: not a label map, a picture, "
        "MR or PET, nor CT numbers that count from 0",
        remedy=f"leave the file out, or convert the exam again from its source{counts_from_0}",
    )


def _by_study(contents: Contents, wanted: str) -> list[tuple[Series, ...]]:
    """Return the series of every study in which one is to be chosen."""
    studies: dict[str, list[Series]] = defaultdict(list)
    for one in (*contents.series, *contents.unusable):
        studies[one.study_uid].append(one)
    having = [
        uid for uid, members in studies.items() if any(wanted in (one.uid, str(one.number)) for one in members)
    ]
    if not having:
        choose_series(contents, wanted)  # says which there are
    # A number is looked for in every study; a UID is that of one series alone.
    by_uid = any(wanted == one.uid for members in studies.values() for one in members)
    return [tuple(members) for uid, members in studies.items() if uid in having or not by_uid]


def _by_folder(contents: Contents) -> list[tuple[Series, ...]]:
    """Join the series of one study that share a folder; a series may be spread over several.

    Where one of them can be used, those of which no slice can are no exams of their own.
    """
    groups: list[tuple[set[tuple[str, Path]], list[Series]]] = []
    for one in (*contents.series, *contents.unusable):
        places = {(one.study_uid, path.parent) for path in one.files}
        joined = [group for group in groups if group[0] & places]
        groups = [group for group in groups if not group[0] & places]
        groups.append((places.union(*(group[0] for group in joined)), [*(m for g in joined for m in g[1]), one]))
    return [tuple(one for one in members if not one.refused) or tuple(members) for _, members in groups]


def _folder_of(group: Iterable[Series]) -> Path:
    return Path(os.path.commonpath([path.parent for one in group for path in one.files]))


def _lies_in(place: Path, folder: Path | None) -> bool:
    return folder is not None and place.resolve().is_relative_to(folder.resolve())


def _sorted_out(contents: Contents, series: str | None, without: Path | None) -> tuple[list[Path], list[LeftOut]]:
    """Return which of the files that are no DICOM are exams, and what is none; no name in it tells whose it is."""
    volumes, passed = [], list(contents.skipped)
    for path in contents.others:
        reason = why_no_nifti(path) or ("NIfTI, of which no series can be named" if series else "")
        if reason:
            passed.append(Skipped(path, reason))
        else:
            volumes.append(path)
    root = contents.folder.parent if contents.folder.is_file() else contents.folder
    passed = [one for one in passed if not _lies_in(one.place.parent, without)]
    told = [(count, retold(reason, contents.identifiers)) for count, reason in counted(passed, root)]
    return volumes, [LeftOut("", "", "", count, reason) for count, reason in told]


def _name(source: Source, root: Path, name: str, keep_names: bool) -> str:
    """Return the name of an exam's place below a folder, or none where it would name the patient."""
    below = source.place.relative_to(root) if root.is_dir() else Path()
    parts = [*below.parts[:-1], exam_name(below.name)] if below.parts else [name]
    given = as_name("-".join(parts))
    return "" if not keep_names and named_in(given, source.identifiers) else given
