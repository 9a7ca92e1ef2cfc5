"""Scores of a set of exams: intervals, pooled measures and paired comparisons."""

from collections.abc import Mapping, Sequence
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hepaflow.evaluation.statistics import (
    EXAM_METRICS,
    PAIRED_COLUMNS,
    PAIRED_METRICS,
    SUMMARY_COLUMNS,
    Estimate,
    compare,
    estimate,
    summarise,
)

quick = settings(max_examples=40, deadline=None, derandomize=True)


def tidy(
    values: Mapping[str, Sequence[float]],
    *,
    structure: str = "liver",
    method: str = "resnet",
    processing: str = "clean",
) -> pd.DataFrame:
    """Scores by metric, one for each exam."""
    rows = [
        (f"exam-{exam}", structure, method, processing, metric, value)
        for metric, of_exams in values.items()
        for exam, value in enumerate(of_exams)
    ]
    return pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "metric", "value"])


VOXELS = {"dice": [1.0, 0.5, 0.0], "common_voxels": [0, 2, 0], "voxels": [0, 3, 4], "reference_voxels": [0, 5, 0]}
LESIONS = {
    "lesions": [0, 2, 1],
    "reference_lesions": [0, 3, 0],
    "found_lesions_any": [0, 2, 0],
    "found_lesions_half": [0, 1, 0],
}
BURDEN = {"burden": [0.0, 0.2, nan], "burden_error": [0.1, -0.3, nan]}


def cell(summary: pd.DataFrame, metric: str, statistic: str) -> pd.Series:
    (row,) = [row for _, row in summary.iterrows() if (row["metric"], row["statistic"]) == (metric, statistic)]
    return row


# Intervals


def test_no_exam_has_no_estimate() -> None:
    for statistic in (np.mean, np.sum):  # the sum of nothing is zero, which says nothing of exams
        found = estimate(statistic, np.array([]))
        assert all(isnan(value) for value in (found.value, found.low, found.high))


def test_one_exam_has_a_value_and_no_interval() -> None:
    found = estimate(np.mean, np.array([0.7]))
    assert found.value == 0.7
    assert isnan(found.low)
    assert isnan(found.high)


@pytest.mark.parametrize("statistic", [np.mean, np.median])
def test_equal_exams_have_an_interval_of_no_width(statistic) -> None:
    assert estimate(statistic, np.full(7, 0.25)) == Estimate(0.25, 0.25, 0.25)


def test_two_exams_whose_interval_is_known() -> None:
    """Either is drawn twice in a quarter of the cases, so that 95 % of the means reach from one to the other."""
    assert estimate(np.mean, np.array([0.2, 0.6])) == Estimate(pytest.approx(0.4), 0.2, 0.6)


def test_the_interval_is_the_central_95_percent_of_a_binomial() -> None:
    """The mean of n zeros and ones, drawn with replacement, is binomial with the share of ones."""
    values = np.repeat([0.0, 1.0], [24, 16])
    found = estimate(np.mean, values)
    low, high = stats.binom(40, 0.4).ppf([0.025, 0.975]) / 40
    assert found.low == pytest.approx(low, abs=1 / 40)
    assert found.high == pytest.approx(high, abs=1 / 40)


@quick
@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=2, max_size=12))
def test_the_interval_holds_the_mean_and_lies_within_the_values(values: list[float]) -> None:
    found = estimate(np.mean, np.array(values))
    assert min(values) - 1e-12 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= max(values) + 1e-12


def test_the_same_exams_have_the_same_interval() -> None:
    values = np.random.default_rng(0).random(10)
    assert estimate(np.mean, values) == estimate(np.mean, values.copy())


def test_an_interval_comes_from_9999_sets_of_as_many_exams() -> None:
    """Of so many, the standard error of an end is 0.7 % of the width of an interval of normal means."""
    shapes = []

    def noted(values: np.ndarray, axis: int) -> np.ndarray:
        shapes.append(values.shape)
        return values.mean(axis)

    estimate(noted, np.arange(7.0))
    assert shapes == [(7,), (9999, 7)]


def test_an_interval_leaves_out_a_fortieth_at_either_end() -> None:
    def ramp(values: np.ndarray, axis: int) -> np.ndarray:
        return np.linspace(0, 1, len(values))[::-1] if values.ndim == 2 else np.array(0.5)

    assert estimate(ramp, np.arange(7.0)) == Estimate(0.5, pytest.approx(0.025), pytest.approx(0.975))


