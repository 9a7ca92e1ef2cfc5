"""The tables of a run."""

import json
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepaflow.evaluation.scores import METRIC_COLUMNS, read_scores, write_scores
from hepaflow.evaluation.statistics import PAIRED_COLUMNS, SUMMARY_COLUMNS, compare, summarise
from hepaflow.masks.fusion import Fusion
from hepaflow.names import FUSION
from hepaflow.tables import thesis
from hepaflow.tables.beside import without_thesis
from hepaflow.tables.files import write_table
from hepaflow.tables.fusion import weight_table
from hepaflow.tables.literature import literature_table
from hepaflow.tables.scores import (
    INTERVAL,
    comparison_table,
    dice_table,
    exam_table,
    interval,
    method_table,
    nested,
    score_table,
)

ARCHITECTURES = {"deep": "resnet152", "wide": "resnext101_32x8d", "dense": "densenet201", "plain": "unet"}
ARCHITECTURES[FUSION] = FUSION
RAW, CLEAN = "without post-processing", "with post-processing"


def tidy(*rows: tuple[str, str, str, str, float], metric: str = "dice") -> pd.DataFrame:
    """Scores of (exam, structure, method, processing)."""
    table = pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "value"])
    return table.assign(metric=metric)[list(METRIC_COLUMNS)]


def summary_of(scores: pd.DataFrame) -> pd.DataFrame:
    """The summary of Dice scores, of exams of ten voxels each."""
    masks = scores.drop_duplicates(["exam", "structure", "method", "processing"])
    counts = [
        masks.assign(metric=metric, value=value)
        for metric, value in (
            *(("voxels", 10), ("reference_voxels", 10), ("common_voxels", 5)),
            *((name, 1) for name in ("lesions", "reference_lesions", "found_lesions_any", "found_lesions_half")),
        )
    ]
    return summarise(pd.concat([scores, *counts], ignore_index=True))


SCORES = tidy(
    *((exam, "liver", "fusion", "clean", value) for exam, value in (("1", 0.9), ("2", 1.0))),  # first on purpose
    *((exam, "liver", "deep", "raw", value) for exam, value in (("1", 0.2), ("2", 0.4))),
    *((exam, "liver", "deep", "clean", value) for exam, value in (("1", 0.5), ("2", 0.7))),
    *((exam, "liver", "plain", "raw", value) for exam, value in (("1", 0.1), ("2", 0.1))),
    *((exam, "liver", "plain", "clean", value) for exam, value in (("1", 0.0), ("2", 0.3))),
    *((exam, "lesion", "deep", "clean", value) for exam, value in (("1", 0.25), ("2", 0.75))),
    *((exam, "lesion", "deep", "raw", value) for exam, value in (("1", 0.1), ("2", 0.3))),
)

SUMMARY = summary_of(SCORES)


def row(table: pd.DataFrame, method: str) -> dict[str, object]:
    (found,) = table[table["method"] == method].to_dict("records")
    return found


def test_means_over_exams() -> None:
    table = dice_table(SUMMARY, "liver", ARCHITECTURES)
    deep = row(table, "deep")
    assert deep[RAW] == pytest.approx(0.3)
    assert deep[CLEAN] == pytest.approx(0.6)
    assert deep["exams"] == 2
    lesion = row(dice_table(SUMMARY, "lesion", ARCHITECTURES), "deep")
    assert (lesion[RAW], lesion[CLEAN]) == (pytest.approx(0.2), pytest.approx(0.5))


def test_fusion_comes_last_and_the_others_keep_their_order() -> None:
    assert dice_table(SUMMARY, "liver", ARCHITECTURES)["method"].tolist() == ["deep", "plain", "fusion"]
    turned = tidy(
        ("1", "liver", "wide", "clean", 0.1),
        ("1", "liver", "fusion", "clean", 0.1),
        ("1", "liver", "deep", "clean", 0.1),
    )
    assert dice_table(summary_of(turned), "liver", ARCHITECTURES)["method"].tolist() == ["wide", "deep", "fusion"]


