"""The table of agreement."""

import pandas as pd
import pytest

from hepaflow.tables.agreement import agreement_table


def test_a_row_says_what_is_compared_and_how_far_it_is_off() -> None:
    amounts = pd.DataFrame(
        {"method": "m", "exam": ["a", "b", "c"], "reference": [10.0, 20, 30], "predicted": [11.0, 22, 33]}
    )
    (row,) = agreement_table(amounts, "liver").to_dict("records")
    assert (row["method"], row["exams"], row["unit"]) == ("m", 3, "ml")
    assert (row["mean difference"], row["standard deviation"], row["mean absolute difference"]) == (2, 1, 2)
    assert row["upper limit of agreement"] == pytest.approx(3.96)


def test_without_exams_it_has_no_rows() -> None:
    nothing = pd.DataFrame({"method": [], "exam": [], "reference": [], "predicted": []})
    assert len(agreement_table(nothing, "lesion")) == 0
