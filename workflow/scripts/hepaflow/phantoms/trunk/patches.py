"""Patches of exams that are drawn for a single look at them: a new patient, a new exam, and a part of it.

They are rendered on the grid of a network's data: an exam of fine voxels that is then resampled takes minutes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.lesions import Wanted
from hepaflow.phantoms.trunk.patient import ANY_LESIONS, Patient, draw_patient
from hepaflow.phantoms.trunk.scanner import (
    PROFILE,
    Acquisition,
    View,
    acquire,
    blur,
    breathe,
    draw_acquisition,
    draw_warp,
    render,
    seen,
)
from hepaflow.phantoms.trunk.space import vector

AIR = -1024.0
"""What is beyond an exam's ends, in HU."""

_COARSE = 10.0
"""Distance in mm between the points at which the liver is looked for."""

_PIXEL = 0.75
"""Side of a pixel of an exam in mm: that of 512 pixels across 384 mm."""

LOWEST, USUAL, HIGHEST = 30.0, 320.0, 800.0
"""Heights of exams in mm: of six in ten between the first two, of the others between the last two."""

_FINE = 3.0
"""Largest spacing in mm at which every other point tells what organs look like; at 5×4×4 mm livers lose detail."""

_ASIDE = 0.3
"""How far from a patch's middle the point lies that it is to show, as a share of its sides."""

_TRIES = 20

Ends = NDArray[np.float64]
"""Shape (3, 2): first and last slice, row and column of a box in mm, from the middle of an exam."""


@dataclass(frozen=True)
class Patch:
    """What is wanted of a patch.

    Attributes
    ----------
    shape : tuple of int
        Slices, rows and columns.
    spacing : tuple of float
        Distances between them, in mm.
    margin : float or None
        Patches lie within a box around the exam's liver that is so many mm wider on each side; None for anywhere.
    lesions : Wanted
        Which lesions patients have.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    margin: float | None
    lesions: Wanted = ANY_LESIONS

    @property
    def sides(self) -> NDArray[np.float64]:
        """Return slices, rows and columns in mm."""
        return np.multiply(self.shape, self.spacing)


@dataclass(frozen=True, eq=False)
class _Exam:
    """A part of a patient that is seen: a view, coarsely, and the ends of its field."""

    view: View
    ends: Ends


def draw_patch(seed: Sequence[int], wanted: Patch, around: str | None) -> tuple[Tensor, Tensor]:
    """Draw a patient, an exam and a patch of it.

    Parameters
    ----------
    seed : sequence of int
        The same numbers give the same patch.
    wanted : Patch
    around : str or None
        ``liver`` or ``lesion``: the patch shows a point of this structure, anywhere but near its ends; None for
        anywhere.

    Returns
    -------
    image : Tensor of float32, shape of the patch
        HU; to the head, the back and the patient's left. `AIR` where there is no exam.
    label : Tensor of uint8, same shape
        0 background, 1 liver, 2 lesion.
    """
    draws = Draws(np.random.default_rng(list(seed)))
    taken = draw_acquisition(draws)
    lesions = replace(wanted.lesions, free=_FREE.get(around, wanted.lesions.free))
    patient = draw_patient(draws, lesions, partial(taken.least_contrast, pixel=_PIXEL))
    within = "liver" if wanted.margin is not None else None
    exam, liver, points = _draw_exam(draws, patient, around or within)
    box = exam.ends if wanted.margin is None else _around(draws, liver, wanted.margin, exam.ends)
    point = None
    if around and len(points):
        aside = (
            draws.rng.uniform(-_ASIDE, _ASIDE, 3) * wanted.sides
        )  # else all that is sought would lie in the middle
        point = points[int(draws.rng.integers(len(points)))] + aside
    at = _place(draws, box, wanted.sides, point)
    generator = torch.Generator().manual_seed(draws.count(0, 2**31))
    view = _moved(exam.view, at, wanted)
    taken = _on_grid(draws, taken, wanted)
    image, label = breathe(*render(patient, view, generator), view, taken, generator)
    image = acquire(image, patient, view, taken, generator)
    outside = _outside(box, at, wanted) | ~seen(view, taken)
    image[outside], label[outside] = AIR, 0
    return image, label


def _draw_exam(draws: Draws, patient: Patient, shown: str | None) -> tuple[_Exam, Tensor, Ends]:
    """Draw which part of a patient is seen; where a structure has to be seen, until one of its points is.

    Most exams show the liver, some a part of it or none. Returned are also where the liver is, coarsely, and these
    points; both are empty where no structure is asked for.
    """
    for number in range(_TRIES):
        usual = draws.around(-10, 50) if draws.chance(0.75) else draws.between(-420, 300)
        exam = _exam(draws, usual if number < _TRIES - 1 else 0.0)
        if shown is None:
            return exam, torch.zeros(0, 3), np.empty((0, 3))
        liver = exam.view.space().shared(patient.liver) < 0
        points = _POINTS[shown](patient, exam, liver)
        if len(points):
            break
    return exam, liver, points


def _exam(draws: Draws, height: float) -> _Exam:
    field = draws.between(290, 500)
    sides = (draws.between(LOWEST, USUAL) if draws.chance(0.6) else draws.between(USUAL, HIGHEST), field, field)
    count = [max(1, round(side / _COARSE)) for side in sides]
    view = View(
        (count[0], count[1], count[2]),
        (_COARSE, _COARSE, _COARSE),
        (draws.around(0, 20), draws.around(0, 20), height),
        scale=draws.factor(1.22),
        turn=draws.around(0, 5),
        tilt=draws.around(0, 4),
        warp=draw_warp(draws, 5.0),
    )
    ends = np.multiply(view.shape, _COARSE) / 2
    return _Exam(view, np.stack([-ends, ends], axis=1))


def _around(draws: Draws, liver: Tensor, margin: float, ends: Ends) -> Ends:
    """Return a box around the liver that is off by as much as one that a network has found."""
    found = torch.nonzero(liver).numpy()
    if not len(found):
        return ends
    box = np.stack([found.min(0), found.max(0) + 1], axis=1) * _COARSE + ends[:, :1]
    off = draws.rng.normal(0, 5, box.shape) + np.array([-margin, margin])
    if draws.chance(0.3):  # something else was taken for liver, too, or a part of it was missed
        axis, end = draws.count(0, 2), draws.count(0, 1)
        off[axis, end] += draws.between(-40, 160) * (1 if end else -1)
    found_box: Ends = np.clip(box + off, ends[:, :1], ends[:, 1:])
    return found_box


def _in_liver(patient: Patient, exam: _Exam, liver: Tensor) -> Ends:
    """Return the points of the liver that are seen, in mm from the middle of the exam."""
    found: Ends = (torch.nonzero(liver).numpy() + 0.5) * _COARSE + exam.ends[:, 0]
    return found


def _in_lesion(patient: Patient, exam: _Exam, liver: Tensor) -> Ends:
    """Return the middles of the lesions that are seen, in mm from the middle of the exam."""
    boxes = [lesion.shape.box for lesion in patient.lesions]
    middles = np.array([np.add(box.low, box.high) / 2 for box in boxes]).reshape(-1, 3)
    found: Ends = ((middles - exam.view.middle) @ exam.view.rotation() * exam.view.scale)[:, ::-1]
    return found[((found > exam.ends[:, 0]) & (found < exam.ends[:, 1])).all(1)]


_POINTS = {"liver": _in_liver, "lesion": _in_lesion}
"""Where each structure is, in an exam."""
_FREE: dict[str | None, float] = {"lesion": 0.0}
"""Share of patients without lesions, where a structure is to be seen, if it is not the usual one."""


def _place(
    draws: Draws, box: Ends, sides: NDArray[np.float64], point: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the middle of a patch: anywhere in a box, or as near to a point as the ends allow.

    Along an axis on which the box is smaller than the patch, it is in the patch's middle.
    """
    room = box[:, 1] - box[:, 0] - sides
    first = box[:, 0] + sides / 2
    anywhere = first + draws.rng.uniform(0, 1, 3) * room
    found = anywhere if point is None else np.clip(point, first, first + np.maximum(room, 0))
    return np.where(room <= 0, box.mean(1), found)


