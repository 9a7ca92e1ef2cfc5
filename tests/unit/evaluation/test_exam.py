"""Scores of one exam."""

import runpy
import time
from collections import UserDict
from math import nan
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from hepaflow.evaluation.exam import (
    Scores,
    Segmentation,
    burden_scores,
    detection_scores,
    mask_scores,
    segmentation_of,
    structure_scores,
)
from hepaflow.evaluation.metrics.overlap import dice
from hepaflow.evaluation.scores import METRIC_COLUMNS, read_scores
from hepaflow.masks.file import write_clean, write_maps
from hepaflow.masks.map import mask_of, with_mask
from hepaflow.masks.restore import restore
from hepaflow.names import STRUCTURES
from hepaflow.preprocessing.slices import SliceStack
from hepaflow.volumes.box import Box

SHAPE = (3, 5, 7)  # not a multiple of eight voxels
SPACING = (2.5, 0.7, 0.8)
REFERENCE = np.zeros(SHAPE, bool)
REFERENCE[1, 1:4, 1:5] = True
EMPTY = np.zeros(SHAPE, bool)

MASK_METRICS = [
    *("dice", "jaccard", "voe", "rvd", "sensitivity", "precision"),
    *("assd_mm", "rmsd_mm", "msd_mm", "hd95_mm", "volume_ml", "reference_volume_ml"),
    *("voxels", "reference_voxels", "common_voxels"),
]
LESION_METRICS = [
    *("lesions", "reference_lesions"),
    *("found_lesions_any", "lesion_precision_any", "lesion_recall_any", "lesion_f1_any"),
    *("found_lesions_half", "lesion_precision_half", "lesion_recall_half", "lesion_f1_half"),
]
BURDEN_METRICS = ["burden", "reference_burden", "burden_error"]


def wrong_at(*places: tuple[int, int, int]) -> np.ndarray:
    """The reference, wrong at these voxels: false positives and false negatives alike."""
    mask = REFERENCE.copy()
    for place in places:
        mask[place] ^= True
    return mask


A, B, C = (1, 1, 1), (0, 0, 0), (2, 4, 6)
"""A liver voxel, and the exam's first and last voxels, which are background."""


def both(liver: np.ndarray, lesion: np.ndarray) -> Segmentation:
    return {"liver": liver, "lesion": lesion}


# One mask


def test_scores_of_a_mask_by_hand() -> None:
    """Twelve voxels of reference, one of them missed, two false ones; a voxel measures 1.4 mm3."""
    scores = mask_scores(wrong_at(A, B, C), REFERENCE, SPACING)
    assert list(scores) == MASK_METRICS
    expected = {
        "dice": 2 * 11 / 25,
        "jaccard": 11 / 14,
        "voe": 3 / 14,
        "rvd": 1 / 12,
        "sensitivity": 11 / 12,
        "precision": 11 / 13,
        "volume_ml": 13 * 1.4 / 1000,
        "reference_volume_ml": 12 * 1.4 / 1000,
        "voxels": 13,
        "reference_voxels": 12,
        "common_voxels": 11,
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected)
    # The false voxels lie 2.5 mm and a step or two in the slice away from the reference, the missed one a row.
    steps = [0.7, np.sqrt(2.5**2 + 0.7**2 + 0.8**2), np.sqrt(2.5**2 + 0.7**2 + (2 * 0.8) ** 2)]
    assert scores["assd_mm"] == pytest.approx(sum(steps) / 25)
    assert scores["rmsd_mm"] == pytest.approx(np.sqrt(sum(np.square(steps)) / 25))
    assert scores["msd_mm"] == pytest.approx(steps[2])
    assert scores["hd95_mm"] == pytest.approx(np.percentile([0] * 11 + steps[1:], 95))


def test_without_spacing_nothing_is_told_in_millimetres() -> None:
    known, unknown = (mask_scores(wrong_at(A, B), REFERENCE, spacing) for spacing in (SPACING, None))
    assert list(unknown) == list(known)
    undefined = {name for name, value in unknown.items() if np.isnan(value)}
    assert undefined == {name for name in MASK_METRICS if name.endswith(("_mm", "_ml"))}
    assert {name: known[name] for name in known if name not in undefined} == {
        name: unknown[name] for name in unknown if name not in undefined
    }


