"""The names that settings allow are those of the tables that a training looks them up in."""

from collections.abc import Mapping
from typing import Any, get_args

import pytest

from hepaflow.settings.augmentation import Augmentation
from hepaflow.settings.average import Average
from hepaflow.settings.loss import AnyTerm, LossName
from hepaflow.settings.optimiser import Optimiser
from hepaflow.settings.schedule import Schedule
from hepaflow.training.augmentations import AUGMENTATIONS
from hepaflow.training.averages import AVERAGES
from hepaflow.training.losses import LOSSES
from hepaflow.training.optimisers import OPTIMISERS
from hepaflow.training.schedules import SCHEDULES


def kinds(union: Any) -> list[str]:
    """Return the names of the settings that stand for one another."""
    models = get_args(get_args(union)[0]) if get_args(union) else [union]
    return [name for model in models for name in get_args(model.model_fields["kind"].annotation)]


def test_losses() -> None:
    assert list(dict.fromkeys([*get_args(LossName), *kinds(AnyTerm)])) == list(LOSSES)


@pytest.mark.parametrize(
    ("union", "table"),
    [(Optimiser, OPTIMISERS), (Schedule, SCHEDULES), (Augmentation, AUGMENTATIONS), (Average, AVERAGES)],
    ids=["optimisers", "schedules", "augmentations", "averages"],
)
def test_kinds(union: Any, table: Mapping[str, Any]) -> None:
    assert kinds(union) == list(table)


@pytest.mark.parametrize("table", [LOSSES, OPTIMISERS, SCHEDULES, AUGMENTATIONS, AVERAGES])
def test_entries_are_functions_of_their_tables_module(table: Mapping[str, Any]) -> None:
    """So that fingerprints of code can leave out those that a training does not use."""
    modules = {function.__module__ for function in table.values()}
    assert len(modules) == 1
    assert "hepaflow.training." in modules.pop()
