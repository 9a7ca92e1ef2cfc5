"""Segment exams of one's own, without a workflow: the command `hepaflow segment`."""

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from hepaflow.dicom.derived import version
from hepaflow.errors import UserError
from hepaflow.segment.archive import is_archive, name_of, unpack
from hepaflow.segment.output import PAGE, check_result, rehearse, write_exam
from hepaflow.segment.own_exam import result_of
from hepaflow.segment.report.measurements import Measurements
from hepaflow.segment.result_folder import aside, claimed, remove_remains
from hepaflow.segment.segmented import Segmented
from hepaflow.segment.source import Found, Source, find_exams
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision
from hepaflow.system.destination import make_folder
from hepaflow.volumes.volume import times


@dataclass(frozen=True)
class Model:
    """What segments an exam.

    Attributes
    ----------
    identity : mapping of str to str
        What tells it from other models; written with every result.
    segment : callable
        Takes CT values in HU, of shape (slices, rows, columns) in canonical orientation.
    """

    identity: Mapping[str, str]
    segment: Callable[[NDArray[Any]], Segmented]


def load_model(
    path: Path, *, device: Literal["auto", "cpu"], threads: int | None, precision: Precision | None = None
) -> Model:
    """Load a model from its file.

    Parameters
    ----------
    path : Path
        `hepaflow-model.zip` of a finished run.
    device : {'auto', 'cpu'}
        `auto` takes a GPU where there is one.
    threads : int or None
        Threads on the CPU; None for one a core.
    precision : {'fp32', 'tf32', 'bf16'}, optional
        Arithmetic of the networks, where it is not to be the model's own.

    Raises
    ------
    UserError
        If the file is no model, or damaged.
    """
    from hepaflow.model.bundle import read_bundle
    from hepaflow.model.segmenter import Segmenter  # with torch; it takes seconds to import

    bundle = read_bundle(path)
    if bundle.version != version():
        print(f"note: the model was made by hepaflow {bundle.version}, this is {version()}", file=sys.stderr)
    compute = ComputeSettings(accelerator=device)
    model = bundle.predicting_in(precision or bundle.precision)
    segmenter = Segmenter(model, compute, threads=threads, show=sys.stderr.isatty())
    return Model(model.identity, segmenter.segment)


@dataclass(frozen=True)
class Failure:
    """An exam of which there is no result, or not all of it: what was found, and all that is to be said of it.

    Nothing of it names the patient.
    """

    exam: str
    found: str
    told: str
    incomplete: bool = False
    """Whether there is a result, but for a part of it."""


@dataclass(frozen=True)
class Wishes:
    """How exams are to be segmented.

    Attributes
    ----------
    series, keep_names
        As `find_exams` has them.
    anonymise, overwrite
        As `write_exam` has them.
    keep_outside
        As `result_of` has it.
    """

    series: str | None = None
    anonymise: bool = False
    overwrite: bool = False
    keep_names: bool = False
    keep_outside: bool = False


def segment_exams(
    place: Path, out: Path, load: Callable[[], Model], *, say: Callable[[str], None] = print, **wishes: Any
) -> list[Failure]:
    """Segment every exam at a place, each into a folder of its own; one that fails does not stop the others.

    Parameters
    ----------
    place : Path
        NIfTI file, folder with DICOM or NIfTI files, or an archive of one.
    out : Path
        Folder to write to. Nothing is written elsewhere; an archive is unpacked in it, and removed again.
    load : callable
        Returns the model; called once, when there is an exam to segment.
    say : callable, optional
        Takes lines that tell how it goes. None of them names a patient.
    **wishes
        Fields of `Wishes`.

    Returns
    -------
    list of Failure

    Raises
    ------
    UserError
        If there is nothing to segment or nowhere to write to, or the model cannot be loaded.
    """
    wanted = Wishes(**wishes)
    with _found(place, out, wanted, say) as (found, told):
        for left_out in found.left_out:
            say(f"left out: {told(str(left_out))}")
        model = load()
        failures = []
        for number, source in enumerate(found.sources, start=1):
            say(f"[{number}/{len(found.sources)}] {source.name}")
            try:
                missing = _segment_one(source, out / source.name, model, say, wanted)
            except Exception as error:
                failures.append(_failure(source, error, told))
                say(f"  failed: {failures[-1].found}")
            else:
                if missing:
                    failures.append(Failure(source.name, missing[0], "\n".join(missing), incomplete=True))
    return failures


