"""Whatever is left out of a series that is segmented is told with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dicom_series import Phantom, raw, write
from pydicom.dataset import FileDataset

from hepaflow.dicom.left_out import AllLost, Lost
from hepaflow.dicom.series import Series, choose_series, find_series


def _series(folder: Path) -> Series:
    return choose_series(find_series(folder))


def _written(folder: Path, images: list[FileDataset] | None = None) -> dict[str, Path]:
    """Write a series; return its files by the last number of their places."""
    write(images or Phantom().slices(), folder)
    found = find_series(folder).series[0]
    order = sorted(
        zip(found.headers, found.files, strict=True), key=lambda one: float(one[0].ImagePositionPatient[2])
    )
    return {"lowest": order[0][1], "highest": order[-1][1]}


def _cut(after: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:after]


@pytest.mark.parametrize("end", ["lowest", "highest"])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        *((_cut(after), "damaged: ") for after in (140, 200, 400, 600, 750, 855, 862, 900, 1000, 1100)),
        (_cut(0), "an empty file"),
        (_cut(100), "not DICOM"),
        (lambda data: bytes(len(data)), "not DICOM"),
    ],
)
def test_a_damaged_end(tmp_path: Path, end: str, damage: Callable[[bytes], bytes], told: str) -> None:
    path = _written(tmp_path)[end]
    path.write_bytes(damage(path.read_bytes()))
    named = path.rename(path.with_name("IM00007"))
    series = _series(tmp_path)
    assert len(series.files) == 6
    assert named not in series.files
    (warning,) = series.warnings
    assert warning.startswith("1 file in the same folder left out: not readable (")
    assert told in warning


@pytest.mark.parametrize("end", [0, -1])
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ImagePositionPatient", b"", "no ImagePositionPatient"),
        ("ImagePositionPatient", b"0\\0 ", "ImagePositionPatient that is not a number, or has the wrong number"),
        ("PixelSpacing", b"x ", "PixelSpacing that is not a number, or has the wrong number"),
        ("RescaleIntercept", b"NaN ", "RescaleIntercept that is not a number"),
        ("RescaleSlope", b"0 ", "a RescaleSlope of 0"),
    ],
)
def test_an_end_without_a_value(tmp_path: Path, end: int, name: str, value: bytes, told: str) -> None:
    images = Phantom().slices()
    raw(images[end], name, value)
    series = _series(write(images, tmp_path))
    assert len(series.files) == 6
    (warning,) = series.warnings
    assert warning.startswith(f"1 file of the series left out: {told}")


def test_other_files_beside_a_series_are_not_told_with_it(tmp_path: Path) -> None:
    write(Phantom().slices(), tmp_path / "ct")
    for name in (".DS_Store", "._IM0001", "README", "notes.txt", "Thumbs.db", "volume.nii.gz"):
        (tmp_path / "ct" / name).write_bytes(b"\0\5\x16\7 something else")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "IM1").touch()
    contents = find_series(tmp_path)
    assert choose_series(contents).warnings == ()
    assert [str(one) for one in contents.left_out] == ["1 file: not readable (an empty file)"]


def test_a_localizer_of_a_series_without_uids_is_told_with_it(tmp_path: Path) -> None:
    images = Phantom().slices(SeriesInstanceUID="")
    images[0].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    assert _series(write(images, tmp_path)).warnings == ("1 file in the same folder left out: localizer",)


def test_a_localizer_of_the_same_series_is_told_with_it(tmp_path: Path) -> None:
    images = Phantom().slices()
    images[0].ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    assert _series(write(images, tmp_path)).warnings == ("1 file of the series left out: localizer",)


def test_what_is_lost_is_counted_by_its_series_or_else_by_its_folder(tmp_path: Path) -> None:
    one, other = (Phantom().slices(StudyInstanceUID="1.2", SeriesInstanceUID=f"1.2.{n}")[0] for n in (1, 2))
    lost = AllLost()
    for header, folder, reason in (
        (one, "a", "localizer"),
        (one, "b", "localizer"),
        (other, "a", "a colour image"),
        (None, "a", "not readable"),
        (None, "b", "not readable"),
    ):
        lost.add(Lost(tmp_path / folder / "file", reason, header))
    assert lost.reasons(("1.2", "1.2.1")) == {"localizer": 2}
    assert lost.reasons(tmp_path / "a") == {"not readable": 1}
    assert lost.reasons(tmp_path / "a", tmp_path / "b") == {"not readable": 2}
    assert lost.reasons(("1.2", "1.2.3"), tmp_path) == {}
    assert len(list(lost)) == 5
