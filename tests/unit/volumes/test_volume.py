"""Reading exams into one orientation, and writing label maps on their own grid."""

import gzip
import itertools
import time
import warnings
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from hepaflow.errors import UserError
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import Grid, canonical_affine, read_grid, read_image, write_map

ORIENTATIONS = [
    tuple(axes[place] for place in order)
    for axes in itertools.product("LR", "PA", "SI")
    for order in itertools.permutations(range(3))
]

SHAPE = (4, 5, 6)  # slices, rows, columns
DRAW = np.random.default_rng(0)
HU = DRAW.integers(-1024, 1500, SHAPE).astype(np.int16)
LABELS = DRAW.integers(0, 3, SHAPE).astype(np.uint8)
OWN = HU.transpose(2, 1, 0)
"""As a file in canonical orientation stores them."""

SPACING = (2.5, 0.8, 0.7)  # slices, rows, columns
CANONICAL_AFFINE = np.array([[-0.7, 0, 0, 90], [0, -0.8, 0, 110], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])
"""Columns to the patient's left, rows to posterior, slices to superior: LPS+, seen from RAS+."""


def oriented(array: np.ndarray, codes: tuple[str, ...], affine: np.ndarray = CANONICAL_AFFINE) -> nib.Nifti1Image:
    """An exam given as (slices, rows, columns), stored with axes in these directions."""
    image = nib.Nifti1Image(array.transpose(2, 1, 0), affine)
    turned = image.as_reoriented(ornt_transform(io_orientation(affine), axcodes2ornt(codes)))
    assert nib.aff2axcodes(turned.affine) == codes
    return turned


def stored(tmp_path: Path, array: np.ndarray, name: str = "exam.nii.gz", affine: np.ndarray | None = None) -> Path:
    """An array in the file's own axes, as a file."""
    path = tmp_path / name
    affine = CANONICAL_AFFINE if affine is None else affine
    nib.save(nib.Nifti1Image(array, affine, dtype=array.dtype), path)
    return path


def bare(header: nib.Nifti1Header) -> bytes:
    """The bytes of a header as it is, before nibabel mends it."""
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + bytes(4)


def rotated(degrees: float) -> np.ndarray:
    """The canonical affine, tilted around the patient's left-right axis."""
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ CANONICAL_AFFINE


# the 48 orientations


def test_there_are_48_orientations() -> None:
    assert len(set(ORIENTATIONS)) == 48


def test_canonical_means_columns_left_rows_posterior_slices_superior(tmp_path: Path) -> None:
    """Independent of nibabel's orientation code: find the voxels in millimetres."""
    own = np.zeros((6, 5, 4), np.int16)
    own[1, 2, 3] = 7
    path = stored(tmp_path, own, affine=np.diag([1.0, 1, 1, 1]))  # RAS+: columns count to the right
    hu, grid = read_image(path)
    assert grid.axes == "RAS"
    assert hu.shape == (4, 5, 6)
    assert np.argwhere(hu == 7).tolist() == [[3, 5 - 1 - 2, 6 - 1 - 1]]


@pytest.mark.parametrize("codes", ORIENTATIONS, ids="".join)
@pytest.mark.parametrize("degrees", [0, 20])
def test_every_orientation_gives_the_same_exam_and_takes_its_labels_back(
    tmp_path: Path, codes: tuple[str, ...], degrees: float
) -> None:
    affine = rotated(degrees)
    image, label = oriented(HU, codes, affine), oriented(LABELS, codes, affine)
    nib.save(image, tmp_path / "image.nii")
    nib.save(label, tmp_path / "label.nii")

    hu, grid = read_image(tmp_path / "image.nii", exam="one")
    labels, _ = read_labels(tmp_path / "label.nii", exam="one")
    np.testing.assert_array_equal(hu, HU)
    np.testing.assert_array_equal(labels, LABELS)
    assert grid.axes == "".join(codes)
    assert grid.shape == image.shape
    assert grid.canonical_shape == SHAPE
    np.testing.assert_allclose(grid.spacing, SPACING, rtol=1e-6)
    np.testing.assert_allclose(canonical_affine(grid), affine, atol=1e-4)

    write_map(tmp_path / "written.nii.gz", labels, grid)
    written = nib.load(tmp_path / "written.nii.gz")
    np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(label.dataobj))
    np.testing.assert_array_equal(written.affine, nib.load(tmp_path / "image.nii").affine)
    again, _ = read_labels(tmp_path / "written.nii.gz")
    np.testing.assert_array_equal(again, LABELS)


