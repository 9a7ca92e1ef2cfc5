"""An exam segmented from beginning to end in one process: the second mode of the thesis' fusion model (4.6.2)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from tqdm import tqdm

from hepaflow.masks.average import average
from hepaflow.masks.disagreement import disagreement
from hepaflow.masks.fusion import Fusion
from hepaflow.masks.map import mask_of
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import Found, region_on, restore, to_restore
from hepaflow.methods.plan import Step, averages_of, joined_by, networks_of, stages_of
from hepaflow.model.trained import TrainedModel
from hepaflow.networks.compute import fitting_batch, has_bf16_instructions, make_fabric, on_gpu
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.preprocessing.slices import SlicesInMemory, SliceStack
from hepaflow.sampling.predictor import Predictor, trained
from hepaflow.sampling.protocol import Slices
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan, PlannedStage
from hepaflow.settings.training import Precision
from hepaflow.volumes.box import Box
from hepaflow.volumes.labels import label_map
from hepaflow.volumes.steps import Spacing


@dataclass(frozen=True)
class SegmentedExam:
    """What was found in an exam, on its own grid in canonical orientation.

    Attributes
    ----------
    liver, lesion : ndarray of bool, shape (slices, rows, columns)
        The liver with its lesions, and the lesions.
    disagreement : dict of str to ndarray of uint8, same shape
        For each structure that several methods find together, how far they disagree, in percent
        (`hepaflow.masks.disagreement`).
    boxes : dict of str to Box
        For each structure that was sought, the part of the exam in which that was done.
    """

    liver: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    disagreement: dict[str, NDArray[np.uint8]]
    boxes: dict[str, Box]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label map: 0 background, 1 liver, 2 lesion."""
        return label_map(self.liver, self.lesion)


def precision_here(precision: Precision, compute: ComputeSettings) -> Precision:
    """Return the arithmetic in which the networks of a model are to predict on this machine.

    It is fp32 in the place of bf16 on a processor without instructions for it, where U-Nets take several times as
    long in bf16. Masks then differ in pixels about which a network is undecided.

    Parameters
    ----------
    precision : {'fp32', 'tf32', 'bf16'}
        The model's.
    compute : ComputeSettings
    """
    slow = precision == "bf16" and not on_gpu(compute) and has_bf16_instructions() is False
    return "fp32" if slow else precision


class Draws(Protocol):
    """What draws the map of an exam; a `Predictor` does."""

    def map(self, exam: Slices, progress: Callable[[int], object] | None = None) -> NDArray[np.uint8]:
        """Return the map, shape (slices, size, size), and tell `progress` how many pieces are done."""


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
        _result_of(model.plan)
        self._plan, self._fusion, self._show = model.plan, model.fusion, show
        fabric = make_fabric(model.precision, compute, threads=threads)
        self._predictors = {step: _predictor(model, step, fabric, compute) for step in networks_of(model.plan)}

    def segment(self, hu: NDArray[Any], spacing: Spacing | None = None) -> SegmentedExam:
        """Segment an exam, step by step as the workflow's rules do by the same plan, with the same result.

        The thesis' fusion: window and slices (4.2), the liver networks, post-processing (4.7), fusion (4.6.2) and
        post-processing again; volume of interest and contrast (4.3), the lesion networks, post-processing (4.8)
        and fusion; and back to the exam's grid (4.9).

        Memory beside the networks and one batch: the exam, its slices on the networks' grid, and some masks.

        Parameters
        ----------
        hu : ndarray, shape (slices, rows, columns)
            CT values in HU, in canonical orientation (`hepaflow.volumes.volume`).
        spacing : Spacing or None, optional
            Distances between slices, rows and columns in mm (`Grid.trusted_spacing`), for models that resample
            exams.

        Returns
        -------
        SegmentedExam
            Empty masks where no liver was found.

        Raises
        ------
        UserError
            If the model resamples exams, and there is no spacing.
        """
        return segment(hu, self._plan, self._predictors, self._fusion, spacing=spacing, show=self._show)


def segment(
    hu: NDArray[Any],
    plan: Plan,
    predictors: Mapping[Step, Draws],
    fusion: Mapping[Step, Fusion],
    *,
    spacing: Spacing | None = None,
    show: bool = False,
) -> SegmentedExam:
    """Segment an exam by a plan, whatever draws the maps of its networks; see `Segmenter.segment`.

    Parameters
    ----------
    hu : ndarray, shape (slices, rows, columns)
        CT values in HU, in canonical orientation.
    plan : Plan
        That of one method (`hepaflow.methods.plan.model_of`).
    predictors : mapping of (str, str) to Draws
        What draws the map of each network, by method and stage.
    fusion : mapping of (str, str) to Fusion
        The weights of each vote, by its name and stage.
    spacing : Spacing or None, optional
        Distances between slices, rows and columns in mm, for plans that resample exams.
    show : bool, optional
        Whether to show a progress bar for each stage.
    """
    result, exam = _result_of(plan), _Exam(hu, spacing, plan, fusion, predictors, show=show)
    stages = stages_of(plan, result)
    found = {structure: exam.restored((result, stage)) for structure, stage in stages.items()}
    maps = {}
    for structure, stage in stages.items():
        if joined := exam.joined((result, stage)):
            maps[structure] = disagreement(exam.restored(step) for step in joined)
    boxes = {structure: box for structure, stage in stages.items() if (box := exam.box((result, stage)))}
    return SegmentedExam(found["liver"], found["lesion"], maps, boxes)


