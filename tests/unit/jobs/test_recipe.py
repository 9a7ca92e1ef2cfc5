"""Recipes of jobs: what they hold, and how two differ."""

import json

import numpy as np
import pytest

from hepaflow.jobs.recipe import Recipe, changed_names, setting_changes, versions

CODE = json.dumps({"script": "1", "hepaflow.masks.fusion": "2"})


def test_a_recipe_holds_every_parameter_but_those_of_speed() -> None:
    params = {
        "settings": '{"a":{"b":1}}',
        "methods": ["x", "y"],
        "code": CODE,
        "libraries": '{"numpy":"2.0"}',
        "compute": '{"workers":4}',
        "accelerator": "gpu",
        "cache": "/somewhere",
    }
    recipe = Recipe.of("train", {"stage": "liver"}, params)
    assert recipe == Recipe(
        "train", {"stage": "liver"}, {"a": {"b": 1}, "methods": ["x", "y"]}, json.loads(CODE), {"numpy": "2.0"}
    )
    assert json.loads(json.dumps(recipe.as_dict())) == recipe.as_dict()


def test_a_rule_without_settings_has_a_recipe() -> None:
    assert Recipe.of("tables", {}, {"code": CODE, "libraries": ""}).settings == {}


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"a": {"b": 1, "c": [1, 2]}, "d": "x"}, []),
        ({"a": {"b": 2, "c": [1, 2]}, "d": "x"}, ["a.b: 1 → 2"]),
        ({"a": {"b": 1, "c": [2, 1]}, "d": "x"}, ["a.c: [1, 2] → [2, 1]"]),
        ({"a": {"b": 1, "c": [1, 2]}}, ['d: "x" → no longer set']),
        ({"a": {"b": 1, "c": [1, 2]}, "d": "x", "e": None}, ["e: new, null"]),
        ({"a": {"b": 1.0, "c": [1, 2]}, "d": "x"}, ["a.b: 1 → 1.0"]),
        ({"a": {"b": True, "c": [1, 2]}, "d": "x"}, ["a.b: 1 → true"]),
        ({"a": {"b": "x", "c": [1, 2]}, "d": 1}, ['a.b: 1 → "x"', 'd: "x" → 1']),
    ],
)
def test_changes_of_settings_are_told_by_key(new: dict[str, object], told: list[str]) -> None:
    assert setting_changes({"a": {"b": 1, "c": [1, 2]}, "d": "x"}, new) == told


def test_a_pair_is_the_list_that_json_makes_of_it() -> None:
    assert setting_changes({"a": [1, 2]}, {"a": (1, 2)}) == []


def test_names_that_differ_or_are_on_one_side_only() -> None:
    assert changed_names({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "3"}) == ["b", "c", "d"]


def test_versions_of_what_is_installed() -> None:
    assert versions(["numpy", "skimage", "not_there"]).keys() == {"numpy", "skimage"}
    assert versions(["numpy"])["numpy"] == np.__version__