@pytest.mark.parametrize("codes", [("R", "A", "S"), ("R", "P", "I"), ("L", "P", "S")], ids="".join)
def test_labels_whose_header_disagrees_follow_the_images_voxels(tmp_path: Path, codes: tuple[str, ...]) -> None:
    """Data fact: label maps with another affine than their image; the voxel grid is what they share."""
    image = stored(tmp_path, OWN)
    turned = oriented(HU, codes)  # only its affine is used, on voxels that are in the image's order
    label = stored(tmp_path, LABELS.transpose(2, 1, 0), "label.nii.gz", turned.affine)
    _, grid = read_image(image)
    labels, own = read_labels(label, image=grid)
    np.testing.assert_array_equal(labels, LABELS)
    assert own.axes == "".join(codes)
    assert np.array_equal(read_labels(label)[0], LABELS) == (codes == ("L", "P", "S"))


def test_labels_of_another_shape_than_the_image(tmp_path: Path) -> None:
    _, grid = read_image(stored(tmp_path, OWN))
    label = stored(tmp_path, np.zeros((6, 4, 5), np.uint8), "label.nii.gz")
    with pytest.raises(UserError, match=r"exam: seven\n.*\n.*6×4×5 voxels along LPS\nexpected: 6×5×4"):
        read_labels(label, exam="seven", image=grid)


def grid_of(codes: tuple[str, ...], shape: tuple[int, int, int]) -> Grid:
    image = oriented(np.zeros(shape, np.uint8), codes)
    return Grid(shape=image.shape, affine=image.affine, header=image.header)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(ORIENTATIONS),
    st.tuples(*[st.integers(1, 5)] * 3),
    st.integers(0, 2**32 - 1),
)
def test_canonicalise_and_restore_undo_each_other(
    codes: tuple[str, ...], shape: tuple[int, int, int], seed: int
) -> None:
    grid = grid_of(codes, shape)
    own = np.random.default_rng(seed).integers(0, 1000, grid.shape)
    canonical = grid.canonicalise(own)
    assert canonical.shape == grid.canonical_shape == shape
    np.testing.assert_array_equal(grid.restore(canonical), own)
    np.testing.assert_array_equal(grid.canonicalise(grid.restore(canonical)), canonical)


@pytest.mark.parametrize("codes", ORIENTATIONS, ids="".join)
def test_canonical_affine_points_at_the_same_millimetres(codes: tuple[str, ...]) -> None:
    grid = grid_of(codes, SHAPE)
    numbers = np.arange(np.prod(SHAPE)).reshape(grid.shape)
    canonical = grid.canonicalise(numbers)
    for index in [(0, 0, 0), (3, 4, 5), (1, 2, 4)]:
        own = np.argwhere(numbers == canonical[index])[0]
        millimetres = grid.affine @ [*own, 1]
        np.testing.assert_allclose(canonical_affine(grid) @ [*index[::-1], 1], millimetres, atol=1e-4)


def test_canonicalising_copies_nothing() -> None:
    grid = grid_of(("R", "A", "S"), SHAPE)
    own = np.zeros(grid.shape)
    assert np.shares_memory(grid.canonicalise(own), own)


# millimetres


def grid_with(affine: np.ndarray) -> Grid:
    return Grid(shape=(3, 4, 5), affine=affine, header=None)