def test_more_exams_narrow_the_interval() -> None:
    few = estimate(np.mean, np.tile([0.2, 0.8], 5))
    many = estimate(np.mean, np.tile([0.2, 0.8], 500))
    assert many.high - many.low < (few.high - few.low) / 5


def test_all_samples_of_an_exam_are_drawn_together() -> None:
    """Each exam's parts are in the ratio of 1 to 2: so is every sum of whole exams."""

    def ratio(part, whole, axis):
        return part.sum(axis) / whole.sum(axis)

    part = np.array([1.0, 5.0, 20.0, 300.0])
    assert estimate(ratio, part, 2 * part) == Estimate(0.5, 0.5, 0.5)


# Summaries


def test_means_and_medians_leave_out_exams_in_which_a_metric_is_undefined() -> None:
    summary = summarise(tidy(VOXELS | {"assd_mm": [nan, 3.0, nan], "hd95_mm": [nan, nan, nan]}))
    assert tuple(summary.columns) == SUMMARY_COLUMNS
    mean, median = cell(summary, "dice", "mean"), cell(summary, "dice", "median")
    assert (mean["value"], mean["exams"], mean["undefined"]) == (0.5, 3, 0)
    assert (median["value"], median["exams"], median["undefined"]) == (0.5, 3, 0)
    assert mean["low"] < 0.5 < mean["high"]
    distance, nothing = cell(summary, "assd_mm", "mean"), cell(summary, "hd95_mm", "mean")
    assert (distance["value"], distance["exams"], distance["undefined"]) == (3, 1, 2)
    assert isnan(distance["low"])
    assert isnan(nothing["value"])
    assert (nothing["exams"], nothing["undefined"]) == (0, 3)


def test_exams_with_lesions_have_a_mean_of_their_own() -> None:
    """Two empty masks count 1 and a false alarm counts 0; neither says how well lesions are outlined."""
    found = cell(
        summarise(tidy(VOXELS | LESIONS | BURDEN, structure="lesion")), "dice", "mean of exams with lesions"
    )
    assert (found["value"], found["exams"], found["undefined"]) == (0.5, 1, 2)


def test_what_has_no_count_of_lesions_is_not_summed_up_by_lesion() -> None:
    liver = summarise(tidy(VOXELS))
    assert "mean of exams with lesions" not in set(liver["statistic"])
    assert set(liver["metric"]) == {"dice"}


def test_a_lesion_of_one_voxel_is_a_lesion() -> None:
    voxels = {
        "dice": [1.0, 0.5, 0.0],
        "common_voxels": [1, 2, 0],
        "voxels": [1, 3, 4],
        "reference_voxels": [1, 5, 0],
    }
    found = cell(summarise(tidy(voxels | LESIONS, structure="lesion")), "dice", "mean of exams with lesions")
    assert (found["value"], found["exams"]) == (0.75, 2)


def test_pooled_dice_sums_voxels_over_exams_before_it_divides() -> None:
    found = cell(summarise(tidy(VOXELS)), "dice", "pooled")
    assert found["value"] == 2 * 2 / (7 + 5)
    assert found["low"] == 0  # the false alarm alone, drawn three times
    assert found["high"] == 1  # exams without a voxel in either mask agree
    assert found["exams"] == 3
    empty = VOXELS | {name: [0, 0, 0] for name in ("common_voxels", "voxels", "reference_voxels")}
    nothing = cell(summarise(tidy(empty)), "dice", "pooled")
    assert (nothing["value"], nothing["low"], nothing["high"]) == (1, 1, 1)


def test_pooled_dice_of_a_single_voxel() -> None:
    """That one mask alone has: nothing agrees."""
    one = {"common_voxels": [0, 0, 0], "voxels": [0, 1, 0], "reference_voxels": [0, 0, 0]}
    assert cell(summarise(tidy(VOXELS | one)), "dice", "pooled")["value"] == 0


