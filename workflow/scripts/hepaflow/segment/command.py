"""Segment exams of one's own, without a workflow: the command `hepaflow segment`."""

import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray
from tqdm import tqdm

from hepaflow.errors import UserError
from hepaflow.methods.plan import networks_of
from hepaflow.model.origin import NOTICE, ONLY_SIMPLE, Origin, in_words
from hepaflow.model.shipped import SHIPPED
from hepaflow.segment.choice import check_choice
from hepaflow.segment.digests import fingerprint, fingerprint_of_content, keyed, make_key, read_key
from hepaflow.segment.output import PAGE, check_result, is_up_to_date, rehearse, write_exam
from hepaflow.segment.overview.files import FILES, check_overview, write_overview
from hepaflow.segment.own_exam import result_of
from hepaflow.segment.places import searched
from hepaflow.segment.report.measurements import Measurements
from hepaflow.segment.result_folder import claimed, remove_remains
from hepaflow.segment.segmented import Segmented
from hepaflow.segment.source import LoadedExam, Source
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision
from hepaflow.system.destination import make_folder
from hepaflow.version import version
from hepaflow.volumes.steps import Spacing
from hepaflow.volumes.volume import times
from hepaflow.words import counted, duration


@dataclass(frozen=True)
class Model:
    """What segments an exam.

    Attributes
    ----------
    identity : mapping of str to str
        What tells it from other models; written with every result.
    segment : callable
        Takes CT values in HU, of shape (slices, rows, columns) in canonical orientation, and the spacing in mm,
        None where it cannot be trusted.
    origin : Origin or None
        What it was made from; None where that is not recorded.
    threads : int
        Threads on the CPU that it takes.
    """

    identity: Mapping[str, str]
    segment: Callable[[NDArray[Any], Spacing | None], Segmented]
    origin: Origin | None = None
    threads: int = 1


class Known(Protocol):
    """What is known of a model before it is loaded: `Model` has both, and so has its file."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What tells it from other models."""

    @property
    def origin(self) -> Origin | None:
        """What it was made from."""


def known_model(path: Path, *, device: Literal["auto", "cpu"], precision: Precision | None = None) -> Known:
    """Return what is known of the model that `load_model` would load, before it is; see there."""
    from hepaflow.model.bundle import read_bundle
    from hepaflow.model.segmenter import precision_here  # imports torch, which takes seconds

    bundle = read_bundle(path)
    return bundle.predicting_in(precision or precision_here(bundle.precision, ComputeSettings(accelerator=device)))