@pytest.mark.parametrize("signs", list(itertools.product([1, -1], repeat=3)))
def test_an_identity_affine_is_not_to_be_trusted_whatever_its_signs(signs: tuple[int, ...]) -> None:
    """The 3D-IRCADb exams of LiTS: 1 mm, at the origin; programs that think in LPS turn two signs."""
    grid = grid_with(np.diag([*signs, 1.0]))
    assert not grid.has_millimetres
    assert grid.trusted_spacing is None
    assert grid.spacing == (1, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        ((0, 0), 0.7),
        ((2, 2), 1.25),
        ((0, 3), -120.0),  # 1 mm indeed: an exam that was resampled keeps its place
        ((1, 0), 0.2),
    ],
)
def test_any_other_affine_is_trusted(change: tuple[tuple[int, int], float]) -> None:
    place, value = change
    affine = np.eye(4)
    affine[place] = value
    grid = grid_with(affine)
    assert grid.has_millimetres
    assert grid.trusted_spacing == grid.spacing


@pytest.mark.parametrize("signs", list(itertools.product([1, -1], repeat=3)))
@pytest.mark.parametrize("last", list(itertools.product([False, True], repeat=3)))
def test_an_identity_affine_counts_from_any_corner(signs: tuple[int, ...], last: tuple[bool, ...]) -> None:
    """Either end of an axis may lie at 0, in either direction; one voxel off is a place in the patient."""
    affine = np.diag([*signs, 1.0])
    affine[:3, 3] = np.where(last, -np.array(signs) * [2, 3, 4], 0)
    assert grid_with(affine).is_identity
    for axis in range(3):
        for shift in (-1, 1):
            moved = affine.copy()
            moved[axis, 3] += shift
            assert not grid_with(moved).is_identity


def test_trusted_spacing_is_in_the_order_of_the_arrays_axes() -> None:
    assert grid_with(CANONICAL_AFFINE).trusted_spacing == pytest.approx(SPACING)


@pytest.mark.parametrize("codes", [("L", "P", "S"), ("S", "R", "A")], ids="".join)
def test_steps_lead_to_the_next_slice_row_and_column(codes: tuple[str, ...]) -> None:
    """In RAS+: to superior, to posterior, to the patient's left."""
    grid = grid_of(codes, SHAPE)
    expected = np.array([[0, 0, 2.5], [0, -0.8, 0], [-0.7, 0, 0]])
    np.testing.assert_allclose(grid.steps, expected, atol=1e-7)
    assert grid.trusted_steps == grid.spacing == pytest.approx(SPACING)


def test_steps_of_a_sheared_grid_keep_its_angles() -> None:
    sheared = CANONICAL_AFFINE.copy()
    sheared[1, 2] = 1.2
    grid = grid_with(sheared)
    steps = grid.trusted_steps
    assert steps.shape == (3, 3)
    np.testing.assert_allclose(steps @ steps.T, grid.steps @ grid.steps.T)
    np.testing.assert_allclose(grid.steps, [[0, 1.2, 2.5], [0, -0.8, 0], [-0.7, 0, 0]])


