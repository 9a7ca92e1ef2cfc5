"""An exam segmented from beginning to end in one process: the second mode of the thesis' fusion model (4.6.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from tqdm import tqdm

from hepaflow.masks.disagreement import disagreement
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import restore
from hepaflow.model.trained import TrainedModel
from hepaflow.names import STAGES
from hepaflow.networks.compute import fitting_batch, make_fabric
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import load_weights
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.slices import SlicesInMemory, SliceStack
from hepaflow.sampling.predictor import Predictor
from hepaflow.settings.compute import ComputeSettings
from hepaflow.volumes.labels import label_map


@dataclass(frozen=True)
class SegmentedExam:
    """What was found in an exam, on its own grid in canonical orientation.

    Attributes
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
        The liver with its lesions, and the lesions.
    disagreement : dict of str to ndarray of uint8, same shape
        For either stage, how far the networks disagree, in percent (`hepaflow.masks.disagreement`).
    """

    liver: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    disagreement: dict[str, NDArray[np.uint8]]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label map: 0 background, 1 liver, 2 lesion."""
        return label_map(self.liver, self.lesion)


class Segmenter:
    """The networks and fusion weights of a model, loaded once, ready for any number of exams.

    Parameters
    ----------
    model : TrainedModel
    compute : ComputeSettings
        Slices go through the networks in batches of `prediction_batch`, or as many as memory has room for.
    threads : int, optional
        Threads on the CPU.
    show : bool, optional
        Whether to show a progress bar for each stage.

    Raises
    ------
    UserError
        If the model is damaged, or its weights do not fit.
    """

    def __init__(
        self, model: TrainedModel, compute: ComputeSettings, *, threads: int | None = None, show: bool = False
    ) -> None:
        self._settings, self._fusion, self._show = model.settings, model.fusion, show
        batch = fitting_batch(compute, model.settings.liver_slices.size)
        fabric = make_fabric(model.precision, batch, threads=threads)
        self._predictors: dict[str, list[Predictor]] = {
            stage: [_predictor(model, stage, name, fabric, batch) for name in self._settings.networks]
            for stage in STAGES
        }

    def segment(self, hu: NDArray[Any]) -> SegmentedExam:
        """Segment an exam, step by step as the workflow's rules do, with the same result.

        Window and slices (thesis 4.2), the liver networks, post-processing (4.7), fusion (4.6.2) and
        post-processing again; volume of interest and contrast (4.3), the lesion networks, post-processing (4.8)
        and fusion; and back to the exam's grid (4.9).

        Memory beside the networks and one batch: the exam, its slices on the networks' grid, and some masks.

        Parameters
        ----------
        hu : ndarray, shape (slices, rows, columns)
            CT values in HU, in canonical orientation (`hepaflow.volumes.volume`).

        Returns
        -------
        SegmentedExam
            Empty masks where no liver was found.
        """
        slices, rows, columns = hu.shape
        shape = (slices, rows, columns)
        found: dict[str, NDArray[np.bool_]] = {}
        maps: dict[str, NDArray[np.uint8]] = {}
        stack = liver_slices(hu, None, self._settings.liver_slices)
        for stage in STAGES:
            if stage == "lesion":
                steps, threads = self._settings.lesion_slices, torch.get_num_threads()  # as make_fabric has set it
                stack = lesion_slices(hu, found["liver"], None, steps, threads=threads)
            votes = self._votes(stage, stack)
            fused = clean(self._fusion[stage].fuse(votes), getattr(self._settings, stage))
            found[stage] = restore(fused, stack.box, shape)
            maps[stage] = disagreement(restore(vote, stack.box, shape) for vote in votes)
        return SegmentedExam(found["liver"], found["lesion"], maps)

    def _votes(self, stage: str, stack: SliceStack) -> list[NDArray[np.bool_]]:
        """Return the post-processed mask of every network, on the networks' grid."""
        slices, predictors = SlicesInMemory(stack), self._predictors[stage]
        with tqdm(
            total=len(slices) * len(predictors), desc=f"{stage} networks", unit="slice", disable=not self._show
        ) as bar:
            masks = [predictor.masks(slices, bar.update) for predictor in predictors]
        return [clean(mask, getattr(self._settings, stage)) for mask in masks]


def _predictor(
    model: TrainedModel, stage: str, backbone: str, fabric: Fabric, compute: ComputeSettings
) -> Predictor:
    network = build_network(model.settings.networks[backbone].network)
    load_weights(network, model.path, model.network(stage, backbone))
    return Predictor(network, fabric, compute)
