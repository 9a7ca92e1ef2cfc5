"""Agreement of predicted and reference amounts, in closed form."""

from math import isnan, nan

import numpy as np
import pandas as pd
import pytest

from hepaflow.evaluation.agreement import MEASURES, Agreement, agreements, amounts
from hepaflow.evaluation.scores import METRIC_COLUMNS
from hepaflow.names import STRUCTURES


def test_bias_and_limits_of_three_exams() -> None:
    found = Agreement.of(np.array([0.0, 2.0, 4.0]))
    assert (found.exams, found.bias, found.deviation, found.absolute) == (3, 2, 2, 2)
    assert found.limits == (pytest.approx(2 - 3.92), pytest.approx(2 + 3.92))


def test_opposite_errors_have_no_bias_and_still_a_size() -> None:
    found = Agreement.of(np.array([-5.0, 5.0]))
    assert (found.bias, found.absolute) == (0, 5)
    assert found.deviation == pytest.approx(50**0.5)


@pytest.mark.filterwarnings("error")
def test_one_exam_has_no_deviation_and_none_has_nothing() -> None:
    one, none = Agreement.of(np.array([4.0])), Agreement.of(np.array([]))
    assert (one.bias, isnan(one.deviation), isnan(one.limits[0])) == (4, True, True)
    assert (none.exams, isnan(none.bias), isnan(none.absolute)) == (0, True, True)


def scores(structure: str, *rows: tuple[str, str, str, float, float]) -> pd.DataFrame:
    """Return scores of (exam, method, processing, predicted, reference)."""
    measure = MEASURES[structure]
    found = [
        (exam, structure, method, processing, metric, value)
        for exam, method, processing, *values in rows
        for metric, value in zip((measure.predicted, measure.reference), values, strict=True)
    ]
    return pd.DataFrame(found, columns=METRIC_COLUMNS)


def test_livers_are_measured_in_ml_and_lesions_in_per_cent_of_the_liver() -> None:
    assert amounts(scores("liver", ("e", "m", "clean", 1500, 1400)), "liver").iloc[0].tolist() == [
        "m",
        "e",
        1400,
        1500,
    ]
    found = amounts(scores("lesion", ("e", "m", "clean", 0.25, 0.125)), "lesion")
    assert found.iloc[0].tolist() == ["m", "e", 12.5, 25]
    assert [(one.words, one.unit) for one in MEASURES.values()] == [
        ("liver volume", "ml"),
        ("tumour burden", "% of the liver"),
    ]


@pytest.mark.parametrize("structure", STRUCTURES)
def test_amounts_are_of_final_masks_in_the_order_of_the_scores(structure: str) -> None:
    wanted = scores(
        structure,
        ("2", "b", "raw", 9, 9),
        ("2", "b", "clean", 0.5, 0.25),
        ("10", "b", "clean", 0.25, 0.25),
        ("2", "a", "given", 0.5, 0.5),
        ("10", "a", "given", nan, 0.25),  # undefined
    )
    beside = scores(structure, ("2", "b", "clean", 7, 7))
    found = amounts(
        pd.concat([wanted, beside.assign(structure="other"), beside.assign(metric="other")[:1]]), structure
    )
    scale = MEASURES[structure].scale
    assert list(found.columns) == ["method", "exam", "reference", "predicted"]
    assert found.index.tolist() == [0, 1, 2]
    assert found["method"].tolist() == ["b", "b", "a"]
    assert found["exam"].tolist() == ["2", "10", "2"]
    assert (found["predicted"] / scale).tolist() == [0.5, 0.25, 0.5]
    assert [(name, one.bias / scale) for name, one in agreements(found).items()] == [("b", 0.125), ("a", 0)]


def test_a_method_without_this_amount_is_left_out() -> None:
    assert len(amounts(scores("liver"), "liver")) == 0
