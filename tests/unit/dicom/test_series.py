"""Series are found by header, told apart, and chosen."""

import os
from pathlib import Path

import numpy as np
import pytest
from dicom_series import Phantom, raw, write
from pydicom.dataset import FileDataset
from pydicom.uid import EnhancedCTImageStorage, SecondaryCaptureImageStorage, SegmentationStorage

from hepaflow.dicom import series as module
from hepaflow.dicom.series import Contents, choose_series, find_series
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
    for part in ("2 CT series", "series 2 'native'", "7 slices", "0.8 × 0.7 mm, 5 mm apart"):
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


def _small(count: int = 7, *, gap: float = 2.5, **elements: object) -> list[FileDataset]:
    return Phantom(stored=np.zeros((count, 4, 4), np.int16), gap=gap).slices(**elements)


def _uids(number: int, study: str = "1.2") -> dict[str, str]:
    return {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.{number}"}


def test_a_single_file_is_found_alone(tmp_path: Path) -> None:
    write(_small(3), tmp_path)
    path = sorted(tmp_path.iterdir())[1]
    (series,) = find_series(path).series
    assert series.files == (path,)


def test_all_that_a_folder_holds_is_told(tmp_path: Path) -> None:
    write(_small(PatientName="Roe^Jane", PatientID=""), tmp_path / "a")
    write(_small(PatientName="Poe^Edgar", PatientID="", Modality="PT"), tmp_path / "b")
    (tmp_path / "notes.txt").write_text("no DICOM")
    (tmp_path / ".hidden").mkdir()
    contents = find_series(tmp_path)
    assert contents.folder == tmp_path
    assert {"roe", "jane", "poe", "edgar"} <= contents.identifiers
    assert isinstance(contents.identifiers, frozenset)
    assert contents.others == (tmp_path / "notes.txt",)
    assert [one.place for one in contents.skipped] == [tmp_path / ".hidden"]
    assert [str(one) for one in contents.left_out] == ["series 3 'Abdomen': 7 files: modality PT, not CT"]


def test_series_come_in_the_order_of_study_number_and_uid(tmp_path: Path) -> None:
    order = [("1.1", 9), ("1.2", 0), ("1.2", 1), ("1.2", 1), ("1.2", 12), ("1.2", ""), ("1.3", 2)]
    uids = [5, 9, 1, 2, 4, 0, 3]
    for index in (3, 6, 0, 5, 2, 4, 1):
        study, number = order[index]
        write(_small(1, SeriesNumber=number, **_uids(uids[index], study)), tmp_path / str(6 - index))
    found = find_series(tmp_path).series
    assert [one.uid for one in found] == [f"{study}.{uid}" for (study, _), uid in zip(order, uids, strict=True)]
    assert [one.study_uid for one in found] == [study for study, _ in order]


@pytest.mark.parametrize(
    ("number", "description", "name"),
    [
        (7, "Abdomen", "series 7 'Abdomen'"),
        (0, "", "series 0"),
        ("", "Abdomen", "series without number 'Abdomen'"),
        ("", "", "series without number"),
        (7, "Liver of Phantom^One", "series 7 'Liver of ***^***'"),
    ],
)
def test_a_series_is_named_by_number_and_description(
    tmp_path: Path, number: object, description: str, name: str
) -> None:
    write(_small(1, SeriesNumber=number, SeriesDescription=description, **_uids(4)), tmp_path)
    (series,) = find_series(tmp_path).series
    assert (series.short_name, series.name) == (name, f"{name} (1.2.4)")


def _three(folder: Path) -> Contents:
    write(_small(2, SeriesNumber="", SeriesDescription="", **_uids(3)), folder / "a")
    gaps = _small(SeriesNumber=0, **_uids(4))
    write([*gaps[:2], *gaps[4:6]], folder / "b")
    write(_small(SeriesNumber=8, RescaleType="MGML", **_uids(5)), folder / "c")
    write(_small(SeriesNumber=8, Modality="PT", **_uids(6)), folder / "d")
    return find_series(folder)


LISTED = (
    "series 0 'Abdomen' (1.2.4), 4 slices of 0.8 × 0.7 mm, 2.5 mm apart; "
    "series without number (1.2.3), 2 slices of 0.8 × 0.7 mm, 2.5 mm apart"
)


def test_no_choice_among_several_lists_them(tmp_path: Path) -> None:
    contents = _three(tmp_path)
    with pytest.raises(UserError) as refused:
        choose_series(contents)
    assert str(refused.value) == (
        f"file: {tmp_path}\nfound: 2 CT series: {LISTED}\nexpected: one series to segment\n"
        "what to do: put the files of one series into a folder of its own"
    )
    assert choose_series(contents, "0").uid == "1.2.4"
    assert choose_series(contents, "1.2.3").number is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("9", "no CT series 9"),
        (
            "1.2.5",
            "no CT series 1.2.5; left out: series 8 'Abdomen': 7 files: values in MGML, not in HU (RescaleType)",
        ),
        (
            "8",
            "no CT series 8; left out: series 8 'Abdomen': 7 files: values in MGML, not in HU (RescaleType); "
            "series 8 'Abdomen': 7 files: modality PT, not CT",
        ),
    ],
)
def test_a_series_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, wanted: str, found: str) -> None:
    with pytest.raises(UserError) as refused:
        choose_series(_three(tmp_path), wanted)
    assert str(refused.value) == (
        f"file: {tmp_path}\nfound: {found}\nexpected: one of: {LISTED}\n"
        "what to do: name a series that is listed, by its UID or its number"
    )


