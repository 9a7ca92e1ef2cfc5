"""What the viewer tells of an exam."""

from typing import Any

import numpy as np
import pytest
from small_exams import exam as small_exam
from small_exams import grid_of

from hepaflow.evaluation.metrics.overlap import dice_of_counts
from hepaflow.viewer.exam import (
    ViewedExam,
    count_overlap,
    find_extents,
    first_place,
    list_lesions,
    marked_box,
    mean_disagreement,
    measure_volumes,
    measured_steps,
    voxel_places,
)
from hepaflow.volumes.volume import Grid


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
    _, labels = small_exam()
    empty = np.zeros_like(labels)
    far = empty.copy()
    far[0, 2, 60] = 1
    assert marked_box([empty, empty]) is None
    assert marked_box([empty, far]) == [(0, 1), (2, 3), (60, 61)]
    slices, rows, columns = marked_box([labels, far])
    assert slices[0] == 0
    assert rows[0] == 2
    assert columns[1] == 61


def test_layers_of_another_shape_are_refused() -> None:
    hu, labels = small_exam()
    with pytest.raises(ValueError, match="fusion of shape"):
        ViewedExam("one", hu, labels, {"fusion": labels[1:]}, grid_of(hu.shape))


def one_exam(**changes: Any) -> ViewedExam:
    empty = np.zeros((7, 4, 5), np.uint8)
    given = {"name": "e", "hu": empty, "reference": empty, "methods": {"a": empty}, "grid": grid_of(empty.shape)}
    return ViewedExam(**(given | changes))


@pytest.mark.parametrize("with_reference", [True, False])
def test_it_begins_in_the_largest_lesion_else_in_the_largest_liver_else_in_the_middle(
    with_reference: bool,
) -> None:
    labels = np.zeros((7, 4, 5), np.uint8)
    empty = np.zeros_like(labels)

    def first() -> tuple[int, int, int]:
        methods = {"a": empty} if with_reference else {"a": empty, "b": labels}
        return first_place(one_exam(reference=labels if with_reference else None, methods=methods))

    assert first() == (3, 2, 2)
    labels[1, 0], labels[2, 2:] = 1, 1
    assert first() == (2, 3, 2)
    labels[1, 0, 0], labels[5, 1, :1] = 2, 2
    labels[5, 2, :1] = 2
    assert first() == (5, 1, 0)


def test_it_opens_on_the_fusion_wherever_it_is_listed_else_on_the_last_method() -> None:
    empty = np.zeros((7, 4, 5), np.uint8)
    assert one_exam(methods=dict.fromkeys(("a", "fusion", "other-system"), empty)).opened == "fusion"
    assert one_exam(methods=dict.fromkeys(("a", "b"), empty)).opened == "b"


def test_volumes_and_burden_are_those_of_counted_voxels() -> None:
    labels = np.zeros((2, 10, 10), np.uint8)
    labels[0, :, :5] = 1
    labels[0, :2, :5] = 2
    assert measure_volumes(labels, (5.0, 2.0, 2.0)) == {
        "liver": pytest.approx(50 * 0.02),
        "lesion": pytest.approx(10 * 0.02),
        "burden": pytest.approx(20),
    }
    assert measure_volumes(labels, None) == {"liver": None, "lesion": None, "burden": pytest.approx(20)}
    assert measure_volumes(np.zeros_like(labels), (1, 1, 1)) == {"liver": 0, "lesion": 0, "burden": None}


AXES = {
    "as shown": np.diag([-0.7, -0.8, 2.5, 1.0]),
    "mirrored": np.diag([0.7, 0.8, -2.5, 1.0]),
    "slices first": np.array([[0, 0, 0.7, 0], [0, -0.8, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1.0]]),
}


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES.keys())
def test_a_voxel_is_told_where_its_file_and_its_patient_have_it(axes: np.ndarray) -> None:
    affine = axes.copy()
    affine[:3, 3] = 31, -12, 170
    grid = Grid((6, 4, 5), affine, None)
    numbers = np.arange(6 * 4 * 5).reshape(grid.shape)
    shown = grid.canonicalise(numbers)
    exam = one_exam(
        hu=shown,
        reference=None,
        methods={"a": np.zeros(shown.shape, np.uint8)},
        grid=grid,
    )
    places = voxel_places(exam)
    for place in [(0, 0, 0), tuple(length - 1 for length in shown.shape), (1, 2, 3)]:
        i, j, k = (round(index) for index in np.array(places["voxel"]) @ [*place, 1])
        assert numbers[i, j, k] == shown[place]
        right, front, up = (affine @ [i, j, k, 1])[:3]
        np.testing.assert_allclose(np.array(places["patient"]) @ [*place, 1], [-right, -front, up])


def test_without_millimetres_there_is_a_voxel_but_no_place_in_a_patient() -> None:
    places = voxel_places(one_exam(grid=grid_of((7, 4, 5), trusted=False)))
    assert places == {"voxel": [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]], "patient": None}


def sheared_grid() -> Grid:
    """Return a grid whose slices each lie 0.9 mm farther back than the one below."""
    affine = np.diag([-0.7, -0.8, 2.5, 1.0])
    affine[1, 2] = -0.9
    return Grid((5, 4, 7), affine, None)


def test_steps_are_told_as_vectors() -> None:
    shape = (7, 4, 5)
    assert measured_steps(one_exam(grid=grid_of(shape, (5, 2, 1)))) == [[5, 0, 0], [0, 2, 0], [0, 0, 1]]
    assert measured_steps(one_exam(grid=grid_of(shape, trusted=False))) is None
    steps = measured_steps(one_exam(grid=sheared_grid()))
    np.testing.assert_allclose(steps, [[2.5, 0.9, 0], [0, 0.8, 0], [0, 0, 0.7]], atol=1e-12)


def test_extents_are_ranges_along_every_axis() -> None:
    labels = np.zeros((6, 4, 5), np.uint8)
    labels[1:3, 1:3, 4] = 1
    labels[5, 0, 0] = 2
    assert find_extents(labels) == {
        "liver": [[(1, 3), (5, 6)], [(0, 3)], [(0, 1), (4, 5)]],
        "lesion": [[(5, 6)], [(0, 1)], [(0, 1)]],
    }
    assert find_extents(np.zeros_like(labels))["liver"] == [[], [], []]


def test_disagreement_is_the_mean_over_what_anyone_marks() -> None:
    percent = np.zeros((3, 2, 4), np.uint8)
    percent[1, 0] = 100, 50, 0, 0
    mask = np.zeros(percent.shape, bool)
    mask[1, 0, 2] = mask[2, 0, 0] = True
    assert mean_disagreement(percent, mask) == [0, 50, 0]


def test_lengths_are_measured_with_the_steps_of_a_sheared_grid() -> None:
    (lesion,) = list_lesions(np.full((1, 1, 1), 2, np.uint8), {}, sheared_grid().trusted_steps)
    assert lesion["ml"] == pytest.approx(2.5 * 0.8 * 0.7 / 1000)
