"""Pixels become the HU that were scanned, whatever bits and signs they are written with."""

from pathlib import Path

import numpy as np
import pytest
from dicom_series import Phantom, write
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRBigEndian

from hepaflow.dicom.headers import read_header
from hepaflow.dicom.pixels import rescale, slice_hu

ROWS, COLUMNS = 16, 20
HU = np.random.default_rng(5).integers(-1000, 3000, (1, ROWS, COLUMNS))


def _image(kind: type = np.uint16, intercept: int = -1024, **elements: object) -> FileDataset:
    stored = (HU - intercept).astype(kind)
    return Phantom(stored=stored).slices(intercept=intercept, **elements)[0]


def _read(image: FileDataset, folder: Path) -> tuple[np.ndarray, list[str]]:
    (path,) = write([image], folder).iterdir()
    read = read_header(path)
    assert read is not None
    return slice_hu(path, read.header)


def _pixels(image: FileDataset) -> np.ndarray:
    kind = np.int16 if image.PixelRepresentation else np.uint16
    return np.frombuffer(image.PixelData, kind).reshape(ROWS, COLUMNS).copy()


@pytest.mark.parametrize(("kind", "intercept"), [(np.uint16, -1024), (np.int16, 0)])
@pytest.mark.parametrize(
    ("bits", "high"), [(16, 15), (13, 12), (13, 15), (13, 13), (13, None), (16, 11), (13, 99)]
)
def test_bits_wherever_they_lie(tmp_path: Path, kind: type, intercept: int, bits: int, high: int | None) -> None:
    image = _image(kind, intercept, BitsStored=bits, HighBit=high)
    if high is not None and bits <= high + 1 <= 16:
        image.PixelData = (_pixels(image) << (high + 1 - bits)).astype(kind).tobytes()
    hu, notes = _read(image, tmp_path)
    np.testing.assert_array_equal(hu, HU[0])
    assert notes == []


@pytest.mark.parametrize("low", [0, 4])
def test_overlays_in_the_bits_beside_the_values_are_no_values(tmp_path: Path, low: int) -> None:
    image = _image(BitsStored=12, HighBit=11 + low)
    overlay = np.zeros((ROWS, COLUMNS), np.uint16)
    overlay[3:7] = 1
    image.PixelData = ((_pixels(image) << low) | overlay << (12 if low == 0 else 0)).astype(np.uint16).tobytes()
    image.add_new(0x60000100, "US", 16)
    image.add_new(0x60000102, "US", 12 if low == 0 else 0)
    np.testing.assert_array_equal(_read(image, tmp_path)[0], HU[0])


def test_a_high_bit_that_is_not_the_highest_of_the_values(tmp_path: Path) -> None:
    hu, (note,) = _read(_image(BitsStored=12, HighBit=15), tmp_path)
    np.testing.assert_array_equal(hu, HU[0])
    assert note == "values that end at bit 11, not at HighBit 15: taken as they are"


def test_values_beyond_the_bits_that_are_stored(tmp_path: Path) -> None:
    image = _image(BitsStored=12, HighBit=11)
    pixels = _pixels(image)
    pixels[2, 3] = 20000
    image.PixelData = pixels.tobytes()
    hu, notes = _read(image, tmp_path)
    assert hu[2, 3] == 20000 - 1024
    assert notes == ["values beyond BitsStored 12: taken as they are"]


def test_negative_values_without_their_sign_in_the_unused_bits(tmp_path: Path) -> None:
    image = _image(np.int16, 0, BitsStored=13, HighBit=12)
    image.PixelData = (_pixels(image) & 0x1FFF).tobytes()
    np.testing.assert_array_equal(_read(image, tmp_path)[0], HU[0])


@pytest.mark.parametrize(("kind", "intercept"), [(np.uint16, -1024), (np.int16, 0)])
@pytest.mark.parametrize("bits", [16, 12])
@pytest.mark.parametrize(("vr", "value"), [("US", 63536), ("SS", -2000)])
def test_padding_of_either_sign_is_air(
    tmp_path: Path, kind: type, intercept: int, bits: int, vr: str, value: int
) -> None:
    image = _image(kind, intercept, BitsStored=bits, HighBit=bits - 1)
    pixels = np.clip(_pixels(image), None, 2000)
    pixels[:4] = np.array(63536, np.uint16).astype(kind)
    image.PixelData = pixels.tobytes()
    image[0x00280120] = DataElement(0x00280120, vr, value)
    hu, notes = _read(image, tmp_path)
    expected = pixels.astype(int) + intercept
    expected[:4] = -1024
    np.testing.assert_array_equal(hu, expected)
    assert notes == []


