"""Whether the slices of a series are of one phase, pass and reconstruction."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import groupby, pairwise

from pydicom.dataset import Dataset

from hepaflow.dicom.geometry import GeometryError
from hepaflow.dicom.values import number, text, whole

_PAUSE, _LONG_PAUSE = 5.0, 30.0
"""Seconds between slices that part two passes which take turns, and two that follow each other. Within one helix
slices are less than a second apart, within one sequence a few; breath is held for less than the latter."""

_PART_OF_A_BEAT = 0.1  # seconds of TriggerTime between two phases of the heart

_AT_LEAST = 5  # slices; one pass of a sequence has fewer
_AT_MOST = 4  # passes; a sequence has more

_ONE_THICKNESS = 1.2
"""Largest by smallest SliceThickness of one reconstruction: writers compute it from rounded positions."""

_DAY = 86400.0

Labels = list[str]
"""What each slice is marked with, in the order of the slices."""

_REMEDY = "export each of them as a series of its own"


def check_one_patient(headers: Sequence[Dataset]) -> list[str]:
    """Check that slices are of one patient and their positions can be compared; return what is odd about it.

    Raises
    ------
    GeometryError
        If they are not.
    """
    numbers = {text(header, "PatientID") for header in headers} - {""}
    names = {re.sub(r"[\W_]+", " ", text(header, "PatientName")).strip().casefold() for header in headers} - {""}
    if len(numbers) > 1 or (not numbers and len(names) > 1):
        raise GeometryError("slices of several patients in one series", "export every patient's series anew")
    frames = {text(header, "FrameOfReferenceUID") for header in headers} - {""}
    if len(frames) > 1:
        raise GeometryError(
            f"slices of {len(frames)} frames of reference, between which positions cannot be compared "
            "(FrameOfReferenceUID)",
            _REMEDY,
        )
    return ["the patient's name differs between slices: the first slice's is written"] if len(names) > 1 else []


def check_one_acquisition(headers: Sequence[Dataset]) -> list[str]:
    """Check that slices belong together, and return what is odd about them but does not forbid to use them.

    Parameters
    ----------
    headers : sequence of Dataset
        In the order of their positions.

    Returns
    -------
    list of str

    Raises
    ------
    GeometryError
        If slices of two phases, passes or reconstructions make up the series: they take turns, or follow each
        other and differ in more than an acquisition's number.

    Notes
    -----
    Sound series differ from slice to slice in many elements: a sequence counts an acquisition, or a new time, for
    each table position, and a scan may be put together of several blocks. So a difference counts where two series
    that are complete in themselves would make it: two marks that take turns, slice by slice, all along the series,
    or that part it in two, with a pause between, or with images that are counted anew.
    """
    notes = []
    for words, mark, one_reconstruction in _MARKS:
        labels = [mark(header) for header in headers]
        if len(set(labels)) < 2 or _means_nothing(mark, labels, headers):
            continue
        kinds = _counted(words, labels)
        if _take_turns(labels):
            raise GeometryError(f"slices that take turns: {kinds}", _REMEDY)
        apart = one_reconstruction or _counted_anew(labels, headers)
        if _follow(labels) and (apart or (mark is _acquisition and not _one_scan(headers))):
            raise GeometryError(f"slices of two or more series that follow each other: {kinds}", _REMEDY)
        if one_reconstruction or (_follow(labels) and words != _IMAGE_TYPE):
            notes.append(f"slices that differ: {kinds}")
    return notes + _check_times(headers) + _check_numbers(headers)


def _text_of(name: str) -> Callable[[Dataset], str]:
    return lambda header: text(header, name).casefold()


def _number_of(name: str) -> Callable[[Dataset], str]:
    def mark(header: Dataset) -> str:
        found = number(header, name)
        return "" if found is None else f"{found:.1f}"

    return mark


def _acquisition(header: Dataset) -> str:
    return text(header, "AcquisitionNumber")


_thickness = _number_of("SliceThickness")


def _origin(header: Dataset) -> str:
    return "\\".join(text(header, "ImageType").casefold().split("\\")[:3])


_IMAGE_TYPE = "ImageType"

_Mark = Callable[[Dataset], str]

_MARKS: tuple[tuple[str, _Mark, bool], ...] = (
    *(
        (name, _text_of(name), True)
        for name in (
            "SeriesNumber", "SeriesDescription", "ConvolutionKernel", "ContrastBolusAgent",
            "TemporalPositionIdentifier", "TemporalPositionIndex", "NominalPercentageOfCardiacPhase",
        )
    ),
    (_IMAGE_TYPE, _origin, True),
    (_IMAGE_TYPE, _text_of("ImageType"), False),
    ("AcquisitionNumber", _acquisition, False),
    ("FilterType", _text_of("FilterType"), False),
    ("KVP", _number_of("KVP"), False),
    ("SliceThickness", _thickness, False),
)  # fmt: skip
"""Names of elements, what they mark a slice with, and whether one reconstruction has one value throughout."""


def _means_nothing(mark: _Mark, labels: Labels, headers: Sequence[Dataset]) -> bool:
    """Tell whether labels differ where slices do not: rows of a detector, distances rounded to 1.2 and 1.3 mm."""
    if mark is _acquisition:
        return _at_the_same_times(labels, headers)
    if mark is _thickness:
        known = [found for header in headers if (found := number(header, "SliceThickness"))]
        return len(known) == len(headers) and max(known) <= _ONE_THICKNESS * min(known)
    return False


def _take_turns(labels: Sequence[str]) -> bool:
    """Tell whether the same marks come again and again in the same order: 1 2 1 2 1 2."""
    period = len(set(labels))
    return (
        2 * period <= len(labels)
        and len(set(labels[:period])) == period
        and all(one == other for one, other in zip(labels, labels[period:], strict=False))
    )


def _follow(labels: Sequence[str]) -> bool:
    """Tell whether few marks part the slices in as many blocks: 1 1 1 1 1 2 2 2 2 2."""
    runs = [len(list(run)) for _, run in groupby(labels)]
    return len(runs) == len(set(labels)) <= _AT_MOST and min(runs) >= max(
        2, min(_AT_LEAST, len(labels) // _AT_MOST)
    )


def _counted(words: str, labels: Sequence[str]) -> str:
    counts = [f"{label or 'none'} ({count} slices)" for label, count in Counter(labels).items()]
    return f"{words} {', '.join(counts[:_AT_MOST])}" + (", ..." if len(counts) > _AT_MOST else "")


def _instances(headers: Sequence[Dataset]) -> list[int]:
    """Return the images' numbers; none where that says nothing: one is absent, or they are all the same."""
    numbers = [whole(header, "InstanceNumber") for header in headers]
    found = [one for one in numbers if one is not None]
    return found if len(found) == len(headers) and len(set(found)) > 1 else []


