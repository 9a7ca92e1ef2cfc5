"""Score a folder of segmentations against a folder of references, without a workflow."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from hepaflow.errors import UserError
from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.exams.walk import HIDDEN, NO_IMAGE, why_no_nifti
from hepaflow.methods.given import check_grid, read_prediction
from hepaflow.methods.given_files import structures_of
from hepaflow.names import GIVEN
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volumes.grid_warnings import grid_warnings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.nifti_name import stem
from hepaflow.volumes.volume import read_grid

_DECORATION = re.compile(
    r"^(volume|segmentation|test-segmentation|liver)[-_]|[._-](label|segmentation|seg|prediction|pred)$"
)


def exam_of(path: Path) -> str:
    """Return the exam that a file's name means: without suffix, and without what LiTS and others put around it.

    Examples
    --------
    >>> exam_of(Path("segmentation-12.nii")), exam_of(Path("liver_12.nii.gz")), exam_of(Path("a.label.nii.gz"))
    ('12', '12', 'a')
    """
    return _DECORATION.sub("", stem(path.name) or path.name)


def exams_in(folder: Path) -> dict[str, Path]:
    """Return the NIfTI files of a folder by exam.

    Raises
    ------
    UserError
        If there is none, the folder cannot be read, or two files mean the same exam.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise UserError(
            f"no folder that can be read ({error.strerror})", file=folder, expected="a folder of label maps"
        ) from None
    files = [folder / name for name in names if not why_no_nifti(Path(name))]
    others = [name for name in names if why_no_nifti(Path(name)) not in ("", HIDDEN, NO_IMAGE)]
    if others:
        print(f"note: skipped in {folder.name}: {', '.join(others[:10])}: convert to .nii.gz", file=sys.stderr)
    if not files:
        raise UserError("no NIfTI file", file=folder, expected="label maps, .nii or .nii.gz")
    found: dict[str, Path] = {}
    for path in files:
        exam = exam_of(path)
        if exam in found:
            raise UserError(
                f"two files of the exam {exam!r}: {found[exam].name} and {path.name}",
                file=folder,
                expected="one label map for an exam",
                remedy="move one of them elsewhere",
            )
        found[exam] = path
    return found


def pair(predictions: Path, references: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield every exam that was segmented, with its segmentation and its reference.

    Exams that have a reference alone are told: no mean counts them.

    Raises
    ------
    UserError
        If a segmentation has no reference, or both are the same folder.
    """
    if predictions.resolve() == references.resolve():
        raise UserError("one folder for both", file=references, expected="segmentations and references apart")
    segmented, known = exams_in(predictions), exams_in(references)
    missing = [exam for exam in segmented if exam not in known]
    if missing:
        raise UserError(
            f"no reference for {len(missing)} of {len(segmented)} segmentations: {', '.join(missing)}",
            file=references,
            expected="a label map of the same name, with or without LiTS' prefixes",
            remedy="rename the files, or take these segmentations out of the folder",
        )
    if left := [exam for exam in known if exam not in segmented]:
        some = f"{', '.join(left[:10])}{', ...' if len(left) > 10 else ''}"
        print(f"note: {len(left)} of {len(known)} references have no segmentation: {some}", file=sys.stderr)
    for exam, path in segmented.items():
        yield exam, path, known[exam]


def score_folder(
    predictions: Path, references: Path, values: PredictionLabels, *, trust_grid: bool = False
) -> tuple[pd.DataFrame, list[UserError]]:
    """Score every segmentation of a folder that can be scored.

    Spacing is that of the reference's header. An error before anything is scored ends it; later ones only leave
    their exam out, so that no score is lost.

    Parameters
    ----------
    predictions, references : Path
        Folders of label maps; files belong together by their names (`exam_of`).
    values : PredictionLabels
        What the segmentations' label values stand for; references have 0, 1 and 2.
    trust_grid : bool, optional
        Compare voxel by voxel where the affines of a segmentation and its reference disagree.

    Returns
    -------
    scores : DataFrame
        Tidy; the method is the name of the folder.
    errors : list of UserError
        Of exams that are not among the scores.

    Raises
    ------
    UserError
        If the first exam cannot be scored, a file's header cannot be read, or a segmentation does not lie on its
        reference's grid.
    """
    method = os.path.basename(os.path.abspath(predictions))
    tables, errors = list[pd.DataFrame](), list[UserError]()
    pairs = list(pair(predictions, references))
    for exam, path, reference in pairs:  # of all, before the first is scored
        check_grid(read_grid(path, exam=exam), read_grid(reference, exam=exam), path, exam, trust_grid=trust_grid)
    for exam, path, reference in tqdm(pairs, unit="exam"):
        try:
            labels, grid = read_labels(reference, exam=exam)
            found = read_prediction(path, exam=exam, image=grid, values=values, trust_grid=trust_grid)
        except UserError as error:
            if not tables:
                raise
            errors.append(error)
            continue
        for warning in grid_warnings(grid):
            print(f"note: {exam}: {warning}", file=sys.stderr)
        scores = Scores(exam, segmentation_of(labels), grid.trusted_steps)
        scores.add(method, GIVEN, segmentation_of(found, structures_of(values)))
        tables.append(scores.metrics())
    return pd.concat(tables, ignore_index=True), errors
