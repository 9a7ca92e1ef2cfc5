"""Scores of runs side by side: closed forms, and agreement with a run's own comparison."""

from math import isnan, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from finished_runs import EXAMS, FinishedRun, dice, scores

from hepaflow.comparison.pairs import pairs_of
from hepaflow.comparison.run import read_runs
from hepaflow.comparison.scores import (
    ASKED,
    BESIDE,
    COMPARISON_COLUMNS,
    METRICS,
    POOLED,
    POOLED_METRICS,
    VALUE_COLUMNS,
    Scores,
    compare_scores,
    paired,
    unequal,
)
from hepaflow.errors import UserError
from hepaflow.evaluation.exam import segmentation_of, structure_scores
from hepaflow.evaluation.holm import holm
from hepaflow.evaluation.scores import final
from hepaflow.evaluation.statistics import EXAM_METRICS, PAIRED_METRICS, compare


def compared(*runs: FinishedRun) -> Scores:
    read = read_runs([run.folder for run in runs])
    return compare_scores(read, pairs_of(read), EXAMS)


def row(
    found: Scores, metric: str, structure: str = "liver", pair: str = "result", statistic: str = "mean"
) -> pd.Series:
    own = found.comparisons
    chosen = own[
        (own["metric"] == metric)
        & (own["structure"] == structure)
        & (own["pair"] == pair)
        & (own["statistic"] == statistic)
    ]
    (only,) = (one for _, one in chosen.iterrows())
    return only