def test_no_steps_where_millimetres_cannot_be_trusted() -> None:
    assert grid_with(np.eye(4)).trusted_steps is None


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1000), ("micron", 0.001), ("mm", 1)])
def test_spacing_and_steps_are_in_millimetres_whatever_the_unit(tmp_path: Path, unit: str, factor: float) -> None:
    affine = CANONICAL_AFFINE.copy()
    affine[:3] /= factor
    image = nib.Nifti1Image(OWN, affine)
    image.header.set_xyzt_units(unit)
    nib.save(image, tmp_path / "exam.nii")
    grid = read_grid(tmp_path / "exam.nii")
    assert grid.unit_mm == factor
    assert grid.trusted_spacing == pytest.approx(SPACING)
    np.testing.assert_allclose(grid.steps, [[0, 0, 2.5], [0, -0.8, 0], [-0.7, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(grid.affine, affine, rtol=1e-6)


def test_distances_that_no_ct_has_are_kept_as_they_are_and_not_trusted(tmp_path: Path) -> None:
    """Along each axis for itself: one is too long."""
    affine = CANONICAL_AFFINE.copy()
    affine[2, 2] = 2500
    grid = read_grid(stored(tmp_path, OWN, affine=affine))
    assert grid.unit_mm is None
    assert grid.trusted_spacing is grid.trusted_steps is None
    assert grid.spacing == pytest.approx((2500, 0.8, 0.7))
    np.testing.assert_allclose(grid.steps, [[0, 0, 2500], [0, -0.8, 0], [-0.7, 0, 0]], rtol=1e-6)


def test_distances_are_judged_along_the_files_axes(tmp_path: Path) -> None:
    """A grid between two orientations: no row of its affine is as long as a column."""
    turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    thin = turn @ np.diag([0.06, 40, 40, 1.0])
    grid = read_grid(stored(tmp_path, OWN, affine=thin))
    assert grid.unit_mm == 1
    assert grid.spacing == pytest.approx((40, 40, 0.06))
    thinner = read_grid(stored(tmp_path, OWN, "thinner.nii", affine=turn @ np.diag([0.04, 40, 40, 1.0])))
    assert thinner.unit_mm is None


def test_what_a_header_tells_beside_its_affine_is_kept(tmp_path: Path) -> None:
    image = nib.Nifti1Image(OWN, CANONICAL_AFFINE)
    image.set_sform(CANONICAL_AFFINE, 0)
    image.set_qform(CANONICAL_AFFINE, 0)
    image.header["pixdim"][1:4] = 1
    (tmp_path / "exam.nii").write_bytes(bare(image.header) + OWN.tobytes(order="F"))
    grid = read_grid(tmp_path / "exam.nii")
    assert grid.told == (1, 1, 1)
    assert not grid.names_spacing
    assert not grid.has_millimetres
    assert read_grid(stored(tmp_path, OWN, "named.nii")).told == pytest.approx((0.7, 0.8, 2.5))


# what is written matches the image

CODES = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (1, 4)]


@pytest.mark.parametrize(("sform", "qform"), CODES)
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_header_of_a_written_label_map_is_the_images(tmp_path: Path, sform: int, qform: int, kind: type) -> None:
    image = kind(HU.transpose(2, 1, 0), rotated(15))
    image.set_sform(rotated(15), sform)
    image.set_qform(rotated(15), qform)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, tmp_path / "image.nii.gz")
    hu, grid = read_image(tmp_path / "image.nii.gz")
    write_map(tmp_path / "label.nii.gz", (hu > 0).astype(np.uint8), grid)

    given, written = nib.load(tmp_path / "image.nii.gz"), nib.load(tmp_path / "label.nii.gz")
    assert written.shape == given.shape
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_allclose(written.affine, given.affine, rtol=0, atol=2e-5)
    for code in ("sform_code", "qform_code", "xyzt_units"):
        assert written.header[code] == given.header[code], code
    np.testing.assert_allclose(written.header.get_zooms(), given.header.get_zooms(), rtol=1e-6)
    if qform:
        np.testing.assert_allclose(written.header.get_qform(), given.header.get_qform(), rtol=0, atol=2e-5)
    assert written.dataobj.slope == 1
    assert written.dataobj.inter == 0
    np.testing.assert_array_equal(np.asarray(written.dataobj), np.asarray(given.dataobj) > 0)


def test_forms_that_disagree_are_both_carried_over(tmp_path: Path) -> None:
    image = nib.Nifti1Image(HU.transpose(2, 1, 0), CANONICAL_AFFINE)
    image.set_sform(rotated(10), 2)
    image.set_qform(rotated(-10), 1)
    nib.save(image, tmp_path / "image.nii.gz")
    hu, grid = read_image(tmp_path / "image.nii.gz")
    write_map(tmp_path / "label.nii.gz", np.zeros(hu.shape, np.uint8), grid)
    written = nib.load(tmp_path / "label.nii.gz")
    np.testing.assert_allclose(written.get_sform(), rotated(10), atol=1e-4)
    np.testing.assert_allclose(written.get_qform(), rotated(-10), atol=1e-4)
    np.testing.assert_allclose(written.affine, rotated(10), atol=1e-4)


def test_spacing_in_the_header_is_carried_over_where_the_affine_says_otherwise(tmp_path: Path) -> None:
    image = nib.Nifti1Image(OWN, CANONICAL_AFFINE)
    image.set_sform(CANONICAL_AFFINE, 1)
    image.set_qform(CANONICAL_AFFINE, 0)
    image.header["pixdim"][1:4] = 1.5, 1.25, 5
    (tmp_path / "image.nii").write_bytes(bare(image.header) + OWN.tobytes(order="F"))
    hu, grid = read_image(tmp_path / "image.nii")
    write_map(tmp_path / "label.nii.gz", np.zeros(hu.shape, np.uint8), grid)
    written = nib.load(tmp_path / "label.nii.gz")
    assert written.header["pixdim"][1:4].tolist() == [1.5, 1.25, 5]
    np.testing.assert_array_equal(written.affine, grid.affine)


def test_millimetres_of_a_written_voxel_are_exact(tmp_path: Path) -> None:
    """Not one bit of the affine is lost, whichever form it comes from."""
    for number, (sform, qform) in enumerate([(1, 0), (0, 1), (0, 0), (2, 1)]):
        image = nib.Nifti1Image(HU.transpose(2, 1, 0), rotated(12.3))
        image.set_sform(rotated(12.3), sform)
        image.set_qform(rotated(12.3), qform)
        nib.save(image, tmp_path / f"{number}.nii")
        hu, grid = read_image(tmp_path / f"{number}.nii")
        write_map(tmp_path / "label.nii.gz", np.zeros(hu.shape, np.uint8), grid)
        np.testing.assert_array_equal(read_grid(tmp_path / "label.nii.gz").affine, grid.affine)


def test_written_bytes_depend_on_neither_time_nor_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = grid_of(("R", "A", "S"), SHAPE)
    (tmp_path / "folder").mkdir()
    write_map(tmp_path / "one.nii.gz", LABELS, grid)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    write_map(tmp_path / "folder" / "other.nii.gz", LABELS, grid)
    written = (tmp_path / "one.nii.gz").read_bytes()
    assert written == (tmp_path / "folder" / "other.nii.gz").read_bytes()
    assert gzip.decompress(written)[344:348] == b"n+1\0"


# what is accepted


def test_plain_and_gzipped(tmp_path: Path) -> None:
    for name in ("exam.nii", "exam.nii.gz"):
        hu, _ = read_image(stored(tmp_path, OWN, name))
        np.testing.assert_array_equal(hu, HU)
        assert hu.dtype == np.int16


def test_slope_and_intercept(tmp_path: Path) -> None:
    image = nib.Nifti1Image((OWN + 1024).astype(np.uint16), CANONICAL_AFFINE)
    image.header.set_slope_inter(0.5, -1024)
    nib.save(image, tmp_path / "exam.nii.gz")
    hu, _ = read_image(tmp_path / "exam.nii.gz")
    assert hu.dtype == np.float32
    np.testing.assert_allclose(hu, (HU + 1024.0) * 0.5 - 1024)


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">i2", ">i4", "<i4", "u1", ">u2", "<i8"])
def test_number_types_and_byte_orders(tmp_path: Path, dtype: str) -> None:
    values = np.abs(OWN) % 200 if "u" in dtype else OWN
    header = nib.Nifti1Header(endianness=">" if dtype.startswith(">") else "<")
    image = nib.Nifti1Image(values.astype(dtype), CANONICAL_AFFINE, header, dtype=np.dtype(dtype))
    nib.save(image, tmp_path / "exam.nii.gz")
    assert nib.load(tmp_path / "exam.nii.gz").header.endianness == header.endianness
    hu, grid = read_image(tmp_path / "exam.nii.gz")
    np.testing.assert_array_equal(hu, values.transpose(2, 1, 0))
    assert hu.dtype.kind == np.dtype(dtype).kind

    labels = stored(tmp_path, LABELS.transpose(2, 1, 0).astype(dtype), "labels.nii.gz")
    np.testing.assert_array_equal(read_labels(labels)[0], LABELS)
    write_map(tmp_path / "written.nii.gz", LABELS, grid)
    np.testing.assert_array_equal(read_grid(tmp_path / "written.nii.gz").affine, grid.affine)