@pytest.mark.parametrize(
    ("prediction", "reference", "undefined"),
    [
        (EMPTY, EMPTY, {"rvd", "sensitivity", "precision"}),
        (REFERENCE, EMPTY, {"rvd", "sensitivity"}),
        (EMPTY, REFERENCE, {"precision"}),
    ],
)
def test_distances_to_nothing_are_undefined(
    prediction: np.ndarray, reference: np.ndarray, undefined: set[str]
) -> None:
    scores = mask_scores(prediction, reference, SPACING)
    distances = {"assd_mm", "rmsd_mm", "msd_mm", "hd95_mm"}
    assert {name for name, value in scores.items() if np.isnan(value)} == distances | undefined


# Lesions and tumour burden


def test_detection_by_hand() -> None:
    """Three lesions, two regions: one region fits, the other one laps over a second lesion."""
    reference, prediction = np.zeros((2, 1, 4, 20), bool)
    reference[0, :2, 0:4] = reference[0, :2, 6:10] = reference[0, 3, 18] = True
    prediction[0, :2, 0:4] = prediction[0, :2, 9:14] = True
    assert detection_scores(prediction, reference) == {
        "lesions": 2,
        "reference_lesions": 3,
        "found_lesions_any": 2,
        "lesion_precision_any": 1,
        "lesion_recall_any": 2 / 3,
        "lesion_f1_any": 4 / 5,
        "found_lesions_half": 1,
        "lesion_precision_half": 1 / 2,
        "lesion_recall_half": 1 / 3,
        "lesion_f1_half": 2 / 5,
    }


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [(EMPTY, EMPTY, (nan, nan, nan)), (REFERENCE, EMPTY, (0, nan, 0)), (EMPTY, REFERENCE, (nan, 0, 0))],
)
def test_rates_of_no_lesions(
    prediction: np.ndarray, reference: np.ndarray, expected: tuple[float, float, float]
) -> None:
    scores = detection_scores(prediction, reference)
    for threshold in ("any", "half"):
        rates = [scores[f"lesion_{name}_{threshold}"] for name in ("precision", "recall", "f1")]
        np.testing.assert_array_equal(rates, expected)


def test_tumour_burden_is_the_share_of_the_whole_liver() -> None:
    """Lesion voxels belong to the liver whether its mask has them or not."""
    liver, lesion = np.zeros((2, 1, 1, 20), bool)
    liver[..., :8], lesion[..., 6:10] = True, True
    reference_liver, reference_lesion = np.zeros((2, 1, 1, 20), bool)
    reference_liver[..., :16], reference_lesion[..., :2] = True, True
    scores = burden_scores(liver, lesion, reference_liver, reference_lesion)
    assert scores == pytest.approx({"burden": 4 / 10, "reference_burden": 1 / 8, "burden_error": 4 / 10 - 1 / 8})


def test_tumour_burden_without_a_liver_is_undefined() -> None:
    scores = burden_scores(EMPTY, EMPTY, REFERENCE, EMPTY)
    assert scores["reference_burden"] == 0
    assert np.isnan([scores["burden"], scores["burden_error"]]).all()


# Masks of an exam


def test_masks_of_a_label_map() -> None:
    """The liver includes its lesions."""
    masks = segmentation_of(np.array([[[0, 1, 2]]], np.uint8))
    assert {structure: mask.tolist() for structure, mask in masks.items()} == {
        "liver": [[[False, True, True]]],
        "lesion": [[[False, False, True]]],
    }


@pytest.mark.parametrize("structures", [(), ("liver",), ("lesion",), ("liver", "lesion")])
def test_masks_of_some_structures(structures: tuple[str, ...]) -> None:
    labels = np.array([[[0, 1, 2]]], np.uint8)
    masks = segmentation_of(labels, structures)
    assert tuple(masks) == structures
    for structure, mask in masks.items():
        np.testing.assert_array_equal(mask, segmentation_of(labels)[structure])


# What a structure is scored by


@pytest.mark.parametrize(
    ("structure", "others", "further"),
    [
        ("liver", (), []),
        ("liver", ("lesion",), []),
        ("lesion", (), LESION_METRICS),
        ("lesion", ("liver",), LESION_METRICS + BURDEN_METRICS),
    ],
)
def test_a_structure_has_the_scores_of_its_mask_and_its_own(
    structure: str, others: tuple[str, ...], further: list[str]
) -> None:
    masks = both(wrong_at(A), wrong_at(B))
    known = {name: masks[name] for name in (structure, *others)}
    scores = structure_scores(structure, known, both(REFERENCE, REFERENCE), SPACING)
    assert list(scores) == MASK_METRICS + further
    assert scores["dice"] == dice(masks[structure], REFERENCE)


