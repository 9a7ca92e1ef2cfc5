"""Measures in mm of exams whose headers are odd: right, or empty."""

from pathlib import Path

import geometry
import nibabel as nib
import numpy as np
import pytest
from cases import ACCEPTED, Case, Tell, ids
from geometry import FIELDS, ODD
from made import HU, LABELS, write
from walk import EXAM, walk

from hepaflow.errors import UserError
from hepaflow.evaluation.exam import mask_scores
from hepaflow.exams.survey import survey
from hepaflow.segment.report.measurements import measure
from hepaflow.volumes.volume import read_grid, write_map


@pytest.mark.parametrize("case", [case for case in geometry.GEOMETRY.cases if case is not FIELDS], ids=ids)
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


@pytest.mark.filterwarnings("ignore")
def test_fields(tmp_path: Path, tell: Tell) -> None:
    ended = {"taken": 0, "refused": 0}
    for kind in (nib.Nifti1Image, nib.Nifti2Image):
        whole = write(tmp_path / "whole.nii", HU, kind=kind).read_bytes()
        with open(tmp_path / "whole.nii", "rb") as file:
            plain = kind.header_class.from_fileobj(file, check=False)
        for name, (dtype, _) in plain.template_dtype.fields.items():
            for value in ODD[dtype.base.kind]:
                if dtype.base.kind in "iu" and value > np.iinfo(dtype.base).max:
                    continue
                header = plain.copy()
                header._structarr[name] = value
                (tmp_path / "odd.nii").write_bytes(header.binaryblock + whole[len(header.binaryblock) :])
                try:
                    survey(EXAM, tmp_path / "odd.nii", None)
                    grid = read_grid(tmp_path / "odd.nii")
                    write_map(tmp_path / "written.nii", np.zeros(grid.canonical_shape, np.uint8), grid)
                    assert read_grid(tmp_path / "written.nii").shape == grid.shape
                    ended["taken"] += 1
                except UserError:
                    ended["refused"] += 1
    assert min(ended.values()) > 20
    tell(FIELDS, "")