def _counted_anew(labels: Sequence[str], headers: Sequence[Dataset]) -> bool:
    """Tell whether images are counted once for each mark, so that numbers come twice."""
    instances = _instances(headers)
    return len(set(instances)) < len(instances) == len(set(zip(labels, instances, strict=False)))


def _counted_in_turn(instances: Sequence[int]) -> int:
    """Return how many passes take turns of which each is counted in one go, 1 25 2 26 3 27; 0 where none do."""
    ranks = {number: rank for rank, number in enumerate(sorted(instances))}
    order = [ranks[number] for number in instances]
    for passes in range(2, min(_AT_MOST, len(order) // _AT_LEAST) + 1):
        steps = [{after - before for before, after in pairwise(order[one::passes])} for one in range(passes)]
        if all(step in ({1}, {-1}) for step in steps):
            return passes
    return 0


def _check_numbers(headers: Sequence[Dataset]) -> list[str]:
    instances = _instances(headers)
    if len(set(instances)) == len(instances):
        if passes := _counted_in_turn(instances):
            raise GeometryError(
                f"slices that take turns: {passes} passes, each with image numbers of its own (InstanceNumber)",
                _REMEDY,
            )
        return []
    counts = Counter(instances)
    if len(set(counts.values())) == 1:
        raise GeometryError(
            f"{len(counts)} image numbers that come {counts[instances[0]]} times each (InstanceNumber): "
            "images of several series",
            _REMEDY,
        )
    twice = sum(count > 1 for count in counts.values())
    return [f"{twice} image numbers that come more than once (InstanceNumber)"]


def _times(headers: Sequence[Dataset], *names: str) -> list[float]:
    """Return when slices were made, in seconds; nothing where one does not say, or all say the same."""
    found = [
        next((time for name in names if (time := _seconds(header, name)) is not None), None) for header in headers
    ]
    times = [time for time in found if time is not None]
    if len(times) < len(headers) or len(set(times)) < 2:
        return []
    if max(times) - min(times) > _DAY / 2 and max(times) < _DAY:  # over midnight, without a date
        times = [time + _DAY if time < _DAY / 2 else time for time in times]
    return times


def _seconds(header: Dataset, name: str) -> float | None:
    value = text(header, name).replace(":", "")
    date = text(header, "AcquisitionDate") if name == "AcquisitionTime" else ""
    if name == "AcquisitionDateTime":
        date, value = value[:8], value[8:]
    found = re.fullmatch(r"(\d\d)(\d\d)?(\d\d)?(\.\d+)?([+-]\d{4})?", value)
    if not found:
        return None
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    try:
        day = datetime.strptime(date, "%Y%m%d").toordinal()
    except ValueError:
        day = 0
    return day * _DAY + 3600 * hours + 60 * minutes + seconds + float(found[4] or 0)


def _passes(times: Sequence[float], pause: float) -> Labels:
    """Mark slices with the pass in which they were made: passes are parted by pauses."""
    order = sorted(range(len(times)), key=times.__getitem__)
    labels, current = [""] * len(times), 0
    for before, place in pairwise([order[0], *order]):
        current += times[place] - times[before] > pause
        labels[place] = str(current + 1)
    return labels


def _one_scan(headers: Sequence[Dataset]) -> bool:
    """Tell whether times or numbers can say that acquisitions are the blocks of one scan; times are looked at."""
    return _numbered_in_order(headers) or bool(_times(headers, "AcquisitionDateTime", "AcquisitionTime"))


def _check_times(headers: Sequence[Dataset]) -> list[str]:
    acquired = _times(headers, "AcquisitionDateTime", "AcquisitionTime")
    made = [] if _numbered_in_order(headers) else _times(headers, "ContentTime")  # by one computer or by several
    beats = [(number(header, "TriggerTime") or 0) / 1000 for header in headers]
    for times, pause in ((acquired, _PAUSE), (made, _PAUSE), (beats, _PART_OF_A_BEAT)):
        if times and _take_turns(labels := _passes(times, pause)) and len(set(labels)) > 1:
            raise GeometryError(f"slices that take turns: {_counted('pass', labels)}", _REMEDY)
    labels = _passes(acquired, _LONG_PAUSE) if acquired else []
    if len(set(labels)) < 2 or not _follow(labels):
        return []
    ends = [max(time for label, time in zip(labels, acquired, strict=True) if label == "1")]
    ends.append(min(time for label, time in zip(labels, acquired, strict=True) if label == "2"))
    kinds = f"{_counted('pass', labels)}, {ends[1] - ends[0]:.0f} s apart (AcquisitionTime)"
    if _numbered_in_order(headers):  # as a scanner numbers the blocks of one long scan
        return [f"slices of passes that follow each other: {kinds}"]
    raise GeometryError(f"slices of two or more passes that follow each other: {kinds}", _REMEDY)


def _numbered_in_order(headers: Sequence[Dataset]) -> bool:
    """Tell whether images are counted once, from one end of the series to the other."""
    steps = [after - before for before, after in pairwise(_instances(headers))]
    return bool(steps) and (min(steps) > 0 or max(steps) < 0)


def _at_the_same_times(labels: Sequence[str], headers: Sequence[Dataset]) -> bool:
    """Tell whether acquisitions were made side by side, as rows of one detector are."""
    times = _times(headers, "AcquisitionDateTime", "AcquisitionTime")
    spans: dict[str, list[float]] = defaultdict(list)
    for label, time in zip(labels, times, strict=False):
        spans[label].append(time)
    ends = sorted((min(span), max(span)) for span in spans.values())
    return bool(times) and any(after[0] < before[1] for before, after in pairwise(ends))
