"""Real CT exams with a reference of the liver, where they are at hand; none is part of the project."""

import os
import tarfile
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hepaflow.segment.source import LoadedExam, read_exam
from hepaflow.volumes.volume import read_image

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("HEPAFLOW_REAL_CT", ROOT.parent / "shared" / "data"))

NATIVE, LABELS = FOLDER / "totalsegmentator_ct.nii.gz", FOLDER / "totalsegmentator_liver.nii.gz"
"""An abdomen without contrast agent, and its liver."""
_SERIES = "totalsegmentator_dicom_20slices"
_LIVER = 5

needs_real_ct = pytest.mark.skipif(
    not all(path.is_file() for path in (NATIVE, LABELS, FOLDER / f"{_SERIES}.tar.xz")),
    reason="needs the real CT exams in the folder that HEPAFLOW_REAL_CT names",
)


@cache
def portal_venous() -> tuple[LoadedExam, np.ndarray]:
    """Return an exam of 20 slices in the portal venous phase, and its liver as a label map."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(FOLDER / f"{_SERIES}.tar.xz") as archive:
            archive.extractall(folder, filter="data")
        exam = read_exam(Path(folder), name="portal-venous")
    labels, _ = read_image(FOLDER / f"{_SERIES}_labels.nii.gz")
    return exam, (labels == _LIVER).astype(np.uint8)
