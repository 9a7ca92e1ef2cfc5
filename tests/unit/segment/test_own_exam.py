"""From what is found in an exam to its labels, with notes of what may be missing in any direction."""

from dataclasses import replace

import numpy as np
import pytest
from dicom_series import Phantom
from thresholds import Thresholded

from hepaflow.segment.own_exam import Result, result_of
from hepaflow.segment.source import LoadedExam
from hepaflow.volumes.box import Box
from hepaflow.volumes.volume import read_image

SHAPE = (10, 40, 50)
AROUND_THE_LIVER = Box((3, 7), (10, 26), (12, 28))


@pytest.fixture
def exam(tmp_path_factory: pytest.TempPathFactory) -> LoadedExam:
    phantom = Phantom(stored=np.full(SHAPE, -1000, np.int16), gap=2.5, spacing=(0.8, 0.7))
    path = phantom.nifti(phantom.stored, tmp_path_factory.mktemp("exam") / "a.nii")
    return LoadedExam("a", *read_image(path))


def _result(exam: LoadedExam, *lesions: tuple[slice, ...], box: Box = AROUND_THE_LIVER, **how: bool) -> Result:
    liver, lesion = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    liver[3:7, 10:26, 12:28] = True
    for place in lesions:
        lesion[place] = True
    return result_of(Thresholded(liver, lesion, {}, {"liver": Box.whole(SHAPE), "lesion": box}), exam, **how)


def test_a_lesion_in_the_liver_gives_no_note(exam: LoadedExam) -> None:
    result = _result(exam, np.s_[4:6, 12:15, 14:17])
    assert result.notes == ()
    assert np.bincount(result.labels.ravel()).tolist() == [20000 - 1024, 1024 - 18, 18]


def test_what_lies_outside_is_left_out_and_told(exam: LoadedExam) -> None:
    inside, outside = np.s_[4:6, 12:15, 14:17], np.s_[4:6, 38:40, 48:50]
    result = _result(exam, inside, outside)
    assert (result.labels == 2).sum() == 18
    (note,) = result.notes
    assert note.startswith(
        "8 voxels that the networks take for lesion lie more than 10 mm outside of the liver, 1 region"
    )
    assert note.endswith("this was left out")
    kept = _result(exam, inside, outside, keep_outside=True)
    assert (kept.labels == 2).sum() == 26
    assert kept.notes[0].endswith("this was kept, as asked for")


def test_without_millimetres_what_lies_outside_is_kept(exam: LoadedExam) -> None:
    blind = replace(exam, grid=replace(exam.grid, names_spacing=False))
    inside, outside = np.s_[4:6, 12:15, 14:17], np.s_[4:6, 38:40, 48:50]
    result = _result(blind, inside, outside)
    assert (result.labels == 2).sum() == 26
    assert result.notes == (
        "8 voxels of lesion lie outside of the liver, 1 region as a whole; how far is unknown, so they were kept",
    )


@pytest.mark.parametrize(
    ("place", "count"),
    [
        (np.s_[6:7, 12:15, 14:17], 1),  # the liver's highest slice: the networks see none above
        (np.s_[3:4, 12:15, 14:17], 1),
        (np.s_[4:5, 10:12, 14:17], 1),
        (np.s_[4:5, 24:26, 14:17], 1),
        (np.s_[4:5, 12:15, 12:14], 1),
        (np.s_[4:5, 12:15, 26:28], 1),
        (np.s_[4:6, 11:25, 13:27], 0),
    ],
)
def test_a_lesion_at_the_edge_of_the_box_is_told(exam: LoadedExam, place: tuple[slice, ...], count: int) -> None:
    notes = _result(exam, place).notes
    assert [note[:18] for note in notes] == ["1 lesion reaches t"] * count


def test_a_box_with_a_margin_cuts_nothing_at_the_edge_of_the_liver(exam: LoadedExam) -> None:
    wider = Box((2, 8), (8, 28), (10, 30))
    in_the_corner, in_the_margin = np.s_[3:5, 10:12, 12:14], np.s_[6:7, 24:27, 20:22]
    assert _result(exam, in_the_corner, in_the_margin, box=wider).notes == ()
    (note,) = _result(exam, in_the_corner, np.s_[6:7, 24:28, 20:22], box=wider).notes
    assert note.startswith("1 lesion reaches the edge of the region")
    (note,) = _result(exam, np.s_[3:4, 10:12, 12:14], np.s_[6:7, 24:26, 20:22]).notes
    assert note.startswith("2 lesions reach the edge of the region")


@pytest.mark.parametrize(("axis", "end"), [(axis, end) for axis in range(3) for end in (0, 1)])
def test_a_liver_at_the_edge_of_the_box_in_which_it_was_sought_is_told(
    exam: LoadedExam, axis: int, end: int
) -> None:
    ranges = [[2, 8], [8, 28], [10, 30]]
    ranges[axis][end] = AROUND_THE_LIVER.ranges[axis][end]
    liver = np.zeros(SHAPE, bool)
    liver[3:7, 10:26, 12:28] = True

    def notes(box: Box) -> tuple[str, ...]:
        return result_of(Thresholded(liver, np.zeros_like(liver), {}, {"liver": box}), exam).notes

    assert notes(Box.from_list(ranges)) == (
        "the liver reaches the edge of the region in which it was sought: a part of it may be missing there",
    )
    ranges[axis][end] += 2 * end - 1
    assert notes(Box.from_list(ranges)) == ()


def test_at_the_edge_of_the_exam_the_box_cuts_nothing(exam: LoadedExam) -> None:
    liver = np.ones(SHAPE, bool)
    lesion = np.zeros(SHAPE, bool)
    lesion[:2, :2, :2] = True
    beyond = Box((0, 10), (-5, 45), (0, 50))
    boxes = dict.fromkeys(("liver", "lesion"), beyond)
    assert result_of(Thresholded(liver, lesion, {}, boxes), exam).notes == ()


def test_a_liver_at_the_edge_of_the_field_of_view_is_told(exam: LoadedExam) -> None:
    rows, columns = np.indices(SHAPE[1:])
    exam.hu[:] = np.where((rows - 18) ** 2 + (columns - 20) ** 2 < 11**2, 60, -1024)
    (note,) = _result(exam).notes
    assert note.startswith("the liver reaches the edge of the field of view in 4 slices")
    exam.hu[:] = np.where((rows - 18) ** 2 + (columns - 20) ** 2 < 17**2, 60, -1024)
    assert _result(exam).notes == ()
    exam.hu[:, 18, 20] = -1024  # gas in a vessel, away from the corners
    assert _result(exam).notes == ()
