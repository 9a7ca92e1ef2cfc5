"""Measures in mm of exams whose headers are odd: right, or empty."""

from pathlib import Path

import geometry
import numpy as np
import pytest
from cases import ACCEPTED, Case, Tell, ids
from made import LABELS, write
from walk import walk

from hepaflow.evaluation import mask_scores
from hepaflow.exam_report.measurements import measure
from hepaflow.volume import read_grid


@pytest.mark.parametrize("case", geometry.GEOMETRY.cases, ids=ids)
def test_measures(case: Case, tmp_path: Path, tell: Tell) -> None:
    made = case.do(tmp_path)
    grid = read_grid(made.path)
    label = write(tmp_path / "label.nii", grid.restore(LABELS).transpose(2, 1, 0), grid.affine)
    walked = walk(made.path, label, tmp_path)
    measured, liver = measure(LABELS, grid, {}), np.count_nonzero(LABELS)
    found = (measured.liver_ml, measured.lesions[0].ml, walked.score("liver", "reference_volume_ml"))
    if made.volume is None:
        assert found[:2] == (None, None)
        assert np.isnan(found[2])
        assert measured.lesions[0].diameter_mm is measured.lesions[0].position_lps_mm is None
        assert np.isnan(walked.score("liver", "assd_mm"))
    else:
        voxels = np.array([liver, measured.lesions[0].voxels, liver])
        np.testing.assert_allclose(found, voxels * made.volume / 1000, rtol=1e-4)
        liver_mask = LABELS >= 1
        shifted = mask_scores(np.roll(liver_mask, 1, axis=1), liver_mask, grid.trusted_steps)
        assert 0.3 < shifted["msd_mm"] < 0.9  # a row is 0.8 mm, or 0.85 where it is aslant
    assert bool(walked.survey["warnings"]) == (case.outcome != ACCEPTED)
    tell(case, "; ".join(walked.survey["warnings"]))