def test_a_number_of_two_series_asks_for_the_uid_alone(tmp_path: Path) -> None:
    for number in (1, 2):
        write(_small(1, SeriesNumber=5, **_uids(number)), tmp_path / str(number))
    with pytest.raises(UserError) as refused:
        choose_series(find_series(tmp_path), "5")
    assert str(refused.value) == (
        f"file: {tmp_path}\nfound: 2 CT series: series 5 'Abdomen' (1.2.1), 1 slices; series 5 'Abdomen' (1.2.2), "
        "1 slices\nexpected: one series to segment\nwhat to do: name one by its UID"
    )


def test_a_folder_without_a_ct_series_says_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = (
        "expected: a CT exam: the slices of a series (DICOM) in a folder, or NIfTI files (.nii, .nii.gz)\n"
        "what to do: name the folder or the file of the exam; where there is none yet, export the axial CT series "
        "as DICOM, one file a slice, or convert it to NIfTI"
    )
    with pytest.raises(UserError) as refused:
        choose_series(find_series(tmp_path))
    assert str(refused.value) == f"file: {tmp_path}\nfound: no CT series\n{told}"
    write(_small(2, Modality="PT", **_uids(5)), tmp_path)
    write(_small(1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], **_uids(6)), tmp_path, seed=1)
    with pytest.raises(UserError) as refused:
        choose_series(find_series(tmp_path))
    left_out = "series 3 'Abdomen': 2 files: modality PT, not CT; series 3 'Abdomen': 1 file: localizer"
    assert str(refused.value) == f"file: {tmp_path}\nfound: no CT series; left out: {left_out}\n{told}"
    with pytest.raises(UserError, match="no CT series 7\nexpected: a CT series\n"):
        choose_series(find_series(tmp_path), "7")


def test_series_of_which_no_slice_can_be_used_are_chosen_where_there_is_no_other(tmp_path: Path) -> None:
    for number in (7, 8):
        write(_small(SeriesNumber=number, RescaleSlope=0, **_uids(number)), tmp_path / str(number))
    contents = find_series(tmp_path)
    assert (
        choose_series(contents, "8").refused == "a RescaleSlope of 0, which makes all values equal (7 of 7 files)"
    )
    with pytest.raises(UserError, match=r"2 CT series: series 7 'Abdomen' \(1.2.7\), 7 slices; series 8"):
        choose_series(contents)
    write(_small(SeriesNumber=9, **_uids(9)), tmp_path / "9")
    assert choose_series(find_series(tmp_path)).number == 9
    assert choose_series(find_series(tmp_path), "8").uid == "1.2.8"


def test_the_reasons_of_a_series_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    images = _small(RescaleSlope=0)
    for image in images[:2]:
        image.RescaleSlope, image.BitsStored = 1, 17
    write(images, tmp_path)
    (series,) = find_series(tmp_path).unusable
    assert sorted(series.refused.split("; ")) == [
        "BitsStored 17 in BitsAllocated 16 (2 of 7 files)",
        "a RescaleSlope of 0, which makes all values equal (5 of 7 files)",
    ]
    assert series.warnings == ()