def test_four_axes_with_one_frame(tmp_path: Path) -> None:
    hu, grid = read_image(stored(tmp_path, OWN[..., None]))
    np.testing.assert_array_equal(hu, HU)
    assert grid.shape == OWN.shape
    labels, _ = read_labels(stored(tmp_path, LABELS.transpose(2, 1, 0)[..., None, None]))
    np.testing.assert_array_equal(labels, LABELS)


def test_a_single_slice(tmp_path: Path) -> None:
    hu, grid = read_image(stored(tmp_path, OWN[:, :, :1]))
    assert hu.shape == grid.canonical_shape == (1, 5, 6)


def test_header_alone(tmp_path: Path) -> None:
    path = stored(tmp_path, OWN)
    grid, (_, full) = read_grid(path), read_image(path)
    assert grid.shape == full.shape == OWN.shape
    np.testing.assert_array_equal(grid.affine, full.affine)


def test_label_map_saved_in_fractions_of_a_scale(tmp_path: Path) -> None:
    """What nibabel makes of a floating-point label map written into bytes: 1 comes back as 0.996."""
    image = nib.Nifti1Image(LABELS.transpose(2, 1, 0).astype(float), CANONICAL_AFFINE)
    image.set_data_dtype(np.uint8)
    nib.save(image, tmp_path / "label.nii.gz")
    assert 1 not in np.unique(np.asarray(nib.load(tmp_path / "label.nii.gz").dataobj))
    np.testing.assert_array_equal(read_labels(tmp_path / "label.nii.gz")[0], LABELS)


