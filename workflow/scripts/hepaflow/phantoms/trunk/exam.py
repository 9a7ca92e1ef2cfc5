"""A whole exam of the trunk, as a file has it."""

import hashlib
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from hepaflow.phantoms.trunk.draws import Draws
from hepaflow.phantoms.trunk.lesions import Wanted
from hepaflow.phantoms.trunk.patient import draw_patient
from hepaflow.phantoms.trunk.scanner import View, acquire, breathe, draw_acquisition, draw_warp, render, seen
from hepaflow.settings.phantom import PhantomSettings

ORIENTATIONS = {"RAS": 0.35, "LPS": 0.35, "LAS": 0.15, "LPI": 0.15}


def draw_exam(
    exam: str, settings: PhantomSettings
) -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.float64], str]:
    """Draw a patient and an exam of a part of the body.

    Parameters
    ----------
    exam : str
        Name of the exam. The same name and settings give the same phantom.
    settings : PhantomSettings

    Returns
    -------
    image : ndarray of int16, shape (slices, rows, columns)
        HU; slices to the head, rows to the back, columns to the patient's left.
    label : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.
    affine : ndarray of float64, shape (4, 4)
        From (column, row, slice) to RAS world mm.
    orientation : str
        Axis codes under which the exam is stored.
    """
    digest = hashlib.sha256(f"trunk/{settings.seed}/{exam}".encode()).digest()
    draws = Draws(np.random.default_rng(int.from_bytes(digest[:16], "big")))
    wanted = Wanted(settings.max_lesions, settings.lesion_radius, settings.lesion_free)
    view = _draw_view(draws, settings)
    noise = settings.noise * draws.factor(3)
    taken = draw_acquisition(draws, noise, view.spacing[0])
    patient = draw_patient(draws, wanted, partial(taken.least_contrast, pixel=view.spacing[1]))
    generator = torch.Generator().manual_seed(draws.count(0, 2**31))
    image, label = breathe(*render(patient, view, generator), view, taken, generator)
    image, label = acquire(image, patient, view, taken, generator), label * seen(view, taken)
    corner = draws.moved((0, -150, -250), 60)
    return (
        image.round().to(torch.int16).numpy(),
        label.numpy(),
        _affine(view, (round(corner[0], 1), round(corner[1], 1), round(corner[2], 1))),
        draws.one_of(ORIENTATIONS),
    )


def _draw_view(draws: Draws, settings: PhantomSettings) -> View:
    """Draw which part of the body is seen: most exams show the liver, some a part of it or none."""
    slices = draws.count(*settings.slices)
    thickness = round(draws.between(*settings.slice_thickness), 3)
    pixel = round(draws.between(*settings.field_of_view) / settings.size, 4)
    height = draws.around(-10, 40) if draws.chance(0.8) else draws.between(-330, 260)
    return View(
        (slices, settings.size, settings.size),
        (thickness, pixel, pixel),
        (draws.around(0, 8), draws.around(0, 8), height),
        scale=draws.factor(1.15),
        turn=draws.around(0, 3),
        tilt=draws.around(0, 2),
        warp=draw_warp(draws),
    )


def _affine(view: View, middle: tuple[float, float, float]) -> NDArray[np.float64]:
    steps = np.array(view.spacing[::-1]) * (-1, -1, 1)
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = np.array(middle) - steps * (np.array(view.shape[::-1]) - 1) / 2
    return affine
