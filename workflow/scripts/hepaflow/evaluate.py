"""Score a folder of segmentations against a folder of references, without a workflow."""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pydantic import ValidationError
from tqdm import tqdm

from hepaflow.errors import UserError
from hepaflow.evaluation import Scores, Segmentation
from hepaflow.labels import read_labels
from hepaflow.predictions import SUFFIXES, read_prediction
from hepaflow.scores import GIVEN, write_scores
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.statistics import summarise
from hepaflow.tables import score_table, write_statistics
from hepaflow.terminal import run_command

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
    name = path.name
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return _DECORATION.sub("", name)


def exams_in(folder: Path) -> dict[str, Path]:
    """Return the NIfTI files of a folder by exam.

    Raises
    ------
    UserError
        If there is none, or two files mean the same exam.
    """
    files = sorted(path for path in folder.glob("*") if path.name.endswith(SUFFIXES)) if folder.is_dir() else []
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

    Raises
    ------
    UserError
        If a segmentation has no reference.
    """
    segmented, known = exams_in(predictions), exams_in(references)
    missing = [exam for exam in segmented if exam not in known]
    if missing:
        raise UserError(
            f"no reference for {len(missing)} of {len(segmented)} segmentations: {', '.join(missing)}",
            file=references,
            expected="a label map of the same name, with or without LiTS' prefixes",
            remedy="rename the files, or take these segmentations out of the folder",
        )
    for exam, path in segmented.items():
        yield exam, path, known[exam]


def score_folder(predictions: Path, references: Path, values: PredictionLabels) -> pd.DataFrame:
    """Score every segmentation of a folder.

    Spacing is that of the reference's header.

    Parameters
    ----------
    predictions, references : Path
        Folders of label maps; files belong together by their names (`exam_of`).
    values : PredictionLabels
        What the segmentations' label values stand for; references have 0, 1 and 2.

    Returns
    -------
    DataFrame
        Tidy scores; the method is the name of the folder.
    """
    method, tables = predictions.resolve().name, []
    for exam, path, reference in tqdm(list(pair(predictions, references)), unit="exam"):
        labels, grid = read_labels(reference, exam=exam)
        scores = Scores(exam, Segmentation.of_labels(labels), grid.trusted_steps)
        found = read_prediction(path, exam=exam, image=grid, values=values)
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
    chosen = parser.parse_args(arguments)
    try:
        values = PredictionLabels(liver=tuple(chosen.liver), lesion=tuple(chosen.lesion))
    except ValidationError:
        parser.error("label values are whole numbers from 1 on")
    try:
        metrics = score_folder(chosen.predictions, chosen.references, values)
    except UserError as error:
        print(f"hepaflow: error\n{error}", file=sys.stderr)
        return 1
    summary = summarise(metrics)
    for stage in values.stages:
        print(f"\n{stage}, {metrics['exam'].nunique()} exams, 95 % interval in brackets")
        for name, value in score_table(summary, stage).itertuples(index=False):
            print(f"  {name:36}  {value}")
    if chosen.out:
        chosen.out.mkdir(parents=True, exist_ok=True)
        write_scores(metrics, chosen.out / "metrics.csv")
        write_scores(summary, chosen.out / "summary.csv")
        write_statistics(summary, chosen.out / "metrics.json")
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