def test_rounding_errors_of_a_floating_point_label_map(tmp_path: Path) -> None:
    own = LABELS.transpose(2, 1, 0).astype(np.float32)
    path = stored(tmp_path, np.where(own == 2, 1.9999, own).astype(np.float32), "label.nii.gz")
    np.testing.assert_array_equal(read_labels(path)[0], LABELS)


# what is refused


def refusal(read: Any, path: Path) -> str:
    """The message; it names exam and file."""
    with pytest.raises(UserError) as caught:
        read(path, exam="liver_7")
    message = str(caught.value)
    assert "exam: liver_7" in message
    assert f"file: {path}" in message
    assert caught.value.found
    return message


readers = pytest.mark.parametrize("read", [read_image, read_labels, read_grid])


@readers
def test_missing_file(tmp_path: Path, read: Any) -> None:
    assert "no such file" in refusal(read, tmp_path / "exam.nii.gz")


@readers
def test_several_frames(tmp_path: Path, read: Any) -> None:
    path = stored(tmp_path, np.zeros((6, 5, 4, 3), np.int16))
    assert "(6, 5, 4, 3)" in refusal(read, path)


@readers
def test_one_flat_slice(tmp_path: Path, read: Any) -> None:
    assert "(6, 5)" in refusal(read, stored(tmp_path, np.zeros((6, 5), np.int16)))


