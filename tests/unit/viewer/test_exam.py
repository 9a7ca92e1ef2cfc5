"""What the viewer tells of an exam."""

import numpy as np
import pytest
from small_exams import exam as small_exam

from hepaflow.evaluation.metrics.overlap import dice_of_counts
from hepaflow.viewer.exam import ViewedExam, count_overlap, first_slice, list_lesions, liver_box


def test_counts_give_the_dice_of_every_slice() -> None:
    reference = np.zeros((3, 4, 4), np.uint8)
    labels = reference.copy()
    reference[1, :2, :2] = 1
    reference[1, 0, 0] = 2
    labels[1, 0, :2] = 2
    counts = count_overlap(labels, reference)
    assert counts == {
        "liver": [[0, 0, 0], [2, 2, 4], [0, 0, 0]],
        "lesion": [[0, 0, 0], [1, 2, 1], [0, 0, 0]],
    }
    assert dice_of_counts(*counts["liver"][1]) == pytest.approx(4 / 6)


def test_lesions_tell_how_much_of_them_others_mark() -> None:
    labels = np.zeros((2, 6, 6), np.uint8)
    labels[0, 0, :4] = labels[1, 5, 5] = 2
    other = np.zeros_like(labels)
    other[0, 0, :3] = 2
    other[1, 5, 5] = 1  # liver there, but no lesion
    long, single = list_lesions(labels, {"other": other}, (2.0, 1.0, 1.0))
    assert long["shared"] == {"other": 0.75}
    assert single["shared"] == {"other": 0}
    assert (long["ml"], long["mm"]) == (pytest.approx(0.008), pytest.approx(4))
    assert single["place"] == (1, 5, 5)


def test_without_real_spacing_nothing_is_told_in_millimetres() -> None:
    labels = np.full((1, 2, 2), 2, np.uint8)
    (lesion,) = list_lesions(labels, {}, None)
    assert lesion["ml"] is None
    assert lesion["mm"] is None


def test_the_box_holds_whatever_anyone_marks() -> None:
    hu, labels = small_exam()
    empty = np.zeros_like(labels)
    far = empty.copy()
    far[0, 2, 60] = 1
    assert liver_box(ViewedExam("one", hu, empty, {"a": empty}, (1, 1, 1))) is None
    assert liver_box(ViewedExam("one", hu, empty, {"a": far}, (1, 1, 1))) == [(2, 3), (60, 61)]
    rows, columns = liver_box(ViewedExam("one", hu, labels, {"a": far}, (1, 1, 1)))
    assert columns[1] == 61
    assert rows[0] == 2


def test_layers_of_another_shape_are_refused() -> None:
    hu, labels = small_exam()
    with pytest.raises(ValueError, match="fusion of shape"):
        ViewedExam("one", hu, labels, {"fusion": labels[1:]}, (1, 1, 1))


@pytest.mark.parametrize("with_reference", [True, False])
def test_it_begins_at_the_largest_lesion_else_at_the_largest_liver_else_in_the_middle(
    with_reference: bool,
) -> None:
    labels = np.zeros((7, 4, 4), np.uint8)

    def first() -> int:
        empty = np.zeros_like(labels)
        methods = {"a": empty} if with_reference else {"a": empty, "b": labels}
        return first_slice(ViewedExam("e", labels, labels if with_reference else None, methods, (1, 1, 1)))

    assert first() == 3
    labels[1, 0], labels[2, :2] = 1, 1
    assert first() == 2
    labels[1, 0, 0], labels[5, 0, :2] = 2, 2
    assert first() == 5


def test_lengths_are_measured_with_the_steps_of_a_sheared_grid() -> None:
    hu, empty = np.zeros((2, 3, 4)), np.zeros((2, 3, 4), np.uint8)
    steps = np.array([[2.5, 0.9, 0], [0, 0.8, 0], [0, 0, 0.7]])
    assert ViewedExam("one", hu, empty, {"a": empty}, (2.66, 0.8, 0.7), True, {}, steps).measured_in is steps
    assert ViewedExam("one", hu, empty, {"a": empty}, (2.5, 0.8, 0.7)).measured_in == (2.5, 0.8, 0.7)
    assert ViewedExam("one", hu, empty, {"a": empty}, (2.5, 0.8, 0.7), False, {}, steps).measured_in is None
    (lesion,) = list_lesions(np.full((1, 1, 1), 2, np.uint8), {}, steps)
    assert lesion["ml"] == pytest.approx(2.5 * 0.8 * 0.7 / 1000)
