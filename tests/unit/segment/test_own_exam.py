"""From what is found in an exam to its labels, with notes of what may be missing in any direction."""

from dataclasses import replace

import numpy as np
import pytest
from dicom_series import Phantom
from thresholds import Thresholded

from hepaflow.segment.own_exam import Result, result_of
from hepaflow.segment.source import LoadedExam
from hepaflow.volumes.volume import read_image

SHAPE = (10, 40, 50)


@pytest.fixture
def exam(tmp_path_factory: pytest.TempPathFactory) -> LoadedExam:
    phantom = Phantom(stored=np.full(SHAPE, -1000, np.int16), gap=2.5, spacing=(0.8, 0.7))
    path = phantom.nifti(phantom.stored, tmp_path_factory.mktemp("exam") / "a.nii")
    return LoadedExam("a", *read_image(path))


def _result(exam: LoadedExam, *lesions: tuple[slice, ...], **how: bool) -> Result:
    liver, lesion = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    liver[3:7, 10:26, 12:28] = True
    for place in lesions:
        lesion[place] = True
    return result_of(Thresholded(liver, lesion, {}), exam, **how)


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
    assert "--keep-outside" in note
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


def test_at_the_edge_of_the_exam_the_box_cuts_nothing(exam: LoadedExam) -> None:
    liver = np.ones(SHAPE, bool)
    lesion = np.zeros(SHAPE, bool)
    lesion[:2, :2, :2] = True
    assert result_of(Thresholded(liver, lesion, {}), exam).notes == ()


def test_a_liver_at_the_edge_of_the_field_of_view_is_told(exam: LoadedExam) -> None:
    rows, columns = np.indices(SHAPE[1:])
    exam.hu[:] = np.where((rows - 18) ** 2 + (columns - 20) ** 2 < 11**2, 60, -1024)
    (note,) = _result(exam).notes
    assert note.startswith("the liver reaches the edge of the field of view in 4 slices")
    exam.hu[:] = np.where((rows - 18) ** 2 + (columns - 20) ** 2 < 17**2, 60, -1024)
    assert _result(exam).notes == ()
    exam.hu[:, 18, 20] = -1024  # gas in a vessel, away from the corners
    assert _result(exam).notes == ()
