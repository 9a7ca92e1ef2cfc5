"""Exams of a given size: an ellipsoid of a body with a liver and a lesion, and the noise of a scanner."""

from pathlib import Path

import nibabel as nib
import numpy as np

NOISE_HU = 15


def write_exam(folder: Path, slices: int, side: int = 512) -> tuple[Path, Path]:
    """Write an exam of `slices` slices of side×side and its label map, gzipped, unless they are there."""
    image, label = folder / f"image.{side}.{slices}.nii.gz", folder / f"label.{side}.{slices}.nii.gz"
    if image.exists() and label.exists():
        return image, label
    folder.mkdir(parents=True, exist_ok=True)
    hu = np.empty((side, side, slices), np.int16, order="F")
    labels = np.zeros((side, side, slices), np.uint8, order="F")
    rng = np.random.default_rng(8)
    x, y = np.meshgrid(*[np.linspace(-1, 1, side)] * 2, indexing="ij")
    body = x**2 / 0.8 + y**2 / 0.5 < 1
    for index, z in enumerate(np.linspace(-1, 1, slices)):
        liver = (x + 0.3) ** 2 / 0.18 + (y + 0.1) ** 2 / 0.12 + z**2 / 0.5 < 1
        lesion = (x + 0.35) ** 2 + (y + 0.05) ** 2 + z**2 < 0.02
        tissue = np.select([lesion, liver, body], [60.0, 100.0, 40.0], -1000.0)
        hu[..., index] = tissue + rng.normal(0, NOISE_HU, tissue.shape)
        labels[..., index] = np.select([lesion, liver], [2, 1], 0)
    affine = np.diag([-0.8, -0.8, 1.0, 1.0])  # columns count to the left, rows to the back
    for path, array in ((image, hu), (label, labels)):
        nib.save(nib.Nifti1Image(array, affine), path)
    return image, label