@pytest.mark.parametrize(
    ("count", "pictures", "frames", "exam"),
    [
        (3, 0, 0, True),
        (2, 0, 0, False),
        (3, 3, 0, False),
        (3, 2, 0, True),
        (4, 1, 0, True),
        (2, 0, 1, True),
        (3, 3, 1, True),
        (1, 1, 1, True),
    ],
)
def test_unusable_slices_are_an_exam_unless_they_are_few_or_pictures(
    tmp_path: Path, count: int, pictures: int, frames: int, exam: bool
) -> None:
    images = _small(count, RescaleSlope=0)
    for image in images[:pictures]:
        image.ImageType = ["DERIVED", "SECONDARY"]
    for image in images[:frames]:
        image.NumberOfFrames = 2
    contents = find_series(write(images, tmp_path))
    assert not contents.series
    assert len(contents.unusable) == exam
    assert sum(one.count for one in contents.left_out) == (0 if exam else count)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(5, "Input/output error"), "Input/output error"),
        (OSError("cut off"), "cut off"),
        (ValueError("damaged: so"), "damaged: so"),
    ],
)
def test_files_that_cannot_be_read_are_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    write(_small(3), tmp_path)
    lost, read = sorted(tmp_path.iterdir())[1], module.read_header

    def broken(path: Path) -> object:
        if path == lost:
            raise error
        return read(path)

    monkeypatch.setattr(module, "read_header", broken)
    contents = find_series(tmp_path)
    assert [str(one) for one in contents.left_out] == [f"1 file: not readable ({told})"]
    assert len(choose_series(contents).files) == 2


def test_elements_in_a_wrong_form_are_told_in_order(tmp_path: Path) -> None:
    images = _small(3)
    for image in images:
        for name in ("SeriesNumber", "AcquisitionNumber", "InstanceNumber", "KVP"):
            raw(image, name, b"none")
    series = choose_series(find_series(write(images, tmp_path)))
    told = [note for note in series.notes if note.endswith("in a wrong form: taken as absent")]
    assert told == [
        f"{name} in a wrong form: taken as absent"
        for name in ("AcquisitionNumber", "InstanceNumber", "KVP", "SeriesNumber")
    ]
    assert list(series.notes) == sorted(series.notes)


def test_warnings_of_a_series_do_not_name_the_patient(tmp_path: Path) -> None:
    images = _small(5, PatientName="Roe^Jane")
    images[0].RescaleType = "OF ROE"
    (warning,) = choose_series(find_series(write(images, tmp_path))).warnings
    assert warning.startswith("1 file of the series left out: values in OF *** (RescaleType)")


def test_series_that_share_one_image_say_so(tmp_path: Path) -> None:
    one, other = _small(3, **_uids(1)), _small(3, gap=5, **_uids(2))
    other[1].SOPInstanceUID = one[1].SOPInstanceUID
    write(one, tmp_path / "a")
    write(other, tmp_path / "b")
    write(_small(3, **_uids(3)), tmp_path / "c")
    told = "1 images have the UIDs of images of another series (SOPInstanceUID)"
    assert [series.warnings for series in find_series(tmp_path).series] == [(told,), (told,), ()]


def test_series_without_uids_get_one_a_folder_wherever_the_folders_lie(tmp_path: Path) -> None:
    bare = dict.fromkeys(("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"), "")
    found = []
    for root in (tmp_path / "x", tmp_path / "y" / "z"):
        for folder in "ab":
            write(_small(3, **bare), root / folder)
        found.append({series.files[0].parent.name: series.uid for series in find_series(root).series})
    assert found[0] == found[1]
    assert len(set(found[0].values())) == 2


def test_slices_are_as_far_apart_whatever_the_order_of_their_files(tmp_path: Path) -> None:
    for number in (1, 2):
        for index, image in enumerate(_small(4, **_uids(number))):
            image.save_as(tmp_path / f"{number}-{index if number == 1 else 9 - index}", enforce_file_format=True)
    with pytest.raises(UserError) as refused:
        choose_series(find_series(tmp_path))
    assert str(refused.value).count("4 slices of 0.8 × 0.7 mm, 2.5 mm apart") == 2