def test_detection_is_pooled_over_the_lesions_of_all_exams() -> None:
    summary = summarise(tidy(VOXELS | LESIONS | BURDEN, structure="lesion"))
    expected = {
        "lesion_precision_any": 2 / 3,
        "lesion_recall_any": 2 / 3,
        "lesion_f1_any": 4 / 6,
        "lesion_precision_half": 1 / 3,
        "lesion_recall_half": 1 / 3,
        "lesion_f1_half": 2 / 6,
    }
    pooled = {name: cell(summary, name, "pooled")["value"] for name in expected}
    assert pooled == pytest.approx(expected)
    # A draw without the one exam that has lesions has no recall; all others have the same.
    assert cell(summary, "lesion_recall_any", "pooled")["low"] == pytest.approx(2 / 3)
    with np.errstate(all="raise"):
        none = summarise(tidy(VOXELS | {name: [0, 0, 0] for name in LESIONS}, structure="lesion"))
    assert isnan(cell(none, "lesion_precision_any", "pooled")["value"])
    one = summarise(tidy(VOXELS | {name: [0, 1, 0] for name in LESIONS}, structure="lesion"))
    assert cell(one, "lesion_recall_any", "pooled")["value"] == 1


def test_errors_of_the_tumour_burden() -> None:
    summary = summarise(tidy(VOXELS | LESIONS | BURDEN, structure="lesion"))
    root, largest = (cell(summary, "burden_error", name) for name in ("root mean square", "largest"))
    assert root["value"] == pytest.approx(sqrt((0.1**2 + 0.3**2) / 2))
    assert (root["low"], root["high"]) == pytest.approx((0.1, 0.3))
    assert (root["exams"], root["undefined"]) == (2, 1)
    assert largest["value"] == 0.3  # an absolute value: the mask's burden is too small
    assert isnan(largest["low"])


def test_no_exam_has_a_known_burden() -> None:
    unknown = {"burden": [nan] * 3, "burden_error": [nan] * 3}
    summary = summarise(tidy(VOXELS | LESIONS | unknown, structure="lesion"))
    for name in ("root mean square", "largest"):
        row = cell(summary, "burden_error", name)
        assert isnan(row["value"])
        assert (row["exams"], row["undefined"]) == (0, 3)


def test_a_system_without_liver_masks_has_no_burden() -> None:
    summary = summarise(tidy(VOXELS | LESIONS, structure="lesion", processing="given"))
    assert not {"burden", "burden_error"} & set(summary["metric"])
    assert cell(summary, "lesion_recall_any", "pooled")["value"] == pytest.approx(2 / 3)


def test_each_stage_method_and_processing_is_summed_up_for_itself() -> None:
    tables = [
        tidy(VOXELS | {"dice": [value] * 3}, method=method, processing=processing)
        for value, method, processing in ((0.1, "b", "raw"), (0.2, "b", "clean"), (0.3, "a", "clean"))
    ]
    summary = summarise(pd.concat(tables))
    means = summary[(summary["metric"] == "dice") & (summary["statistic"] == "mean")]
    assert means[["structure", "method", "processing", "value"]].to_numpy().tolist() == [
        ["liver", "b", "raw", pytest.approx(0.1)],
        ["liver", "b", "clean", pytest.approx(0.2)],
        ["liver", "a", "clean", pytest.approx(0.3)],
    ]


def test_the_order_of_the_exams_does_not_matter() -> None:
    table = tidy(VOXELS | LESIONS | BURDEN, structure="lesion")
    pd.testing.assert_frame_equal(summarise(table), summarise(table.iloc[::-1]), check_like=True)


def test_every_metric_of_an_exam_that_is_averaged_exists() -> None:
    """A misspelt name would be left out without a word."""
    from hepaflow.evaluation.exam import burden_scores, mask_scores

    mask = np.ones((1, 1, 1), bool)
    known = set(mask_scores(mask, mask, (1, 1, 1))) | set(burden_scores(mask, mask, mask, mask))
    assert set(EXAM_METRICS) | set(PAIRED_METRICS) <= known


# Comparisons

FUSION = [0.9, 0.8, 0.75, 0.6, 0.95, 0.4]
RESNET = [0.85, 0.82, 0.6, 0.5, 0.95, 0.3]


def paired(
    other: Sequence[float], *, metric: str = "dice", processing: str = "clean", name: str = "resnet"
) -> pd.DataFrame:
    return pd.concat(
        [tidy({metric: FUSION}, method="fusion"), tidy({metric: other}, method=name, processing=processing)]
    )


def only(table: pd.DataFrame) -> dict[str, object]:
    (row,) = table.to_dict("records")
    return row


