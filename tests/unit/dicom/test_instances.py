"""Copies are known from images that only share a UID, and series from those that only share theirs."""

from pathlib import Path

import numpy as np
import pytest
from dicom_series import Phantom, raw, write
from pydicom.uid import JPEG2000Lossless

from hepaflow.dicom.reading import read_series
from hepaflow.dicom.series import Contents, choose_series, find_series
from hepaflow.errors import UserError

UIDS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"}


def _phantom(seed: int, **where: object) -> Phantom:
    return Phantom(stored=np.random.default_rng(seed).integers(0, 2500, (5, 36, 40)).astype(np.int16), **where)


def _numbered(phantom: Phantom, **elements: object) -> list:
    """Images whose writer builds their UIDs from a fixed text and their number."""
    images = phantom.slices(**(UIDS | elements))
    for index, image in enumerate(images):
        image.SOPInstanceUID = f"2.16.{index + 1}"
    return images


def _counts(contents: Contents) -> list[int]:
    return sorted(len(one.files) for one in contents.series)


def test_images_of_two_patients_with_the_same_uids(tmp_path: Path) -> None:
    write(_numbered(_phantom(1), PatientID="P1"), tmp_path / "a")
    write(_numbered(_phantom(2), PatientID="P2"), tmp_path / "b", seed=1)
    contents = find_series(tmp_path)
    assert _counts(contents) == [5, 5]
    assert not contents.left_out
    for one in contents.series:
        assert one.warnings == ("5 images have the UIDs of images of another series (SOPInstanceUID)",)


def test_images_of_two_patients_who_have_names_alone(tmp_path: Path) -> None:
    write(_numbered(_phantom(1), PatientID="", PatientName="Roe^Jane"), tmp_path / "a")
    other = _phantom(2, origin=(0.0, 0.0, 70.0))
    write(_numbered(other, PatientID="", PatientName="Doe^John"), tmp_path / "b", seed=1)
    assert _counts(find_series(tmp_path)) == [5, 5]


def test_images_of_two_series_with_the_same_instance_uids(tmp_path: Path) -> None:
    write(_numbered(_phantom(1)), tmp_path / "a")
    write(_numbered(_phantom(2), SeriesInstanceUID="1.2.3.9"), tmp_path / "b", seed=1)
    assert _counts(find_series(tmp_path)) == [5, 5]


def test_two_volumes_of_one_place_in_two_folders_with_the_same_uids(tmp_path: Path) -> None:
    write(_numbered(_phantom(1)), tmp_path / "a")
    write(_numbered(_phantom(2)), tmp_path / "b", seed=1)
    assert _counts(find_series(tmp_path)) == [5, 5]


def test_two_volumes_of_one_place_in_one_folder_stay_together(tmp_path: Path) -> None:
    """Which slice belongs to which is not known: `read_series` refuses them."""
    write(_numbered(_phantom(1)), tmp_path)
    write(_numbered(_phantom(2)), tmp_path, seed=1)
    (series,) = find_series(tmp_path).series
    assert len(series.files) == 10


def test_two_halves_of_a_series_in_two_folders_are_one(tmp_path: Path) -> None:
    images = _numbered(_phantom(1))
    write(images[:3], tmp_path / "a")
    write(images[3:], tmp_path / "b")
    assert _counts(find_series(tmp_path)) == [5]


def test_two_phases_in_halves_are_not_four_exams(tmp_path: Path) -> None:
    for seed in (1, 2):
        images = _phantom(seed).slices(**UIDS)
        write(images[:3], tmp_path / f"{seed}a", seed=seed)
        write(images[3:], tmp_path / f"{seed}b", seed=seed)
    assert _counts(find_series(tmp_path)) == [10]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_copy_is_one_whatever_its_form(tmp_path: Path, compressed: bool) -> None:
    images = _numbered(_phantom(1))
    write(images, tmp_path / "a")
    for image in images:
        image.RetrieveAETitle = "ELSEWHERE"
        if compressed:
            image.compress(JPEG2000Lossless, generate_instance_uid=False)
    write(images[:2], tmp_path / "b")
    contents = find_series(tmp_path)
    assert _counts(contents) == [5]
    assert [str(one) for one in contents.left_out] == ["series 3 'Abdomen': 2 files: copies of other files"]
    assert contents.series[0].warnings == ("2 files of the series left out: copies of other files",)


def test_one_uid_for_all_images_of_a_series(tmp_path: Path) -> None:
    images = _phantom(1).slices()
    for image in images:
        image.SOPInstanceUID = "1.2.3.4.5"
    series = choose_series(find_series(write(images, tmp_path)))
    assert len({header.SOPInstanceUID for header in series.headers}) == 5
    assert series.notes == ("several images with one SOPInstanceUID: new ones were made",)


def test_a_frame_of_reference_for_each_slice(tmp_path: Path) -> None:
    images = _phantom(1).slices()
    for index, image in enumerate(images):
        image.FrameOfReferenceUID = f"1.2.{index}"
    series = choose_series(find_series(write(images, tmp_path)))
    assert len({header.FrameOfReferenceUID for header in series.headers}) == 1
    assert series.notes == ("a FrameOfReferenceUID for each slice: one was made for all",)


@pytest.mark.parametrize("value", ["", "frame 1"])
def test_slices_without_a_frame_of_reference_take_that_of_the_others(tmp_path: Path, value: str) -> None:
    images = _phantom(1).slices(**UIDS)
    for image in images[:2]:
        raw(image, "FrameOfReferenceUID", value.encode())
    series = choose_series(find_series(write(images, tmp_path)))
    assert {header.FrameOfReferenceUID for header in series.headers} == {UIDS["FrameOfReferenceUID"]}
    assert series.notes == ("no FrameOfReferenceUID in 2 of 5 slices: that of the others was taken",)
    assert len(read_series(series)[0]) == 5


@pytest.mark.parametrize(("value", "found"), [("", "no"), ("frame 1", "a false")])
def test_a_series_without_a_frame_of_reference_gets_one(tmp_path: Path, value: str, found: str) -> None:
    images = _phantom(1).slices(**UIDS)
    for image in images:
        raw(image, "FrameOfReferenceUID", value.encode())
    series = choose_series(find_series(write(images, tmp_path)))
    (frame,) = {header.FrameOfReferenceUID for header in series.headers}
    assert frame.is_valid
    assert series.notes == (f"{found} FrameOfReferenceUID: a new one was made",)


def test_slices_of_several_frames_of_reference_keep_them(tmp_path: Path) -> None:
    images = _phantom(1).slices(**UIDS)
    for image, frame in zip(images, ["1.2.1", "1.2.1", "1.2.2", "1.2.2", ""], strict=True):
        image.FrameOfReferenceUID = frame
    with pytest.raises(UserError, match="slices of 2 frames of reference"):
        read_series(choose_series(find_series(write(images, tmp_path))))


def test_exams_without_uids_in_folders_of_their_own_are_exams(tmp_path: Path) -> None:
    bare = {name: "" for name in UIDS}
    for number, folder in enumerate("ab"):
        images = _phantom(number).slices(**bare, PatientID="", PatientName="")
        write(images, tmp_path / folder, seed=number)
    assert _counts(find_series(tmp_path)) == [5, 5]
    again = find_series(tmp_path)
    assert [one.uid for one in again.series] == [one.uid for one in find_series(tmp_path).series]
