"""The places that a command names, searched for exams: archives unpacked, and no two exams with one name."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hepaflow.dicom.headers import read_header
from hepaflow.dicom.values import uid
from hepaflow.errors import UserError
from hepaflow.segment.archive import is_archive, name_of, unpack
from hepaflow.segment.choice import series_meant
from hepaflow.segment.names import shortened
from hepaflow.segment.result_folder import aside
from hepaflow.segment.source import Found, Source, find_exams
from hepaflow.segment.unique import UniqueNames
from hepaflow.volumes.nifti_name import stem

_DIRECTORY = "dicomdir"
"""Name of the file in which a medium lists its DICOM files."""


@dataclass(frozen=True)
class Searched:
    """What a place holds.

    Attributes
    ----------
    number : int
        Of the place in the command, from 1.
    sources : tuple of Source
    notes : tuple of str
        What to tell of it before anything is segmented.
    told : callable
        Words a message so that it names places as the user does.
    error : UserError or None
        Why there is no exam.
    """

    number: int
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    told: Callable[[str], str] = str
    error: UserError | None = None


@contextmanager
def searched(
    places: Sequence[Path],
    out: Path,
    *,
    series: str | None = None,
    keep_names: bool = False,
    reserved: Collection[str] = (),
) -> Iterator[list[Searched]]:
    """Find the exams at some places, and name them. While they are used, archives lie unpacked beside the results.

    Parameters
    ----------
    places : sequence of Path
        NIfTI files, folders with DICOM or NIfTI files, archives of one, single DICOM files. They exist.
    out : Path
        Folder for results; nothing in it is taken for an exam.
    series, keep_names
        As `find_exams` has them.
    reserved : collection of str
        Names that no exam may have; in small letters.

    Raises
    ------
    UserError
        If there is one place alone, and no exam at it. Of several, each has its own error.
    """
    with ExitStack() as unpacked:
        found = []
        for number, place, of in _without_more_files_of_a_series(places):
            with ExitStack() as own:
                try:
                    one = _search(place, of, out, series, keep_names, own)
                    found.append(replace(one, number=number))
                except UserError as error:
                    if len(places) == 1:
                        raise
                    found.append(Searched(number, error=error))
                    continue
                unpacked.enter_context(own.pop_all())
        yield list(_named(list(_each_once(found)), UniqueNames(out, reserved)))


def _without_more_files_of_a_series(places: Sequence[Path]) -> Iterator[tuple[int, Path, str | None]]:
    """Yield places, numbered, with their `_series_of`; of files of one series, as `ct/*` lists them, the first."""
    seen = set()
    for number, place in enumerate(places, start=1):
        of = _series_of(place)
        if of is None or (place.parent, of) not in seen:
            yield number, place, of
        seen.add((place.parent, of))


def _search(
    place: Path, of: str | None, out: Path, series: str | None, keep_names: bool, unpacked: ExitStack
) -> Searched:
    if is_archive(place):
        folder = unpacked.enter_context(aside(out, "unpacked"))

        def told(text: str) -> str:
            return text.replace(str(folder), str(place))

        unpack(place, folder)
        try:
            return _with_left_out(
                find_exams(folder, series=series, name=name_of(place), keep_names=keep_names), told
            )
        except UserError as error:
            raise error.reworded(told) from None
    if of is None:
        return _with_left_out(find_exams(place, series=series, keep_names=keep_names, without=out))
    found = find_exams(place.parent, series=series or of or None, keep_names=keep_names, without=out)
    what = "the series that it belongs to" if of and not series else "the exam"
    own, around = (found.sources[0].told(str(path)) for path in (place, place.parent))
    note = f"{own} is one file: {what} is segmented, from the folder {around}"
    searched = _with_left_out(found)
    return replace(searched, notes=(note, *searched.notes))


def _with_left_out(found: Found, told: Callable[[str], str] = str) -> Searched:
    return Searched(0, found.sources, tuple(f"left out: {told(str(one))}" for one in found.left_out), told)


def _series_of(place: Path) -> str | None:
    """Return the UID of the series of a single DICOM file, empty where it tells none; None for all else."""
    if not place.is_file() or stem(place.name) is not None:
        return None
    if place.name.lower() == _DIRECTORY:
        return ""
    try:
        read = read_header(place)
    except (OSError, ValueError):  # which is told where it is searched for exams
        return None
    return None if read is None else uid(read.header, "SeriesInstanceUID")


def _each_once(found: Sequence[Searched]) -> Iterator[Searched]:
    """Leave out exams that another place holds as well: a folder, and a file in it."""
    seen: set[tuple[str, ...]] = set()
    for one in found:
        kept, notes = [], list(one.notes)
        for source in one.sources:
            key = (os.path.realpath(source.place), *sorted(series.uid for series in series_meant(source)))
            if key in seen:
                notes.append(f"{_place(one, source)} was named already: it is segmented once")
            else:
                kept.append(source)
            seen.add(key)
        yield replace(one, sources=tuple(kept), notes=tuple(notes))


def _named(found: Sequence[Searched], names: UniqueNames) -> Iterator[Searched]:
    """Give every exam a name of its own; where that is not its folder's, say so."""
    of_results = [[names.of_result(source) for source in one.sources] for one in found]  # before others take them
    for one, known in zip(found, of_results, strict=True):
        sources, notes = [], list(one.notes)
        for source, earlier in zip(one.sources, known, strict=True):
            name, short = earlier or names.free(source), shortened(source.name)
            if short != source.name:
                notes.append(f"the exam at {_place(one, source)} is called {name}: its own name is too long")
            elif short and name != short:
                notes.append(f"{short} is taken: the exam at {_place(one, source)} is called {name}")
            sources.append(replace(source, name=name))
        yield replace(one, sources=tuple(sources), notes=tuple(notes))


def _place(found: Searched, source: Source) -> str:
    return source.told(found.told(str(source.place)))