def load_model(
    path: Path,
    *,
    device: Literal["auto", "cpu"],
    threads: int | None,
    precision: Precision | None = None,
    say: Callable[[str], None] = print,
) -> Model:
    """Load a model from its file, and tell what it was made from.

    Parameters
    ----------
    path : Path
        `hepaflow-model.zip` of a finished run, or the model that comes with hepaflow.
    device : {'auto', 'cpu'}
        `auto` takes a GPU where there is one.
    threads : int or None
        Threads on the CPU; None for one a core.
    precision : {'fp32', 'tf32', 'bf16'}, optional
        Arithmetic of the networks; the model's own if it is not given, but where the processor is slow at that.
    say : callable, optional
        Takes lines that tell of the model, and how its loading goes.

    Raises
    ------
    UserError
        If the file is no model, or damaged.
    """
    import torch  # which takes seconds

    from hepaflow.model.bundle import read_bundle
    from hepaflow.model.segmenter import Segmenter, precision_here

    bundle, shipped, compute = read_bundle(path), path == SHIPPED, ComputeSettings(accelerator=device)
    if bundle.version != version() and not shipped:
        print(f"note: the model was made by hepaflow {bundle.version}, this is {version()}", file=sys.stderr)
    here = precision or precision_here(bundle.precision, compute)
    model, began = bundle.predicting_in(here), time.perf_counter()
    which = "model that comes with hepaflow, " if shipped else "model "
    say(f"{which}{model.identity['model']}: {in_words(bundle.origin)}")
    say(NOTICE)
    if precision is None and here != bundle.precision:
        say(
            f"computing in {here}: this processor has no instructions for {bundle.precision}, the model's own, "
            f"which would take ten times as long (`--precision {bundle.precision}` takes it all the same)"
        )
    if bundle.origin is not None and bundle.origin.of_simple_phantoms:
        say(ONLY_SIMPLE)
    steps = networks_of(model.plan)
    say(f"loading {counted(len(steps), 'network')}")
    show = sys.stderr.isatty()
    with tqdm(total=len(steps), desc="networks", unit="network", disable=not show, leave=False) as bar:

        def read(name: str) -> bytes:
            content = model.read(name)
            bar.update()
            return content

        segmenter = Segmenter(replace(model, read=read), compute, threads=threads, show=show)
    say(f"  loaded in {duration(time.perf_counter() - began)}")
    return Model(model.identity, segmenter.segment, bundle.origin, torch.get_num_threads())


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

    @property
    def headline(self) -> str:
        """The first line of what was found; others list what there is."""
        return next(iter(self.found.splitlines()), "")

    @property
    def reason(self) -> str:
        """What was found, what was expected and what to do; not where the exam lies."""
        lines = self.told.splitlines()
        return "\n".join(line for line in lines if not line.startswith(("exam: ", "file: ")))


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
    places: Sequence[Path],
    out: Path,
    load: Callable[[], Model],
    *,
    know: Callable[[], Known] | None = None,
    say: Callable[[str], None] = print,
    **wishes: Any,
) -> list[Failure]:
    """Segment every exam at some places, each into a folder of its own; one that fails does not stop the others.

    An exam that the same model has segmented before, with the same wishes, is passed over and told.

    Beside the folders lie, in the end, an overview and tables of all results in the folder for results, also of
    those that earlier commands have written.

    Parameters
    ----------
    places : sequence of Path
        NIfTI files, folders with DICOM or NIfTI files, archives of one, single files of a DICOM series.
    out : Path
        Folder to write to. Nothing is written elsewhere; archives are unpacked in it, and removed again.
    load : callable
        Returns the model; called once, when there is an exam to segment.
    know : callable, optional
        Returns what is known of the model without loading it; called once, when there are earlier results. Without
        it, none of them is known to be by the same model.
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
        If a place does not exist, there is nothing at the only one or nowhere to write to, or the model cannot be
        loaded.
    """
    wanted = Wishes(**wishes)
    _check_places(places, out)
    if remains := remove_remains(out):
        say(f"removed {counted(remains, 'unfinished folder')} of a command that was killed")
    reserved = {name.lower() for name in FILES}
    search = searched(places, out, series=wanted.series, keep_names=wanted.keep_names, reserved=reserved)
    with search as found:
        failures = [_nothing_at(one.number, one.error) for one in found if one.error]
        for note in (note for one in found for note in one.notes):
            say(note)
        for failure in failures:
            say(f"{failure.exam}: {failure.headline}")
        exams = [(source, one.told) for one in found for source in one.sources]
        if not exams:
            return failures
        waiting, kept, refused = _sorted_out(exams, out, wanted, know)
        for name in kept:
            say(f"{name}: segmented before by this model; the result was kept")
        first, unread = _first_to_read(waiting)
        for failure in (early := [*refused, *unread]):
            say(f"{failure.exam}: {failure.headline}")
        failures += early
        if not first:
            return failures + _sum_up(out, failures, say)
        try:
            model = load()  # takes seconds to minutes, so after all that can be refused without it
            for number, (source, told) in enumerate(waiting, start=1):
                say(f"[{number}/{len(waiting)}] {source.name}")
                try:
                    # No name holds an exam longer than it is segmented: it takes much memory.
                    missing = _segment_one(
                        first.pop() if first else _read(source), out / source.name, model, say, wanted
                    )
                except Exception as error:
                    failures.append(_failure(source, error, told))
                    say(f"  failed: {failures[-1].headline}")
                else:
                    if missing:
                        failures.append(Failure(source.name, missing[0], "\n".join(missing), incomplete=True))
        finally:  # also where the command is ended: what is finished is kept
            failures += _sum_up(out, failures, say)
    return failures


_Exam = tuple[Source, Callable[[str], str]]
"""An exam that was found, and what words a message so that it names places as the user does."""


@dataclass(frozen=True)
class _Read:
    """An exam in memory, its `fingerprint`, and how many seconds it took to read."""

    source: Source
    fingerprint: str
    exam: LoadedExam
    seconds: float


def _read(source: Source) -> _Read:
    began = time.perf_counter()
    known_by, exam = fingerprint(source), source.read()
    return _Read(source, known_by, exam, time.perf_counter() - began)


def _sorted_out(
    exams: Sequence[_Exam], out: Path, wanted: Wishes, know: Callable[[], Known] | None
) -> tuple[list[_Exam], list[str], list[Failure]]:
    """Part exams into those to segment, the names of those with the same result already, and those refused."""
    waiting, kept, refused, key = [], [], [], read_key(out)
    known = cache(know) if know else None
    for source, told in exams:
        folder = out / source.name
        try:
            check_choice(source)
            there = os.path.lexists(folder)
            if there and known and _is_done(source, folder, known, wanted):
                kept.append(source.name)
                continue
            digest = keyed(fingerprint(source), key) if there else ""
            check_result(folder, overwrite=wanted.overwrite, digest=digest)
        except UserError as error:
            refused.append(_failure(source, error, told))
        else:
            waiting.append((source, told))
    return waiting, kept, refused


def _is_done(source: Source, folder: Path, known: Callable[[], Known], wanted: Wishes) -> bool:
    """Return whether there is the result that this command would give."""
    content = "" if wanted.overwrite else keyed(fingerprint_of_content(source), read_key(folder.parent))
    return bool(content) and is_up_to_date(
        folder,
        source,
        known().identity,
        known().origin,
        content=content,
        anonymise=wanted.anonymise,
        keep_outside=wanted.keep_outside,
    )


