from dataclasses import replace
from functools import cache

import nibabel as nib
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import binary_dilation, binary_erosion

from hepaflow.phantoms.drawing import Phantom, draw_phantom
from hepaflow.phantoms.rendering import render_phantom, write_phantom
from hepaflow.phantoms.shapes import Ellipsoid, Tube, intersection, paint, union
from hepaflow.settings.phantom import PhantomSettings

SETTINGS = PhantomSettings()
COARSE = PhantomSettings(size=64)
EXAMS = [f"phantom-{number:02d}" for number in range(16)]


@cache
def rendered(exam: str) -> tuple[Phantom, np.ndarray, np.ndarray]:
    phantom = draw_phantom(exam, COARSE)
    return phantom, *render_phantom(phantom)


def write(folder, exam, settings=COARSE):
    paths = folder / f"{exam}.image.nii.gz", folder / f"{exam}.label.nii.gz"
    write_phantom(exam, settings, *paths)
    return paths


def points(*rows):
    return tuple(np.array(axis, dtype=np.float32) for axis in zip(*rows, strict=True))


def test_sphere_distance_is_exact():
    sphere = Ellipsoid((1, 2, 3), (10, 10, 10))
    distance = sphere.distance(points((16, 2, 3), (1, 12, 3), (1, 2, -1)))
    np.testing.assert_allclose(distance, (5, 0, -6), atol=1e-3)


def test_tube_distance_is_exact():
    tube = Tube((0, 0, 0), (0, 0, 10), (2, 4))
    distance = tube.distance(points((5, 0, 0), (5, 0, 10), (0, 0, 17), (0, 3, 5)))
    np.testing.assert_allclose(distance, (3, 1, 3, 0), atol=1e-5)


def test_union_and_intersection_are_sharp_away_from_the_seam():
    first, second = points((-3.0, 9.0), (20.0, -20.0))
    np.testing.assert_allclose(union(first, second, 2), np.minimum(first, second), rtol=1e-6)
    np.testing.assert_allclose(intersection(first, second, 2), np.maximum(first, second), rtol=1e-6)


def test_paint_is_half_at_the_surface():
    image = np.zeros(3, dtype=np.float32)
    paint(image, np.array([-50, 0, 50], dtype=np.float32), 100)
    np.testing.assert_allclose(image, (100, 50, 0), atol=1e-3)


def test_same_exam_and_seed_give_the_same_bytes(tmp_path):
    first = [path.read_bytes() for path in write(tmp_path / "first", "a")]
    again = [path.read_bytes() for path in write(tmp_path / "again", "a")]
    other_exam = [path.read_bytes() for path in write(tmp_path / "exam", "b")]
    other_seed = [path.read_bytes() for path in write(tmp_path / "seed", "a", PhantomSettings(size=64, seed=1))]
    assert first == again
    for other in (other_exam, other_seed):
        assert first[0] != other[0]
        assert first[1] != other[1]


def test_draw_is_pinned():
    # A stable hash and NumPy's stable streams: the demo shows the same patients everywhere.
    phantom = draw_phantom("phantom-00", SETTINGS)
    assert (phantom.shape[0], phantom.phase, phantom.orientation) == (29, "arterial", "LPS")


def test_phantom_can_be_replayed_with_one_change():
    phantom, image, label = rendered("phantom-00")
    healthy = replace(phantom, anatomy=replace(phantom.anatomy, lesions=()))
    healthy_image, healthy_label = render_phantom(healthy)
    assert len(phantom.anatomy.lesions) > 0
    np.testing.assert_array_equal(healthy_label > 0, label > 0)
    far = ~binary_dilation(label == 2, iterations=6)
    np.testing.assert_array_equal(healthy_image[far], image[far])
    assert (healthy_image[label == 2] != image[label == 2]).any()


@pytest.mark.parametrize("exam", EXAMS)
def test_geometry_follows_the_settings(exam):
    phantom, image, label = rendered(exam)
    assert image.shape == label.shape == phantom.shape
    assert image.dtype == np.int16
    assert label.dtype == np.uint8
    slices, rows, columns = phantom.shape
    assert SETTINGS.slices[0] <= slices <= SETTINGS.slices[1]
    assert rows == columns == COARSE.size
    thickness, height, width = phantom.spacing
    assert SETTINGS.slice_thickness[0] <= thickness <= SETTINGS.slice_thickness[1]
    assert height == width
    low, high = SETTINGS.field_of_view
    assert low - 0.1 <= width * columns <= high + 0.1


@pytest.mark.parametrize("exam", EXAMS)
def test_liver_is_of_human_size_and_on_the_right(exam):
    phantom, _, label = rendered(exam)
    litres = (label > 0).sum() * np.prod(phantom.spacing) / 1e6
    assert 0.8 < litres < 2.6
    columns = np.nonzero(label)[2]
    assert columns.mean() < 0.45 * COARSE.size  # columns run from the patient's right to the left
    assert set(np.unique(label)) <= {0, 1, 2}
    assert not label[-1].any()