def _moved(view: View, at: NDArray[np.float64], wanted: Patch) -> View:
    """Return the view of a patch whose middle lies there in an exam."""
    middle = vector(view.rotation() @ at[::-1] / view.scale + view.middle)
    return replace(
        view,
        shape=wanted.shape,
        spacing=wanted.spacing,
        middle=middle,
        isocentre=(float(-at[1]), float(-at[2])),
        interpolated=max(wanted.spacing) <= _FINE,
    )


def _on_grid(draws: Draws, taken: Acquisition, wanted: Patch) -> Acquisition:
    """Return how the exam was taken; now and then its noise is as strong and as fine on the patch's grid."""
    return taken if draws.chance(0.2) else _noise_on_grid(taken, wanted)


def _noise_on_grid(taken: Acquisition, wanted: Patch) -> Acquisition:
    """Return an acquisition whose noise is as weak and as smooth as that of an exam resampled to the patch's grid.

    The noise of the exam's slices is independent; within slices, what is smooth already loses less.
    """
    own = np.array([PROFILE * taken.slice_profile, _PIXEL, _PIXEL])
    alone = own**2 / (4 * np.pi)  # variance in mm² of a Gaussian that makes a voxel's noise of the continuous one
    before = np.maximum(alone, np.array([0.0, taken.grain, taken.grain]) ** 2)
    # Resampling smooths by a Gaussian (`hepaflow.volumes.resample`), and by linear interpolation, here on average.
    smoothing = np.maximum(np.square(wanted.spacing) - own**2, 0) / (8 * np.log(2)) + own**2 / 6
    return replace(
        taken,
        noise=taken.noise * float(np.prod(before / (before + smoothing)) ** 0.25),
        grain=float(np.sqrt(taken.grain**2 + smoothing[1:].mean())),
    )


def _outside(box: Ends, at: NDArray[np.float64], wanted: Patch) -> Tensor:
    """Return which voxels of a patch lie beyond a box."""
    outside = torch.zeros(wanted.shape, dtype=torch.bool)
    for axis, (count, step) in enumerate(zip(wanted.shape, wanted.spacing, strict=True)):
        places = at[axis] + (np.arange(count) - (count - 1) / 2) * step
        beyond = torch.from_numpy((places < box[axis, 0]) | (places > box[axis, 1]))
        outside |= beyond.reshape([-1 if one == axis else 1 for one in range(3)])
    return outside


def as_resampled(image: Tensor, seed: Sequence[int]) -> Tensor:
    """Blur a windowed patch, values in [0, 1], as exams that were resampled are blurred.

    Their voxels were as large as those of the patch, or smaller; how much so is drawn. The window comes first, as
    with real exams: it decides how edges between tissue and air look.
    """
    share = np.random.default_rng([*seed, 1]).uniform(0, 1)
    return blur(image, [0.42 * float(share)] * 3).clamp(0, 1)  # which rounding may leave
