"""What each part of the recipe gives: the variants, and the table."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
import yaml
from benchmarks import ablation, exam_set
from benchmarks.ablation import WHOLE, Ablation, page_table, variants
from benchmarks.exam_set import DEMO, MODERN, ExamSet

from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import read_settings

CONFIG = {"seed": 1, **yaml.safe_load(DEMO.read_text(encoding="utf-8"))}
METHOD = CONFIG["methods"][MODERN]


def planned(words: str) -> str:
    """Return all that a variant computes: how its networks are trained, and what is made of their maps."""
    plan = plan_of(read_settings({**CONFIG, "methods": {MODERN: variants(METHOD)[words]}}))
    trainings = [stage.training.canonical() for stage in plan.methods[MODERN].values() if stage.training]
    return "\n".join([*trainings, model_of(plan, MODERN).canonical()])


def test_every_variant_is_another_method() -> None:
    found = {words: planned(words) for words in variants(METHOD) if words != "single slices"}
    assert len(set(found.values())) == len(found) > 20
    assert planned("single slices") == planned(WHOLE)  # the demo has them anyway


def test_the_whole_recipe_is_the_demos() -> None:
    assert variants(METHOD)[WHOLE] == METHOD


def test_differences_are_taken_seed_by_seed() -> None:
    found = pd.DataFrame(
        [(WHOLE, 0, 0.9, 0.5), (WHOLE, 1, 0.8, 0.7), ("without", 0, 0.8, 0.6), ("without", 1, 0.9, 0.8)],
        columns=["variant", "seed", "liver", "lesion"],
    )
    header, _, whole, without = page_table(found).splitlines()
    assert header == "| recipe | seeds | liver Dice | difference | lesion Dice | difference |"
    assert whole == f"| {WHOLE} | 2 | 0.850 (0.800-0.900) |  | 0.600 (0.500-0.700) |  |"
    assert (
        without == "| without | 2 | 0.850 (0.800-0.900) | +0.000 ± 0.141 | 0.700 (0.600-0.800) | +0.100 ± 0.000 |"
    )
    assert page_table(found[:0]) == "Not measured yet."


def test_what_was_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[dict[str, str]] = []

    def measure(_: Ablation, exams: ExamSet, keys: Mapping[str, str]) -> dict[str, float]:
        measured.append(dict(keys))
        return {"liver": 0.9, "lesion": 0.5}

    monkeypatch.setattr(Ablation, "_measured", measure)
    monkeypatch.setattr(ablation, "draw", lambda *_: None)
    monkeypatch.setattr(exam_set, "draw", lambda *_: None)
    one = Ablation(CONFIG, tmp_path, tmp_path / "kept.csv")

    def row(words: str, number: int, *, to_train: bool) -> dict[str, object] | None:
        return one.row(one.planned(words, variants(METHOD)[words], number), to_train=to_train)

    assert row(WHOLE, 0, to_train=False) is None
    expected = {"variant": WHOLE, "seed": 0, "liver": 0.9, "lesion": 0.5}
    for _ in range(2):
        assert row(WHOLE, 0, to_train=True) == expected
    assert len(measured) == 1
    told = ablation.measured(one, [WHOLE, "single slices"], [0], to_train=True)
    assert told.to_dict("records") == [expected]
    assert len(measured) == 1
    assert row(WHOLE, 1, to_train=False) is None
    row("no flips in prediction", 0, to_train=True)
    assert measured[1] == measured[0]  # the networks are the same
    row("Dice loss alone", 0, to_train=True)
    assert not set(measured[2].values()) & set(measured[0].values())