def test_the_fusion_has_no_raw_masks() -> None:
    fusion = row(dice_table(SUMMARY, "liver", ARCHITECTURES), "fusion")
    assert np.isnan(fusion[RAW])
    assert fusion[CLEAN] == pytest.approx(0.95)
    assert fusion[f"thesis {CLEAN}"] == 0.9567
    assert pd.isna(fusion[f"thesis {RAW}"])


def test_thesis_figures_stand_beside_their_architecture() -> None:
    table = dice_table(SUMMARY, "liver", ARCHITECTURES)
    deep, plain = row(table, "deep"), row(table, "plain")
    assert (deep["architecture"], deep[f"thesis {RAW}"], deep[f"thesis {CLEAN}"]) == ("resnet152", 0.9554, 0.9559)
    assert plain["architecture"] == "unet"
    assert pd.isna(plain[f"thesis {RAW}"])
    assert pd.isna(plain[f"thesis {CLEAN}"])
    lesion = row(dice_table(SUMMARY, "lesion", ARCHITECTURES), "deep")
    assert lesion[f"thesis {CLEAN}"] == 0.7512
    assert pd.isna(lesion[f"thesis {RAW}"])


def test_beside_other_exams_than_lits17_no_figure_of_the_thesis_is_left() -> None:
    table = dice_table(SUMMARY, "liver", ARCHITECTURES)
    left = without_thesis(table)
    assert left.columns.tolist() == ["method", "architecture", RAW, CLEAN, INTERVAL, "exams"]
    pd.testing.assert_frame_equal(left, table[left.columns])


def test_a_method_nobody_named_is_not_taken_for_the_fusion() -> None:
    with pytest.raises(KeyError, match="stranger"):
        dice_table(summary_of(tidy(("1", "liver", "stranger", "clean", 0.1))), "liver", ARCHITECTURES)


def test_other_metrics_and_statistics_stay_out_of_the_mean() -> None:
    other = SCORES.assign(metric="jaccard", value=100.0)
    both = pd.concat([other, SCORES], ignore_index=True)
    pd.testing.assert_frame_equal(
        dice_table(summary_of(both), "liver", ARCHITECTURES), dice_table(SUMMARY, "liver", ARCHITECTURES)
    )
    pd.testing.assert_frame_equal(exam_table(both, "liver"), exam_table(SCORES, "liver"))


def test_the_interval_is_that_of_the_post_processed_masks() -> None:
    table = dice_table(SUMMARY, "liver", ARCHITECTURES)
    assert row(table, "deep")[INTERVAL] == "0.500 to 0.700"
    one = dice_table(summary_of(tidy(("1", "liver", "deep", "clean", 0.5))), "liver", ARCHITECTURES)
    assert row(one, "deep")[INTERVAL] == "–"


def test_other_systems_come_after_the_fusion_with_their_only_score() -> None:
    given = tidy(("1", "liver", "nnunet", "given", 0.8), ("2", "liver", "nnunet", "given", 0.9))
    table = dice_table(summary_of(pd.concat([given, SCORES])), "liver", ARCHITECTURES)
    assert table["method"].tolist() == ["deep", "plain", "fusion", "nnunet"]
    assert table.index.tolist() == [0, 1, 2, 3]
    other = row(table, "nnunet")
    assert other["architecture"] == ""
    assert pd.isna(other[RAW])
    assert other[CLEAN] == pytest.approx(0.85)
    assert pd.isna(other[f"thesis {CLEAN}"])
    assert (other[INTERVAL], other["exams"]) == ("0.800 to 0.900", 2)


def test_thesis_figures() -> None:
    """Tables 1 and 2, in the order Inception, DenseNet, ResNet, ResNeXt, fusion."""
    order = ["inception_v3", "densenet201", "resnet152", "resnext101_32x8d", "fusion"]

    def percent(structure: str, processing: str) -> list[float]:
        return [
            round(100 * thesis.DICE[structure, processing][name], 2)
            for name in order
            if name in thesis.DICE[structure, processing]
        ]

    assert percent("liver", "raw") == [94.41, 94.94, 95.54, 95.28]
    assert percent("liver", "clean") == [95.04, 95.25, 95.59, 95.27, 95.67]
    assert percent("lesion", "clean") == [57.38, 70.15, 75.12, 74.61, 75.83]


