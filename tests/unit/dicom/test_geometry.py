"""Slices make a regular volume, or are told why not: where the limits of that are."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from hepaflow.dicom.geometry import GeometryError, Plane, affine_of, planes_of


def _header(z: float, *, x: float = -150.0, spacing: tuple[float, float] = (0.8, 0.8), **more: object) -> Dataset:
    header = Dataset()
    header.ImagePositionPatient = [x, -150, round(float(z), 6)]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing = list(spacing)
    header.Rows = header.Columns = 64
    for name, value in more.items():
        setattr(header, name, value)
    return header


def _gap(places: np.ndarray, tilt: float = 0) -> float:
    planes = [Plane.of(_header(z)) for z in places]
    return float(affine_of(planes, [tilt] * len(planes))[2, 2])


@pytest.mark.parametrize("count", [3, 4, 20, 200])
@pytest.mark.parametrize("gap", [0.45, 0.625, 0.7, 0.75, 1.25, 2.1875, 3.27])
@pytest.mark.parametrize("start", [0.0, -612.37])
def test_positions_rounded_to_a_tenth_are_even(gap: float, start: float, count: int) -> None:
    places = np.round(start + gap * np.arange(count), 1)
    assert _gap(places) == pytest.approx(gap, abs=0.1 / (count - 1) + 1e-6)


@pytest.mark.parametrize("decimals", [1, 2, 3])
@pytest.mark.parametrize("part", [0.05, 0.1, 0.15, 0.19])
def test_one_gap_that_is_wider_by_a_part_of_itself_is_uneven(part: float, decimals: int) -> None:
    places = 5.0 * np.arange(20)
    places[12:] += np.round(5 * part, decimals)
    with pytest.raises(GeometryError, match=r"uneven slice spacing: from 5\.00 to [56]\."):
        _gap(places)


def test_spacing_that_drifts_is_uneven_though_rounded() -> None:
    index = np.arange(20)
    with pytest.raises(GeometryError, match="uneven"):
        _gap(np.round(2.5 * index + 0.01 * index**2, 1))


def test_unevenness_that_is_finer_than_rounding_to_a_tenth_is_not_put_down_to_it() -> None:
    places = 0.625 * np.arange(20)
    places[1::2] += 0.0512
    with pytest.raises(GeometryError, match="uneven"):
        _gap(places)


@pytest.mark.parametrize(("tilt", "even"), [(0.1, True), (0.5, True), (0.6, False), (1, False), (-4.9, False)])
def test_a_tilt_in_the_header(tilt: float, even: bool) -> None:
    places = 2.5 * np.arange(5)
    if even:
        _gap(places, tilt)
        return
    with pytest.raises(GeometryError, match="gantry tilt"):
        _gap(places, tilt)


@pytest.mark.parametrize(
    ("other", "alike"), [(0.8, True), (0.8005, True), (0.802, False), (0.81, False), (0.89, False)]
)
def test_pixels_of_one_size(other: float, alike: bool) -> None:
    planes = [Plane.of(_header(0)), Plane.of(_header(2.5, spacing=(0.8, other)))]
    if alike:
        affine_of(planes, [0, 0])
        return
    with pytest.raises(GeometryError, match=r"pixels of 0.8 × 0.8 mm and of 0.8 ×"):
        affine_of(planes, [0, 0])


@pytest.mark.parametrize(
    "element",
    [
        {"PixelSpacing": [0.7]},
        {"PixelSpacing": ["a", "b"]},
        {"ImagePositionPatient": ""},
        {"ImagePositionPatient": [float("nan"), 0, 0]},
        {"ImageOrientationPatient": [1, 0, 0, 0, 1]},
        {"Rows": 0},
        {"Rows": 32768},
        {"PixelSpacing": [0, 0.7]},
        {"PixelSpacing": [0.7, 0]},
        {"Columns": 0},
        {"Columns": 32768},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
    ],
)
def test_a_slice_without_a_place(element: dict[str, object]) -> None:
    header = _header(0)
    for name, value in element.items():
        header[name]._value = value
    with pytest.raises(GeometryError):
        Plane.of(header)


@pytest.mark.parametrize("shape", [(1, 64), (64, 1), (1, 1), (32767, 64), (64, 32767)])
def test_the_smallest_and_the_largest_slices(shape: tuple[int, int]) -> None:
    assert Plane.of(_header(0, Rows=shape[0], Columns=shape[1])).shape == shape


_LPS_TO_RAS = np.diag([-1.0, -1, 1])


def _stack(turned: np.ndarray, decimals: int, count: int = 120, step: np.ndarray | None = None) -> list[Dataset]:
    """Return slices 2.5 mm apart along their normal, or by a step; directions are rounded."""
    headers = []
    for index in range(count):
        place = index * (2.5 * turned[:, 2] if step is None else step)
        headers.append(_header(0, ImagePositionPatient=[f"{one:.2f}" for one in place]))
        headers[-1].ImageOrientationPatient = [*turned[:, 0].round(decimals), *turned[:, 1].round(decimals)]
    return headers


def _affine(headers: list[Dataset]) -> np.ndarray:
    return affine_of(planes_of(headers), [0.0] * len(headers))


@pytest.mark.parametrize("decimals", [2, 3, 6])
@pytest.mark.parametrize("number", range(12))
def test_rounded_directions_are_made_exact_by_positions(number: int, decimals: int) -> None:
    angles = np.random.default_rng(number).uniform(-25, 25, 3)
    turned = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    headers = _stack(turned, decimals)
    found = (_LPS_TO_RAS @ _affine(headers)[:3, :3]) / [0.8, 0.8, 2.5]
    np.testing.assert_allclose(found[:, 2], turned[:, 2], atol=2e-4)
    np.testing.assert_allclose(found, turned, atol=max(1.2 * 10**-decimals, 2e-4))
    headers.reverse()
    assert planes_of(headers)[0].along_row == pytest.approx(planes_of(headers[::-1])[0].along_row)


@pytest.mark.parametrize("tilt", [0.6, 1, 5, 12, 25])
@pytest.mark.parametrize("decimals", [2, 3, 6])
def test_a_tilted_gantry_is_no_rounded_direction(tilt: float, decimals: int) -> None:
    turned = Rotation.from_euler("x", tilt, degrees=True).as_matrix()
    with pytest.raises(GeometryError, match=r"gantry tilt|shifted in its plane"):
        _affine(_stack(turned, decimals, step=np.array([0, 0, 2.5])))


@pytest.mark.parametrize("place", [0, 50, 119])
def test_a_slice_beside_the_others_is_refused_with_rounded_directions_too(place: int) -> None:
    headers = _stack(Rotation.from_euler("x", 10, degrees=True).as_matrix(), 2)
    headers[place].ImagePositionPatient[0] += 1
    with pytest.raises(GeometryError, match="shifted in its plane"):
        _affine(headers)


def test_rounded_directions_are_at_right_angles() -> None:
    header = _header(0, ImageOrientationPatient=[0.82, -0.57, 0.1, 0.5, 0.59, -0.63])
    assert abs(np.dot(header.ImageOrientationPatient[:3], header.ImageOrientationPatient[3:])) > 0.0106
    Plane.of(header)
    header.ImageOrientationPatient = [1, 0, 0, 0.02, 1, 0]
    with pytest.raises(GeometryError, match="right angles"):
        Plane.of(header)
