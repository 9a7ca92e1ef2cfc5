"""One exam through the package's functions that the scripts call, from its files to its scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.exams.survey import survey
from hepaflow.masks.file import write_masks
from hepaflow.masks.map import FULL
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import read_restored
from hepaflow.methods.thesis import plan_of
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.slices import SliceFile, SliceStack
from hepaflow.settings.postprocess import PostprocessingSteps
from hepaflow.settings.workflow import Settings
from hepaflow.volumes.labels import label_map, read_labels
from hepaflow.volumes.volume import read_image, write_map

EXAM = "one"
SETTINGS = Settings.model_validate({"size": 32, "postprocessing": {"lesion": {"min_area": 1}}})
STEPS = plan_of(SETTINGS).methods["fusion"]


@dataclass(frozen=True)
class Walked:
    """What came of an exam."""

    survey: dict[str, Any]
    hu: NDArray[Any]
    labels: NDArray[np.uint8]
    slices: SliceStack
    segmentation: NDArray[np.uint8]
    metrics: pd.DataFrame

    def score(self, structure: str, metric: str) -> float:
        chosen = self.metrics.query("structure == @structure and metric == @metric and processing == 'clean'")
        return float(chosen["value"].item())


def walk(
    image: Path, label: Path, folder: Path, *, liver: bool | None = None, lesion: bool | None = None
) -> Walked:
    """Take an exam through all stages.

    In the place of the networks stand the reference's own masks; or, where `liver` or `lesion` is given, networks
    that predict everything (True) or nothing (False).
    """
    found = survey(EXAM, image, label)
    hu, grid = read_image(image, exam=EXAM)
    labels, _ = read_labels(label, exam=EXAM, image=grid)
    first = liver_slices(hu, labels >= 1, SETTINGS.liver_slices())
    livers = predict("liver", first, STEPS["liver"].postprocessing, liver, folder)
    second = lesion_slices(hu, livers, labels == 2, SETTINGS.lesion_slices())
    lesions = predict("lesion", second, STEPS["lesion"].postprocessing, lesion, folder)
    write_map(folder / "segmentation.nii.gz", label_map(livers, lesions), grid)
    written, given = nib.load(folder / "segmentation.nii.gz"), nib.load(image)
    assert written.shape == tuple(given.shape[:3])
    np.testing.assert_allclose(written.affine, given.affine, atol=1e-6)
    scores = Scores(EXAM, segmentation_of(labels), grid.trusted_steps)
    scores.add("oracle", "clean", {"liver": livers, "lesion": lesions})
    own, _ = read_labels(folder / "segmentation.nii.gz", exam=EXAM, image=grid)
    return Walked(found, hu, labels, first, own, scores.metrics())


def predict(
    stage: str,
    stack: SliceStack,
    steps: PostprocessingSteps,
    all_or_nothing: bool | None,
    folder: Path,
) -> NDArray[np.bool_]:
    """Write slices and masks as the stages do, and return the mask of the whole exam."""
    assert stack.mask is not None
    masks = stack.mask if all_or_nothing is None else np.full(stack.mask.shape, all_or_nothing)
    stack.save(folder / f"{stage}.safetensors")
    maps = np.where(masks, FULL, 0).astype(np.uint8)
    write_masks(folder / f"{stage}.npz", [(EXAM, clean(maps, steps))])
    return read_restored(folder / f"{stage}.npz", EXAM, SliceFile(folder / f"{stage}.safetensors"))