def test_padding_in_the_stored_bits_alone(tmp_path: Path) -> None:
    image = _image(np.int16, 0, BitsStored=13, HighBit=12)
    pixels = _pixels(image) & 0x1FFF
    pixels[:4] = -3000 & 0x1FFF
    image.PixelData = pixels.tobytes()
    image[0x00280120] = DataElement(0x00280120, "US", -3000 & 0x1FFF)
    hu, _ = _read(image, tmp_path)
    assert (hu[:4] == -1024).all()
    np.testing.assert_array_equal(hu[4:], HU[0, 4:])


@pytest.mark.parametrize("limit", [2000, 0, -100])
def test_a_range_of_padding_that_holds_tissue_is_not_followed(tmp_path: Path, limit: int) -> None:
    image = _image(np.int16, 0)
    image[0x00280120] = DataElement(0x00280120, "SS", -2000)
    image[0x00280121] = DataElement(0x00280121, "SS", limit)
    hu, notes = _read(image, tmp_path)
    np.testing.assert_array_equal(hu, HU[0])
    assert "PixelPaddingRangeLimit" in notes[0]


@pytest.mark.parametrize(("kind", "intercept", "value"), [(np.int16, 0, 0), (np.uint16, -1024, 1124)])
def test_a_padding_value_that_tissue_has_is_not_followed(
    tmp_path: Path, kind: type, intercept: int, value: int
) -> None:
    image = _image(kind, intercept)
    image[0x00280120] = DataElement(0x00280120, "SS" if intercept == 0 else "US", value)
    pixels = _pixels(image)
    pixels[3, 4] = value
    image.PixelData = pixels.tobytes()
    hu, notes = _read(image, tmp_path)
    assert hu[3, 4] == value + intercept
    assert notes == [f"a PixelPaddingValue of {value + intercept} HU, which tissue has: not followed"]


@pytest.mark.parametrize("slope", [2, -1])
def test_rescale(tmp_path: Path, slope: int) -> None:
    image = _image()
    image.RescaleSlope = slope
    np.testing.assert_array_equal(_read(image, tmp_path)[0], (HU[0] + 1024) * slope - 1024)
    del image.RescaleSlope, image.RescaleIntercept
    assert rescale(image) == (1, 0)


def test_more_pixels_than_belong_there(tmp_path: Path) -> None:
    image = _image()
    image.PixelData += b"\0\0\0\0"
    np.testing.assert_array_equal(_read(image, tmp_path / "padded")[0], HU[0])
    image.PixelData = image.PixelData[:-4] * 2
    with pytest.raises(ValueError, match=r"pixels of shape \(2, 16, 20\)"):
        _read(image, tmp_path / "double")


def test_no_pixels_and_too_few(tmp_path: Path) -> None:
    image = _image()
    image.PixelData = image.PixelData[:-2]
    with pytest.raises(ValueError, match="less than expected"):
        _read(image, tmp_path / "few")
    del image.PixelData
    with pytest.raises(ValueError, match="it ends before its pixels"):
        _read(image, tmp_path / "none")


@pytest.mark.parametrize("bare", [False, True])
def test_big_endian(tmp_path: Path, bare: bool) -> None:
    image = _image()
    image.PixelData = _pixels(image).byteswap().tobytes()
    image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dcmwrite(tmp_path / "IM1", image, implicit_vr=False, little_endian=False, enforce_file_format=True)
    if bare:
        content = (tmp_path / "IM1").read_bytes()
        (tmp_path / "IM1").write_bytes(content[content.index(b"\0\x08\0\x08CS") :])
    read = read_header(tmp_path / "IM1")
    assert read is not None
    np.testing.assert_array_equal(slice_hu(tmp_path / "IM1", read.header)[0], HU[0])
