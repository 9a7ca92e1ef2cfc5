"""Score a folder of segmentations against a folder of references, without a workflow."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pydantic import ValidationError
from tqdm import tqdm

from hepaflow.destination import make_folder
from hepaflow.errors import UserError
from hepaflow.evaluation import Scores, Segmentation
from hepaflow.folder_walk import HIDDEN, NO_IMAGE, why_no_nifti
from hepaflow.grid_warnings import grid_warnings
from hepaflow.labels import read_labels
from hepaflow.nifti_name import stem
from hepaflow.predictions import check_grid, read_prediction
from hepaflow.scores import GIVEN, write_scores
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.statistics import summarise
from hepaflow.tables import score_table, write_statistics
from hepaflow.terminal import run_command
from hepaflow.volume import read_grid

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
) -> pd.DataFrame:
    """Score every segmentation of a folder.

    Spacing is that of the reference's header.

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
    DataFrame
        Tidy scores; the method is the name of the folder.

    Raises
    ------
    UserError
        If a file is unreadable, or a segmentation does not lie on its reference's grid.
    """
    method, tables = predictions.resolve().name, []
    pairs = list(pair(predictions, references))
    for exam, path, reference in pairs:  # of all, before the first is scored
        check_grid(read_grid(path, exam=exam), read_grid(reference, exam=exam), path, exam, trust_grid=trust_grid)
    for exam, path, reference in tqdm(pairs, unit="exam"):
        labels, grid = read_labels(reference, exam=exam)
        for warning in grid_warnings(grid):
            print(f"note: {exam}: {warning}", file=sys.stderr)
        scores = Scores(exam, Segmentation.of_labels(labels), grid.trusted_steps)
        found = read_prediction(path, exam=exam, image=grid, values=values, trust_grid=trust_grid)
        scores.add(method, GIVEN, Segmentation.of_labels(found).only(values.stages))
        tables.append(scores.metrics())
    return pd.concat(tables, ignore_index=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m hepaflow.evaluate", description=__doc__)
    parser.add_argument("predictions", type=Path, help="folder of segmentations, .nii or .nii.gz")
    parser.add_argument("references", type=Path, help="folder of references: 0 background, 1 liver, 2 lesion")
    parser.add_argument("--out", type=Path, help="folder for metrics.csv, summary.csv and metrics.json")
    parser.add_argument(
        "--liver", type=int, nargs="*", default=[1, 2], metavar="VALUE",
        help="label values of the liver with its lesions in the segmentations (default: 1 2)",
    )  # fmt: skip
    parser.add_argument(
        "--lesion", type=int, nargs="*", default=[2], metavar="VALUE",
        help="label values of lesions in the segmentations (default: 2); none: only the liver is scored",
    )  # fmt: skip
    parser.add_argument(
        "--trust-grid",
        action="store_true",
        help="compare voxel by voxel, whatever the headers of a segmentation and its reference say of places",
    )
    chosen = parser.parse_args(arguments)
    try:
        values = PredictionLabels(liver=tuple(chosen.liver), lesion=tuple(chosen.lesion))
    except ValidationError:
        parser.error("label values are whole numbers from 1 on")
    if not values.stages:
        parser.error("nothing to score: give label values of the liver, of lesions, or of both")
    try:
        if chosen.out:
            make_folder(chosen.out)
        metrics = score_folder(chosen.predictions, chosen.references, values, trust_grid=chosen.trust_grid)
        summary = summarise(metrics)
        if chosen.out:
            write_scores(metrics, chosen.out / "metrics.csv")
            write_scores(summary, chosen.out / "summary.csv")
            write_statistics(summary, chosen.out / "metrics.json")
    except UserError as error:
        print(f"hepaflow: error\n{error}", file=sys.stderr)
        return 1
    for stage in values.stages:
        print(f"\n{stage}, {metrics['exam'].nunique()} exams, 95 % interval in brackets")
        for name, value in score_table(summary, stage).itertuples(index=False):
            print(f"  {name:36}  {value}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
