"""Folders that a run writes to, and the room on their disk."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, cast

from hepaflow.checks.check import NOTE, OK, WRONG, Found
from hepaflow.exams.sheet import ExamSheet
from hepaflow.settings.workflow import Settings
from hepaflow.words import counted

MB_OF_A_SLICE = 0.27
"""Preprocessed for both stages, of 256×256 (docs/slurm.md)."""
MB_OF_A_MAP = 0.026
"""Maps of both stages, for each slice and network."""
GB_OF_A_NETWORK = 2.0
"""Weights of both stages, in the model's file once more, and the states of trainings, for a large network."""
GB_OF_THE_DEMO = 1.4


def places(settings: Settings) -> dict[str, Path]:
    """Return the folders that a run writes to, by what they are for."""
    folders = {"results": Path(settings.results), "scratch": Path(tempfile.gettempdir())}
    return folders | ({"cache": Path(settings.cache)} if settings.cache else {})


def writable(folder: Path) -> Found:
    """Yield whether a folder can be written to, or the one in which it will be made."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        yield WRONG, f"{folder}: {place} cannot be written to ({error.strerror})"
        return
    yield (
        OK,
        f"{folder} can be written to" + ("" if place == folder.absolute() else f" (it will be made in {place})"),
    )


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def disk(settings: Settings, exams: ExamSheet | None) -> Found:
    """Yield whether the results have room; without a sheet of exams, how much there is."""
    place = _existing(Path(settings.results))
    free = shutil.disk_usage(place).free / 1e9
    there = f"{free:.0f} GB are free in {place}"
    if settings.phantoms is not None:
        yield NOTE, f"{there}; the needs of phantoms are not known in advance (the demo: {GB_OF_THE_DEMO:g} GB)"
        return
    slices = slices_of(settings, exams) if exams else 0
    if not slices:
        why = "as no image tells its slices" if exams else "as the exams are not"
        yield NOTE, f"{there}; what the run needs is not known, {why}"
        return
    networks, pixels = len(settings.networks), (settings.size / 256) ** 2
    need = slices * pixels * (MB_OF_A_SLICE + networks * MB_OF_A_MAP) / 1000 + networks * GB_OF_A_NETWORK
    told = f"{there}; {counted(slices, 'slice')} and {counted(networks, 'network')} take about {need:.0f}"
    if settings.cache:
        told += ", and the cache as much"
    if free >= need:
        yield OK, told
    else:  # some of it may be there already
        yield NOTE if Path(settings.results).is_dir() else WRONG, told


def slices_of(settings: Settings, exams: ExamSheet) -> int:
    """Return the slices of all exams, from the headers of their images; those that do not tell count none."""
    import nibabel

    total = 0
    for name in exams.names():
        path = Path(settings.data, exams[name].image).expanduser()
        try:
            total += int(cast("Any", nibabel.load(path)).shape[2])
        except (OSError, IndexError, nibabel.filebasedimages.ImageFileError):
            if path.is_dir():
                total += sum(1 for file in path.iterdir() if file.is_file())
    return total
