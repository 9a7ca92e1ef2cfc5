"""Several phases or passes in one series are refused; what differs in sound series is not."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from pydicom.dataset import Dataset

from hepaflow.dicom.acquisitions import check_one_acquisition, check_one_patient
from hepaflow.dicom.geometry import GeometryError

COUNT = 24

Values = Sequence[object] | Callable[[int], object]


def _series(**elements: Values) -> list[Dataset]:
    """Headers in the order of their positions; what an element holds in each, None where it is absent."""
    headers = []
    for index in range(COUNT):
        header = Dataset()
        header.InstanceNumber = index + 1
        for name, values in elements.items():
            value = values(index) if callable(values) else values[index]
            if value is None:
                if name in header:
                    del header[name]
            else:
                setattr(header, name, value)
        headers.append(header)
    return headers


def _clock(index: int, seconds: float, start: str = "101500") -> str:
    return (datetime.strptime(start, "%H%M%S") + timedelta(seconds=seconds * index)).strftime("%H%M%S.%f")


def _in_turns(*values: object) -> list[object]:
    return [values[index % len(values)] for index in range(COUNT)]


def _in_blocks(*values: object) -> list[object]:
    return [values[index * len(values) // COUNT] for index in range(COUNT)]


SOUND: dict[str, dict[str, Values]] = {
    "nothing but positions": {"InstanceNumber": lambda _: None},
    "one image number for all": {"InstanceNumber": lambda _: 1},
    "a helix, a time for each slice": {"AcquisitionTime": lambda index: _clock(index, 0.07)},
    "a helix from the head down": {"AcquisitionTime": lambda index: _clock(COUNT - index, 0.07)},
    "a sequence, an acquisition for each slice": {
        "AcquisitionNumber": lambda index: index + 1,
        "AcquisitionTime": lambda index: _clock(index, 3.5),
    },
    "a sequence, two slices an acquisition": {
        "AcquisitionNumber": lambda index: index // 2 + 1,
        "AcquisitionTime": lambda index: _clock(index // 2, 2),
    },
    "a sequence in three breath-holds": {
        "AcquisitionNumber": lambda index: index + 1,
        "AcquisitionTime": lambda index: _clock(1, 2 * index + 20 * (index // 8)),
    },
    "rows of a detector numbered as acquisitions": {
        "AcquisitionNumber": _in_turns(1, 2, 3, 4),
        "AcquisitionTime": lambda index: _clock(index // 4, 1.5),
    },
    "ImageType with more words in some slices": {
        "ImageType": _in_blocks(["ORIGINAL", "PRIMARY", "AXIAL"], ["ORIGINAL", "PRIMARY", "AXIAL", "ADD"])
    },
    "a thickness that is rounded in two ways": {"SliceThickness": _in_turns(2.5, 2.501)},
    "a thickness from rounded positions": {"SliceThickness": _in_turns("1.2", "1.3")},
    "images numbered in no order": {"InstanceNumber": lambda index: (3 * index) % 25},
    "blocks of one scan, without image numbers": {
        "AcquisitionTime": lambda index: _clock(1, index + 15 * (index // 12)),
        "InstanceNumber": lambda _: None,
    },
    "over midnight": {"AcquisitionTime": lambda index: _clock(index, 0.5, "235955")},
    "over the end of a month": {
        "AcquisitionDateTime": lambda index: f"202{'00131235959' if index < 12 else '00201000002'}.5"
    },
    "times that are none": {"AcquisitionTime": lambda index: "unknown" if index % 2 else "9"},
    "times that some lack": {"AcquisitionTime": _in_turns("101500", None)},
    "reconstructed by two computers": {"ContentTime": lambda index: _clock(index % 2, 1.5)},
    "reconstructed by two computers, one after the other": {"ContentTime": lambda index: _clock(index % 2, 20)},
    "a current that follows the body": {"XRayTubeCurrent": lambda index: 400 + index},
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_series(name: str) -> None:
    assert check_one_acquisition(_series(**SOUND[name])) == []


SEVERAL: dict[str, tuple[dict[str, Values], str]] = {
    "acquisitions in turn, by number alone": (
        {"AcquisitionNumber": _in_turns(1, 2)},
        r"slices that take turns: AcquisitionNumber 1 \(12 slices\), 2 \(12 slices\)",
    ),
    "three acquisitions in turn": ({"AcquisitionNumber": _in_turns(4, 9, 2)}, r"4 \(8 slices\), 9 \(8"),
    "acquisitions in turn, a minute apart": (
        {"AcquisitionNumber": _in_turns(1, 2), "AcquisitionTime": _in_turns("101500", "101600")},
        "AcquisitionNumber",
    ),
    "passes in turn, by their times alone": (
        {"AcquisitionTime": lambda index: _clock(1, 0.3 * index + 40 * (index % 2))},
        "slices that take turns: pass 1",
    ),
    "passes in turn, by date and time": (
        {"AcquisitionDateTime": lambda index: "20200102" + _clock(1, index + 40 * (index % 2))},
        "slices that take turns: pass 1",
    ),
    "passes in turn, by ContentTime": (
        {
            "ContentTime": lambda index: _clock(1, 40 * (index % 2)),
            "InstanceNumber": lambda index: 24 - index // 2 - 12 * (index % 2),
        },
        "slices that take turns: pass 1",
    ),
    "phases of the heart in turn": ({"TriggerTime": _in_turns(300, 700)}, "slices that take turns: pass 1"),
    "kernels in turn": ({"ConvolutionKernel": _in_turns("B30f", "B70f")}, "ConvolutionKernel b30f"),
    "kernels one after the other": ({"ConvolutionKernel": _in_blocks("B30f", "B70f")}, "follow each other"),
    "filters in turn": ({"FilterType": _in_turns("FLAT", "WEDGE")}, "FilterType flat"),
    "voltages in turn": ({"KVP": _in_turns(80, 140)}, r"KVP 80.0 \(12"),
    "thicknesses in turn": ({"SliceThickness": _in_turns(1, 5)}, "SliceThickness 1.0"),
    "native and contrast in turn": ({"ContrastBolusAgent": _in_turns(None, "APPLIED")}, "ContrastBolusAgent none"),
    "native and contrast one after the other": (
        {"ContrastBolusAgent": _in_blocks("", "AGENT")},
        "follow each other",
    ),
    "descriptions one after the other": ({"SeriesDescription": _in_blocks("art", "pv")}, "SeriesDescription art"),
    "time points in turn": ({"TemporalPositionIdentifier": _in_turns(1, 2, 3)}, "TemporalPositionIdentifier 1"),
    "time points of perfusion": ({"TemporalPositionIndex": _in_blocks(1, 2, 3)}, "TemporalPositionIndex 1"),
    "percents of a beat": ({"NominalPercentageOfCardiacPhase": _in_turns(40, 75)}, "CardiacPhase 40"),
    "original and derived in turn": (
        {"ImageType": _in_turns(["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL"])},
        "ImageType original",
    ),
    "original and derived one after the other": (
        {"ImageType": _in_blocks(["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL"])},
        "follow each other: ImageType",
    ),
    "tubes in turn": (
        {"ImageType": _in_turns(["ORIGINAL", "PRIMARY", "AXIAL", "A"], ["ORIGINAL", "PRIMARY", "AXIAL", "B"])},
        "ImageType",
    ),
    "acquisitions one after the other, counted anew": (
        {"AcquisitionNumber": _in_blocks(1, 2), "InstanceNumber": lambda index: index % 12 + 1},
        r"follow each other: AcquisitionNumber 1 \(12 slices\), 2 \(12 slices\)",
    ),
    "acquisitions one after the other, without image numbers and times": (
        {"AcquisitionNumber": _in_blocks(1, 2), "InstanceNumber": lambda _: None},
        "follow each other: AcquisitionNumber",
    ),
    "passes one after the other, a minute apart": (
        {"AcquisitionTime": _in_blocks("101500", "101600"), "InstanceNumber": lambda _: None},
        r"passes that follow each other: pass 1 \(12 slices\), 2 \(12 slices\), 60 s apart",
    ),
    "passes in turn, by image numbers alone": (
        {"InstanceNumber": lambda index: 1 + index // 2 + 12 * (index % 2)},
        r"slices that take turns: 2 passes, each with image numbers of its own \(InstanceNumber\)",
    ),
    "three passes in turn, one counted from above": (
        {"InstanceNumber": lambda index: (1 + index // 3, 16 - index // 3, 101 + index // 3)[index % 3]},
        "take turns: 3 passes",
    ),
    "images counted anew, and nothing else": (
        {"InstanceNumber": lambda index: index % 12 + 1},
        r"12 image numbers that come 2 times each \(InstanceNumber\)",
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_several_series_in_one(name: str) -> None:
    elements, words = SEVERAL[name]
    with pytest.raises(GeometryError, match=words) as refused:
        check_one_acquisition(_series(**elements))
    assert "export each of them" in refused.value.remedy
    with pytest.raises(GeometryError):
        check_one_acquisition(_series(**elements)[::-1])


@pytest.mark.parametrize(
    ("elements", "note"),
    [
        ({"AcquisitionNumber": _in_blocks(1, 2)}, "slices that differ: AcquisitionNumber 1 (12 slices), 2 (12"),
        (
            {"AcquisitionTime": _in_blocks("101500", "101600")},
            "slices of passes that follow each other: pass 1 (12 slices), 2 (12 slices), 60 s apart",
        ),
        ({"KVP": _in_blocks(100, 120)}, "slices that differ: KVP 100.0 (12"),
        ({"SliceThickness": _in_blocks(2, 4)}, "slices that differ: SliceThickness 2.0 (12"),
        (
            {"ConvolutionKernel": lambda index: "sharp" if index == 7 else "soft"},
            "slices that differ: ConvolutionKernel soft (23 slices), sharp (1",
        ),
        (
            {"InstanceNumber": lambda index: max(index, 1)},
            "1 image numbers that come more than once (InstanceNumber)",
        ),
    ],
)
def test_what_leaves_it_open_is_told(elements: dict[str, Values], note: str) -> None:
    (told,) = check_one_acquisition(_series(**elements))
    assert told.startswith(note)


def test_slices_of_two_patients_or_frames_are_refused() -> None:
    with pytest.raises(GeometryError, match="several patients"):
        check_one_patient(_series(PatientID=_in_turns("one", "two")))
    with pytest.raises(GeometryError, match="several patients"):
        check_one_patient(_series(PatientName=_in_turns("Roe^Jane", "Doe^John")))
    with pytest.raises(GeometryError, match="2 frames of reference"):
        check_one_patient(_series(FrameOfReferenceUID=_in_blocks("1.2.3", "1.2.4")))


def test_a_name_that_is_written_in_two_ways_is_told() -> None:
    assert check_one_patient(_series(PatientName=_in_turns("Roe^Jane", "ROE^JANE^"))) == []
    (told,) = check_one_patient(
        _series(PatientID=lambda _: "7", PatientName=_in_turns("Roe^Jane", "Roe-Poe^Jane"))
    )
    assert "name differs" in told
    assert "Roe" not in told