def test_every_exam_has_a_row_and_every_method_a_column() -> None:
    liver = exam_table(SCORES, "liver")
    assert liver.columns.tolist() == ["exam", "fusion", "deep", "plain"]
    assert liver.to_numpy().tolist() == [["1", 0.9, 0.5, 0.0], ["2", 1.0, 0.7, 0.3]]
    lesion = exam_table(SCORES, "lesion")
    assert lesion.to_numpy().tolist() == [["1", 0.25], ["2", 0.75]]


@pytest.mark.parametrize(
    ("low", "high", "digits", "words"),
    [(0.1, 0.25, 3, "0.100 to 0.250"), (-1.26, 10, 1, "-1.3 to 10.0"), (nan, nan, 3, "–")],
)
def test_intervals_in_words(low: float, high: float, digits: int, words: str) -> None:
    assert interval(low, high, digits) == words


def summed(*rows: tuple[str, str, str, str, float, float, float, int]) -> pd.DataFrame:
    """Rows of a lesion summary: method, processing, metric, statistic, value, interval, undefined exams."""
    cells = [("lesion", *row[:7], 10 - row[7], row[7]) for row in rows]
    return pd.DataFrame(cells, columns=SUMMARY_COLUMNS)


def test_scores_with_intervals_and_exams_left_out() -> None:
    table = score_table(
        summed(
            ("deep", "raw", "dice", "mean", 0.1, 0.0, 0.2, 0),
            ("deep", "clean", "dice", "mean", 0.75, 0.5, 0.875, 0),
            ("deep", "clean", "dice", "pooled", 0.8, 0.6, 0.9, 0),
            ("deep", "raw", "dice", "pooled", 0.2, 0.1, 0.3, 0),  # raw scores stay out, wherever they stand
            ("deep", "clean", "assd_mm", "mean", 12.34, 9.87, 20.0, 3),
            ("deep", "clean", "msd_mm", "mean", nan, nan, nan, 10),
            ("deep", "clean", "rvd", "mean", -0.5, nan, nan, 9),
            ("other", "given", "dice", "mean", 0.5, 0.25, 0.75, 0),
        ),
        "lesion",
    )
    assert table.columns.tolist() == ["metric", "deep", "other"]
    assert table.to_numpy().tolist() == [
        ["Dice, mean", "0.750 (0.500 to 0.875)", "0.500 (0.250 to 0.750)"],
        ["Dice, global", "0.800 (0.600 to 0.900)", ""],
        ["Relative volume difference", "-0.500; 9 left out", ""],
        ["ASSD, mm", "12.3 (9.9 to 20.0); 3 left out", ""],
        ["MSD, mm", "undefined", ""],
    ]


def test_every_row_of_the_score_table_is_filled_by_a_summary() -> None:
    """A misspelt metric or statistic would leave its row out without a word."""
    from hepaflow.evaluation.exam import Scores

    mask = np.zeros((2, 3, 4), bool)
    mask[:, 1] = True
    tables = []
    for exam in ("1", "2"):
        scores = Scores(exam, {"liver": mask, "lesion": mask}, (1, 1, 1))
        scores.add("deep", "clean", {"liver": mask, "lesion": mask})
        tables.append(scores.metrics())
    table = score_table(summarise(pd.concat(tables)), "lesion").set_index("metric")["deep"]
    assert len(table) == 23
    assert table["Dice, mean of the exams with lesions"] == "1.000 (1.000 to 1.000)"
    assert table["Lesions, IoU > 0.5: recall"] == "1.000 (1.000 to 1.000)"
    assert table["Tumour burden: largest error"] == "0.000"
    assert not (table == "").any()