def _result_of(plan: Plan) -> str:
    if plan.result is None:
        raise ValueError("a plan of several results is a run's, not a model's")
    return plan.result


class _Exam:
    """One exam on its way through a plan; each step is taken once, when its mask is asked for."""

    def __init__(
        self,
        hu: NDArray[Any],
        spacing: Spacing | None,
        plan: Plan,
        fusion: Mapping[Step, Fusion],
        predictors: Mapping[Step, Draws],
        *,
        show: bool,
    ) -> None:
        self._hu, self._spacing, self._plan = hu, spacing, plan
        self._fusion, self._predictors, self._show = fusion, predictors, show
        self._stacks: dict[str, SliceStack] = {}
        self._maps: dict[Step, NDArray[np.uint8]] = {}
        self._found: dict[Step, Found] = {}
        stages = [planned for of_method in plan.methods.values() for planned in of_method.values()]
        regions = [*(one.within for one in plan.data.values()), *(one.region for one in stages)]
        self._regions = {(one.method, one.stage) for one in regions if one}
        self._averaged = {one for step in averages_of(plan) for one in self.joined(step)}
        self._restored: dict[Step, NDArray[np.bool_]] = {}

    def restored(self, step: Step) -> NDArray[np.bool_]:
        """Return the post-processed mask of a step, on the exam's grid."""
        if step in self._restored:
            return self._restored[step]
        clean, stack = self._clean(step), self._data(step)
        found = restore(clean, stack.box, stack.shape, stack.grid)
        if step in self._regions:
            self._restored[step] = found
        return found

    def box(self, step: Step) -> Box | None:
        """Return the part of the exam that a step's mask can lie in; None where there was nothing to be seen."""
        return self._data(step).box

    def joined(self, step: Step) -> list[Step]:
        """Return the steps whose masks or maps a step joins; none for a network."""
        return [(method, step[1]) for method in joined_by(self._planned(step))]

    def _planned(self, step: Step) -> PlannedStage:
        method, stage = step
        return self._plan.methods[method][stage]

    def _clean(self, step: Step) -> Found:
        """Return the post-processed mask of a step, on the network's grid, or its map where this is restored."""
        if step not in self._found:
            map_, planned = self._map(step), self._planned(step)
            mask = clean(map_, planned.postprocessing, self._region(step))
            self._found[step] = to_restore(map_, mask, planned.restore)
            if step not in self._averaged:
                del self._maps[step]
        return self._found[step]

    def _mask(self, step: Step) -> NDArray[np.bool_]:
        found = self._clean(step)
        return found.view(bool) if found.dtype == bool else mask_of(found.view(np.uint8))

    def _region(self, step: Step) -> NDArray[np.bool_] | None:
        """Return the mask that the post-processing of a step looks at, on the grid of its data."""
        if not (region := self._planned(step).region):
            return None
        grid = self._data(step)
        return region_on(self.restored((region.method, region.stage)), grid.box, grid.size, grid.grid)

    def _map(self, step: Step) -> NDArray[np.uint8]:
        if step not in self._maps:
            joined, planned = self.joined(step), self._planned(step)
            self._draw(joined or [step])
            if planned.vote is not None:
                self._maps[step] = self._fusion[step].map([self._mask(one) for one in joined])
            elif planned.average is not None:
                self._maps[step] = average([(self._map(one), self._data(one)) for one in joined], self._data(step))
        return self._maps[step]

    def _data(self, step: Step) -> SliceStack:
        return self._stack(self._planned(step).data)

    def _draw(self, steps: Sequence[Step]) -> None:
        """Draw the maps of networks, behind one progress bar."""
        known = self._maps.keys() | self._found.keys()
        new = [step for step in steps if step in self._predictors and step not in known]
        seen = {step: SlicesInMemory(self._data(step)) for step in new}
        total = sum(map(len, seen.values()))
        name = f"{new[0][1]} networks" if new else ""
        with tqdm(total=total, desc=name, unit="slice", disable=not (self._show and total)) as bar:
            for step, slices in seen.items():
                self._maps[step] = self._predictors[step].map(slices, bar.update)

    def _stack(self, data: str) -> SliceStack:
        if data not in self._stacks:
            planned = self._plan.data[data]
            region = self.restored((planned.within.method, planned.within.stage)) if planned.within else None
            how, threads = planned.preprocess.preprocessing, torch.get_num_threads()  # as make_fabric has set it
            self._stacks[data] = PREPROCESSING[how.kind](
                self._hu, region, None, how, threads, spacing=self._spacing
            )
        return self._stacks[data]


def _predictor(model: TrainedModel, step: Step, fabric: Fabric, compute: ComputeSettings) -> Predictor:
    method, stage = step
    planned = model.plan.methods[method][stage]
    if planned.network is None:
        raise ValueError(f"{method} has no network")
    size = getattr(model.plan.data[planned.data].preprocess.preprocessing, "size", 0)  # without, patches have one
    sampling = planned.network.sampling
    batch = fitting_batch(compute, prod(SAMPLINGS[sampling.kind](sampling).shape(size)))
    return trained(planned.network, model.path, fabric, batch, model.network(stage, method))
