"""Series are found by header, told apart, and chosen."""

import os
from pathlib import Path

import pytest
from dicom_series import Phantom, raw, write
from pydicom.dataset import FileDataset
from pydicom.uid import EnhancedCTImageStorage, SecondaryCaptureImageStorage, SegmentationStorage

from hepaflow.dicom.series import choose_series, find_series
from hepaflow.errors import UserError


def _reasons(folder: Path) -> str:
    return "\n".join(str(one) for one in find_series(folder).left_out)


def test_a_series_is_found_whatever_the_names_of_the_files(tmp_path: Path) -> None:
    write(Phantom().slices(), tmp_path / "deep" / "er")
    (tmp_path / "notes.txt").write_text("not DICOM at all")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    contents = find_series(tmp_path)
    assert len(contents.series) == 1
    assert not contents.left_out
    series = choose_series(contents)
    assert (series.number, series.description, len(series.files)) == (3, "Abdomen", 7)


def test_files_without_preamble_and_meta_information_are_found(tmp_path: Path) -> None:
    for image in (images := Phantom().slices()):
        del image.file_meta
        image.preamble = None
    write(images, tmp_path, enforce_file_format=False, implicit_vr=True, little_endian=True)
    assert len(choose_series(find_series(tmp_path)).files) == 7


def test_what_is_no_slice_of_a_volume_is_left_out_with_its_reason(tmp_path: Path) -> None:
    phantom = Phantom()
    write(phantom.slices(), tmp_path / "ct")
    write(phantom.slices(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])[:1], tmp_path / "a")
    write(phantom.slices(SOPClassUID=SecondaryCaptureImageStorage)[:1], tmp_path / "b")
    write(phantom.slices(SOPClassUID=SegmentationStorage, Modality="SEG")[:1], tmp_path / "c")
    write(phantom.slices(SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=7)[:1], tmp_path / "d")
    write(phantom.slices(ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), tmp_path / "e")
    write(phantom.slices(RescaleType="MGML"), tmp_path / "f")
    write(phantom.slices(Modality="PT"), tmp_path / "g")
    write(phantom.slices(ImageType=["DERIVED", "SECONDARY", "MIP"]), tmp_path / "h")
    contents = find_series(tmp_path)
    assert len(contents.series) == 1
    reasons = _reasons(tmp_path)
    assert [one.refused for one in contents.unusable] == [
        "multi-frame: convert it to one file a slice (1 of 1 files)"
    ]
    for reason in ("localizer", "Secondary Capture", "Segmentation Storage", "7 files: reformatted", "MGML",
                   "modality PT", "projection (MIP)"):  # fmt: skip
        assert reason in reasons


def test_a_copy_of_a_file_counts_once(tmp_path: Path) -> None:
    images = Phantom().slices()
    write(images, tmp_path / "a")
    write(images[:3], tmp_path / "b")
    assert len(choose_series(find_series(tmp_path)).files) == 7
    assert "3 files: copies" in _reasons(tmp_path)


def test_a_damaged_file_is_listed(tmp_path: Path) -> None:
    write(Phantom().slices()[:1], tmp_path)
    path = next(tmp_path.iterdir())
    path.write_bytes(path.read_bytes()[:500])
    assert not find_series(tmp_path).series
    assert "1 file: " in _reasons(tmp_path)


def _two(folder: Path) -> Path:
    write(Phantom().slices(SeriesNumber=2, SeriesDescription="native"), folder / "a")
    write(Phantom(gap=5).slices(SeriesNumber=4, SeriesDescription="portal venous"), folder / "b")
    return folder


def test_several_series_without_a_choice_are_listed(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        choose_series(find_series(_two(tmp_path)))
    for part in ("2 CT series", "series 2 'native'", "7 slices", "0.8 × 0.7 mm, 5 mm apart", "--series"):
        assert part in str(refused.value)
    assert "Phantom" not in str(refused.value), "a message names the patient"


def test_a_series_is_chosen_by_number_or_uid(tmp_path: Path) -> None:
    contents = find_series(_two(tmp_path))
    chosen = choose_series(contents, "4")
    assert chosen.description == "portal venous"
    assert choose_series(contents, chosen.uid) == chosen
    with pytest.raises(UserError, match="no CT series 5"):
        choose_series(contents, "5")


def test_a_number_that_two_series_share_is_no_choice(tmp_path: Path) -> None:
    write(Phantom().slices(), tmp_path / "a")
    write(Phantom().slices(), tmp_path / "b")
    with pytest.raises(UserError, match="2 CT series"):
        choose_series(find_series(tmp_path), "3")


def test_a_named_series_that_was_left_out_says_why(tmp_path: Path) -> None:
    write(Phantom().slices(SeriesNumber=9, RescaleType="MGML"), tmp_path)
    with pytest.raises(UserError, match="values in MGML"):
        choose_series(find_series(tmp_path), "9")
    with pytest.raises(UserError, match="no CT series; left out: series 9"):
        choose_series(find_series(tmp_path))


def test_a_folder_that_cannot_be_read_is_not_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    scandir = os.scandir

    def denied(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(UserError, match=r"a folder that cannot be read \(Permission denied\)"):
        find_series(tmp_path)


def test_a_missing_folder_and_one_without_dicom(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        find_series(tmp_path / "none")
    with pytest.raises(UserError, match="no CT series"):
        choose_series(find_series(tmp_path))


def test_missing_uids_are_filled_in_alike_for_all_slices(tmp_path: Path) -> None:
    images = Phantom().slices(SeriesInstanceUID="", StudyInstanceUID="", SOPClassUID="")
    for image in images:
        image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.SOPInstanceUID = ""
    write(images, tmp_path, enforce_file_format=False)
    series = choose_series(find_series(tmp_path))
    assert len(series.files) == 7
    assert len({header.StudyInstanceUID for header in series.headers}) == 1
    assert len({header.SOPInstanceUID for header in series.headers}) == 7
    assert len(series.notes) == 4


@pytest.mark.parametrize("value", [b"", b"none", None])
def test_a_slice_without_its_study_is_of_its_series(tmp_path: Path, value: bytes | None) -> None:
    images = Phantom().slices()
    if value is None:
        del images[6].StudyInstanceUID
    else:
        raw(images[6], "StudyInstanceUID", value)
    write(images, tmp_path)
    series = choose_series(find_series(tmp_path))
    assert len(series.files) == 7
    assert {header.StudyInstanceUID for header in series.headers} == {images[0].StudyInstanceUID}
    assert series.notes[0].endswith("StudyInstanceUID: that of the other slices was taken")


def test_a_slice_without_its_study_is_of_none_of_two(tmp_path: Path) -> None:
    images = [image for study in ("1.2.3", "1.2.4", "") for image in Phantom().slices(
        StudyInstanceUID=study, SeriesInstanceUID="1.2.5")]  # fmt: skip
    write(images, tmp_path)
    assert sorted(len(series.files) for series in find_series(tmp_path).series) == [7, 7, 7]


def test_a_malformed_value_does_not_hide_a_series(tmp_path: Path) -> None:
    images: list[FileDataset] = Phantom().slices()
    for image in images:
        image["PatientBirthDate"]._value = "unknown"
        image["PatientSex"]._value = "X"
    write(images, tmp_path)
    series = choose_series(find_series(tmp_path))
    assert series.headers[0].PatientBirthDate == ""
    assert series.headers[0].PatientSex == ""