def test_a_constant_difference_is_found_to_the_last_digit() -> None:
    one = np.array([0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    found = paired(one, one + 0.03125)
    assert found["difference"] == found["low"] == found["high"] == pytest.approx(0.03125)
    assert (found["higher"], found["equal"], found["lower"]) == (6, 0, 0)
    assert found["wilcoxon_p"] == 2 / 2**6  # all six on one side: one in 64, on either side
    assert found["value"] == pytest.approx(one.mean())
    assert found["other_value"] == pytest.approx(one.mean() + 0.03125)


def test_exchanged_samples_have_the_opposite_difference() -> None:
    random = np.random.default_rng(0)
    one, other = random.uniform(size=(2, 9))
    there, back = paired(one, other), paired(other, one)
    assert there["difference"] == pytest.approx(-back["difference"])
    assert (there["low"], there["high"]) == (pytest.approx(-back["high"]), pytest.approx(-back["low"]))
    assert (there["higher"], there["lower"]) == (back["lower"], back["higher"])
    assert there["wilcoxon_p"] == back["wilcoxon_p"]


def test_metrics_know_whether_more_or_less_is_better() -> None:
    """Of a mask that is right, and of one that misses a lesion, has two more, and half of the third."""
    reference = np.zeros((6, 24, 24), np.uint8)
    reference[1:5, 2:22, 2:22] = 1
    reference[2, 4:8, 4:8] = reference[2, 14:18, 14:18] = 2
    poor = np.zeros_like(reference)
    poor[1:5, 2:22, 2:16] = 1
    poor[2, 4:8, 4:6] = poor[3, 4:6, 12:14] = poor[4, 18:20, 4:6] = 2
    known = segmentation_of(reference)
    right, wrong = (
        structure_scores("lesion", segmentation_of(labels), known, (2.0, 1.0, 1.0)) for labels in (reference, poor)
    )
    for name, metric in METRICS.items():
        assert isinstance(metric.title, str)
        column = metric.column or name
        values = [abs(scores[column]) if metric.absolute else scores[column] for scores in (right, wrong)]
        gain = values[0] - values[1]
        assert metric.better * gain > 0 or metric.better == 0, name
    assert {name for name, metric in METRICS.items() if metric.better == 0} == {"volume_ml", "burden"}
    assert {name for name, metric in METRICS.items() if metric.absolute} == {
        "absolute_rvd",
        "absolute_burden_error",
    }
    assert {abs(metric.better) for metric in METRICS.values()} == {0, 1}


def test_samples_are_equal_where_only_the_last_bit_differs() -> None:
    one, other = np.array([1 - 1 / 3, 0.5]), np.array([2 / 3, 0.75])
    assert one[0] != other[0]
    found = paired(one, other)
    assert (found["higher"], found["equal"], found["lower"]) == (1, 1, 0)


def test_equal_samples_have_no_p_value_and_no_samples_nothing() -> None:
    same = paired(np.ones(3), np.ones(3))
    assert (same["difference"], same["equal"]) == (0, 3)
    assert isnan(same["wilcoxon_p"])
    none = paired(np.array([]), np.array([]))
    assert none["exams"] == 0
    assert isnan(none["difference"])
    alone = paired(np.array([0.5]), np.array([0.75]))
    assert alone["difference"] == 0.25
    assert isnan(alone["low"])


def test_it_agrees_with_the_comparison_of_methods_within_a_run(tmp_path: Path) -> None:
    """The fusions of two runs, as if they were two methods of one."""
    table = [scores({"fusion": dice(seed)}, metrics=PAIRED_METRICS) for seed in (0, 1)]
    runs = [FinishedRun(tmp_path / name, table=own) for name, own in zip(("one", "two"), table, strict=True)]
    both = pd.concat([own.assign(method=name) for own, name in zip(table, ("one", "two"), strict=True)])
    expected = compare(both, "two")
    found = compared(*runs)
    assert len(expected) == 2 * len(PAIRED_METRICS)
    for other in expected.to_dict("records"):
        own = row(found, other["metric"], other["structure"])
        for name in ("exams", "difference", "low", "high", "higher", "lower", "wilcoxon_p"):
            assert own[name] == pytest.approx(other[name]), name


def test_every_run_is_held_against_the_first_and_every_value_is_kept(tmp_path: Path) -> None:
    runs = [
        FinishedRun(tmp_path / name, {"fusion": dice(more=more), "net": dice(1)})
        for name, more in (("one", 0.0), ("two", 0.05), ("three", -0.1))
    ]
    found = compared(*runs)
    own = found.comparisons
    assert tuple(own.columns) == COMPARISON_COLUMNS
    assert set(own["run"]) == {"one"}
    chosen = own[(own["metric"] == "dice") & (own["pair"] == "result") & (own["statistic"] == "mean")]
    assert chosen[chosen["other_run"] == "two"]["difference"].tolist() == pytest.approx([0.05] * 2)
    assert chosen[chosen["other_run"] == "three"]["difference"].tolist() == pytest.approx([-0.1] * 2)
    values = found.values
    assert tuple(values.columns) == VALUE_COLUMNS
    assert values.index.tolist() == list(range(len(values)))
    first = values[values["run"] == "one"]
    assert (first["difference"] == 0).all()
    assert len(values) == 3 * len(first)
    table = final(runs[1].table)
    for one in values[(values["run"] == "two") & (values["metric"] == "dice")].to_dict("records"):
        known = table[
            (table["exam"] == one["exam"])
            & (table["method"] == one["method"])
            & (table["structure"] == one["structure"])
            & (table["metric"] == "dice")
        ]
        assert one["value"] == pytest.approx(known["value"].item())


def test_families_are_corrected_each_on_its_own(tmp_path: Path) -> None:
    runs = [
        FinishedRun(tmp_path / name, {"fusion": dice(seed), "net": dice(seed + 5)})
        for seed, name in enumerate("xy")
    ]
    own = compared(*runs).comparisons
    asked, beside = own[own["family"] == ASKED], own[own["family"] == BESIDE]
    assert set(zip(asked["pair"], asked["metric"], strict=True)) == {("result", "dice")}
    assert len(asked) == 2
    for family in (asked, beside):
        expected = holm(family["wilcoxon_p"].tolist())
        np.testing.assert_array_equal(family["holm_p"].to_numpy(float), expected)
    pooled = own[own["statistic"] == POOLED]
    assert len(pooled)
    assert pooled[["wilcoxon_p", "holm_p", "higher"]].isna().all(axis=None)


def test_pooled_metrics_are_ratios_of_sums(tmp_path: Path) -> None:
    """Dice of all voxels: 2 x 90 / 200 in every exam; twice as much agreement in one exam of the other run."""
    one, two = (FinishedRun(tmp_path / name) for name in ("one", "two"))
    table = two.table
    changed = (table["metric"] == "common_voxels") & (table["exam"] == "a")
    table.loc[changed, "value"] = 82.0
    two = FinishedRun(tmp_path / "two", table=table)
    found = row(compared(one, two), "dice", statistic=POOLED)
    assert found["value"] == pytest.approx(0.9)
    assert found["other_value"] == pytest.approx(0.9 - 0.08 / 8)
    assert found["difference"] == pytest.approx(-0.01)
    assert found["undefined"] == 0
    # Exams are drawn whole: without the one that differs in a third of the draws, and with it several times.
    assert found["high"] == pytest.approx(0, abs=1e-12)
    assert found["low"] < -0.015


@pytest.mark.parametrize("threshold", ["any", "half"])
def test_pooled_lesions_are_counted_over_all_exams(tmp_path: Path, threshold: str) -> None:
    """One found in every exam, of two in the mask and four of the reference."""
    expected = {"precision": 1 / 2, "recall": 1 / 4, "f1": 2 / 6}
    metrics = [f"lesion_{name}_{threshold}" for name in expected]
    table = scores({"fusion": dice()}, metrics=["dice", *metrics])
    table = table[(table["structure"] == "lesion") | ~table["metric"].isin(metrics)]
    found = compared(*(FinishedRun(tmp_path / name, table=table) for name in ("one", "two")))
    told = [row(found, metric, "lesion", statistic=POOLED)["value"] for metric in metrics]
    assert told == pytest.approx(list(expected.values()))
    assert found.comparisons["higher"].dtype == "Int64"


def test_masks_without_a_voxel_agree(tmp_path: Path) -> None:
    table = scores({"fusion": dice()})
    table.loc[table["metric"].str.endswith("voxels"), "value"] = 0.0
    found = compared(*(FinishedRun(tmp_path / name, table=table) for name in ("one", "two")))
    assert row(found, "dice", statistic=POOLED)["value"] == 1


def test_undefined_exams_are_left_out_of_their_metric_alone(tmp_path: Path) -> None:
    one = FinishedRun(tmp_path / "one")
    table = scores({"fusion": dice(more=0.1), "net": dice(1)})
    table.loc[(table["metric"] == "assd_mm") & table["exam"].isin(["a", "b"]), "value"] = nan
    two = FinishedRun(tmp_path / "two", table=table)
    found = compared(one, two)
    assert (row(found, "assd_mm")["exams"], row(found, "assd_mm")["undefined"]) == (len(EXAMS) - 2, 2)
    assert row(found, "assd_mm")["difference"] == pytest.approx(0.1)
    assert row(found, "dice")["exams"] == len(EXAMS)


def test_a_value_of_zero_is_defined(tmp_path: Path) -> None:
    one, table = FinishedRun(tmp_path / "one"), scores({"fusion": dice(more=0.1), "net": dice(1)})
    table.loc[(table["metric"] == "dice") & (table["exam"] == "a"), "value"] = 0.0
    for runs in (
        (one, FinishedRun(tmp_path / "two", table=table)),
        (FinishedRun(tmp_path / "0", table=table), one),
    ):
        found = row(compared(*runs), "dice")
        assert (found["exams"], found["undefined"]) == (len(EXAMS), 0)


def test_a_metric_that_one_run_has_alone_is_left_out(tmp_path: Path) -> None:
    """Its scores may be of an earlier version."""
    table = scores({"fusion": dice(), "net": dice(1)}, metrics=["dice"])
    found = compared(FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", table=table)).comparisons
    assert set(found["metric"]) == {"dice", "absolute_burden_error"}


def test_one_lesion_is_enough_for_a_pooled_metric(tmp_path: Path) -> None:
    metric = "lesion_precision_any"
    table = scores({"fusion": dice()}, metrics=["dice", metric])
    table.loc[table["metric"].isin(["lesions", "found_lesions_any"]) & (table["exam"] != "a"), "value"] = 0.0
    table.loc[table["metric"] == "lesions", "value"] /= 2
    table = table[(table["structure"] == "lesion") | (table["metric"] != metric)]
    found = compared(*(FinishedRun(tmp_path / name, table=table) for name in ("one", "two")))
    assert row(found, metric, "lesion", statistic=POOLED)["value"] == 1


def test_a_run_is_unequal_by_the_last_bit_of_one_value_and_by_what_is_defined_on_one_side_alone() -> None:
    half = 0.5
    known = {"first": (half, nan), "same": (half, nan), "bit": (np.nextafter(half, 1), nan), "less": (nan, nan)}
    known |= {"more": (half, half)}
    rows = [
        ("result", "liver", "dice", exam, run, "fusion", value, 0.0)
        for run, values in known.items()
        for exam, value in zip("ab", values, strict=True)
    ]
    assert unequal(pd.DataFrame(rows, columns=VALUE_COLUMNS), "first") == {"bit", "less", "more"}


def test_errors_count_by_their_size(tmp_path: Path) -> None:
    """The burden's error is signed; that of the other run is as large, on the other side."""
    one = FinishedRun(tmp_path / "one")
    table = one.table.copy()
    table.loc[table["metric"] == "burden_error", "value"] *= -1
    found = row(compared(one, FinishedRun(tmp_path / "two", table=table)), "absolute_burden_error", "lesion")
    assert found["difference"] == 0
    assert found["value"] > 0


def test_every_metric_of_an_exam_is_compared() -> None:
    compared_columns = {one.column or name for name, one in METRICS.items()}
    assert set(EXAM_METRICS) <= compared_columns
    assert POOLED_METRICS.keys() <= METRICS.keys()


def test_a_structure_that_one_has_alone_is_left_out(tmp_path: Path) -> None:
    """Another system may have segmented livers alone."""
    table = scores({"fusion": dice(), "net": dice(1)})
    liver_alone = (table["method"] == "net") & (table["structure"] == "lesion")
    found = compared(FinishedRun(tmp_path / "one"), FinishedRun(tmp_path / "two", table=table[~liver_alone]))
    pairs = found.comparisons[["pair", "structure"]].drop_duplicates().to_numpy().tolist()
    assert pairs == [["result", "liver"], ["result", "lesion"], ["net", "liver"]]


def test_methods_without_a_common_structure_are_refused(tmp_path: Path) -> None:
    tables = [scores({"net": dice()}) for _ in "xy"]
    made = [
        FinishedRun(tmp_path / name, table=table[table["structure"] == name], result="net")
        for name, table in zip(("liver", "lesion"), tables, strict=True)
    ]
    with pytest.raises(UserError, match="no structure"):
        compared(*made)
