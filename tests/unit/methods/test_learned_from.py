"""Whether a model's networks have learned from exams, and what was drawn for them if not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hepaflow.methods.learned_from import drawn_for, is_fusion, learned_from_exams, phantoms_drawn
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import read_settings

OPEN = yaml.safe_load((Path(__file__).parents[3] / "config/open.yaml").read_text(encoding="utf-8"))
DRAWN = {"drawn": {"kind": "trunk"}}


def asked(config: dict[str, Any]) -> tuple[bool, list[str], bool]:
    settings = read_settings(config)
    plan = plan_of(settings)
    model = model_of(plan, settings.result)
    return learned_from_exams(plan, model), drawn_for(plan, model), is_fusion(model)


def _mixed() -> dict[str, Any]:
    """Return the open model with a liver that learns from exams."""
    method = OPEN["methods"]["open"]
    own = {name: value for name, value in method["training"].items() if name != "drawn"}
    stages = {
        name: stage | {"training": stage.get("training", {}) | ({} if name == "liver" else DRAWN)}
        for name, stage in method["stages"].items()
    }
    return OPEN | {"methods": {"open": method | {"training": own, "stages": stages}}}


def _untrained(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration whose method takes the networks of a model unchanged."""
    method = config["methods"]["open"]
    nothing = {"epochs": 0, "start": "backbone"}
    stages = {
        name: stage | {"training": stage.get("training", {}) | nothing} for name, stage in method["stages"].items()
    }
    network = method["network"] | {"weights": "model.zip"}
    return config | {"methods": {"open": method | {"network": network, "stages": stages}}}


def _kept(**config: Any) -> dict[str, Any]:
    """Return a configuration whose backbones are networks of a model, unchanged."""
    nothing = {"epochs": 0, "start": "backbone"}
    backbone = {"arch": "unet", "weights": "model.zip", "training": {"liver": nothing, "lesion": nothing}}
    return {"backbones": {"one": backbone, "two": backbone}} | config


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, (True, [], True)),
        (_kept(), (True, [], True)),
        (_kept(model="one"), (True, [], False)),  # it looks for lesions in the fusion's liver
        (_kept() | OPEN | {"backbones": _kept()["backbones"]}, (False, ["trunk"], False)),
        ({"backbones": {"one": {"arch": "unet", "weights": "none"}}, "model": "one"}, (True, [], False)),
        (OPEN, (False, ["trunk"], False)),
        (_mixed(), (True, [], False)),
        (_untrained(OPEN), (False, [], False)),
        (_untrained(_mixed()), (False, [], False)),
    ],
    ids=[
        "the thesis",
        "a fusion of networks as they are",
        "one of these networks",
        "drawn phantoms beside them",
        "one network",
        "drawn phantoms",
        "both",
        "nothing",
        "nothing of both",
    ],
)
def test_what_a_model_has_learned_from(config: dict[str, Any], expected: tuple[bool, list[str], bool]) -> None:
    assert asked(config) == expected


def test_a_fusion_of_networks_as_they_are_needs_training_exams() -> None:
    assert read_settings(_kept()).learns_from_exams
    assert not read_settings(_untrained(OPEN)).learns_from_exams


@pytest.mark.parametrize(
    ("config", "expected"),
    [({}, 0), (OPEN, (20 + 50 + 32) * 50 * 2), (_untrained(OPEN), 0)],
    ids=["the thesis", "drawn", "nothing"],
)
def test_every_patch_is_of_another_phantom(config: dict[str, Any], expected: int) -> None:
    settings = read_settings(config)
    plan = plan_of(settings)
    assert phantoms_drawn(plan, model_of(plan, settings.result)) == expected