def test_large_values_have_fewer_digits() -> None:
    rows = (("volume_ml", 10.0, "10.0"), ("hd95_mm", 9.99, "9.990"), ("rvd", -12.34, "-12.3"))
    summary = summed(*(("deep", "clean", metric, "mean", value, nan, nan, 0) for metric, value, _ in rows))
    assert set(score_table(summary, "lesion")["deep"]) == {cell for _, _, cell in rows}


def test_a_comparison_counts_who_is_higher_lower_and_equal() -> None:
    row = ("liver", "dice", "fusion", "deep", 10, 0.0105, -0.0011, 0.0221, 6, 3, 0.5)
    (found,) = comparison_table(pd.DataFrame([row], columns=PAIRED_COLUMNS), "liver").to_dict("records")
    assert [found[name] for name in ("exams", "fusion higher", "equal", "fusion lower")] == [10, 6, 1, 3]
    assert (found["mean difference"], found[INTERVAL]) == ("+0.0105", "-0.0011 to 0.0221")


def test_comparisons_in_words() -> None:
    scores = pd.concat(
        [
            tidy(*((str(exam), "liver", "fusion", "clean", 0.9) for exam in range(6))),
            tidy(*((str(exam), "liver", "deep", "clean", 0.9 - 0.01 * exam) for exam in range(6))),
            tidy(*((str(exam), "liver", "same", "given", 0.9) for exam in range(6))),
            tidy(("1", "lesion", "fusion", "clean", 0.1), ("1", "lesion", "deep", "clean", 0.2)),
            tidy(("1", "liver", "fusion", "clean", nan), ("1", "liver", "deep", "clean", 3), metric="assd_mm"),
        ]
    )
    compared = comparison_table(compare(scores, FUSION), "liver").to_dict("records")
    assert [(one["metric"], one["against"]) for one in compared] == [
        ("dice", "deep"),
        ("dice", "same"),
        ("assd_mm", "deep"),
    ]
    deep, same, undefined = compared
    assert deep["mean difference"] == "+0.0250"
    assert [deep[name] for name in ("fusion higher", "equal", "fusion lower")] == [5, 1, 0]
    assert deep["Wilcoxon p"] == "0.0625 (with 5 that differ never below 0.0625)"
    assert (same["mean difference"], same["equal"], same["Wilcoxon p"]) == ("0.0000", 6, "no difference")
    assert (undefined["mean difference"], undefined[INTERVAL], undefined["Wilcoxon p"]) == (
        "undefined",
        "–",
        "undefined",
    )


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1, 2, 3, -4, 5, 6], "0.219"),
        ([1, 2, 3, 4, 5, 6], "0.0312"),
        ([1, 2, 3, 4], "0.125 (with 4 that differ never below 0.125)"),
        ([1, 0, 0], "1 (with 1 that differ never below 1)"),
    ],
)
def test_few_exams_cannot_speak_against_chance(differences: list[int], p: str) -> None:
    scores = [(str(exam), "liver", "fusion", "clean", 0.5 + 0.01 * by) for exam, by in enumerate(differences)]
    scores += [(str(exam), "liver", "deep", "clean", 0.5) for exam in range(len(differences))]
    (compared,) = comparison_table(compare(tidy(*scores), FUSION), "liver").to_dict("records")
    assert compared["Wilcoxon p"] == p


def test_every_metric_of_an_exam_by_method() -> None:
    """An exam without a single defined distance keeps its row, and its cell is empty."""
    scores = pd.concat(
        [
            tidy(("b", "liver", "deep", "clean", 0.8), ("a", "liver", "deep", "clean", 0.6)),
            tidy(("b", "liver", "deep", "raw", 0.1), ("b", "lesion", "deep", "clean", 0.2)),
            tidy(("b", "liver", "deep", "clean", 4), ("a", "liver", "deep", "clean", nan), metric="assd_mm"),
            tidy(("b", "liver", "deep", "clean", nan), ("a", "liver", "deep", "clean", nan), metric="hd95_mm"),
        ]
    )
    table = method_table(scores, "liver", "deep")
    assert table.columns.tolist() == ["exam", "Dice", "ASSD, mm", "HD95, mm"]
    np.testing.assert_array_equal(table["exam"], ["b", "a"])
    np.testing.assert_array_equal(table.drop(columns="exam"), [[0.8, 4, nan], [0.6, nan, nan]])


