"""A series gives the volume that it was made from, or is refused."""

from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pytest
from dicom_series import ORIENTATIONS, Phantom, write
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from hepaflow.dicom.reading import read_series
from hepaflow.dicom.series import choose_series, find_series
from hepaflow.errors import UserError
from hepaflow.volumes.volume import canonical_affine, read_grid, read_image, write_map


def _read(folder: Path) -> Any:
    return read_series(choose_series(find_series(folder)))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_volume_and_affine_are_those_of_the_nifti_file(tmp_path: Path, name: str, descending: bool) -> None:
    phantom = Phantom(orientation=ORIENTATIONS[name])
    write(phantom.slices(descending=descending), tmp_path / "dicom", seed=descending)
    expected, its_grid = read_image(phantom.nifti(phantom.stored - 1024, tmp_path / "image.nii.gz"))
    hu, grid, series = _read(tmp_path / "dicom")
    np.testing.assert_array_equal(hu, expected)
    np.testing.assert_allclose(canonical_affine(grid), canonical_affine(its_grid), atol=1e-4)
    assert grid.spacing == pytest.approx(its_grid.spacing, abs=1e-4)
    assert grid.has_millimetres
    for index, header in enumerate(series.headers):
        np.testing.assert_allclose(header.ImagePositionPatient, (phantom.lps @ [0, 0, index, 1])[:3], atol=1e-4)


def test_a_map_on_the_grid_of_a_series_is_a_nifti_file_of_the_same_place(tmp_path: Path) -> None:
    phantom = Phantom(orientation=ORIENTATIONS["oblique"])
    _, grid, _ = _read(write(phantom.slices(), tmp_path / "dicom"))
    write_map(tmp_path / "map.nii.gz", grid.canonicalise(phantom.labels.transpose(2, 1, 0)), grid)
    written, its_grid = read_image(tmp_path / "map.nii.gz")
    expected, given = read_image(phantom.nifti(phantom.labels, tmp_path / "labels.nii.gz"))
    np.testing.assert_array_equal(written, expected)
    np.testing.assert_allclose(its_grid.affine, given.affine, atol=1e-4)
    header = read_grid(tmp_path / "map.nii.gz").header
    assert header.get_xyzt_units()[0] == "mm"
    assert header.get_sform(coded=True)[1] == header.get_qform(coded=True)[1] == 1
    np.testing.assert_allclose(header.get_qform(), header.get_sform(), atol=1e-3)


def _jpeg_lossless(folder: Path) -> None:
    """Compress files in place; GDCM alone writes this old and usual form."""
    for path in folder.iterdir():
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(path))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(path))
        assert writer.Write()


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless, "deflated", "JPEG lossless"])
def test_compressed_pixels_are_the_same(tmp_path: Path, syntax: str, kind: type) -> None:
    values = np.random.default_rng(3).integers(0, 2500, (3, 40, 36))
    phantom = Phantom(stored=(values - (1000 if kind is np.int16 else 0)).astype(kind))
    images = phantom.slices(intercept=0 if kind is np.int16 else -1024)
    for image in images:
        if syntax == "deflated":
            image.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        elif syntax != "JPEG lossless":
            image.compress(syntax, generate_instance_uid=False)
    write(images, tmp_path)
    if syntax == "JPEG lossless":
        _jpeg_lossless(tmp_path)
    hu, _, _ = _read(tmp_path)
    np.testing.assert_array_equal(hu, phantom.stored.astype(int) + (0 if kind is np.int16 else -1024))


