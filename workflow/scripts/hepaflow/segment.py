"""Segment exams of one's own, without a workflow: the command `hepaflow segment`."""

import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from hepaflow.archive import SUFFIX, unpack
from hepaflow.dicom.derived import version
from hepaflow.errors import UserError
from hepaflow.exam_output import PAGE, check_free, write_exam
from hepaflow.exam_report.measurements import Measurements
from hepaflow.exam_source import Found, Source, find_exams
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision
from hepaflow.volume import times


class Segmented(Protocol):
    """What is found in an exam, in arrays of its shape (slices, rows, columns); a `SegmentedExam` is one."""

    @property
    def labels(self) -> NDArray[np.uint8]:
        """0 background, 1 liver, 2 lesion."""

    @property
    def disagreement(self) -> Mapping[str, NDArray[np.uint8]]:
        """For each stage, how far the networks disagree, in percent."""


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
    from hepaflow.model import read_bundle
    from hepaflow.segmenter import Segmenter  # with torch; it takes seconds to import

    bundle = read_bundle(path)
    if bundle.version != version():
        print(f"note: the model was made by hepaflow {bundle.version}, this is {version()}", file=sys.stderr)
    compute = ComputeSettings(accelerator=device)
    model = bundle.predicting_in(precision or bundle.settings.precision)
    segmenter = Segmenter(model, compute, threads=threads, show=sys.stderr.isatty())
    return Model(model.identity, segmenter.segment)


@dataclass(frozen=True)
class Failure:
    """An exam that was not segmented: what was found, and all that is to be said of it, without the patient."""

    exam: str
    found: str
    told: str


def segment_exams(
    place: Path,
    out: Path,
    load: Callable[[], Model],
    *,
    series: str | None = None,
    anonymise: bool = False,
    overwrite: bool = False,
    keep_names: bool = False,
    say: Callable[[str], None] = print,
) -> list[Failure]:
    """Segment every exam at a place, each into a folder of its own; one that fails does not stop the others.

    Parameters
    ----------
    place : Path
        NIfTI file, folder with DICOM or NIfTI files, or a zip of one.
    out : Path
        Folder to write to. Nothing is written elsewhere; a zip is unpacked in it, and removed again.
    load : callable
        Returns the model; called once, when there is an exam to segment.
    series, keep_names
        As `find_exams` has them.
    anonymise, overwrite
        As `write_exam` has them.
    say : callable, optional
        Takes lines that tell how it goes. None of them names a patient.

    Returns
    -------
    list of Failure

    Raises
    ------
    UserError
        If there is nothing to segment, or the model cannot be loaded.
    """
    with _found(place, out, series, keep_names) as found:
        for left_out in found.left_out:
            say(f"left out: {left_out}")
        model = load()
        failures = []
        for number, source in enumerate(found.sources, start=1):
            try:
                say(f"[{number}/{len(found.sources)}] {source.name}")
                _segment_one(source, out / source.name, model, say, anonymise=anonymise, overwrite=overwrite)
            except Exception as error:
                if not isinstance(error, UserError):  # a fault of ours, or of the machine: told in full
                    print(source.told(traceback.format_exc()), file=sys.stderr)
                reason = error.found if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
                in_full = str(error) if isinstance(error, UserError) else reason
                failures.append(Failure(source.name, source.told(reason), source.told(in_full)))
                say(f"  failed: {failures[-1].found}")
    return failures


def list_failures(failures: Sequence[Failure], say: Callable[[str], None] = print) -> None:
    """List the exams that failed, each with its reason."""
    for failure in failures:
        say(f"\nnot segmented: {failure.exam}")
        for line in failure.told.splitlines():
            say(f"  {line}")


@contextmanager
def _found(place: Path, out: Path, series: str | None, keep_names: bool) -> Iterator[Found]:
    if place.is_dir() and out.resolve() == place.resolve():
        raise UserError("a folder of exams", file=out, expected="another folder for the results")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"no folder to write to ({error.strerror})", file=out) from None
    if place.suffix.lower() != SUFFIX or not place.is_file():
        yield find_exams(place, series=series, keep_names=keep_names, without=out)
        return
    with tempfile.TemporaryDirectory(prefix=".unpacked.", dir=out) as folder:
        unpack(place, Path(folder))
        yield find_exams(Path(folder), series=series, name=place.stem, keep_names=keep_names)


def _segment_one(
    source: Source, folder: Path, model: Model, say: Callable[[str], None], *, anonymise: bool, overwrite: bool
) -> None:
    clock = [time.perf_counter()]
    check_free(folder, overwrite=overwrite)
    exam = source.read()
    clock.append(time.perf_counter())
    of = f"{exam.series.short_name}, " if exam.series else ""
    say(f"  {of}{times(exam.grid.canonical_shape)} (slices, rows, columns)")
    for warning in exam.warnings:
        say(f"  note: {warning}")
    segmented = model.segment(exam.hu)
    clock.append(time.perf_counter())
    measured = write_exam(
        folder,
        exam,
        segmented.labels,
        segmented.disagreement,
        model=model.identity,
        anonymise=anonymise,
        overwrite=overwrite,
    )
    for warning in measured.warnings:
        say(f"  note: {warning}")
    clock.append(time.perf_counter())
    read, computed, written = (after - before for before, after in pairwise(clock))
    say(f"  {_summary(measured)}; read in {read:.0f} s, segmented in {computed:.0f} s, written in {written:.0f} s")
    say(f"  {folder / PAGE}")


def _summary(measured: Measurements) -> str:
    lesions = f"{len(measured.lesions)} lesion{'' if len(measured.lesions) == 1 else 's'}"
    if measured.liver_ml is None or measured.lesion_ml is None:
        return f"liver {measured.liver_voxels} voxels, {lesions} of {measured.lesion_voxels} voxels"
    return f"liver {measured.liver_ml:.1f} ml, {lesions} of {measured.lesion_ml:.1f} ml"
