"""Where several series may be meant, each has a line with the option that chooses it."""

from pathlib import Path

import pytest
from dicom_series import Phantom, write

from hepaflow.errors import UserError
from hepaflow.segment.choice import check_choice
from hepaflow.segment.source import find_exams


def _series(folder: Path, number: int | None, uid: str, **elements: object) -> None:
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": uid}
    write(Phantom().slices(SeriesNumber=number, **uids, **elements), folder, seed=int(uid.split(".")[-1]))


def _refused(folder: Path) -> list[str]:
    (source,) = find_exams(folder).sources
    with pytest.raises(UserError) as error:
        check_choice(source)
    return str(error.value).splitlines()


def test_every_series_has_a_line_that_begins_with_what_to_add(tmp_path: Path) -> None:
    _series(tmp_path, 2, "1.2.3.2", SeriesDescription="arterial; thin")
    _series(tmp_path, 12, "1.2.3.12", SeriesDescription="portal of Phantom")
    assert _refused(tmp_path)[1:] == [
        "found: 2 CT series, of which none is chosen",
        "  --series 2   'arterial; thin', 7 slices of 0.8 × 0.7 mm, 2.5 mm apart",
        "  --series 12  'portal of ***', 7 slices of 0.8 × 0.7 mm, 2.5 mm apart",
        "expected: one series to segment",
        "what to do: call the command with this folder and the option of one of these lines",
    ]


def test_what_a_line_says_chooses_its_series(tmp_path: Path) -> None:
    """By the UID where a number is that of several series, or there is none."""
    for number, uid in ((4, "1.2.3.1"), (4, "1.2.3.2"), (None, "1.2.3.3"), (5, "1.2.3.4")):
        _series(tmp_path, number, uid)
    lines = [line for line in _refused(tmp_path) if line.startswith("  --series ")]
    options = [line.split()[1] for line in lines]
    assert sorted(options) == ["1.2.3.1", "1.2.3.2", "1.2.3.3", "5"]
    for option in options:
        (source,) = find_exams(tmp_path, series=option).sources
        check_choice(source)
        series = source.read().series
        assert series is not None
        assert option in (series.uid, str(series.number))


def test_one_series_leaves_no_choice(tmp_path: Path) -> None:
    _series(tmp_path, 1, "1.2.3.1")
    check_choice(find_exams(tmp_path).sources[0])