def test_raw_pixels_without_meta_information(tmp_path: Path) -> None:
    for image in (images := Phantom().slices()):
        del image.file_meta
        image.preamble = None
    write(images, tmp_path, enforce_file_format=False, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(_read(tmp_path)[0], Phantom().stored - 1024)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    phantom = Phantom()
    images = phantom.slices()
    images[2].RescaleSlope, images[2].RescaleIntercept = 0.5, -1000
    hu, _, _ = _read(write(images, tmp_path))
    assert hu.dtype == np.float32
    np.testing.assert_array_equal(hu[2], phantom.stored[2] * 0.5 - 1000)
    np.testing.assert_array_equal(hu[3], phantom.stored[3] - 1024)


def test_a_modality_lookup_table_is_applied(tmp_path: Path) -> None:
    phantom = Phantom()
    phantom.stored = (phantom.stored % 16).astype(np.uint16)
    table = Dataset()
    table.LUTDescriptor = [16, 0, 16]
    table["LUTDescriptor"].VR = "US"
    table.ModalityLUTType = "HU"
    table.add_new("LUTData", "US", [10 * value for value in range(16)])
    images = phantom.slices(ModalityLUTSequence=[table])
    for image in images:
        del image.RescaleSlope, image.RescaleIntercept
    np.testing.assert_array_equal(_read(write(images, tmp_path))[0], phantom.stored * 10)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(
    ("kind", "intercept", "padding", "limit"),
    [
        (np.int16, 0, -2000, None),
        (np.int16, 0, -2000, -1990),
        (np.uint16, -1024, 63536, None),
        (np.uint16, -1024, 7, None),
    ],
)
def test_padding_is_air(
    tmp_path: Path, kind: type, intercept: int, padding: int, limit: int | None, implicit: bool
) -> None:
    phantom = Phantom()
    phantom.stored = (phantom.stored + 20).astype(kind)
    phantom.stored[:, 0, :3] = padding
    phantom.stored[:, 0, 3] = padding if limit is None else limit - 5
    images = phantom.slices(intercept=intercept)
    vr = "SS" if kind is np.int16 else "US"
    for image in images:
        image.add_new("PixelPaddingValue", vr, padding)
        if limit is not None:
            image.add_new("PixelPaddingRangeLimit", vr, limit)
    how: dict[str, Any] = {"enforce_file_format": True}
    if implicit:
        for image in images:
            image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    hu, _, _ = _read(write(images, tmp_path, **how))
    expected = phantom.stored.astype(int) + intercept
    expected[:, 0, :4] = -1024
    np.testing.assert_array_equal(hu, expected)


def test_padding_that_a_scanner_wrote_unsigned(tmp_path: Path) -> None:
    phantom = Phantom()
    phantom.stored[:, 0] = -2000
    images = phantom.slices(intercept=0)
    for image in images:
        image.add_new("PixelPaddingValue", "US", 63536)
    assert (_read(write(images, tmp_path))[0][:, 0] == -1024).all()


def _refused(images: list[Any], folder: Path) -> str:
    with pytest.raises(UserError) as refused:
        _read(write(images, folder))
    text = str(refused.value)
    assert "series 3 'Abdomen'" in text
    assert str(folder) in text
    assert "Phantom" not in text, "a message names the patient"
    return refused.value.found


def test_a_sheared_series_is_refused(tmp_path: Path) -> None:
    images = Phantom().slices()
    for index, image in enumerate(images):
        image.ImagePositionPatient[1] += index * 2.5 * np.tan(np.radians(18.5))
    with pytest.raises(UserError) as refused:
        _read(write(images, tmp_path))
    message = str(refused.value)
    for told in ("gantry tilt of 18.5°", "shifted", "volumes, diameters and places", "straighten"):
        assert told in message
    assert "--" not in message, "an exam of a sheet has no options"


def test_a_tilt_in_the_header_alone_is_refused(tmp_path: Path) -> None:
    assert "tilt of 12°" in _refused(Phantom().slices(GantryDetectorTilt=-12), tmp_path)
    _read(write(Phantom().slices(GantryDetectorTilt=0.1), tmp_path / "upright"))


def test_a_missing_slice_is_refused_with_its_place(tmp_path: Path) -> None:
    images = Phantom().slices()
    del images[3]
    found = _refused(images, tmp_path)
    assert "1 missing slice" in found
    assert "between 45.00 and 50.00 mm" in found


def test_uneven_spacing_is_refused_with_its_place(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[-1].ImagePositionPatient[2] += 0.6
    found = _refused(images, tmp_path)
    assert "uneven slice spacing: from 2.50 to 3.10 mm" in found
    assert "between 52.50 and 55.60 mm" in found


def test_rounded_positions_are_even(tmp_path: Path) -> None:
    images = Phantom(gap=0.625).slices()
    for image in images:
        image.ImagePositionPatient[2] = round(float(image.ImagePositionPatient[2]), 2)
    _, grid, _ = _read(write(images, tmp_path))
    assert grid.spacing[0] == pytest.approx(0.625, abs=0.002)


def test_two_phases_in_one_series_are_refused(tmp_path: Path) -> None:
    phantom = Phantom()
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"}
    found = _refused(phantom.slices(**uids) + phantom.slices(**uids), tmp_path)
    assert "duplicate positions: 7 of 14 slices" in found


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PixelSpacing", [0.8, 0.8], "pixels of 0.8 × 0.7 mm and of 0.8 × 0.8 mm"),
        ("ImageOrientationPatient", [0.9986295, 0.0523360, 0, -0.0523360, 0.9986295, 0], "different orientation"),
    ],
)
def test_slices_that_differ_are_refused(tmp_path: Path, name: str, value: list[float], reason: str) -> None:
    images = Phantom().slices()
    setattr(images[4], name, value)
    assert reason in _refused(images, tmp_path)