def test_a_structure_of_which_nothing_else_is_known_is_scored_by_its_mask() -> None:
    scores = structure_scores("spleen", {"spleen": wrong_at(A)}, {"spleen": REFERENCE}, SPACING)
    assert list(scores) == MASK_METRICS


# All scores


def test_every_metric_of_every_mask() -> None:
    scores = Scores("007", both(REFERENCE, wrong_at(A)), SPACING)
    scores.add("resnet", "raw", both(wrong_at(A, B), REFERENCE))
    scores.add("resnet", "clean", both(wrong_at(A), REFERENCE))
    scores.add("fusion", "clean", both(REFERENCE, REFERENCE))
    metrics = scores.metrics()
    assert tuple(metrics.columns) == METRIC_COLUMNS
    assert set(metrics["exam"]) == {"007"}
    found = {
        key: rows["metric"].tolist()
        for key, rows in metrics.groupby(["method", "processing", "structure"], sort=False)
    }
    lesion = MASK_METRICS + LESION_METRICS + BURDEN_METRICS
    assert found == {
        ("resnet", "raw", "liver"): MASK_METRICS,
        ("resnet", "raw", "lesion"): lesion,
        ("resnet", "clean", "liver"): MASK_METRICS,
        ("resnet", "clean", "lesion"): lesion,
        ("fusion", "clean", "liver"): MASK_METRICS,
        ("fusion", "clean", "lesion"): lesion,
    }
    values = metrics.set_index(["method", "processing", "structure", "metric"])["value"]
    assert values["resnet", "raw", "liver", "dice"] == dice(wrong_at(A, B), REFERENCE)
    assert values["resnet", "clean", "liver", "dice"] == 22 / 23
    assert values["resnet", "clean", "lesion", "dice"] == 22 / 23
    assert values["resnet", "raw", "lesion", "burden"] == 12 / 13
    assert values["fusion", "clean", "liver", "assd_mm"] == 0
    assert values["fusion", "clean", "lesion", "reference_burden"] == 11 / 12


def test_a_system_that_segments_the_liver_alone_has_no_scores_of_lesions() -> None:
    scores = Scores("exam", both(REFERENCE, wrong_at(A)), SPACING)
    scores.add("other", "given", {"liver": REFERENCE})
    metrics = scores.metrics()
    assert metrics["metric"].tolist() == MASK_METRICS
    assert set(metrics["structure"]) == {"liver"}


def test_a_system_that_segments_lesions_alone_has_no_tumour_burden() -> None:
    scores = Scores("exam", both(REFERENCE, wrong_at(A)), SPACING)
    scores.add("other", "given", {"lesion": REFERENCE})
    metrics = scores.metrics()
    assert metrics["metric"].tolist() == MASK_METRICS + LESION_METRICS
    assert set(metrics["structure"]) == {"lesion"}


def test_mask_and_reference_are_told_apart() -> None:
    """Two lesions for one of the reference; a liver without them in it, half as large as the reference's."""
    liver, lesion, whole, reference = np.zeros((4, 1, 4, 16), bool)
    liver[:, :2, :10] = lesion[:, 3, 0] = lesion[:, 3, 2:5] = whole[:, :, :10] = reference[:, 3, 0] = True
    scores = Scores("exam", both(whole, reference), SPACING)
    scores.add("one", "clean", both(liver, lesion))
    found = scores.metrics().set_index(["structure", "metric"])["value"]
    expected = {
        ("liver", "rvd"): -1 / 2,
        ("liver", "sensitivity"): 1 / 2,
        ("lesion", "rvd"): 3,
        ("lesion", "precision"): 1 / 4,
        ("lesion", "lesions"): 2,
        ("lesion", "reference_lesions"): 1,
        ("lesion", "lesion_precision_any"): 1 / 2,
        ("lesion", "lesion_recall_any"): 1,
        ("lesion", "burden"): 4 / 24,
        ("lesion", "reference_burden"): 1 / 40,
        ("lesion", "burden_error"): 4 / 24 - 1 / 40,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)


