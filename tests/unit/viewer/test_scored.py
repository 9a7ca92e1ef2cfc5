"""What the viewer tells of an exam is what the tables tell of it."""

from dataclasses import replace

import numpy as np
import pytest
from small_exams import exam as small_exam
from small_exams import grid_of

from hepaflow.evaluation.exam import Scores, segmentation_of
from hepaflow.evaluation.scores import final
from hepaflow.viewer.exam import ViewedExam, told_dice, told_volumes
from hepaflow.viewer.scored import scored

SPACING = (2.5, 0.7, 0.9)


@pytest.fixture(scope="module")
def exam() -> ViewedExam:
    """A method whose lesions lie in part outside of its liver's own mask: so the label map has more liver."""
    hu, reference = small_exam((5, 24, 32))
    liver, lesion = np.roll(reference > 0, 3, axis=2), np.roll(reference == 2, 14, axis=2)
    labels = np.where(lesion, 2, liver).astype(np.uint8)
    assert (lesion & ~liver).any()
    table = Scores("one", segmentation_of(reference), SPACING)
    table.add("net", "raw", {"liver": ~liver, "lesion": lesion})
    table.add("net", "clean", {"liver": liver, "lesion": lesion})
    found = scored(final(table.metrics()))
    return ViewedExam(
        "one", hu, reference, {"net": labels, "other": labels}, grid_of(hu.shape, SPACING), scores=found
    )


def test_the_scores_are_those_of_the_masks_that_a_method_ends_with(exam: ViewedExam) -> None:
    liver = exam.methods["net"] == 1
    own = np.roll(exam.reference > 0, 3, axis=2)
    both = np.count_nonzero(own & (exam.reference > 0))
    expected = 2 * both / (np.count_nonzero(own) + np.count_nonzero(exam.reference))
    assert exam.scores["net"]["liver"]["dice"] == pytest.approx(expected, abs=1e-12)
    assert liver.any()
    assert exam.scores.keys() == {"net"}


def test_dice_and_volumes_are_the_tables_where_they_have_any(exam: ViewedExam) -> None:
    first, second = told_dice(exam)
    assert first == {structure: exam.scores["net"][structure]["dice"] for structure in ("liver", "lesion")}
    assert second is None
    reference, net, other = told_volumes(exam)
    assert net["liver"] == exam.scores["net"]["liver"]["volume_ml"] < other["liver"]
    assert net["lesion"] == pytest.approx(other["lesion"])
    assert net["burden"] == other["burden"]
    assert reference == told_volumes(replace(exam, scores={}))[0]


def test_what_was_not_scored_is_not_told(exam: ViewedExam) -> None:
    alone = replace(exam, scores={"net": {"liver": {"dice": 0.5}}})
    assert told_dice(alone)[0] == {"liver": 0.5, "lesion": None}
    assert told_volumes(alone)[1]["liver"] is None  # as in an exam without millimetres


def test_without_a_reference_there_are_no_scores(exam: ViewedExam) -> None:
    new = replace(exam, reference=None, scores={})
    assert told_dice(new) == [None, None]
    assert len(told_volumes(new)) == 2
