"""CT volumes: accepted with the right result, or refused by name."""

from pathlib import Path

import images
import numpy as np
import pytest
from cases import ACCEPTED, REFUSED, Case, Tell, ids, neutral, refusal
from made import HU, LABELS, write
from walk import EXAM, SETTINGS, walk

from hepaflow.errors import UserError
from hepaflow.exams.survey import survey
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.volumes.volume import read_grid

CASES = [
    case
    for table in (images.FILES, images.ARRAYS, images.HEADERS, images.VALUES)
    for case in table.cases
    if case is not images.ALL_ORIENTATIONS
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_image(case: Case, tmp_path: Path, tell: Tell) -> None:
    made = case.do(tmp_path)
    if case.outcome == REFUSED:
        with pytest.raises(UserError) as caught:
            survey(EXAM, made.path, None)
        tell(case, neutral(refusal(caught.value, exam=EXAM, file=made.path), tmp_path))
        return
    reference, grid = made.labels, read_grid(made.path)
    label = write(tmp_path / "label.nii", grid.restore(reference).transpose(2, 1, 0), grid.affine)
    walked = walk(made.path, label, tmp_path)
    np.testing.assert_array_equal(walked.hu, made.hu)
    np.testing.assert_array_equal(walked.labels, reference)
    plain = liver_slices(made.hu.astype(np.float64), reference >= 1, SETTINGS.liver_slices())
    np.testing.assert_array_equal(walked.slices.image, plain.image)
    assert walked.score("liver", "dice") > 0.8
    assert np.isnan(walked.score("liver", "assd_mm")) != made.millimetres
    assert bool(walked.survey["warnings"]) == (case.outcome != ACCEPTED)
    tell(case, "; ".join(walked.survey["warnings"]))


def test_all_orientations(tmp_path: Path, tell: Tell) -> None:
    assert len(set(images.ORIENTATIONS)) == 48
    for codes in images.ORIENTATIONS:
        label = images.oriented(codes, LABELS, "label.nii")(tmp_path).path
        walked = walk(images.oriented(codes)(tmp_path).path, label, tmp_path)
        assert walked.survey["axes"] == "".join(codes)
        assert walked.survey["warnings"] == []
        np.testing.assert_array_equal(walked.hu, HU)
        np.testing.assert_array_equal(walked.labels, LABELS)
        assert walked.score("liver", "dice") > 0.9
    tell(images.ALL_ORIENTATIONS, "")