def test_scores_without_spacing() -> None:
    scores = Scores("exam", both(REFERENCE, EMPTY), None)
    scores.add("one", "clean", both(REFERENCE, EMPTY))
    liver = scores.metrics().query("structure == 'liver'").set_index("metric")["value"]
    assert sorted(liver.index[liver.isna()]) == sorted(
        name for name in MASK_METRICS if name.endswith(("_mm", "_ml"))
    )


def test_a_whole_exam_is_scored_in_seconds() -> None:
    """A liver of 1.5 litres with eighty lesions in 512x512x150 voxels, in 6 s of one core."""
    z, y, x = np.ogrid[:150, :512, :512]
    liver = ((z - 75) / 30) ** 2 + ((y - 250) / 100) ** 2 + ((x - 200) / 130) ** 2 < 1
    leak = ((z - 60) / 20) ** 2 + ((y - 300) / 120) ** 2 + ((x - 330) / 90) ** 2 < 1
    spots = (z % 12 < 6) & ((y % 40 - 20) ** 2 + (x % 40 - 20) ** 2 < 9**2)
    reference = both(liver, liver & spots)
    prediction = both(liver | leak, np.roll(liver & spots, (1, 3, 4), axis=(0, 1, 2)))
    scores = Scores("large", reference, (2.5, 0.75, 0.75))
    began = time.process_time()
    scores.add("method", "clean", prediction)
    assert time.process_time() - began < 6
    found = scores.metrics().set_index(["structure", "metric"])["value"]
    assert 1400 < found["liver", "reference_volume_ml"] < 2400
    assert found["lesion", "reference_lesions"] > 80
    assert found["liver", "msd_mm"] > 30


# Of files.


class Inputs(UserDict[str, object]):
    """Inputs of a job by their names, as keys and as attributes."""

    def __getattr__(self, name: str) -> object:
        return self.data[name]


@pytest.mark.parametrize("maps", [False, True], ids=["masks", "maps"])
def test_a_method_is_scored_before_post_processing_as_after_it(
    maps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where clean maps are restored, so are those that were drawn: the two differ by post-processing alone."""
    draw, shape = np.random.default_rng(0), (2, 24, 24)
    labels = draw.integers(0, 3, shape).astype(np.uint8)
    for name, array in (("image", labels.astype(np.int16)), ("label", labels)):
        nib.save(nib.Nifti1Image(array.transpose(2, 1, 0), np.diag([-1, -1, 1, 1])), tmp_path / f"{name}.nii")
    SliceStack(np.zeros((2, 8, 8), np.uint16), None, Box.whole(shape), shape).save(tmp_path / "grid.safetensors")
    expected, files = {}, {}
    for structure, label in zip(STRUCTURES, (labels > 0, labels > 1), strict=True):
        raw = draw.integers(90, 166, (2, 8, 8)).astype(np.uint8)
        clean = with_mask(raw, mask_of(raw) & (draw.random(raw.shape) > 0.2))
        files["raw", structure], files["clean", structure] = (tmp_path / f"{structure}.{n}.npz" for n in "rc")
        write_maps(files["raw", structure], [("exam", raw)])
        write_clean(files["clean", structure], [("exam", clean if maps else mask_of(clean))])
        for processing, map_ in (("raw", raw), ("clean", clean)):
            found = [restore(one, Box.whole(shape), shape) for one in (mask_of(map_), map_)]
            assert (found[0] != found[1]).any()
            expected[processing, structure] = dice(found[maps], label)
    inputs = Inputs(image=tmp_path / "image.nii", label=tmp_path / "label.nii")
    inputs["grids"] = [tmp_path / "grid.safetensors"] * len(STRUCTURES)
    inputs |= {one: [files[one, structure] for structure in STRUCTURES] for one in ("raw", "clean")}
    job = SimpleNamespace(
        input=inputs,
        output=SimpleNamespace(metrics=tmp_path / "scores.csv"),
        wildcards=SimpleNamespace(exam="exam", method="mine"),
    )
    monkeypatch.setattr("hepaflow.jobs.run.run", lambda _, work: work())
    runpy.run_path(str(Path(__file__).parents[3] / "workflow/scripts/evaluate.py"), {"snakemake": job})
    scores = read_scores(tmp_path / "scores.csv")
    scores = scores[scores["metric"] == "dice"].set_index(["processing", "structure"])["value"]
    assert {key: scores[key] for key in expected} == pytest.approx(expected)
