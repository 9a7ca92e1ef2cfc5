"""Networks that find nothing, or everything: the run goes on, and the tables say what was found."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cases import ACCEPTED, Case, Table, Tell, ids
from made import HU, LABELS, write
from scipy import sparse
from small_exams import grid_of
from walk import EXAM, SETTINGS, walk

from hepaflow.evaluation.disagreement import error_by_disagreement, exams_by_disagreement
from hepaflow.figures.uncertainty import uncertainty_figure
from hepaflow.masks.fusion import Fusion, count_votes, fit_fusion
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import viewer_pages

NONE = np.zeros_like(LABELS)
COMBINATIONS = tuple(
    Case(f"networks that find {liver} as liver and {lesion} as lesion", ACCEPTED, (), lambda pair=(a, b): pair)
    for liver, a in (("nothing", False), ("everything", True), ("the right voxels", None))
    for lesion, b in (("nothing", False), ("everything", True))
)
HEALTHY = Case("networks that find nothing in an exam without liver", ACCEPTED)
FITTED = Case("fusion of networks that find nothing, everything, and their opposites", ACCEPTED)
VIEWER = Case("viewer and uncertainty of an exam without liver", ACCEPTED)

NETWORKS = Table(
    "Networks that find nothing or everything",
    "The Dice is compared with its value by definition; the message is what the tables say.",
    (*COMBINATIONS, HEALTHY, FITTED, VIEWER),
)


@pytest.mark.parametrize("case", COMBINATIONS, ids=ids)
def test_all_or_nothing(case: Case, tmp_path: Path, tell: Tell) -> None:
    liver, lesion = case.do()
    image, label = write(tmp_path / "image.nii"), write(tmp_path / "label.nii", LABELS)
    walked = walk(image, label, tmp_path, liver=liver, lesion=lesion)
    counts = {"liver": {False: 0, True: HU.size}, "lesion": {False: 0}}
    box = SliceFile(tmp_path / "lesion.safetensors").box
    assert (box is None) == (liver is False)
    if box is None:
        counts["lesion"][True] = 0  # no volume of interest, no slices, no masks
        assert len(SliceFile(tmp_path / "lesion.safetensors")) == 0
    else:
        counts["lesion"][True] = np.count_nonzero(box.place(np.ones(box.shape, bool), HU.shape))
    for stage, found, smallest in (("liver", liver, 1), ("lesion", lesion, 2)):
        if found is not None:
            own, reference = counts[stage][found], np.count_nonzero(smallest <= LABELS)
            common = reference if own else 0
            assert walked.score(stage, "dice") == pytest.approx(2 * common / (own + reference))
            assert walked.score(stage, "voxels") == own
            assert math.isnan(walked.score(stage, "assd_mm")) == (own == 0)
    if liver is False:
        assert not walked.segmentation.any()
    told = [f"{structure} Dice {walked.score(structure, 'dice'):.2f}" for structure in ("liver", "lesion")]
    told += ["empty segmentation"] if not walked.segmentation.any() else []
    tell(case, ", ".join(told))


def test_nothing_is_right_where_there_is_nothing(tmp_path: Path, tell: Tell) -> None:
    image, label = write(tmp_path / "image.nii"), write(tmp_path / "label.nii", NONE)
    walked = walk(image, label, tmp_path, liver=False, lesion=False)
    assert walked.score("liver", "dice") == walked.score("lesion", "dice") == 1
    assert math.isnan(walked.score("lesion", "burden_error"))
    assert not walked.segmentation.any()
    tell(HEALTHY, "liver Dice 1, lesion Dice 1, burden undefined; " + "; ".join(walked.survey["warnings"]))


def test_fusion_of_constant_networks(tmp_path: Path, tell: Tell) -> None:
    reference = LABELS >= 1
    nothing, everything = np.zeros_like(reference), np.ones_like(reference)
    for votes in (
        [nothing, nothing],
        [everything, everything],
        [nothing, everything],
        [reference, ~reference],
        [reference, nothing],
    ):
        for solver in ("newton", "sgd"):
            settings = FitFusionSettings(
                solver=FusionSettings(solver=solver), of=("one", "two"), seed=SETTINGS.seed
            )
            fusion = fit_fusion(sparse.vstack([count_votes(votes, reference)], format="csr"), settings)
            fusion.save(tmp_path / "liver.json")
            assert Fusion.load(tmp_path / "liver.json") == fusion
            assert np.isfinite(fusion.weights).all()
            fused = fusion.fuse(votes)
            if votes[0] is reference:
                np.testing.assert_array_equal(fused, reference)
    empty = np.zeros((0, 8, 8), bool)  # an exam without liver, among the lesion stage's
    assert fusion.fuse([empty, empty]).shape == empty.shape
    tell(FITTED, "")


def test_viewer_and_uncertainty_of_an_exam_without_liver(tell: Tell) -> None:
    shown = ViewedExam(
        name=EXAM,
        hu=HU,
        reference=NONE,
        methods={"fusion": NONE},
        grid=grid_of(HU.shape),
        disagreement={"liver": NONE, "lesion": NONE},
    )
    full, _ = viewer_pages(shown)
    assert "NaN" not in full.partition("<script")[0]
    table = error_by_disagreement(EXAM, "lesion", NONE, NONE.astype(bool), NONE.astype(bool))
    assert table.empty  # nothing is segmented, and nothing should be
    exams = exams_by_disagreement(table, pd.DataFrame({"exam": [EXAM], "value": [1.0]}))
    assert exams["disagreement"].tolist() == [0]
    uncertainty_figure(table, exams, "lesion")
    tell(VIEWER, "")
