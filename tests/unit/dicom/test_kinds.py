"""What is no slice of CT values is told from what lacks a value, and from what is computed but may be used."""

import numpy as np
import pytest
from dicom_series import Phantom
from pydicom.dataset import FileDataset
from pydicom.uid import EnhancedCTImageStorage, MRImageStorage, SecondaryCaptureImageStorage, SegmentationStorage

from hepaflow.dicom.kinds import is_computed, is_multi_frame, unit_is_open, unusable, why_not

STORED = np.zeros((1, 4, 4), np.int16)


def _slice(**elements: object) -> FileDataset:
    image = Phantom(stored=STORED).slices()[0]
    for name, value in elements.items():
        if value is None:
            del image[name]
        else:
            setattr(image, name, value)
    return image


@pytest.mark.parametrize(
    "elements",
    [
        {},
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "ADD"]},
        {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]},
        {"ImageType": ""},
        {"Modality": ""},
        {"SOPClassUID": "", "Modality": "CT"},
        {"SOPClassUID": "CT Image Storage"},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"NumberOfFrames": 1},
        *({"RescaleType": unit} for unit in ("HU", "hu", "H.U.", "HU_MOD", "US", "Hounsfield", "Hounsfield Unit",
          "HOUNSFIELD UNITS", "Houndsfield Unit", "Hounsfield_Units", "[HU]", "UNSPECIFIED", "unknown", "")),
    ],
)  # fmt: skip
def test_slices(elements: dict[str, object]) -> None:
    image = _slice(**elements)
    assert why_not(image) == ""
    assert unusable(image) == ""


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "Secondary Capture"),
        ({"SOPClassUID": SegmentationStorage, "NumberOfFrames": 9}, "Segmentation Storage"),
        ({"SOPClassUID": MRImageStorage, "Modality": "MR"}, "MR Image Storage"),
        ({"Modality": "PT"}, "modality PT"),
        ({"Modality": ["CT", "PT"]}, r"modality CT\PT"),
        ({"SOPClassUID": "", "Modality": ""}, "modality unknown"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MAX_IP"]}, "projection (MIP)"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SUBTRACTION"]}, "difference"),
        ({"ImageType": ["DERIVED", "PRIMARY", "PERFUSION"]}, "perfusion"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MAT_SPECIFIC"]}, "map of one material"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"]}, "atomic numbers"),
        ({"SamplesPerPixel": 3}, "colour"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "colour"),
        ({"RescaleType": "MGML"}, "values in MGML"),
        ({"RescaleType": "Z_EFF"}, "values in Z_EFF"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "not axial"),
    ],
)
def test_other_objects(elements: dict[str, object], reason: str) -> None:
    assert reason in why_not(_slice(**elements))


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"ImagePositionPatient": None}, "no ImagePositionPatient"),
        ({"ImagePositionPatient": "", "PixelSpacing": None}, "no ImagePositionPatient, PixelSpacing"),
        ({"PixelRepresentation": None}, "no PixelRepresentation"),
        ({"BitsStored": None, "BitsAllocated": None}, "no BitsAllocated, BitsStored"),
        ({"BitsStored": 17}, "BitsStored 17 in BitsAllocated 16"),
        ({"BitsStored": 0}, "BitsStored 0 in"),
        ({"RescaleSlope": 0}, "RescaleSlope of 0"),
        ({"RescaleType": "normalized"}, "values in normalized (RescaleType): if they are in HU, correct it to HU"),
        ({"PixelSpacing": [-0.7, 0.7]}, "pixels of -0.7"),
        ({"NumberOfFrames": 7}, "multi-frame: convert it"),
        ({"SOPClassUID": EnhancedCTImageStorage}, "multi-frame: convert it"),
    ],
)
def test_slices_that_lack_something(elements: dict[str, object], reason: str) -> None:
    image = _slice(**elements)
    assert why_not(image) == ""
    assert reason in unusable(image)
    assert is_multi_frame(image) == ("multi-frame" in reason)


@pytest.mark.parametrize("name", ["PixelSpacing", "Rows", "BitsStored", "RescaleSlope", "RescaleIntercept"])
def test_what_has_a_wrong_form_is_not_taken_for_its_default(name: str) -> None:
    assert unusable(_slice(**{name: None}), {name}).startswith(f"{name} that is not a number")
    assert not unusable(_slice(), {"SeriesNumber", "InstanceNumber"})


@pytest.mark.parametrize(
    ("image_type", "description", "told"),
    [
        (["ORIGINAL", "PRIMARY"], "Abdomen portal venous 1.0 B30f", ""),
        (["ORIGINAL", "PRIMARY"], "Monday liver, Mipsy", ""),
        (["DERIVED", "SECONDARY", "AXIAL"], "Abdomen", "computed from other images (ImageType DERIVED"),
        (["ORIGINAL", "PRIMARY"], "MIP axial", "its description says 'mip'"),
        (["ORIGINAL", "PRIMARY"], "MonoE_70keV", "'monoe'"),
        (["ORIGINAL", "PRIMARY"], "70 keV", "'70 kev'"),
        (["ORIGINAL", "PRIMARY"], "Iodine_map", "'iodine'"),
        (["ORIGINAL", "PRIMARY"], "VNC liver", "'vnc'"),
        (["ORIGINAL", "PRIMARY"], "Leber Jod 1.0", "'jod'"),
        (["ORIGINAL", "PRIMARY"], "Subtraktion", "'subtraktion'"),
        (["ORIGINAL", "PRIMARY"], "Subtraction art-nat", "'subtraction'"),
    ],
)
def test_what_was_computed_from_other_series_is_told(image_type: list[str], description: str, told: str) -> None:
    found = is_computed(_slice(ImageType=image_type, SeriesDescription=description))
    assert told in found
    assert bool(told) == bool(found)


def test_a_unit_that_is_left_open() -> None:
    assert [unit_is_open(_slice(RescaleType=unit)) for unit in ("HU", "US", "", "UNSPECIFIED")] == [
        False, False, False, True,
    ]  # fmt: skip
