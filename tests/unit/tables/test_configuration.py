"""The configuration beside the thesis'."""

from hepaflow.settings.workflow import Settings
from hepaflow.tables.configuration import ABSENT, DIFFERS, SAME, configuration_table


def test_the_thesis_differs_in_nothing() -> None:
    table = configuration_table(Settings().as_json(), Settings().as_json())
    assert set(table["compared"]) == {SAME}
    assert table.set_index("key").loc["training.liver.epochs", "this run"] == "200"


def test_what_differs_comes_first_each_with_both_values() -> None:
    run = {"seed": 1, "head": {"rates": [1, 2]}, "methods": {"mine": {"of": ["a", "b"]}}, "same": True}
    thesis = {"seed": 2022, "head": {"rates": [4, 8], "dropout": 0.5}, "same": True}
    table = configuration_table(run, thesis)
    assert table.to_dict("split")["data"] == [
        ["seed", "1", "2022", DIFFERS],
        ["head.rates", "[1, 2]", "[4, 8]", DIFFERS],
        ["head.dropout", ABSENT, "0.5", DIFFERS],
        ["methods.mine.of", "[a, b]", ABSENT, DIFFERS],
        ["same", "True", "True", SAME],
    ]


def test_a_difference_in_the_last_digit_is_one() -> None:
    table = configuration_table({"rate": 0.1}, {"rate": 0.10000000000000002})
    assert table["compared"].tolist() == [DIFFERS]
