"""Cases of DICOM folders: each writes one, and says what segmenting it is to give."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cases import ACCEPTED, REFUSED, WARNED, Case, Table
from dicom_series import Phantom, raw, write
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from thresholds import LIVER_HU

SLICES, ROWS, COLUMNS = 24, 20, 24
GAP, PIXEL = 5.0, 4.0
COMMON = {
    "PatientName": "Roe^Jane",
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3.4",
    "FrameOfReferenceUID": "1.2.3.5",
}

Images = list[FileDataset]
Change = Callable[[Images], Any]


def _hu() -> np.ndarray:
    hu = np.full((SLICES, ROWS, COLUMNS), -1000)
    hu[:, 2:-2, 2:-2] = 40
    hu[6:15, 5:13, 4:14] = LIVER_HU + 50
    return hu


HU = _hu()
ML = float((HU >= LIVER_HU).sum() * GAP * PIXEL**2 / 1000)
"""Liver of the plain exam."""


def images(
    hu: np.ndarray = HU, kind: type = np.uint16, above: float = 0, intercept: int = -1024, **elements: Any
) -> Images:
    phantom = Phantom(
        spacing=(PIXEL, PIXEL), gap=GAP, origin=(-48, -40, -60 + above), stored=(hu - intercept).astype(kind)
    )
    return phantom.slices(intercept=intercept, **(COMMON | elements))


def series(change: Change | None = None, **elements: Any) -> Callable[[Path], None]:
    """One series, changed."""

    def do(folder: Path) -> None:
        made = images(**elements)
        if change:
            change(made)
        write(made, folder)

    return do


def every(name: str, value: Any) -> Change:
    """The same in all slices; bytes as they are, nothing for None."""
    return lambda made: [one(name, value)([image]) for image in made]


def one(name: str, value: Any, at: int = 0) -> Change:
    def change(made: Images) -> None:
        if value is None:
            del made[at][name]
        elif isinstance(value, bytes):
            raw(made[at], name, value)
        else:
            setattr(made[at], name, value)

    return change


def rounded(gap: float) -> Change:
    def change(made: Images) -> None:
        for index, image in enumerate(made):
            image.ImagePositionPatient[2] = f"{-60 + gap * index:.1f}"

    return change


def moved(part: float) -> Change:
    def change(made: Images) -> None:
        for image in made[12:]:
            image.ImagePositionPatient[2] += part * GAP

    return change


def without(*places: int) -> Change:
    def change(made: Images) -> None:
        for place in sorted(places, reverse=True):
            del made[place]

    return change


def damaged(change: Callable[[bytes], bytes], at: int = -1) -> Callable[[Path], None]:
    """One file of a series, by the order of the slices."""

    def do(folder: Path) -> None:
        folder.mkdir()
        for index, image in enumerate(images()):
            image.save_as(folder / f"IM{index:04d}", enforce_file_format=True)
        path = sorted(folder.iterdir())[at]
        path.write_bytes(change(path.read_bytes()))

    return do


def two(second: Callable[[], Images], **first: Any) -> Callable[[Path], None]:
    """Two sets of slices in one series."""
    return lambda folder: void(write(images(**first) + second(), folder))


def void(_: object) -> None:
    """Say nothing."""


LATER = np.where(HU > 0, HU + 30, HU)


def interleaved(**elements: Any) -> Callable[[], Images]:
    return lambda: images(LATER, above=GAP / 2, **elements)


def counted_on() -> Images:
    made = interleaved()()
    for image in made:
        image.InstanceNumber += SLICES
    return made


def appended(**elements: Any) -> Callable[[], Images]:
    return lambda: images(LATER, above=GAP * SLICES, **elements)


def shifted_bits(made: Images) -> None:
    for image in made:
        image.BitsStored, image.HighBit = 12, 15
        image.PixelData = (np.frombuffer(image.PixelData, np.uint16) << 4).astype(np.uint16).tobytes()


def overlay_bits(made: Images) -> None:
    for image in made:
        image.BitsStored, image.HighBit = 12, 11
        pixels = np.frombuffer(image.PixelData, np.uint16).copy()
        pixels[::3] |= 1 << 12
        image.PixelData = pixels.tobytes()
        image.add_new(0x60000102, "US", 12)


def padded(vr: str, value: int, bits: int = 16) -> Change:
    def change(made: Images) -> None:
        for image in made:
            pixels = np.frombuffer(image.PixelData, np.uint16).copy()
            pixels[: 2 * COLUMNS] = 63536
            image.PixelData = pixels.tobytes()
            image.BitsStored, image.HighBit = bits, bits - 1
            image[0x00280120] = DataElement(0x00280120, vr, value)

    return change


def two_patients(same_uids: bool) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for number, patient in enumerate(("P1", "P2")):
            made = images(LATER if number else HU, PatientID=patient)
            for index, image in enumerate(made):
                image.SOPInstanceUID = f"2.16.{index + 1}"
                if not same_uids:
                    image.SeriesInstanceUID = f"1.2.3.{number}"
            write(made, folder / f"case{number + 1}", seed=number)

    return do


def beside_a_good_one(change: Change) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        write(images(SeriesInstanceUID="1.2.9.1", StudyInstanceUID="1.2.9"), folder / "good")
        made = images()
        change(made)
        write(made, folder / "spoilt", seed=1)

    return do


def with_others(*names: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        write(images(), folder)
        for name in names:
            (folder / name).write_bytes(b"\0\5\x16\7" if name.startswith("._") else b"something else")

    return do


def without_instances(folder: Path) -> None:
    made = images()
    for image in made:
        image.SOPInstanceUID = ""
    write(made, folder, enforce_file_format=False)


def copied(folder: Path) -> None:
    write(images(), folder / "a")
    shutil.copytree(folder / "a", folder / "b")


def cases(outcome: str, words: Sequence[str], before: str, **named: Callable[[Path], None]) -> list[Case]:
    """Cases that end alike, by name; underscores stand for spaces."""
    return [
        Case(f"DICOM: {name.replace('__', ', ').replace('_', ' ')}", outcome, tuple(words), do, mended=before)
        for name, do in named.items()
    ]


SHORTER = "a shorter volume, and no word of it in the page or the file of measurements"
IN_TURN = "one volume, slice by slice of the one and of the other"
TWICE = "one volume of both, one above the other: the liver had twice its size"
ENDED = "a traceback that ended the whole command, other exams with it"
LEFT = "left out"

ENDS = Table(
    "DICOM: slices that are not there",
    "The message is on the screen, in `measurements.json` and on the page. Volumes are compared with those of "
    "the plain exam.",
    (
        *cases(
            WARNED, (LEFT, "damaged"), "a traceback",
            last_slice_cut_within_its_header=damaged(lambda data: data[:900]),
            first_slice_cut_within_its_header=damaged(lambda data: data[:900], 0),
        ),
        *cases(
            WARNED, (LEFT, "damaged"), SHORTER,
            last_slice_cut_within_its_first_element=damaged(lambda data: data[:140]),
            last_slice_cut_within_the_number_of_its_place=damaged(lambda data: data[:850]),
        ),
        *cases(
            WARNED, (LEFT, "not readable"), SHORTER,
            last_slice_of_zero_bytes=damaged(lambda data: b""),
            last_slice_full_of_zeros=damaged(lambda data: bytes(len(data))),
        ),
        *cases(
            WARNED, (LEFT, "ImagePositionPatient"), SHORTER,
            last_slice_without_a_place=series(one("ImagePositionPatient", None, -1)),
            first_slice_with_two_numbers_for_its_place=series(one("ImagePositionPatient", b"0\\0 ")),
        ),
        *cases(
            WARNED, ("image numbers begin at 2",), SHORTER, first_slice_missing=series(without(0)),
        ),
        *cases(
            WARNED, ("23 slices of the 24", "ImagesInAcquisition"), SHORTER,
            last_slice_missing_of_a_number_that_is_known=series(without(-1), ImagesInAcquisition=24),
        ),
        *cases(
            WARNED, ("leave out 11 between 1 and 23",), "the volume of every second slice, and no word of it",
            every_second_slice_missing=series(without(*range(1, SLICES, 2))),
        ),
        *cases(
            REFUSED, ("cannot be decoded", "less than expected", "cut or damaged"), "",
            last_slice_cut_within_its_pixels=damaged(lambda data: data[:-300]),
        ),
    ),
)  # fmt: skip

PASSES = Table(
    "DICOM: several phases or passes in one series",
    "Two series are given as one; their slices alternate or follow each other. "
    "`tests/unit/dicom/test_acquisitions.py` shows that valid series in which the acquisition number, time or "
    "image type differs between slices are accepted.",
    (
        *cases(
            REFUSED, ("take turns", "export each of them"), IN_TURN,
            phases_interleaved__told_apart_by_AcquisitionNumber=two(
                interleaved(AcquisitionNumber=2), AcquisitionNumber=1
            ),
            phases_interleaved__told_apart_by_AcquisitionTime=two(
                interleaved(AcquisitionTime="101600"), AcquisitionTime="101500"
            ),
            phases_interleaved__told_apart_by_ContentTime=two(
                interleaved(ContentTime="101600"), ContentTime="101500"
            ),
            kernels_interleaved=two(interleaved(ConvolutionKernel="B70f"), ConvolutionKernel="B30f"),
            kinds_of_image_interleaved=two(interleaved(ImageType=["DERIVED", "SECONDARY", "AXIAL"])),
            tube_voltages_interleaved=two(interleaved(KVP=140), KVP=80),
            native_and_contrast_interleaved=two(interleaved(ContrastBolusAgent="APPLIED")),
            time_points_interleaved=two(interleaved(TemporalPositionIndex=2), TemporalPositionIndex=1),
        ),
        *cases(
            REFUSED, ("follow each other", "export each of them"), TWICE,
            phases_appended__told_apart_by_AcquisitionNumber=two(
                appended(AcquisitionNumber=2), AcquisitionNumber=1
            ),
            phases_appended__told_apart_by_AcquisitionTime=two(
                appended(AcquisitionTime="101600"), AcquisitionTime="101500"
            ),
            kernels_appended=two(appended(ConvolutionKernel="B70f"), ConvolutionKernel="B30f"),
            series_appended__told_apart_by_SeriesDescription=two(appended(SeriesDescription="late")),
        ),
        *cases(
            REFUSED, ("image numbers that come 2 times each",), IN_TURN,
            phases_interleaved__with_nothing_but_image_numbers=two(interleaved()),
        ),
        *cases(
            REFUSED, ("take turns: 2 passes", "InstanceNumber"), IN_TURN,
            phases_interleaved__whose_image_numbers_follow_each_other=two(counted_on),
        ),
        *cases(
            REFUSED, ("several patients",), "one volume of two people",
            slices_of_two_patients_in_one_series=two(interleaved(PatientID="P2")),
        ),
        *cases(
            REFUSED, ("2 frames of reference",), "a traceback after all was computed",
            slices_of_two_frames_of_reference=two(appended(FrameOfReferenceUID="1.2.3.6")),
        ),
    ),
)  # fmt: skip

IDENTITIES = Table(
    "DICOM: UIDs that are not unique",
    "Two exams give two results, whatever their UIDs.",
    (
        *cases(
            WARNED, ("24 images have the UIDs of images of another series",),
            "the second exam was left out as copies of the first, with exit status 0",
            two_patients_with_the_same_SOPInstanceUIDs=two_patients(False),
            two_patients_with_the_same_UIDs_throughout=two_patients(True),
        ),
        *cases(WARNED, ("24 files of the series left out: copies",), "", a_folder_and_its_copy=copied),
        *cases(
            WARNED, ("several images with one SOPInstanceUID",), "one slice, and the others left out as copies",
            one_SOPInstanceUID_for_all_slices=series(every("SOPInstanceUID", "1.2.3.4.5")),
        ),
        *cases(
            WARNED, ("a FrameOfReferenceUID for each slice",), "a traceback after all was computed",
            a_FrameOfReferenceUID_for_each_slice=series(
                lambda made: [one("FrameOfReferenceUID", f"1.2.{n}", n)(made) for n in range(SLICES)]
            ),
        ),
        *cases(
            WARNED, ("no FrameOfReferenceUID in 1 of 24 slices",), "a traceback after all was computed",
            one_slice_without_a_FrameOfReferenceUID=series(one("FrameOfReferenceUID", None)),
        ),
        *cases(
            WARNED, ("no SOPInstanceUID: a new one was made",), "refused",
            no_SOPInstanceUID=without_instances,
        ),
        *cases(
            WARNED, ("a false SeriesInstanceUID: a new one was made",),
            "segmentation.dcm referred to a UID that is none",
            a_SeriesInstanceUID_that_is_none=series(every("SeriesInstanceUID", b"Abdomen1")),
        ),
    ),
)  # fmt: skip

PIXELS = Table(
    "DICOM: bits, padding and HU",
    "Volumes are compared with those of the plain exam.",
    (
        *cases(
            ACCEPTED, (), "noise for HU", twelve_bits_at_the_upper_end_of_sixteen=series(shifted_bits),
        ),
        *cases(ACCEPTED, (), "", an_overlay_in_the_unused_bits=series(overlay_bits)),
        *cases(
            ACCEPTED, (), "62512 HU outside the body",
            unsigned_padding_that_is_written_as_signed=series(padded("SS", -2000)),
        ),
        *cases(ACCEPTED, (), "", padding_written_as_the_pixels_are=series(padded("US", 63536))),
        *cases(
            ACCEPTED, (), "1072 HU outside the body",
            padding_beyond_the_stored_bits=series(padded("US", 63536, 12)),
        ),
        *cases(
            REFUSED, ("RescaleIntercept that is not a number",), "0 ml, with exit status 0",
            RescaleIntercept_of_NaN=series(every("RescaleIntercept", b"NaN ")),
        ),
        *cases(
            REFUSED, ("RescaleIntercept that is not a number",), "all of the exam was liver, with a warning",
            RescaleIntercept_of_infinity=series(every("RescaleIntercept", b"inf ")),
        ),
        *cases(
            REFUSED, ("RescaleSlope of 0",), "0 ml, with a warning",
            RescaleSlope_of_0=series(every("RescaleSlope", 0)),
        ),
        *cases(
            REFUSED, ("1 of 24 slices without RescaleIntercept",), "HU of that slice 1024 too high",
            one_slice_without_RescaleIntercept=series(one("RescaleIntercept", None, 9)),
        ),
        *cases(
            WARNED, ("RescaleIntercept -1024 (23 slices), -1000 (1 slices)",), "",
            one_slice_of_another_RescaleIntercept=series(one("RescaleIntercept", -1000)),
        ),
        *cases(
            REFUSED, ("values from 0 to 200", "not a label map"), "segmented, with a warning",
            a_label_map_as_CT=series(intercept=0, hu=np.where(HU > 100, 200, 0)),
        ),
        *cases(
            WARNED, ("slices of nothing but -1024 HU (1 of 24 slices)",), "no word of it",
            one_slice_without_an_image=series(one("PixelData", bytes(2 * ROWS * COLUMNS), 20)),
        ),
        *cases(
            REFUSED, ("pixels of shape (2, 20, 24)",), "",
            twice_as_many_pixels_as_belong_there=series(
                lambda made: [one("PixelData", image.PixelData * 2, n)(made) for n, image in enumerate(made)]
            ),
        ),
        *cases(
            WARNED, ("MONOCHROME1",), "no word of it",
            pixels_to_be_shown_inverted=series(PhotometricInterpretation="MONOCHROME1"),
        ),
    ),
)  # fmt: skip

FORMS = Table(
    "DICOM: header values of a wrong form",
    "A malformed number is treated as absent if the volume does not depend on it. Otherwise its exam is refused, "
    "and no other.",
    (
        *cases(
            WARNED, ("SeriesNumber in a wrong form: taken as absent",), ENDED,
            SeriesNumber_3A=series(every("SeriesNumber", b"3A")),
            SeriesNumber_of_two_values=series(every("SeriesNumber", b"3\\4 ")),
        ),
        *cases(
            WARNED, ("SeriesNumber in a wrong form: taken as absent",), "segmentation.dcm had the number 4.56e+20",
            SeriesNumber_of_21_digits=series(every("SeriesNumber", b"456115117112105110101 ")),
        ),
        *cases(
            WARNED, ("InstanceNumber in a wrong form: taken as absent",), "a traceback after all was computed",
            InstanceNumber_I1=series(every("InstanceNumber", b"I1")),
        ),
        *cases(
            ACCEPTED, (), "a traceback",
            GantryDetectorTilt_said_twice=series(every("GantryDetectorTilt", b"0\\0 ")),
        ),
        *cases(
            WARNED, ("a decimal comma in RescaleSlope",), "a traceback",
            RescaleSlope_with_a_comma=series(every("RescaleSlope", b"1,0 ")),
        ),
        *cases(
            WARNED, ("a decimal comma in PixelSpacing",), "left out: a slice without usable geometry",
            PixelSpacing_with_commas=series(every("PixelSpacing", b"4,0\\4,00")),
        ),
        *cases(
            REFUSED, ("RescaleIntercept that is not a number",), "a traceback",
            RescaleIntercept_that_may_be_1024_or_one=series(every("RescaleIntercept", b"-1,024")),
        ),
        *cases(
            REFUSED, ("no PixelRepresentation",), "a traceback",
            no_PixelRepresentation=series(every("PixelRepresentation", None)),
        ),
        *cases(
            REFUSED, ("no BitsStored",), "a traceback", no_BitsStored=series(every("BitsStored", None)),
        ),
        *cases(
            REFUSED, ("RescaleSlope that is not a number",), "a traceback",
            a_spoilt_exam_beside_a_good_one=beside_a_good_one(every("RescaleSlope", b"one ")),
        ),
        *cases(
            WARNED, ("read as UTF-8",), "names in DICOM results in wrong letters",
            **{"names in UTF-8 without a character set": series(every("PatientName", "Müller^Jörg ".encode()))},
        ),
    ),
)  # fmt: skip

GEOMETRY = Table(
    "DICOM: places, units and kinds",
    "Distances are taken from the positions.",
    (
        *cases(
            ACCEPTED, (), "refused as values in HOUNSFIELD UNIT, without a way on",
            RescaleType_Hounsfield_Unit=series(RescaleType="Hounsfield Unit"),
            RescaleType_Houndsfield=series(RescaleType="Houndsfield"),
        ),
        *cases(
            WARNED, ("values in UNSPECIFIED (RescaleType): taken for HU",), "refused, without a way on",
            RescaleType_UNSPECIFIED=series(RescaleType="UNSPECIFIED"),
        ),
        *cases(
            REFUSED, ("values in normalized (RescaleType): if they are in HU, correct it to HU",),
            "refused, without a way on", RescaleType_normalized=series(RescaleType="normalized"),
        ),
        *cases(
            ACCEPTED, (), "refused as uneven",
            **{"places rounded to 0.1 mm, 0.625 mm apart": series(rounded(0.625))},
            **{"places rounded to 0.1 mm, 2.1875 mm apart": series(rounded(2.1875))},
        ),
        *cases(
            REFUSED, ("uneven slice spacing",), "", one_gap_5_percent_wider=series(moved(0.05)),
            one_gap_19_percent_wider=series(moved(0.19)),
        ),
        *cases(REFUSED, ("gantry tilt of 1°",), "", a_tilt_of_1_degree_in_the_header=series(GantryDetectorTilt=1)),
        *cases(
            REFUSED, ("pixels of 4 × 4 mm and of 4 × 4.02 mm",), "",
            pixels_that_differ_by_a_fiftieth_of_a_mm=series(one("PixelSpacing", [4, 4.02], 5)),
        ),
        *cases(
            WARNED, ("5 mm apart by their positions, 2.5 mm by SpacingBetweenSlices",), "no word of it",
            SpacingBetweenSlices_of_half=series(SpacingBetweenSlices=2.5),
        ),
        *cases(
            WARNED, ("slices of 1 mm that lie 5 mm apart",), "no word of it",
            thin_slices_far_apart=series(SliceThickness=1),
        ),
        *cases(
            WARNED, ("computed from other images (ImageType DERIVED, SECONDARY, AXIAL)",), "no word of it",
            a_series_that_was_computed=series(ImageType=["DERIVED", "SECONDARY", "AXIAL"]),
        ),
        *cases(
            WARNED, ("its description says 'iodine'",), "no word of it",
            a_series_described_as_computed=series(SeriesDescription="Iodine map"),
        ),
        *cases(
            REFUSED, ("a difference of two series",), "a volume of differences",
            a_subtraction=series(ImageType=["DERIVED", "SECONDARY", "SUBTRACTION"]),
        ),
        *cases(
            ACCEPTED, (), "",
            files_of_other_programs_beside_the_slices=with_others(".DS_Store", "._IM0001", "Thumbs.db"),
        ),
    ),
)  # fmt: skip


def is_another_volume(case: Case) -> bool:
    """Tell whether a case changes what the liver measures: its slices lie at other places."""
    return any(words in case.name for words in ("rounded", "every second"))


TABLES = (ENDS, PASSES, IDENTITIES, PIXELS, FORMS, GEOMETRY)
