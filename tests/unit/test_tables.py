"""The tables of a run."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepaflow import thesis
from hepaflow.evaluation import Scores
from hepaflow.fusion import Fusion
from hepaflow.tables import dice_table, exam_table, read_metrics, weight_table

ARCHITECTURES = {"deep": "resnet152", "wide": "resnext101_32x8d", "dense": "densenet201", "plain": "unet"}
RAW, CLEAN = "without post-processing", "with post-processing"


def tidy(*rows: tuple[str, str, str, str, float]) -> pd.DataFrame:
    """Dice scores of (exam, stage, method, processing)."""
    table = pd.DataFrame(rows, columns=["exam", "stage", "method", "processing", "value"])
    return table.assign(metric="dice")


SCORES = tidy(
    *((exam, "liver", "fusion", "clean", value) for exam, value in (("1", 0.9), ("2", 1.0))),  # first on purpose
    *((exam, "liver", "deep", "raw", value) for exam, value in (("1", 0.2), ("2", 0.4))),
    *((exam, "liver", "deep", "clean", value) for exam, value in (("1", 0.5), ("2", 0.7))),
    *((exam, "liver", "plain", "raw", value) for exam, value in (("1", 0.1), ("2", 0.1))),
    *((exam, "liver", "plain", "clean", value) for exam, value in (("1", 0.0), ("2", 0.3))),
    *((exam, "lesion", "deep", "clean", value) for exam, value in (("1", 0.25), ("2", 0.75))),
    *((exam, "lesion", "deep", "raw", value) for exam, value in (("1", 0.1), ("2", 0.3))),
)


def row(table: pd.DataFrame, method: str) -> dict[str, object]:
    (found,) = table[table["method"] == method].to_dict("records")
    return found


def test_means_over_exams() -> None:
    table = dice_table(SCORES, "liver", ARCHITECTURES)
    deep = row(table, "deep")
    assert deep[RAW] == pytest.approx(0.3)
    assert deep[CLEAN] == pytest.approx(0.6)
    assert deep["exams"] == 2
    lesion = row(dice_table(SCORES, "lesion", ARCHITECTURES), "deep")
    assert (lesion[RAW], lesion[CLEAN]) == (pytest.approx(0.2), pytest.approx(0.5))


def test_fusion_comes_last_and_the_others_keep_their_order() -> None:
    assert dice_table(SCORES, "liver", ARCHITECTURES)["method"].tolist() == ["deep", "plain", "fusion"]
    turned = tidy(
        ("1", "liver", "wide", "clean", 0.1),
        ("1", "liver", "fusion", "clean", 0.1),
        ("1", "liver", "deep", "clean", 0.1),
    )
    assert dice_table(turned, "liver", ARCHITECTURES)["method"].tolist() == ["wide", "deep", "fusion"]


def test_the_fusion_has_no_raw_masks() -> None:
    fusion = row(dice_table(SCORES, "liver", ARCHITECTURES), "fusion")
    assert np.isnan(fusion[RAW])
    assert fusion[CLEAN] == pytest.approx(0.95)
    assert fusion[f"thesis {CLEAN}"] == 0.9567
    assert pd.isna(fusion[f"thesis {RAW}"])


def test_thesis_figures_stand_beside_their_architecture() -> None:
    table = dice_table(SCORES, "liver", ARCHITECTURES)
    deep, plain = row(table, "deep"), row(table, "plain")
    assert (deep["architecture"], deep[f"thesis {RAW}"], deep[f"thesis {CLEAN}"]) == ("resnet152", 0.9554, 0.9559)
    assert plain["architecture"] == "unet"
    assert pd.isna(plain[f"thesis {RAW}"])
    assert pd.isna(plain[f"thesis {CLEAN}"])
    lesion = row(dice_table(SCORES, "lesion", ARCHITECTURES), "deep")
    assert lesion[f"thesis {CLEAN}"] == 0.7512
    assert pd.isna(lesion[f"thesis {RAW}"])


def test_a_method_nobody_named_is_not_taken_for_the_fusion() -> None:
    with pytest.raises(KeyError, match="stranger"):
        dice_table(tidy(("1", "liver", "stranger", "clean", 0.1)), "liver", ARCHITECTURES)


def test_other_metrics_stay_out_of_the_mean() -> None:
    other = SCORES.assign(metric="jaccard", value=100.0)
    both = pd.concat([SCORES, other], ignore_index=True)
    pd.testing.assert_frame_equal(
        dice_table(both, "liver", ARCHITECTURES), dice_table(SCORES, "liver", ARCHITECTURES)
    )
    pd.testing.assert_frame_equal(exam_table(both), exam_table(SCORES))


def test_thesis_figures() -> None:
    """Tables 1 and 2, in the order Inception, DenseNet, ResNet, ResNeXt, fusion."""
    order = ["inception_v3", "densenet201", "resnet152", "resnext101_32x8d", "fusion"]

    def percent(stage: str, processing: str) -> list[float]:
        return [
            round(100 * thesis.DICE[stage, processing][name], 2)
            for name in order
            if name in thesis.DICE[stage, processing]
        ]

    assert percent("liver", "raw") == [94.41, 94.94, 95.54, 95.28]
    assert percent("liver", "clean") == [95.04, 95.25, 95.59, 95.27, 95.67]
    assert percent("lesion", "clean") == [57.38, 70.15, 75.12, 74.61, 75.83]


def test_every_exam_has_a_row_and_every_method_a_column() -> None:
    table = exam_table(SCORES)
    assert table.columns.tolist() == ["stage", "exam", "fusion", "deep", "plain"]
    liver = table[table["stage"] == "liver"].set_index("exam")
    assert liver.loc["1", ["fusion", "deep", "plain"]].tolist() == [0.9, 0.5, 0.0]
    assert liver.loc["2", ["fusion", "deep", "plain"]].tolist() == [1.0, 0.7, 0.3]
    lesion = table[table["stage"] == "lesion"].set_index("exam")
    assert lesion["deep"].tolist() == [0.25, 0.75]
    assert lesion["fusion"].isna().all()


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
def test_names_of_exams_survive_the_files(tmp_path: Path, names: tuple[str, str]) -> None:
    paths = []
    mask = np.ones((1, 2, 2), bool)
    for name in names:
        scores = Scores(name)
        scores.add("liver", "NA", "clean", mask, mask)
        scores.add("liver", "NA", "raw", ~mask, mask)
        paths.append(str(tmp_path / f"{name}.csv"))
        scores.save(Path(paths[-1]), tmp_path / "overlap.csv")
    metrics = read_metrics(paths)
    assert metrics["exam"].tolist() == [names[0]] * 2 + [names[1]] * 2
    assert set(metrics["method"]) == {"NA"}
    assert metrics["value"].tolist() == [1, 0, 1, 0]
    assert exam_table(metrics)["exam"].tolist() == list(names)
    assert row(dice_table(metrics, "liver", {"NA": "unet"}), "NA")["exams"] == 2


def test_an_empty_value_is_missing_not_zero(tmp_path: Path) -> None:
    path = tmp_path / "exam.csv"
    path.write_text(
        "exam,stage,method,processing,metric,value\n1,liver,deep,clean,dice,\n2,liver,deep,clean,dice,0.5\n"
    )
    metrics = read_metrics([str(path)])
    assert np.isnan(metrics["value"][0])
    assert metrics["value"][1] == 0.5
