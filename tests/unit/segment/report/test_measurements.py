"""Volumes, diameters and places against closed forms."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dicom_series import ORIENTATIONS, Phantom, write

from hepaflow.dicom.reading import read_series
from hepaflow.dicom.series import choose_series, find_series
from hepaflow.segment.report.measurements import measure
from hepaflow.volumes.volume import Grid

SPACING = (2.5, 0.8, 0.5)  # slices, rows, columns


def _grid(shape: tuple[int, int, int], spacing: tuple[float, float, float] = SPACING, **how: object) -> Grid:
    affine = np.diag([-spacing[2], -spacing[1], spacing[0], 1.0])
    affine[:3, 3] = how.get("origin", (30.0, 20.0, -400.0))
    image = nib.Nifti1Image(np.zeros(shape[::-1], np.int8), affine)
    return Grid(image.shape, image.affine, image.header)


def _coordinates(shape: tuple[int, int, int]) -> np.ndarray:
    return np.stack(np.indices(shape)) * np.reshape(SPACING, (3, 1, 1, 1))


def _ball(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float) -> np.ndarray:
    """Return a ball; centre and radius in mm from the first voxel."""
    apart = _coordinates(shape) - np.reshape(centre, (3, 1, 1, 1))
    inside: np.ndarray = (apart**2).sum(axis=0) < radius**2
    return inside


def test_volumes_count_voxels() -> None:
    labels = np.random.default_rng(1).integers(0, 3, (5, 6, 7)).astype(np.uint8)
    measured = measure(labels, _grid(labels.shape), {})
    liver, lesion = sum(1 for one in labels.flat if one), sum(1 for one in labels.flat if one == 2)
    assert (measured.liver_voxels, measured.lesion_voxels) == (liver, lesion)
    assert measured.liver_ml == pytest.approx(liver * 2.5 * 0.8 * 0.5 / 1000)
    assert measured.lesion_ml == pytest.approx(lesion * 0.001)
    assert measured.tumour_burden_percent == pytest.approx(100 * lesion / liver)
    assert sum(one.voxels for one in measured.lesions) == lesion
    assert sum(one.ml or 0 for one in measured.lesions) == pytest.approx(measured.lesion_ml)


def test_a_ball_has_the_volume_and_the_diameter_of_a_ball() -> None:
    shape = (40, 100, 160)
    labels = np.ones(shape, np.uint8)
    labels[_ball(shape, (50, 40, 40), 30)] = 2
    (lesion,) = measure(labels, _grid(shape), {}).lesions
    assert lesion.ml == pytest.approx(4 / 3 * np.pi * 3**3, rel=0.01)
    assert lesion.diameter_mm == pytest.approx(60, abs=0.8)
    assert lesion.slice == 21


@pytest.mark.parametrize(("rows", "columns"), [(1, 40), (40, 1), (30, 40)])
def test_a_rod_has_its_length_where_rows_and_columns_differ(rows: int, columns: int) -> None:
    labels = np.ones((3, 60, 60), np.uint8)
    steps = np.linspace(0, 1, 400)
    along = np.rint(5 + steps * (rows - 1)).astype(int), np.rint(5 + steps * (columns - 1)).astype(int)
    labels[1][along] = 2
    if min(rows, columns) > 1:
        labels[1, along[0] + 1, along[1]] = 2  # pixels that touch at corners are not one lesion
    (lesion,) = measure(labels, _grid(labels.shape), {}).lesions
    between_middles = np.hypot((rows - 1) * 0.8, (columns - 1) * 0.5)
    assert between_middles <= lesion.diameter_mm <= between_middles + 1.6
    if rows == 1:
        assert lesion.diameter_mm == pytest.approx(20)
    elif columns == 1:
        assert lesion.diameter_mm == pytest.approx(32)


def test_a_lesion_lies_where_it_lies() -> None:
    shape = (9, 30, 40)
    labels = np.ones(shape, np.uint8)
    labels[3:6, 10:13, 20:23] = 2
    (lesion,) = measure(labels, _grid(shape, origin=(30, 20, -400)), {}).lesions
    # The slice of three equal ones that comes first; from there the affine: RAS, of which two signs turn.
    assert (lesion.slice, lesion.voxel) == (4, (21, 11, 3))
    assert lesion.position_lps_mm == pytest.approx((-30 + 21 * 0.5, -20 + 11 * 0.8, -400 + 3 * 2.5))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_a_lesion_of_a_series_lies_at_its_place_in_the_patient(
    tmp_path: Path, name: str, descending: bool
) -> None:
    phantom = Phantom(orientation=ORIENTATIONS[name])
    write(phantom.slices(descending=descending), tmp_path)
    _, grid, series = read_series(choose_series(find_series(tmp_path)))
    own = np.zeros(phantom.stored.shape, np.uint8)
    own[4, 3, 8] = 2  # slice, row, column as stored
    (lesion,) = measure(grid.canonicalise(own.transpose(2, 1, 0)), grid, {}, series).lesions
    assert lesion.position_lps_mm == pytest.approx((phantom.lps @ [8, 3, 4, 1])[:3], abs=1e-3)
    assert lesion.voxel == (8, 3, 4)
    assert lesion.instance_number == (3 if descending else 5)


def test_disagreement_is_a_mean_over_what_is_marked() -> None:
    labels = np.zeros((2, 4, 5), np.uint8)
    labels[0, :2] = 1
    labels[0, 0, :2] = 2
    liver, lesion = np.zeros_like(labels), np.zeros_like(labels)
    liver[0, 2], lesion[0, 0, 1], lesion[1, 3, 4] = 50, 100, 50
    measured = measure(labels, _grid(labels.shape), {"liver": liver, "lesion": lesion})
    assert measured.disagreement_percent == pytest.approx({"liver": 5 * 50 / 15, "lesion": 150 / 3})
    assert measured.lesions[0].disagreement_percent == pytest.approx(50)
    assert measure(labels, _grid(labels.shape), {}).lesions[0].disagreement_percent is None


def test_without_millimetres_nothing_is_told_in_them() -> None:
    labels = np.ones((3, 4, 5), np.uint8)
    labels[1, 1, 1] = 2
    measured = measure(labels, _grid(labels.shape, (1, 1, 1), origin=(0, 0, 0)), {})
    assert (measured.liver_ml, measured.lesion_ml) == (None, None)
    assert measured.tumour_burden_percent == pytest.approx(100 / 60)
    (lesion,) = measured.lesions
    assert (lesion.ml, lesion.diameter_mm, lesion.position_lps_mm) == (None, None, None)


def test_an_exam_without_a_liver() -> None:
    measured = measure(np.zeros((3, 4, 5), np.uint8), _grid((3, 4, 5)), {"liver": np.zeros((3, 4, 5), np.uint8)})
    assert (measured.liver_ml, measured.tumour_burden_percent, measured.lesions) == (0, None, ())
    assert measured.disagreement_percent == {"liver": 0}
    assert measured.warnings == ("no liver was found",)


@pytest.mark.parametrize(("slices", "told"), [((1, 2), ""), ((0, 2), "lowest"), ((2, 4), "highest")])
def test_a_liver_that_may_be_cut_off_is_told(slices: tuple[int, int], told: str) -> None:
    labels = np.zeros((4, 4, 5), np.uint8)
    labels[slice(*slices), 1:-1, 1:-1] = 1
    warnings = measure(labels, _grid(labels.shape), {}).warnings
    assert bool(warnings) == bool(told)
    assert told in "".join(warnings)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (np.s_[1:3, :2, 1:3], "the image's front edge:"),
        (np.s_[1:3, 2:, 1:3], "the image's back edge:"),
        (np.s_[1:3, 1:3, :2], "the image's edge on the patient's right:"),
        (np.s_[1:3, 1:3, 3:], "the image's edge on the patient's left:"),
        (np.s_[:2, 1:3, 3:], "the lowest slice and the image's edge on the patient's left:"),
    ],
)
def test_a_liver_at_an_edge_of_the_image_is_told(place: tuple[slice, ...], told: str) -> None:
    labels = np.zeros((4, 4, 5), np.uint8)
    labels[place] = 2  # lesions are liver
    (warning,) = measure(labels, _grid(labels.shape), {}).warnings
    assert warning.startswith(f"what is marked as liver reaches {told}")


def test_json_holds_all_of_it() -> None:
    labels = np.full((1, 1, 3), 2, np.uint8)
    told = json.loads(json.dumps(measure(labels, _grid(labels.shape), {"liver": labels}).as_json()))
    assert told["liver_ml"] == 0.003
    assert told["lesions"][0]["voxel"] == [1, 0, 0]
    assert told["disagreement_percent"] == {"liver": 2.0}
