"""A header is read from whatever file holds one, and what is missing is filled in alike for all of a series."""

import os
import warnings
from pathlib import Path

import pytest
from dicom_series import Phantom, raw, write
from pydicom.dataset import FileDataset
from pydicom.uid import RawDataStorage

from hepaflow.dicom.headers import new_instance, read_header, repaired


def _read(image: FileDataset, folder: Path) -> tuple[FileDataset, list[str]]:
    (path,) = write([image], folder, enforce_file_format=False).iterdir()
    read = read_header(path)
    assert read is not None
    header, notes = repaired(read.header)
    return header, [*notes, *read.notes]


@pytest.mark.parametrize(
    "name", ["IM000123", "123", "1.2.840.10008.1", "x.dcm", "x.DCM", "x.ima", "slice.0007", "IM1.dicom"]
)
@pytest.mark.parametrize("data", [b"", b"no DICOM", bytes(5000)])
def test_a_file_that_is_called_as_slices_are_and_is_none(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match="not DICOM" if data else "an empty file"):
        read_header(tmp_path / name)


@pytest.mark.parametrize("name", [".DS_Store", "._IM0001", "._x.dcm", "README", "Thumbs.db", "a.nii.gz", "a.txt"])
def test_other_files_are_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(os.urandom(500) if name.startswith("._") else b"")
    assert read_header(tmp_path / name) is None


def test_a_file_that_ends_before_its_pixels(tmp_path: Path) -> None:
    (path,) = write(Phantom().slices()[:1], tmp_path).iterdir()
    whole = path.read_bytes()
    for length in range(132, len(whole) - Phantom().stored[0].nbytes - 12, 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged"):
            read_header(path)


def test_objects_without_pixels_are_not_damaged(tmp_path: Path) -> None:
    image = Phantom().slices(SOPClassUID=RawDataStorage)[0]
    image.file_meta.MediaStorageSOPClassUID = RawDataStorage
    del image.PixelData
    assert _read(image, tmp_path)[0].SOPClassUID == RawDataStorage


@pytest.mark.parametrize("value", [b"", b"study 7", b"1.2\\1.3", b"1.2.x", b"1." * 40])
@pytest.mark.parametrize("name", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_what_has_no_uid_gets_one_for_all_of_its_files(tmp_path: Path, name: str, value: bytes) -> None:
    images = Phantom().slices()
    made = set()
    for place, image in enumerate(images[:3]):
        raw(image, name, value)
        header, notes = _read(image, tmp_path / str(place))
        made.add(header[name].value)
        assert notes == [f"{'a false' if value else 'no'} {name}: a new one was made"]
    assert len(made) == 1
    assert next(iter(made)).is_valid


def test_an_image_without_a_uid_gets_one_of_its_own(tmp_path: Path) -> None:
    images = Phantom().slices(SOPInstanceUID="")
    for image in images:
        image.SOPInstanceUID = ""
    headers = [_read(image, tmp_path / str(place))[0] for place, image in enumerate(images)]
    assert len({header.SOPInstanceUID for header in headers}) == len(images)
    assert new_instance(headers[0]).is_valid


def test_padded_uids_are_the_same(tmp_path: Path) -> None:
    image = Phantom().slices()[0]
    raw(image, "SeriesInstanceUID", b" 1.2.3 ")
    header, notes = _read(image, tmp_path)
    assert header.SeriesInstanceUID == "1.2.3"
    assert notes == []


@pytest.mark.parametrize(
    ("elements", "note"),
    [
        ({"Modality": ""}, "no Modality: taken for CT"),
        ({"RescaleType": "UNSPECIFIED"}, "values in UNSPECIFIED (RescaleType): taken for HU"),
        (
            {"PhotometricInterpretation": "MONOCHROME1"},
            "shown inverted (MONOCHROME1): values are taken as they are",
        ),
    ],
)
def test_what_is_taken_for_something_is_told(tmp_path: Path, elements: dict[str, str], note: str) -> None:
    assert _read(Phantom().slices(**elements)[0], tmp_path)[1] == [note]


def test_no_library_spells_out_a_value_of_a_wrong_form(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (path,) = write(Phantom().slices()[:1], tmp_path).iterdir()
    whole = path.read_bytes()
    for name in (b"1.2.840.10008.5.1.4.1.1.2", b"1.2.826", b"Phantom^One", b"20200102"):
        path.write_bytes(
            whole.replace(name, b"Roe^Jane" + name[8:] if len(name) > 8 else b"Roe^Jane"[: len(name)])
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            read = read_header(path)
            assert read is not None
            repaired(read.header)
    assert capfd.readouterr() == ("", "")
