"""Label maps and segmentations by others: accepted with the right result, or refused by name."""

from pathlib import Path

import labels
import numpy as np
import pytest
from cases import ACCEPTED, REFUSED, Case, Tell, ids, neutral, refusal
from made import write
from walk import EXAM, walk

from hepaflow.errors import UserError
from hepaflow.exams.survey import survey
from hepaflow.methods.given import read_prediction
from hepaflow.settings.predictions import PredictionLabels
from hepaflow.volumes.volume import read_grid


@pytest.mark.parametrize("case", labels.LABEL_MAPS.cases, ids=ids)
def test_label(case: Case, tmp_path: Path, tell: Tell) -> None:
    image, made = write(tmp_path / "image.nii"), case.do(tmp_path)
    if case.outcome == REFUSED:
        with pytest.raises(UserError) as caught:
            survey(EXAM, image, made.path)
        tell(case, neutral(refusal(caught.value, exam=EXAM, file=made.path), tmp_path))
        return
    walked = walk(image, made.path, tmp_path)
    np.testing.assert_array_equal(walked.labels, made.labels)
    for stage, smallest in (("liver", 1), ("lesion", 2)):
        assert walked.score(stage, "reference_voxels") == np.count_nonzero(made.labels >= smallest)
        assert walked.score(stage, "dice") > 0.75
        assert np.isnan(walked.score(stage, "assd_mm")) == (not (made.labels >= smallest).any())
    assert walked.segmentation.any() == made.labels.any()
    assert bool(walked.survey["warnings"]) == (case.outcome != ACCEPTED)
    tell(case, "; ".join(walked.survey["warnings"]))


@pytest.mark.parametrize("case", labels.OTHERS.cases, ids=ids)
def test_segmentation_by_others(case: Case, tmp_path: Path, tell: Tell) -> None:
    grid, made = read_grid(write(tmp_path / "image.nii")), case.do(tmp_path)

    def read() -> np.ndarray:
        return read_prediction(made.path, exam=EXAM, image=grid, values=PredictionLabels())

    if case.outcome == REFUSED:
        with pytest.raises(UserError) as caught:
            read()
        tell(case, neutral(refusal(caught.value, exam=EXAM, file=made.path), tmp_path))
    else:
        np.testing.assert_array_equal(read(), made.labels)
        tell(case, "")