def test_the_literature_ends_with_this_run() -> None:
    lesion = tidy(*((exam, "lesion", "fusion", "clean", 0.5) for exam in ("1", "2")))
    table = literature_table(summary_of(pd.concat([SCORES, lesion])), "2 phantoms")
    assert len(table) == len(thesis.LITERATURE) + 2  # the thesis, and this run
    assert table.iloc[-1].to_dict() == {
        "method": "this run's fusion",
        "liver": "0.9500",
        "lesion": "0.5000",
        "reference": "this run: 2 phantoms",
    }
    assert table.iloc[-2][["liver", "lesion"]].tolist() == ["0.9567", "0.7583"]


def test_summary_as_json_has_null_for_what_is_undefined() -> None:
    table = summed(
        ("deep", "clean", "dice", "mean", 0.75, 0.5, 0.875, 0),
        ("deep", "clean", "dice", "median", 0.7, nan, nan, 9),
        ("deep", "clean", "assd_mm", "mean", nan, nan, nan, 10),
    )
    tree = json.loads(json.dumps(nested(table), allow_nan=False))
    assert tree == {
        "lesion": {
            "deep": {
                "clean": {
                    "dice": {
                        "mean": {"value": 0.75, "low": 0.5, "high": 0.875, "exams": 10, "undefined": 0},
                        "median": {"value": 0.7, "low": None, "high": None, "exams": 1, "undefined": 9},
                    },
                    "assd_mm": {"mean": {"value": None, "low": None, "high": None, "exams": 0, "undefined": 10}},
                }
            }
        }
    }


def test_a_whole_summary_is_valid_json() -> None:
    tree = json.loads(json.dumps(nested(SUMMARY), allow_nan=False))
    assert tree["liver"]["deep"]["raw"]["dice"]["mean"]["value"] == pytest.approx(0.3)
    assert tree["lesion"]["deep"]["clean"]["lesion_f1_any"]["pooled"]["exams"] == 2


def test_weights_before_and_after() -> None:
    fusions = {
        "liver": Fusion(("deep", "plain"), (3.0, 1.0), (0.5, 0.1)),
        "lesion": Fusion(("deep", "plain"), (-1.0, 4.0), (0.5, 0.1)),
    }
    table = weight_table(fusions)
    assert table.columns.tolist() == ["stage", "backbone", "start", "weight", "fitted"]
    assert table.to_numpy().tolist() == [
        ["liver", "deep", 0.5, 0.75, 3.0],
        ["liver", "plain", 0.5, 0.25, 1.0],
        ["lesion", "deep", 0.5, -0.2, -1.0],
        ["lesion", "plain", 0.5, 0.8, 4.0],
    ]


@pytest.mark.parametrize("names", [("007", "NA"), ("1", "1e3"), ("null", "nan"), ("liver_0", "True")])
def test_names_of_exams_survive_files_and_tables(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        rows = [(name, "liver", "NA", processing, value) for processing, value in (("raw", 0.0), ("clean", 1.0))]
        write_scores(tidy(*rows), tmp_path / f"{name}.csv")
    metrics = read_scores(*(tmp_path / f"{name}.csv" for name in names))
    assert exam_table(metrics, "liver")["exam"].tolist() == list(names)
    assert row(dice_table(summary_of(metrics), "liver", {"NA": "unet"}), "NA")["exams"] == 2


def test_tables_are_written_with_four_decimals(tmp_path: Path) -> None:
    write_table(pd.DataFrame({"a": [1 / 3, nan], "b": ["x", "y"]}), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n0.3333,x\n,y\n"