@readers
@pytest.mark.parametrize("name", ["exam.nii.gz", "exam.nii", "exam.txt"])
@pytest.mark.parametrize("content", [b"", b"not an image", b"not an image\n" * 100])
def test_another_kind_of_file(tmp_path: Path, read: Any, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "not readable as NIfTI" in refusal(read, tmp_path / name)


@readers
def test_a_folder(tmp_path: Path, read: Any) -> None:
    assert "not readable as NIfTI" in refusal(read, tmp_path)


NOISE = np.random.default_rng(1).integers(0, 3, (40, 30, 20)).astype(np.int16)


@pytest.mark.parametrize("read", [read_image, read_labels])
@pytest.mark.parametrize("name", ["exam.nii.gz", "exam.nii"])
def test_truncated_anywhere(tmp_path: Path, read: Any, name: str) -> None:
    path = stored(tmp_path, NOISE, name)
    whole = path.read_bytes()
    ends = [1, 11, 50, 347, 348, 351, 352, 353, len(whole) // 2, len(whole) - 9, len(whole) - 4, len(whole) - 1]
    for end in ends:
        path.write_bytes(whole[:end])
        assert "not readable as NIfTI" in refusal(read, path)


def test_damaged_anywhere(tmp_path: Path) -> None:
    """nibabel alone does not reach the checksum at the end and takes most flipped bits for CT values."""
    path = stored(tmp_path, np.random.default_rng(1).integers(-1000, 1000, (40, 30, 20)).astype(np.int16))
    whole = path.read_bytes()
    for place in range(12, len(whole), len(whole) // 40):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        refusal(read_image, path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(tmp_path: Path, value: float) -> None:
    own = OWN.astype(np.float32)
    own[1, 2, 3] = own[0, 0, 0] = value
    assert "2 voxels that are NaN or infinite" in refusal(read_image, stored(tmp_path, own))


def test_values_that_overflow_through_their_slope(tmp_path: Path) -> None:
    image = nib.Nifti1Image(OWN, CANONICAL_AFFINE)
    image.header.set_slope_inter(1e38, 0)
    nib.save(image, tmp_path / "exam.nii.gz")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the message says it once
        assert "NaN or infinite" in refusal(read_image, tmp_path / "exam.nii.gz")


@pytest.mark.parametrize(
    ("dtype", "value", "told"),
    [
        ("u1", 3, "3"),
        ("<i2", -1, "-1"),
        ("<f4", 0.5, "0.5"),
        ("<f4", 1.02, "1.02"),
        ("<f8", np.nan, "nan"),
        ("u1", 255, "255"),
    ],
)
def test_other_label_values(tmp_path: Path, dtype: str, value: float, told: str) -> None:
    own = LABELS.transpose(2, 1, 0).astype(dtype)
    own[5, 4, 3] = value
    message = refusal(read_labels, stored(tmp_path, own))
    assert f"label values {told}\n" in message
    assert "0 background, 1 liver, 2 lesion" in message


def test_scaled_label_values_far_from_integers(tmp_path: Path) -> None:
    image = nib.Nifti1Image(LABELS.transpose(2, 1, 0), CANONICAL_AFFINE)
    image.header.set_slope_inter(0.5, 0)
    nib.save(image, tmp_path / "label.nii.gz")
    assert "label values 0.5\n" in refusal(read_labels, tmp_path / "label.nii.gz")


@pytest.mark.parametrize("read", [read_image, read_labels])
@pytest.mark.parametrize("dtype", [np.complex64, [("R", "u1"), ("G", "u1"), ("B", "u1")]])
def test_voxels_that_are_no_numbers(tmp_path: Path, read: Any, dtype: Any) -> None:
    assert "voxels of type" in refusal(read, stored(tmp_path, np.zeros((3, 4, 5), dtype)))


@readers
@pytest.mark.parametrize("length", [0, -6])
def test_an_axis_without_voxels(tmp_path: Path, read: Any, length: int) -> None:
    header = nib.Nifti1Image(OWN, CANONICAL_AFFINE).header
    header["dim"][1] = length
    path = tmp_path / "exam.nii"
    path.write_bytes(bare(header) + bytes(OWN.nbytes))
    assert f"({length}, 5, 4)" in refusal(read, path)


@readers
@pytest.mark.parametrize("diagonal", [(1, 1, 0), (1, np.nan, 1), (np.inf, 1, 1)])
def test_an_affine_without_directions(tmp_path: Path, read: Any, diagonal: tuple[float, ...]) -> None:
    header = nib.Nifti1Image(np.zeros((3, 4, 5), np.uint8), np.eye(4)).header
    for row, value in zip(("srow_x", "srow_y", "srow_z"), np.diag(diagonal), strict=True):
        header[row][:3] = value
    path = tmp_path / "exam.nii"
    path.write_bytes(bare(header) + bytes(60))
    assert "an affine that gives no direction" in refusal(read, path)
