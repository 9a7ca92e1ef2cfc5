"""Exact reruns: for every setting, exactly what follows from it would run again."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from reruns import (
    KEYS,
    OF_AVERAGES,
    OF_METHODS,
    OF_NETWORKS,
    OF_OTHERS,
    WITHOUT_ANOTHER_VALUE,
    Finished,
    following,
    label,
    with_value,
)
from smoke_run import SMOKE

from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import Settings


def leaves(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield the path of every key of a settings model that is no group of others.

    What stands for one of several groups, an optimiser say, is one key, and so is what is chosen by its kind.
    """
    for name, field in model.model_fields.items():
        inner = [kind for kind in models_in(field.annotation) if issubclass(kind, BaseModel)]
        named = "dict" in str(field.annotation)
        if inner and (named or (len(inner) == 1 and "kind" not in inner[0].model_fields)):
            for kind in inner:
                yield from leaves(kind, f"{path}{name}{'.NAME' if named else ''}.")
        else:
            yield path + name


def models_in(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not get_args(annotation):
        return [annotation]
    return [kind for part in get_args(annotation) for kind in models_in(part)]


def test_every_key_is_in_the_table() -> None:
    elsewhere = WITHOUT_ANOTHER_VALUE | OF_METHODS | OF_NETWORKS | OF_AVERAGES | OF_OTHERS
    # A coarse liver and drawn phantoms, which a method of slices cannot have: tried in `test_added_methods.py`.
    elsewhere |= {key for key in leaves(Settings) if ".stages.coarse." in key or key.endswith(".drawn")}
    assert set(leaves(Settings)) == set(KEYS) | elsewhere


@pytest.mark.parametrize("key", KEYS)
def test_a_key_reruns_exactly_what_follows_from_it(finished: Finished, key: str) -> None:
    value, expected = following(key)
    assert finished.would_run(with_value(key, value)) == expected


@pytest.mark.parametrize("key", ["training.lesion.epochs", "postprocessing.lesion.min_area", "contrast.tiles"])
def test_the_explanation_names_the_key_with_both_values(finished: Finished, key: str) -> None:
    value, expected = following(key)
    jobs = [job for job in finished.planned(with_value(key, value)) if job.runs]
    told = [job for job in jobs if any(f"{key.split('.')[-1]}: " in reason for reason in job.reasons)]
    assert told
    assert {label(job) for job in jobs if job not in told} | {label(job) for job in told} == expected
    for job in jobs:
        assert job in told or all(reason.startswith("follows from: ") for reason in job.reasons)


def test_steps_do_not_count_for_the_solver_that_takes_none() -> None:
    settings = [
        Settings.model_validate_json(json.dumps({"fusion": {"solver": "newton", "sgd": change}}))
        for change in ({}, {"learning_rate": 3}, {"momentum": 0.1}, {"epochs": 9}, {"batch_size": 64})
    ]
    assert len({plan_of(one).methods["fusion"]["liver"].canonical() for one in settings}) == 1


@pytest.mark.parametrize(
    "swapped",
    [
        {
            "training": {
                **SMOKE["training"],
                "liver": {**SMOKE["training"]["liver"], "momentum": 0.5, "decay_factor": 0.9},
            }
        },
        {"backbones": {"dense": SMOKE["backbones"]["plain"], "plain": SMOKE["backbones"]["dense"]}},
        {"samples": {"count": 11, "seed": 2}},
        {
            "window": {"low": -250, "high": 250},
            "postprocessing": {"liver": {"max_distance": 1}, "lesion": {"min_area": 200}},
        },
    ],
    ids=["of one group", "of two backbones", "of a figure", "of two groups"],
)
def test_values_that_change_places_are_noticed(finished: Finished, swapped: dict[str, Any]) -> None:
    assert finished.would_run(SMOKE | swapped)
