"""Segmentations by other systems: brought into our labels, or refused by name."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hepaflow.errors import UserError
from hepaflow.methods.given import read_prediction
from hepaflow.methods.given_files import structures_of
from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.predictions import AdoptSettings, PredictionLabels
from hepaflow.settings.workflow import read_settings
from hepaflow.volumes.volume import read_grid

AFFINE = np.diag([-0.7, -0.8, 2.5, 1.0])  # L, P, S: as the package's own axes
VALUES = np.arange(6 * 5 * 4).reshape(6, 5, 4) % 7
"""Every value from 0 to 6, in the file's own axes: columns, rows, slices."""
EXPECTED = VALUES.transpose(2, 1, 0)


def stored(path: Path, values: np.ndarray = VALUES, affine: np.ndarray = AFFINE, dtype: str = "u1") -> Path:
    nib.save(nib.Nifti1Image(values.astype(dtype), affine), path)
    return path


@pytest.fixture
def image(tmp_path: Path):
    return read_grid(stored(tmp_path / "image.nii", dtype="i2"))


def mapped(liver: set[int], lesion: set[int]) -> np.ndarray:
    """The definition: lesions win over the liver that they lie in."""
    labels = np.isin(EXPECTED, list(liver)).astype(np.uint8)
    labels[np.isin(EXPECTED, list(lesion))] = 2
    return labels


@pytest.mark.parametrize(
    ("liver", "lesion"),
    [
        ((1, 2), (2,)),  # LiTS
        ((5,), ()),  # TotalSegmentator: the liver alone, among a hundred organs
        ((), (3,)),  # lesions alone
        ((1,), (2,)),  # the liver without its lesions
        ((2, 4, 6), (4, 6)),
        ((200,), ()),  # a value that is nowhere
    ],
)
@pytest.mark.parametrize("name", ["exam.nii", "exam.nii.gz"])
def test_label_values(tmp_path: Path, image, liver: tuple[int, ...], lesion: tuple[int, ...], name: str) -> None:
    values = PredictionLabels(liver=liver, lesion=lesion)
    labels = read_prediction(stored(tmp_path / name), exam="a", image=image, values=values)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, mapped(set(liver), set(lesion)))


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4", "f8"])
def test_number_types(tmp_path: Path, image, dtype: str) -> None:
    labels = read_prediction(
        stored(tmp_path / "exam.nii.gz", dtype=dtype), exam="a", image=image, values=PredictionLabels()
    )
    np.testing.assert_array_equal(labels, mapped({1, 2}, {2}))


def test_values_stored_as_fractions_of_a_scale(tmp_path: Path, image) -> None:
    """What nibabel makes of a floating-point label map written into bytes."""
    saved = nib.Nifti1Image(VALUES.astype(float), AFFINE)
    saved.set_data_dtype(np.uint8)
    nib.save(saved, tmp_path / "exam.nii.gz")
    labels = read_prediction(tmp_path / "exam.nii.gz", exam="a", image=image, values=PredictionLabels())
    np.testing.assert_array_equal(labels, mapped({1, 2}, {2}))


@pytest.mark.parametrize("value", [0.7, np.nan, np.inf])
def test_values_that_are_not_whole_are_refused(tmp_path: Path, image, value: float) -> None:
    values = VALUES.astype(np.float32)
    values[1, 1, 1] = value
    nib.save(nib.Nifti1Image(values, AFFINE), tmp_path / "exam.nii.gz")
    with pytest.raises(UserError, match=f"not whole, such as {value:g}"):
        read_prediction(tmp_path / "exam.nii.gz", exam="a", image=image, values=PredictionLabels())


def test_one_flipped_axis_of_both_files_gives_the_same_exam(tmp_path: Path) -> None:
    turned = np.diag([0.7, -0.8, 2.5, 1.0])
    grid = read_grid(stored(tmp_path / "turned.nii", VALUES[::-1], turned))
    labels = read_prediction(
        stored(tmp_path / "exam.nii", VALUES[::-1], turned), exam="a", image=grid, values=PredictionLabels()
    )
    np.testing.assert_array_equal(labels, mapped({1, 2}, {2}))


@pytest.mark.parametrize(
    ("values", "affine", "words"),
    [
        (VALUES[:5], AFFINE, ["5×5×4 voxels", "6×5×4 voxels along LPS"]),
        (VALUES, np.diag([0.7, -0.8, 2.5, 1.0]), ["along RPS", "6×5×4 voxels along LPS"]),
        (VALUES.transpose(1, 0, 2), AFFINE[[1, 0, 2, 3]], ["5×6×4 voxels along PLS", "along LPS"]),
    ],
    ids=["another number of voxels", "a flipped axis", "exchanged axes"],
)
def test_another_grid_is_refused(
    tmp_path: Path, image, values: np.ndarray, affine: np.ndarray, words: list[str]
) -> None:
    path = stored(tmp_path / "exam.nii.gz", values, affine)
    with pytest.raises(UserError) as caught:
        read_prediction(path, exam="liver_7", image=image, values=PredictionLabels())
    for told in ("exam: liver_7", f"file: {path}", "resample", *words):
        assert told in str(caught.value)