def test_slices_of_different_size_are_refused(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[4].Rows, images[4].Columns = images[4].Columns, images[4].Rows
    assert "slices of 12×10 and of 10×12 pixels" in _refused(images, tmp_path)


def test_a_single_slice_is_refused(tmp_path: Path) -> None:
    assert "single slice" in _refused(Phantom().slices()[:1], tmp_path)


def test_a_shifted_slice_is_refused(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[3].ImagePositionPatient[0] += 3
    assert "shifted in its plane by 3.00 mm" in _refused(images, tmp_path)


def test_pixels_that_break_off_are_refused(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[3].PixelData = images[3].PixelData[:100]
    with pytest.raises(UserError, match="pixels that cannot be decoded"):
        _read(write(images, tmp_path))


def test_slices_of_which_only_some_say_how_values_become_hu_are_refused(tmp_path: Path) -> None:
    images = Phantom().slices()
    for image in images[:2]:
        del image.RescaleIntercept
    assert "2 of 7 slices without RescaleIntercept" in _refused(images, tmp_path)


def test_slices_that_say_in_several_ways_how_values_become_hu_are_told(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[2].RescaleIntercept = -1000
    series = _read(write(images, tmp_path))[2]
    assert series.warnings == ("slices that differ: RescaleIntercept -1024 (6 slices), -1000 (1 slices)",)


def test_two_phases_that_interleave_are_refused_with_a_way_on(tmp_path: Path) -> None:
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"}
    second = Phantom(origin=(-31.5, -120.25, 41.25)).slices(AcquisitionNumber=2, **uids)
    images = Phantom().slices(AcquisitionNumber=1, **uids) + second
    with pytest.raises(
        UserError, match=r"take turns: AcquisitionNumber 1 \(7 slices\), 2 \(7 slices\)"
    ) as refused:
        _read(write(images, tmp_path))
    assert "what to do: export each of them as a series of its own" in str(refused.value)


def test_slices_of_two_patients_are_refused(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[2].PatientID = "P2"
    assert "slices of several patients" in _refused(images, tmp_path)


def test_a_blank_slice_is_told(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[2].PixelData = bytes(len(images[2].PixelData))
    series = _read(write(images, tmp_path))[2]
    assert series.warnings == ("slices of nothing but -1024 HU (1 of 7 slices)",)


def test_a_series_over_two_folders_that_makes_no_volume_says_so(tmp_path: Path) -> None:
    images = Phantom().slices()
    write(images[:3], tmp_path / "a")
    write(images[4:], tmp_path / "b")
    with pytest.raises(UserError, match="or name one of its 2 folders alone"):
        _read(tmp_path)