def _first_to_read(waiting: list[_Exam]) -> tuple[list[_Read], list[Failure]]:
    """Read exams until one can be; those before it are taken out, and returned as failures."""
    unread: list[Failure] = []
    while waiting:
        source, told = waiting[0]
        try:
            return [_read(source)], unread
        except Exception as error:
            unread.append(_failure(source, error, told))
            del waiting[0]
    return [], unread


def _check_places(places: Sequence[Path], out: Path) -> None:
    for place in places:
        if not os.path.exists(place):  # Path.exists raises where we have no right to look
            raise UserError(
                "no such file or folder, or no right to look at it",
                file=place,
                remedy="name a NIfTI file, a folder of DICOM files, or an archive",
            )
        if place.is_dir() and out.resolve() == place.resolve():
            raise UserError("a folder of exams", file=out, expected="another folder for the results")
    make_folder(out)
    check_overview(out)


def _nothing_at(number: int, error: UserError) -> Failure:
    """Tell of a place at which there is no exam; by its number, for its name may be a patient's."""
    return Failure(f"EXAM number {number} of the command", error.found, str(error))


def _sum_up(out: Path, failures: Sequence[Failure], say: Callable[[str], None]) -> list[Failure]:
    """Write the overview; return what could not be written."""
    try:
        written = write_overview(out, {one.exam: one.reason for one in failures if not one.incomplete})
    except OSError as error:
        told = f"{', '.join(FILES)} could not be written ({error.strerror})"
        return [Failure("the overview of all exams", told, told, incomplete=True)]
    for name, why in written.unread.items():
        say(f"{out / name} is missing in the overview: {why}; segment its exam again with --overwrite")
    if count := len(written.found):
        exams = "the exam" if count == 1 else f"all {count} exams"
        say(f"{out / FILES[0]}: {exams} in this folder; the same in {' and '.join(FILES[1:])}")
    return []


def _failure(source: Source, error: Exception, told: Callable[[str], str]) -> Failure:
    if isinstance(error, OSError) and error.strerror:
        error = UserError(
            error.strerror,
            exam=source.name,
            file=error.filename or source.place,
            expected="a file or folder that can be read and written",
            remedy="look at its permissions, and at the disk or network folder that holds it; try again",
        )
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


def _segment_one(
    read: _Read, folder: Path, model: Model, say: Callable[[str], None], wanted: Wishes
) -> tuple[str, ...]:
    """Segment an exam; return what of its result is missing."""
    exam, clock = read.exam, [time.perf_counter()]
    with claimed(folder):
        if _is_done(read.source, folder, lambda: model, wanted):
            say("  another command has segmented it by this model meanwhile; its result was kept")
            return ()
        there = os.path.lexists(folder)  # else no key is left where nothing is written
        digest = keyed(read.fingerprint, make_key(folder.parent)) if there else ""
        check_result(folder, overwrite=wanted.overwrite, digest=digest)
        of = f"{exam.series.short_name}, " if exam.series else ""
        say(f"  {of}{times(exam.grid.canonical_shape)} (slices, rows, columns)")
        for warning in (*exam.warnings, *rehearse(folder, exam, anonymise=wanted.anonymise)):
            say(f"  note: {warning}")
        segmented = model.segment(exam.hu, exam.grid.trusted_spacing)
        result = result_of(segmented, exam, keep_outside=wanted.keep_outside)
        clock.append(time.perf_counter())
        key = make_key(folder.parent)
        written = write_exam(
            folder,
            exam,
            result.labels,
            segmented.disagreement,
            model=model.identity,
            origin=model.origin,
            anonymise=wanted.anonymise,
            overwrite=wanted.overwrite,
            digest=keyed(read.fingerprint, key),
            content=keyed(fingerprint_of_content(read.source), key),
            outside=result.outside,
            notes=result.notes,
            threads=model.threads,
        )
    for warning in written.measured.warnings:
        say(f"  note: {warning}")
    if result.outside.voxels and result.outside.left_out:
        say("  note: --keep-outside keeps what lies outside of the liver")
    clock.append(time.perf_counter())
    computed, wrote = (after - before for before, after in pairwise(clock))
    times_taken = (
        f"read in {duration(read.seconds)}, segmented in {duration(computed)}, written in {duration(wrote)}"
    )
    say(f"  {_summary(written.measured)}; {times_taken}")
    say(f"  {folder / PAGE}")
    return written.missing


def _summary(measured: Measurements) -> str:
    lesions = counted(len(measured.lesions), "lesion")
    if measured.liver_ml is None or measured.lesion_ml is None:
        return f"liver {measured.liver_voxels} voxels, {lesions} of {measured.lesion_voxels} voxels"
    return f"liver {measured.liver_ml:.1f} ml, {lesions} of {measured.lesion_ml:.1f} ml"