def test_the_same_voxels_along_other_axes_are_turned(tmp_path: Path, image) -> None:
    turned = AFFINE[:, [1, 0, 2, 3]] * [1, -1, 1, 1]
    turned[0, 3] = -0.7 * 5
    path = stored(tmp_path / "exam.nii.gz", VALUES.transpose(1, 0, 2)[:, ::-1], turned)
    labels = read_prediction(path, exam="a", image=image, values=PredictionLabels())
    np.testing.assert_array_equal(labels, mapped({1, 2}, {2}))


def test_a_grid_that_is_trusted_is_taken_voxel_by_voxel(tmp_path: Path, image) -> None:
    path = stored(tmp_path / "exam.nii.gz", VALUES, np.diag([3, 4, 5, 1.0]))
    labels = read_prediction(path, exam="a", image=image, values=PredictionLabels(), trust_grid=True)
    np.testing.assert_array_equal(labels, mapped({1, 2}, {2}))
    with pytest.raises(UserError, match="another number of voxels"):
        read_prediction(
            stored(path, VALUES[1:]), exam="a", image=image, values=PredictionLabels(), trust_grid=True
        )


@pytest.mark.parametrize("read_as", [PredictionLabels, AdoptSettings])  # `hepaflow evaluate`, the rule `adopt`
@pytest.mark.parametrize(
    ("array", "liver", "refused"),
    [
        (255 * (VALUES > 3), (1, 2), True),
        (3 * (VALUES > 3), (1, 2), True),
        (255 * (VALUES > 3), (5,), True),
        (3 * (VALUES > 3), (5,), False),  # another organ alone was found
        (np.arange(VALUES.size).reshape(VALUES.shape) * 2, (1, 2), False),
        (np.arange(VALUES.size * 2)[::-1][: VALUES.size].reshape(VALUES.shape), (1, 2), False),
    ],
)
def test_label_values_that_stand_for_nothing(
    tmp_path: Path,
    image,
    array: np.ndarray,
    liver: tuple[int, ...],
    refused: bool,
    read_as: type[PredictionLabels],
    caplog,
) -> None:
    path, values = stored(tmp_path / "exam.nii", array), read_as(liver=liver)
    if refused:
        with pytest.raises(UserError, match="without a meaning"):
            read_prediction(path, exam="a", image=image, values=values)
    else:
        read_prediction(path, exam="a", image=image, values=values)
        assert "are taken for background" in caplog.text


def test_an_unreadable_file_is_refused(tmp_path: Path, image) -> None:
    (tmp_path / "exam.nii.gz").write_text("no label map")
    with pytest.raises(UserError, match="not readable as NIfTI") as caught:
        read_prediction(tmp_path / "exam.nii.gz", exam="liver_7", image=image, values=PredictionLabels())
    assert "exam: liver_7" in str(caught.value)


# Settings


def test_stages_that_a_system_segments() -> None:
    assert structures_of(PredictionLabels()) == ("liver", "lesion")
    assert structures_of(PredictionLabels(liver=(5,), lesion=())) == ("liver",)
    assert structures_of(PredictionLabels(liver=(), lesion=(1,))) == ("lesion",)


@pytest.mark.parametrize(
    ("predictions", "told"),
    [
        (
            {"a": {"folder": "f", "liver": [], "lesion": []}},
            "neither a label value of the liver nor one of lesions",
        ),
        ({"resnet152": {"folder": "f"}}, "'resnet152': this name is taken by a backbone"),
        ({"fusion": {"folder": "f"}}, "'fusion': this name is taken by the fusion"),
        ({"nnU-Net": {"folder": "f"}}, "lower-case letters"),
        ({"a": {}}, "predictions.a.folder: missing"),
        ({"a": {"folder": ""}}, "predictions.a.folder"),
        ({"a": {"folder": "f", "liver": [0]}}, "predictions.a.liver.0: found 0"),
        ({"a": {"folder": "f", "tumour": [2]}}, "predictions.a.tumour: unknown key"),
    ],
)
def test_wrong_settings_are_refused(predictions: dict, told: str) -> None:
    with pytest.raises(UserError) as caught:
        read_settings({"predictions": predictions})
    assert told in str(caught.value)


def test_scores_depend_on_what_is_segmented_and_not_on_where_it_lies() -> None:
    def canonical(folder: str, liver: list[int]) -> str:
        given = {"nnunet": {"folder": folder, "liver": liver}}
        settings = read_settings({"predictions": given})
        return JobSettings(settings, plan_of(settings)).of("adopt", "nnunet").canonical()

    assert canonical("one", [1, 2]) == canonical("other", [1, 2])
    assert canonical("one", [1, 2]) != canonical("one", [1])