def _failure(source: Source, error: Exception, told: Callable[[str], str]) -> Failure:
    if isinstance(error, UserError):
        known = source.without_patient(error)
        return Failure(source.name, told(known.found), told(str(known)))
    # A fault of ours, or of the machine: told in full.
    print(told(source.told(traceback.format_exc())), file=sys.stderr)
    reason = told(source.told(f"{type(error).__name__}: {error}"))
    return Failure(source.name, reason, reason)


def list_failures(failures: Sequence[Failure], say: Callable[[str], None] = print) -> None:
    """List the exams that failed, each with its reason."""
    for failure in failures:
        say(f"\n{'not complete' if failure.incomplete else 'not segmented'}: {failure.exam}")
        for line in failure.told.splitlines():
            say(f"  {line}")


@contextmanager
def _found(
    place: Path, out: Path, wanted: Wishes, say: Callable[[str], None]
) -> Iterator[tuple[Found, Callable[[str], str]]]:
    """Find the exams; give them with what words messages so that they name places as the user does."""
    if not place.exists():
        raise UserError(
            "no such file or folder",
            file=place,
            remedy="name a NIfTI file, a folder of DICOM files, or an archive",
        )
    if place.is_dir() and out.resolve() == place.resolve():
        raise UserError("a folder of exams", file=out, expected="another folder for the results")
    make_folder(out)
    if remains := remove_remains(out):
        say(f"removed {remains} unfinished folder{'s' if remains > 1 else ''} of a command that was killed")
    if not is_archive(place):
        yield find_exams(place, series=wanted.series, keep_names=wanted.keep_names, without=out), str
        return
    with aside(out, "unpacked") as folder:

        def told(text: str) -> str:
            return text.replace(str(folder), str(place))

        unpack(place, folder)
        try:
            found = find_exams(folder, series=wanted.series, name=name_of(place), keep_names=wanted.keep_names)
        except UserError as error:
            raise error.reworded(told) from None
        yield found, told


def _segment_one(
    source: Source, folder: Path, model: Model, say: Callable[[str], None], wanted: Wishes
) -> tuple[str, ...]:
    """Segment an exam; return what of its result is missing."""
    clock = [time.perf_counter()]
    with claimed(folder):
        check_result(folder, overwrite=wanted.overwrite)
        exam = source.read()
        clock.append(time.perf_counter())
        of = f"{exam.series.short_name}, " if exam.series else ""
        say(f"  {of}{times(exam.grid.canonical_shape)} (slices, rows, columns)")
        for warning in (*exam.warnings, *rehearse(folder, exam, anonymise=wanted.anonymise)):
            say(f"  note: {warning}")
        segmented = model.segment(exam.hu)
        result = result_of(segmented, exam, keep_outside=wanted.keep_outside)
        clock.append(time.perf_counter())
        written = write_exam(
            folder,
            exam,
            result.labels,
            segmented.disagreement,
            model=model.identity,
            anonymise=wanted.anonymise,
            overwrite=wanted.overwrite,
            outside=result.outside,
            notes=result.notes,
        )
    for warning in written.measured.warnings:
        say(f"  note: {warning}")
    clock.append(time.perf_counter())
    read, computed, wrote = (after - before for before, after in pairwise(clock))
    seconds = f"read in {read:.0f} s, segmented in {computed:.0f} s, written in {wrote:.0f} s"
    say(f"  {_summary(written.measured)}; {seconds}")
    say(f"  {folder / PAGE}")
    return written.missing


def _summary(measured: Measurements) -> str:
    lesions = f"{len(measured.lesions)} lesion{'' if len(measured.lesions) == 1 else 's'}"
    if measured.liver_ml is None or measured.lesion_ml is None:
        return f"liver {measured.liver_voxels} voxels, {lesions} of {measured.lesion_voxels} voxels"
    return f"liver {measured.liver_ml:.1f} ml, {lesions} of {measured.lesion_ml:.1f} ml"