def test_differences_exam_by_exam() -> None:
    table = compare(paired(RESNET), "fusion")
    assert tuple(table.columns) == PAIRED_COLUMNS
    row = only(table)
    differences = np.subtract(FUSION, RESNET)
    assert (row["structure"], row["metric"], row["method"], row["other"]) == ("liver", "dice", "fusion", "resnet")
    assert row["difference"] == pytest.approx(differences.mean())
    assert (row["exams"], row["higher"], row["lower"]) == (6, 4, 1)
    assert (row["low"], row["high"]) == pytest.approx(
        (estimate(np.mean, differences).low, estimate(np.mean, differences).high)
    )
    assert row["low"] < row["difference"] < row["high"]


def test_wilcoxons_test_leaves_out_exams_without_a_difference() -> None:
    """Six exams, five of which differ: the exact distribution has 2 ** 5 signs, and a rank of 1 speaks against."""
    p = only(compare(paired(RESNET), "fusion"))["wilcoxon_p"]
    assert p == pytest.approx(stats.wilcoxon(FUSION, RESNET, zero_method="wilcox").pvalue)
    assert p == pytest.approx(2 * 2 / 2**5)


def test_a_method_that_is_as_often_higher_as_lower_has_a_p_value() -> None:
    """Ranks 1 and 4 against 2 and 3: as even as can be."""
    other = np.subtract(FUSION, [0.01, -0.02, -0.03, 0.04, 0, 0])
    row = only(compare(paired(other), "fusion"))
    assert (row["higher"], row["lower"]) == (2, 2)
    assert row["wilcoxon_p"] == pytest.approx(1)


def test_rounding_makes_no_method_higher() -> None:
    tables = [tidy({"dice": [0.1 + 0.2, 0.5]}, method="fusion"), tidy({"dice": [0.3, 0.4]})]
    row = only(compare(pd.concat(tables), "fusion"))
    assert (row["exams"], row["higher"], row["lower"]) == (2, 1, 0)


def test_pairs_are_of_one_exam_wherever_their_rows_stand() -> None:
    table = paired(RESNET).sample(frac=1, random_state=0, ignore_index=True)
    assert only(compare(table, "fusion")) == pytest.approx(only(compare(paired(RESNET), "fusion")))


def test_methods_that_never_differ_have_no_p_value() -> None:
    row = only(compare(paired(FUSION), "fusion"))
    assert isnan(row["wilcoxon_p"])
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)
    assert (row["higher"], row["lower"]) == (0, 0)


def test_exams_undefined_for_either_method_are_left_out() -> None:
    other = [nan, *RESNET[1:]]
    row = only(compare(paired(other, metric="assd_mm"), "fusion"))
    assert row["exams"] == 5
    assert row["difference"] == pytest.approx(np.subtract(FUSION, RESNET)[1:].mean())
    nothing = only(compare(paired([nan] * 6, metric="assd_mm"), "fusion"))
    assert nothing["exams"] == 0
    assert isnan(nothing["difference"])
    assert isnan(nothing["wilcoxon_p"])


def test_raw_masks_are_not_compared_and_those_of_other_systems_are() -> None:
    raw = tidy({"dice": [0.0] * 6}, method="resnet", processing="raw")
    plain, with_raw = compare(paired(RESNET), "fusion"), compare(pd.concat([raw, paired(RESNET)]), "fusion")
    pd.testing.assert_frame_equal(plain, with_raw)
    given = only(compare(paired(RESNET, processing="given", name="nnunet"), "fusion"))
    assert given["other"] == "nnunet"
    assert given["difference"] == only(plain)["difference"]


def test_a_system_without_lesions_is_compared_on_the_liver_alone() -> None:
    tables = [tidy({"dice": FUSION}, structure=structure, method="fusion") for structure in ("liver", "lesion")]
    tables.append(tidy({"dice": RESNET}, method="other", processing="given"))
    table = compare(pd.concat(tables), "fusion")
    assert table[["structure", "other"]].to_numpy().tolist() == [["liver", "other"]]


def test_a_method_alone_has_nothing_to_be_compared_with() -> None:
    table = compare(tidy({"dice": FUSION}, method="fusion"), "fusion")
    assert len(table) == 0
    assert tuple(table.columns) == PAIRED_COLUMNS
