"""Tables of scores survive their files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hepaflow.evaluation.scores import METRIC_COLUMNS, final, in_order, read_scores, write_scores
from hepaflow.evaluation.statistics import PAIRED_COLUMNS, SUMMARY_COLUMNS


def scores(*names: str, values: list[float] | None = None, method: str = "resnet") -> pd.DataFrame:
    rows = [
        (name, "liver", method, "clean", "dice", value)
        for name, value in zip(names, values or [0.5] * len(names), strict=True)
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def test_values_survive_to_the_last_bit(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    values = [*draw.random(3000), *(draw.random(500) * 1e-12), *(draw.random(500) * 1e9), 1 / 3, 0.1 + 0.2, 0, 1]
    table = scores(*map(str, range(len(values))), values=values)
    write_scores(table, tmp_path / "scores.csv")
    assert read_scores(tmp_path / "scores.csv")["value"].tolist() == values


@pytest.mark.parametrize("names", [("007", "NA"), ("1", "1e3"), ("null", "nan"), ("liver_0", "True")])
def test_names_survive(tmp_path: Path, names: tuple[str, str]) -> None:
    paths = [tmp_path / f"{name}.csv" for name in names]
    for name, path in zip(names, paths, strict=True):
        write_scores(scores(name, method=name), path)
    found = read_scores(*paths)
    assert found["exam"].tolist() == found["method"].tolist() == list(names)
    assert found["value"].tolist() == [0.5, 0.5]
    assert found.index.tolist() == [0, 1]


def test_an_undefined_value_is_an_empty_cell_and_never_zero(tmp_path: Path) -> None:
    write_scores(scores("1", "2", values=[np.nan, 0.0]), tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text().splitlines()[1:] == [
        "1,liver,resnet,clean,dice,",
        "2,liver,resnet,clean,dice,0.0",
    ]
    found = read_scores(tmp_path / "scores.csv")["value"]
    assert np.isnan(found[0])
    assert found[1] == 0


@pytest.mark.parametrize("columns", [SUMMARY_COLUMNS, PAIRED_COLUMNS])
def test_summaries_and_comparisons_survive_with_what_is_undefined(
    tmp_path: Path, columns: tuple[str, ...]
) -> None:
    words = {"structure": "liver", "method": "na", "other": "nan", "processing": "clean", "metric": "dice"}
    row = [words.get(name, 3 if name in ("exams", "undefined", "higher", "lower") else np.nan) for name in columns]
    table = pd.DataFrame([row], columns=columns).replace({"statistic": {np.nan: "mean"}})
    write_scores(table, tmp_path / "table.csv")
    found = read_scores(tmp_path / "table.csv")
    assert found.to_dict("records")[0].keys() == dict.fromkeys(columns).keys()
    for name in columns:
        assert found[name].isna().all() == table[name].isna().all(), name
        assert table[name].isna().all() or found[name][0] == table[name][0], name


def test_equal_scores_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_scores(scores("1", "2", values=[0.1, 1 / 3]), tmp_path / name)
    written = (tmp_path / "one").read_bytes()
    assert written == (tmp_path / "other").read_bytes()
    assert b"\r" not in written


def test_what_a_method_ends_with_is_post_processed_or_as_given() -> None:
    table = pd.concat([scores("1").assign(processing=name) for name in ("raw", "clean", "given")])
    assert final(table)["processing"].tolist() == ["clean", "given"]


def test_the_order_is_exam_then_processing_then_as_they_come() -> None:
    """Exams and methods keep their order, which is no alphabet's."""
    rows = [
        ("2", "resnet", "raw", "dice"),
        ("2", "resnet", "raw", "assd_mm"),
        ("2", "resnet", "clean", "dice"),
        ("2", "dense", "raw", "dice"),
        ("2", "dense", "clean", "dice"),
        ("2", "fusion", "clean", "dice"),
        ("2", "reader", "given", "dice"),
        ("1", "reader", "given", "dice"),
        ("1", "fusion", "clean", "dice"),
        ("1", "resnet", "raw", "dice"),
    ]
    table = pd.DataFrame(
        [(exam, "liver", method, processing, metric, 0.5) for exam, method, processing, metric in rows],
        columns=METRIC_COLUMNS,
    )
    found = in_order(table)
    assert found.index.tolist() == list(range(len(rows)))
    assert found.columns.tolist() == table.columns.tolist()
    told = found[["exam", "method", "processing", "metric"]].itertuples(index=False, name=None)
    assert list(told) == [rows[place] for place in (0, 1, 3, 2, 4, 5, 6, 9, 8, 7)]
