"""From a phantom's parameters to voxels and files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from hepaflow.phantoms.anatomy import Patient
from hepaflow.phantoms.drawing import Phantom, draw_phantom
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.volumes.nibabel_alone import nib


def render_phantom(phantom: Phantom) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Turn a phantom's parameters into voxels.

    Parameters
    ----------
    phantom : Phantom

    Returns
    -------
    image : ndarray of int16, shape (slices, rows, columns)
        Hounsfield units. Slices run from feet to head, rows from front to back, columns from the patient's
        right to the left, with ``phantom.spacing`` in mm.
    label : ndarray of uint8, shape (slices, rows, columns)
        0 background, 1 liver, 2 lesion.
    """
    patient = Patient(phantom.anatomy, phantom.points())
    label = (patient.liver < 0).astype(np.uint8)
    for lesion in patient.lesions:
        label[lesion < 0] = 2
    image = gaussian_filter(patient.image(), (0.35, 0.45, 0.45))  # slice profile and scanner's blur
    noise = np.random.default_rng(phantom.noise_seed).standard_normal(phantom.shape, dtype=np.float32)
    noise = gaussian_filter(noise, (0, 0.6, 0.6))
    image += noise * np.float32(phantom.noise / noise.std())
    return np.clip(np.rint(image), -1024, 3071).astype(np.int16), label


@dataclass(frozen=True)
class Drawn:
    """A synthetic exam as arrays."""

    image: NDArray[np.int16]
    """HU, shape (slices, rows, columns): to the head, the back and the patient's left."""
    label: NDArray[np.uint8]
    """0 background, 1 liver, 2 lesion, of the same shape."""
    affine: NDArray[np.float64]
    """4×4, from (column, row, slice) to RAS world mm."""
    orientation: str
    """Axis codes under which the exam is stored."""


def _abdomen(exam: str, settings: PhantomSettings) -> Drawn:
    phantom = draw_phantom(exam, settings)
    return Drawn(*render_phantom(phantom), phantom.affine(), phantom.orientation)


def _trunk(exam: str, settings: PhantomSettings) -> Drawn:
    from hepaflow.phantoms.trunk.exam import draw_exam  # PyTorch, which the upper abdomen does without

    return Drawn(*draw_exam(exam, settings))


ANATOMIES: Mapping[str, Callable[[str, PhantomSettings], Drawn]] = {"abdomen": _abdomen, "trunk": _trunk}
"""What is drawn, by the name that the settings have for it."""


def write_phantom(exam: str, settings: PhantomSettings, image_path: Path, label_path: Path) -> None:
    """Draw, render and store one synthetic exam.

    Parameters
    ----------
    exam : str
    settings : PhantomSettings
    image_path, label_path : Path
        NIfTI files to write (``.nii.gz``): int16 Hounsfield units and uint8 labels, in the drawn orientation.
        The same exam and settings give the same bytes.
    """
    drawn = ANATOMIES[settings.anatomy](exam, settings)
    contents: tuple[tuple[NDArray[np.generic], Path], ...] = ((drawn.image, image_path), (drawn.label, label_path))
    for array, path in contents:
        stored = nib.Nifti1Image(array.T, drawn.affine)
        turn = nib.orientations.ornt_transform(
            nib.orientations.axcodes2ornt("LPS"), nib.orientations.axcodes2ornt(drawn.orientation)
        )
        stored = stored.as_reoriented(turn)
        stored.header.set_xyzt_units("mm", "sec")
        stored.set_sform(stored.affine, code=1)
        stored.set_qform(stored.affine, code=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(stored, path)
