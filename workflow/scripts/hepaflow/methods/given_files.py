"""Segmentations by other systems or by people: where they lie, a label map for every test exam, and of what.

Read while a run is planned, so it imports no library that reads them.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.names import STRUCTURES
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volumes.nifti_name import SUFFIXES
from hepaflow.words import counted


def structures_of(values: PredictionLabels) -> tuple[str, ...]:
    """Return the structures that a system has a segmentation for."""
    return tuple(structure for structure in STRUCTURES if getattr(values, structure))


def prediction_file(folder: Path, exam: str) -> Path | None:
    """Return the label map of an exam in a folder; None if there is none."""
    return next(iter(_files(folder, exam)), None)


def _files(folder: Path, exam: str) -> list[Path]:
    suffixes = [*SUFFIXES, *(suffix.upper() for suffix in SUFFIXES)]
    # os.path's test is False, and no error, for a name that no file can have and in a folder that is closed to us.
    found = [path for suffix in suffixes if os.path.exists(path := folder / f"{exam}{suffix}")]
    return [path for number, path in enumerate(found) if not any(path.samefile(one) for one in found[:number])]


def check_predictions(name: str, folder: Path, exams: Iterable[str]) -> None:
    """Refuse a folder that does not have exactly one label map for every test exam.

    Raises
    ------
    UserError
        If any are missing; it names all of these exams. Or if an exam has two.
    """
    found = {exam: _files(folder, exam) for exam in exams}
    missing = [exam for exam, files in found.items() if not files]
    if missing:
        raise UserError(
            f"no label map of predictions.{name} for {counted(len(missing), 'test exam')}: {', '.join(missing)}",
            file=folder,
            expected="{exam}.nii.gz or {exam}.nii for every test exam of the sheet",
            remedy="put the files there under the exams' names, or remove this entry of `predictions`",
        )
    for exam, files in found.items():
        if len(files) > 1:
            raise UserError(
                f"two label maps of predictions.{name}: {' and '.join(path.name for path in files)}",
                exam=exam,
                file=folder,
                expected="one label map for an exam",
                remedy="move one of them elsewhere",
            )
