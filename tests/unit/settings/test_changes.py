"""How two settings differ, in words."""

import pytest

from hepaflow.settings.changes import changed_names, setting_changes


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


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({}, {"a": {"kind": "sgd", "decay": 0}}, ['a: new, {"kind": "sgd", "decay": 0}']),
        ({"a": {"b": {"c": 1}}}, {"a": {}}, ['a.b: {"c": 1} → no longer set']),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ["a.1.b: 2 → 3"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 2}]}, ['a.1: new, {"b": 2}']),
        ({"a": 1}, {"a": {"b": 2}}, ['a: 1 → {"b": 2}']),
        ({"a": []}, {"a": [{"b": 2}]}, ['a: [] → [{"b": 2}]']),
    ],
)
def test_a_group_is_told_as_a_whole_where_one_has_it_alone(
    old: dict[str, object], new: dict[str, object], told: list[str]
) -> None:
    assert setting_changes(old, new) == told


def test_a_long_group_is_counted() -> None:
    network = {"network": {"arch": "resnet101", "head": {"rates": [1, 2, 3], "channels": 32}, "weights": "none"}}
    long = {"methods": network | {"steps": [{"kind": "min_area", "min_area": 10}]}}
    assert setting_changes({}, long) == ["methods: new, 6 keys"]
    assert setting_changes(long, {}) == ["methods: 6 keys → no longer set"]


def test_a_pair_is_the_list_that_json_makes_of_it() -> None:
    assert setting_changes({"a": [1, 2]}, {"a": (1, 2)}) == []


def test_names_that_differ_or_are_on_one_side_only() -> None:
    assert changed_names({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "3"}) == ["b", "c", "d"]
