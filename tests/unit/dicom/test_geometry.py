"""Slices make a regular volume, or are told why not: where the limits of that are."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from hepaflow.dicom.geometry import GeometryError, Plane, _strays, affine_of, planes_of


def _header(z: float, *, x: float = -150.0, spacing: tuple[float, float] = (0.8, 0.8), **more: object) -> Dataset:
    header = Dataset()
    header.ImagePositionPatient = [x, -150, round(float(z), 6)]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing = list(spacing)
    header.Rows = header.Columns = 64
    for name, value in more.items():
        setattr(header, name, value)
    return header


def _planes(*headers: Dataset) -> list[Plane]:
    return [Plane.of(header) for header in headers]


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


def test_a_tenth_of_a_millimetre_is_looked_for_along_the_normal_alone() -> None:
    """Positions in the plane are whole, and slices are counted towards the feet."""
    places = -0.625 * np.arange(20)
    places[1::2] -= 0.0512
    headers = [_header(z, ImageOrientationPatient=[-1, 0, 0, 0, 1, 0]) for z in places]
    with pytest.raises(GeometryError, match="uneven"):
        affine_of(_planes(*headers), [])


def test_tenths_and_a_little_more_are_not_rounded_to_tenths() -> None:
    places = np.round(0.625 * np.arange(20), 1) - 612.3
    assert _gap(places) == pytest.approx(0.625, abs=0.01)
    with pytest.raises(GeometryError, match="uneven"):
        _gap(places + 0.003)


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
_FIRST = np.array([-150, -170.5, -612.25])


def _stack(turned: np.ndarray, decimals: int, count: int = 120, step: np.ndarray | None = None) -> list[Dataset]:
    """Return slices 2.5 mm apart along their normal, or by a step; directions are rounded."""
    headers = []
    for index in range(count):
        place = _FIRST + index * (2.5 * turned[:, 2] if step is None else step)
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
    header.ImageOrientationPatient = [0.43, 0.49, 0.76, 0.53, 0.56, -0.64]  # each off by nearly half a unit
    assert abs(np.dot(header.ImageOrientationPatient[:3], header.ImageOrientationPatient[3:])) > 0.0158
    Plane.of(header)
    header.ImageOrientationPatient = [1, 0, 0, 0.02, 1, 0]
    with pytest.raises(GeometryError, match="right angles"):
        Plane.of(header)


@pytest.mark.parametrize(
    "directions",
    [
        [1.02, 0, 0, 0, 1, 0],
        [0.98, 0, 0, 0, 1, 0],
        [1, 0, 0, 0, 1.02, 0],
        [1, 0, 0, 0, 0.98, 0],
        [1, 0, 0, -0.02, 1, 0],
        [1, 0, 0, 0.0123456, 0.999924, 0],
        [0.999924, 0, -0.0123456, 0, 0, 0.999924],
    ],
)
def test_directions_that_are_none_are_refused(directions: list[float]) -> None:
    with pytest.raises(GeometryError, match="right angles"):
        Plane.of(_header(0, ImageOrientationPatient=directions))


@pytest.mark.parametrize(
    "directions",
    [
        [1.009, 0, 0, 0, 0.991, 0],
        [0.991, 0, 0, 0.009, 1.009, 0],
        [0.6, 0.8, 0, 0.79, -0.61, 0.05],
        [1, 0, 0, 0.01, 0.99995, 0],
    ],
)
def test_directions_of_a_plane_are_unit_vectors_at_right_angles(directions: list[float]) -> None:
    plane = Plane.of(_header(0, ImageOrientationPatient=directions))
    axes = np.stack([plane.along_row, plane.along_column, plane.normal])
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(plane.along_row, directions[:3] / np.linalg.norm(directions[:3]), atol=1e-12)
    np.testing.assert_allclose(plane.along_column, directions[3:], atol=0.02)


@pytest.mark.parametrize(
    ("directions", "axial"),
    [
        ([1, 0, 0, 0, 1, 0], True),
        ([-1, 0, 0, 0, 1, 0], True),
        ([1, 0, 0, 0, 0, -1], False),
        ([0, 1, 0, 0, 0, -1], False),
        ([0, 1, 0, 0, 0, 1], False),
        ([1, 0, 0, 0, 0.8, 0.6], True),
        ([1, 0, 0, 0, -0.8, 0.6], True),
        ([1, 0, 0, 0, 0.6, 0.8], False),
    ],
)
def test_a_slice_is_axial_that_is_nearer_to_axial_than_to_any_other_plane(
    directions: list[float], axial: bool
) -> None:
    assert Plane.of(_header(0, ImageOrientationPatient=directions)).is_axial is axial


def test_the_affine_leads_from_indices_to_millimetres() -> None:
    planes = _planes(*(_header(z, spacing=(0.8, 0.7)) for z in (10, 12.5, 15)))
    expected = [[-0.7, 0, 0, 150], [0, -0.8, 0, 150], [0, 0, 2.5, 10], [0, 0, 0, 1]]
    np.testing.assert_allclose(affine_of(planes, []), expected, atol=1e-12)


def test_two_slices_make_a_volume_and_one_does_not() -> None:
    assert affine_of(_planes(_header(-7), _header(-4)), [])[2].tolist() == [0, 0, 3, -7]
    with pytest.raises(GeometryError, match="a single slice"):
        affine_of(_planes(_header(0)), [])


@pytest.mark.parametrize("axis", ["x", "y", "xyz"])
def test_directions_made_exact_are_unit_vectors_at_right_angles(axis: str) -> None:
    turned = Rotation.from_euler(axis, [7, -12, 4][: len(axis)], degrees=True).as_matrix()
    assert (turned.round(2) != turned).any()
    headers = _stack(turned, 2)
    found = (_LPS_TO_RAS @ _affine(headers)[:3, :3]) / [0.8, 0.8, 2.5]
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=2e-5)  # positions are rounded to 0.01 mm
    np.testing.assert_allclose(found[:, 2], turned[:, 2], atol=2e-4)


@pytest.mark.parametrize("fine", [[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0.999986, 0.005236]])
def test_directions_that_are_not_rounded_are_taken_as_they_are(fine: list[float]) -> None:
    """Though slices lie on a line that is 0.3 degrees beside their normal."""
    stacked = np.array([0, 0, 2.5]) if fine[4] < 1 else np.array([0, 2.5 * np.tan(np.radians(0.3)), 2.5])
    headers = [
        _header(0, ImageOrientationPatient=fine, ImagePositionPatient=list(index * stacked)) for index in range(9)
    ]
    for plane in planes_of(headers):
        np.testing.assert_allclose([*plane.along_row, *plane.along_column], fine, atol=1e-6)


def test_one_slice_of_another_rounded_orientation_is_refused() -> None:
    headers = _stack(Rotation.from_euler("x", 10, degrees=True).as_matrix(), 2)
    headers[5].ImageOrientationPatient[5] += 0.01
    with pytest.raises(GeometryError, match="different orientation"):
        _affine(headers)


@pytest.mark.parametrize(("by", "alike"), [(0.0008, True), (0.0015, False), (-0.0015, False)])
@pytest.mark.parametrize("about", ["row", "column"])
def test_slices_of_one_orientation(about: str, by: float, alike: bool) -> None:
    turned = [1, 0, 0, 0, 1, by] if about == "row" else [1, 0, by, 0, 1, 0]
    planes = _planes(_header(0), _header(2.5, ImageOrientationPatient=turned), _header(5))
    if alike:
        affine_of(planes, [])
        return
    with pytest.raises(GeometryError, match="different orientation"):
        affine_of(planes, [])


@pytest.mark.parametrize(("shift", "spacing"), [(0.39, (0.8, 0.7)), (0.39, (0.7, 0.8)), (-0.5, (0.8, 0.7))])
def test_a_slice_half_a_pixel_beside_the_others_is_refused_with_its_place(
    shift: float, spacing: tuple[float, float]
) -> None:
    headers = [_header(2.5 * index - 300, spacing=spacing) for index in range(8)]
    headers[5].ImagePositionPatient[1] += shift
    found = f"a slice shifted in its plane by {abs(shift):.2f} mm, at -287.50 mm along the normal"
    with pytest.raises(GeometryError, match=found):
        affine_of(_planes(*headers), [])
    headers[5].ImagePositionPatient[1] = -149.66
    affine_of(_planes(*headers), [])


def test_a_tilted_stack_is_told_with_its_angle_wherever_it_begins() -> None:
    step = 2.5 * np.tan(np.radians(12))
    headers = [_header(2.5 * index - 300, ImagePositionPatient=[-150, step * index, 2.5 * index - 300])
               for index in range(8)]  # fmt: skip
    with pytest.raises(GeometryError, match=r"gantry tilt of 12\.0°"):
        affine_of(_planes(*headers), [])


@pytest.mark.parametrize(("number", "shift"), [(3, "3.13 mm, at 7.50 mm"), (1, "3.04 mm, at 2.50 mm")])
def test_a_slice_beside_a_tilted_stack_is_told_before_the_tilt(number: int, shift: str) -> None:
    step = 2.5 * np.tan(np.radians(1))
    headers = [_header(0, ImagePositionPatient=[-150, step * index, 2.5 * index]) for index in range(8)]
    headers[number].ImagePositionPatient[1] += 3
    with pytest.raises(GeometryError, match=f"a slice shifted in its plane by {shift} along the normal"):
        affine_of(_planes(*headers), [])


def test_the_last_slice_alone_beside_the_others_is_no_tilt() -> None:
    headers = [_header(2.5 * index - 300) for index in range(100)]
    headers[-1].ImagePositionPatient[0] += 1
    with pytest.raises(GeometryError, match=r"a slice shifted in its plane by 1.00 mm, at -52.50 mm"):
        affine_of(_planes(*headers), [])


def test_a_tilt_that_one_header_notes_is_refused() -> None:
    planes = _planes(*(_header(2.5 * index) for index in range(3)))
    with pytest.raises(GeometryError, match=r"a gantry tilt of 12° in the header"):
        affine_of(planes, [0, -12, 1])


@pytest.mark.parametrize("count", [3, 8, 40])
def test_the_narrowest_band_is_that_along_two_of_the_slices(count: int) -> None:
    """A band that cannot be narrower touches two slices on one side: its slope is that of a pair."""
    draw = np.random.default_rng(count)
    for _ in range(10):
        along = -300 + 5 * np.arange(count) + draw.uniform(0, 0.3, count)
        index = np.arange(count)
        slopes = [(along[two] - along[one]) / (two - one) for two in index for one in index[:two]]
        assert _strays(along) == pytest.approx(min(np.ptp(along - slope * index) for slope in slopes), abs=1e-6)


def test_slices_in_the_same_place_are_told_with_the_first_of_them() -> None:
    with pytest.raises(GeometryError, match=r"2 of 6 slices lie .* the first at -5\.00 mm along the normal"):
        _gap(np.array([-7.5, -5, -5, -2.5, 0, 0]))
    with pytest.raises(GeometryError, match="duplicate positions: 1 of 3 slices"):
        _gap(np.array([0, 2.5, 2.509]))


@pytest.mark.parametrize(("gap", "wider"), [(0.625, 0.016), (5.0, 0.09)])
def test_gaps_that_differ_by_less_than_rounding_or_a_fiftieth_are_even(gap: float, wider: float) -> None:
    places = 0.0567 + gap * np.arange(9)
    places[4:] += wider
    assert _gap(places) == pytest.approx(gap + wider / 8)


def test_thin_slices_differ_by_twice_what_positions_are_rounded_to_at_most() -> None:
    places = 0.0567 + 0.625 * np.arange(9)
    places[4:] += 0.025
    with pytest.raises(GeometryError, match=r"uneven slice spacing: from 0\.62 to 0\.65 mm"):
        _gap(places)


def test_missing_slices_are_counted_and_the_widest_gap_is_told() -> None:
    places = 2.5 * np.array([0, 1, 2, 4, 5, 6, 9, 10, 11]) - 40
    with pytest.raises(GeometryError) as refused:
        _gap(places)
    assert str(refused.value) == (
        "3 missing slices: a gap of 7.50 mm between -25.00 and -17.50 mm along the normal, "
        "where slices are 2.50 mm apart"
    )
    with pytest.raises(GeometryError, match=r"^1 missing slice: a gap of 5.00 mm between -35.00 and -30.00 mm"):
        _gap(2.5 * np.array([0, 1, 2, 4, 5]) - 40)


@pytest.mark.parametrize(
    ("widths", "found"),
    [
        ([2.5, 2.5, 5.2, 2.5, 2.5], "1 missing slice"),
        ([2.5, 2.5, 4.8, 2.5, 2.5], "1 missing slice"),
        ([2.5, 2.5, 5.3, 2.5, 2.5], "uneven slice spacing: from 2.50 to 5.30 mm"),
        ([2.5, 2.5, 5, 2.5, 3.3, 2.5], "uneven slice spacing: from 2.50 to 5.00 mm"),
        ([2.5, 2.5, 6.5, 2.5, 2.5], "uneven slice spacing: from 2.50 to 6.50 mm"),
        ([2.5, 2.5, 5, 2.5, 6, 2.5], "uneven slice spacing: from 2.50 to 6.00 mm"),
        ([2.5, 2.5, 1.1, 2.5, 2.5], "uneven slice spacing: from 1.10 to 2.50 mm"),
        ([2.5, 5, 2.5, 0.1, 2.5], "uneven slice spacing: from 0.10 to 5.00 mm"),
    ],
)
def test_a_gap_of_whole_slices_is_told_from_one_that_is_uneven(widths: list[float], found: str) -> None:
    with pytest.raises(GeometryError, match=found):
        _gap(0.0567 + np.cumsum([0, *widths]))


def test_the_gap_farthest_from_the_usual_is_told_even_where_it_is_narrower() -> None:
    with pytest.raises(GeometryError, match=r"the usual 2.50 mm is the gap between 12.00 and 12.60 mm"):
        _gap(np.cumsum([2, 2.5, 2.5, 3, 2, 0.6, 2.5, 2.5, 2.5, 2.5]))


def test_an_error_says_what_was_found_and_keeps_what_to_do() -> None:
    error = GeometryError("found", "what to do")
    assert (str(error), error.remedy) == ("found", "what to do")
    assert GeometryError("found").remedy == ""


def test_a_single_slice_keeps_its_rounded_directions() -> None:
    (header,) = _stack(Rotation.from_euler("x", 10, degrees=True).as_matrix(), 2, count=1)
    (plane,) = planes_of([header])
    np.testing.assert_array_equal(plane.along_row, [1, 0, 0])
    np.testing.assert_allclose(plane.along_column, [0, 0.98, 0.17], atol=0.006)