@pytest.mark.parametrize("exam", EXAMS)
def test_tissues_have_plausible_hounsfield_units(exam):
    _, image, label = rendered(exam)
    air = image[:, :3]
    assert abs(air.mean() + 1000) < 5
    assert air.std() < 1.5 * SETTINGS.noise
    bone = image[:, 32:, 24:40].max(axis=(1, 2))  # the spine is in every slice
    assert (bone > 200).all()
    liver = binary_erosion(label == 1)
    assert 40 < image[liver].mean() < 130
    lungs = image[-1, 20:44, 16:48]
    assert (lungs < -750).mean() > 0.2
    fat = (image > -130) & (image < -70)
    assert fat.mean() > 0.03


@pytest.mark.parametrize("exam", EXAMS)
def test_lesions_lie_in_the_liver_and_stand_out(exam):
    phantom, image, label = rendered(exam)
    lesion = label == 2
    assert lesion.any()
    shell = binary_dilation(lesion) & ~lesion
    assert (label[shell] == 1).mean() > 0.5
    liver_hu = np.median(image[label == 1])
    flat = replace(phantom, noise=0.0)
    clean = render_phantom(flat)[0]
    x, y, z = phantom.anatomy.bend(phantom.points())
    for found in phantom.anatomy.lesions:
        assert 40 <= abs(found.contrast) <= 80
        assert phantom.scale * max(found.body.radii) <= 1.5 * SETTINGS.lesion_radius[1]
        core = np.hypot(np.hypot(x - found.body.centre[0], y - found.body.centre[1]), z - found.body.centre[2])
        at_centre = clean.ravel()[core.argmin()] - liver_hu
        assert np.sign(at_centre) == np.sign(found.contrast)


def test_exams_vary():
    drawn = [draw_phantom(exam, SETTINGS) for exam in EXAMS]
    assert {"LPS", "RAS"} <= {phantom.orientation for phantom in drawn}
    assert {phantom.phase for phantom in drawn} == {"native", "arterial", "portal venous"}
    counts = [len(phantom.anatomy.lesions) for phantom in drawn]
    assert max(counts) >= 3
    contrasts = [lesion.contrast for phantom in drawn for lesion in phantom.anatomy.lesions]
    assert min(contrasts) < 0 < max(contrasts)
    assert len({phantom.shape[0] for phantom in drawn}) > 3


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "LAS", "LPI"])
def test_files_are_stored_in_the_drawn_orientation(tmp_path, orientation):
    exam = next(
        name for name in map("exam-{}".format, range(200)) if draw_phantom(name, COARSE).orientation == orientation
    )
    phantom = draw_phantom(exam, COARSE)
    image, label = render_phantom(phantom)
    stored_image, stored_label = map(nib.load, write(tmp_path, exam))
    for stored, dtype in ((stored_image, np.int16), (stored_label, np.uint8)):
        assert "".join(nib.aff2axcodes(stored.affine)) == orientation
        assert stored.get_data_dtype() == dtype
        assert stored.header.get_xyzt_units()[0] == "mm"
        assert stored.header["sform_code"] == stored.header["qform_code"] == 1
        np.testing.assert_allclose(stored.header.get_qform(), stored.header.get_sform(), atol=1e-3)
        np.testing.assert_allclose(stored.header.get_zooms(), phantom.spacing[::-1], rtol=1e-6)
        assert stored.header.get_slope_inter() in {(None, None), (1.0, 0.0)}
    canonical = nib.as_closest_canonical(stored_image)  # LPS and RAS differ in two flips
    np.testing.assert_array_equal(np.asarray(canonical.dataobj).T[:, ::-1, ::-1], image)
    canonical = nib.as_closest_canonical(stored_label)
    np.testing.assert_array_equal(np.asarray(canonical.dataobj).T[:, ::-1, ::-1], label)
    voxels = np.argwhere(np.asarray(canonical.dataobj) > 0)
    middle = nib.affines.apply_affine(canonical.affine, voxels.mean(axis=0))
    assert middle[0] > phantom.centre[0] + 20  # in world coordinates x grows to the patient's right


def test_about_one_exam_in_eight_has_no_lesion():
    counts = [len(draw_phantom(f"exam-{number}", SETTINGS).anatomy.lesions) for number in range(96)]
    assert 5 <= counts.count(0) <= 20
    assert set(counts) == set(range(SETTINGS.max_lesions + 1))


def test_no_lesions_when_none_are_wanted():
    for settings in (PhantomSettings(max_lesions=0), PhantomSettings(lesion_free=1)):
        assert all(not draw_phantom(exam, settings).anatomy.lesions for exam in EXAMS)


@pytest.mark.parametrize(
    "least", [{"slice_thickness": (0.5, 0.5), "slices": (4, 4)}, {"field_of_view": (10, 10)}], ids=str
)
def test_the_smallest_phantoms_can_be_drawn(least):
    settings = PhantomSettings(size=32, lesion_free=0, **least)
    for exam in EXAMS:
        phantom = draw_phantom(exam, settings)
        assert min(phantom.spacing) > 0
        assert np.isfinite(phantom.affine()).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 8},
        {"slices": (30, 22)},
        {"noise": -1.0},
        {"lesion_radius": (0.0, 5.0)},
        {"slice_thickness": (0.001, 0.001)},
        {"field_of_view": (0.001, 0.001)},
        {"colour": "red"},
    ],
)
def test_settings_refuse_nonsense(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        PhantomSettings(**wrong)
