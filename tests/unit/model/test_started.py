"""Networks that start from a model of hepaflow: its networks have to fit, and what they have seen is told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load
from small_model import UNET, small_model, small_plan

from hepaflow.errors import UserError
from hepaflow.methods.learned_from import started_from
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.bundle import read_bundle
from hepaflow.model.origin import ORIGIN, Origin, read_origin, with_starts
from hepaflow.model.started import check_starts
from hepaflow.names import network_member
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import named_tensors
from hepaflow.settings.plan import Plan
from hepaflow.settings.workflow import read_settings

BOTH = {"liver": {}, "lesion": {"training": {"start": "backbone"}}}
DRAWN = Origin(True, "trunks.tsv", 0, 24, {"liver": 0.9}, drawn_phantoms=6000)
PATIENTS = Origin(False, "lits.tsv", 131, 0, {})
STORED = Origin(True, "demo.tsv", 22, 4, {})


def method(**changes: Any) -> dict[str, Any]:
    return {"network": UNET, "stages": BOTH} | changes


def plan_with(weights: Path | str, **changes: Any) -> Plan:
    """Return the plan of a run with a method whose networks start from weights."""
    mine = method(**changes)
    methods = {"mine": mine | {"network": mine["network"] | {"weights": str(weights)}}}
    return plan_of(read_settings({"size": 32, "methods": methods}))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"), plan=small_plan("mine", methods={"mine": method()}))


def test_a_network_starts_with_all_weights_of_the_models(model: Path) -> None:
    plan = plan_with(model)
    check_starts(plan)
    for stage in ("liver", "lesion"):
        training = plan.methods["mine"][stage].training
        assert training is not None
        assert training.start is None
        torch.manual_seed(99)
        found = named_tensors(build_network(training.settings.network))
        stored = load(read_bundle(model).network(stage, "mine"))
        assert found.keys() == stored.keys()
        assert all(torch.equal(found[name], stored[name]) for name in stored)


def test_an_earlier_stage_wins_over_the_model(model: Path) -> None:
    planned = plan_with(model, stages={"liver": {}, "lesion": {}}).methods["mine"]["lesion"]
    assert planned.training is not None
    assert planned.training.start == "liver"
    assert planned.training.settings.network.weights == "none"
    assert planned.training.settings.network.weights_of is None


def test_a_model_knows_nothing_of_how_its_networks_started(model: Path) -> None:
    plan = plan_with(model)
    assert model_of(plan, "mine") == small_plan("mine", methods={"mine": method()})
    assert started_from(plan, model_of(plan, "mine")) == [str(model)]
    assert started_from(plan_with("none"), model_of(plan, "mine")) == []


@pytest.mark.parametrize(
    ("changes", "found", "expected"),
    [
        ({"network": UNET | {"arch": "unet2015"}}, "arch: unet", "arch: unet2015"),
        (
            {"sampling": {"kind": "slabs", "slices": 3}},
            "sampling.kind: slices, no sampling.slices",
            "sampling.kind: slabs, sampling.slices: 3",
        ),
        (
            {"network": {"arch": "resnet50", "decoder": {"kind": "unet"}}},
            "arch: unet, no decoder",
            "arch: resnet50, decoder.kind: unet",
        ),
    ],
)
def test_another_network_is_told_before_the_run(
    model: Path, changes: dict[str, Any], found: str, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        check_starts(plan_with(model, **changes))
    assert f"another network for the liver stage of mine: {found}" in str(caught.value)
    assert f"expected: {expected}" in str(caught.value)


def test_a_head_of_other_networks_does_not_count(model: Path) -> None:
    mine = method(network=UNET | {"weights": str(model)})
    check_starts(plan_of(read_settings({"size": 32, "head": {"channels": 64}, "methods": {"mine": mine}})))


def test_a_model_of_other_names_is_told_before_the_run(tmp_path: Path) -> None:
    other = small_model(tmp_path)
    with pytest.raises(UserError, match="a model without networks/liver/mine") as caught:
        check_starts(plan_with(other))
    assert "it has liver of first, liver of second, lesion of first, lesion of second" in str(caught.value)


def test_a_file_that_is_no_model_is_told_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "other.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="not readable as a model"):
        check_starts(plan_with(tmp_path / "other.zip"))


@pytest.mark.parametrize(
    ("content", "found"),
    [(None, "no such model"), (b"PK", "the model cannot be read"), ("model", "a model without")],
)
def test_a_training_tells_what_is_wrong_with_a_model(
    tmp_path: Path, model: Path, content: bytes | str | None, found: str
) -> None:
    """The file may have changed since the run began."""
    path = tmp_path / "m.zip"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else model.read_bytes())
    training = plan_with(path).methods["mine"]["liver"].training
    assert training is not None
    network = training.settings.network.model_copy(update={"weights_of": network_member("liver", "another")})
    with pytest.raises(UserError, match=found):
        build_network(network)


def test_weights_of_a_model_that_do_not_fit_are_not_deleted(tmp_path: Path, model: Path) -> None:
    training = plan_with(model).methods["mine"]["liver"].training
    assert training is not None
    with pytest.raises(UserError, match="cannot load") as caught:
        build_network(training.settings.network, channels=3)
    assert "name a model with this network in `weights`" in str(caught.value)
    assert "delete" not in str(caught.value)


@pytest.mark.parametrize(
    ("own", "started", "of_patients", "drawn"),
    [
        (DRAWN, [], False, 6000),
        (DRAWN, [DRAWN], False, 12000),
        (DRAWN, [DRAWN, replace(DRAWN, drawn_phantoms=None, train=22)], False, 12022),
        (DRAWN, [PATIENTS], True, 6000),
        (DRAWN, [None], True, 6000),
        (DRAWN, [replace(DRAWN, weights_of_files=True)], True, 6000),
        (PATIENTS, [DRAWN], True, None),
        (STORED, [DRAWN], False, 6022),
        (STORED, [STORED], False, None),
        (STORED, [PATIENTS], True, None),
    ],
)
def test_what_models_have_seen_that_networks_start_from_counts(
    own: Origin, started: list[Origin | None], of_patients: bool, drawn: int | None
) -> None:
    told = with_starts(own, started)
    assert (told.of_patients, told.drawn_phantoms) == (of_patients, drawn)
    assert told.train == own.train


def test_phantoms_that_start_from_a_patients_model_are_not_called_phantoms_alone() -> None:
    for own in (DRAWN, STORED):
        for started in (PATIENTS, None):
            told = with_starts(own, [started])
            assert told.in_short == "phantoms, from other weights"
            assert "no patient" not in told.in_words
            assert not told.of_simple_phantoms


@pytest.mark.parametrize("model", [DRAWN, STORED, PATIENTS])
def test_a_run_that_trains_nothing_is_the_model_that_it_takes_with_its_own_scores(model: Origin) -> None:
    own = Origin(False, "mine.tsv", 0, 7, {"liver": 0.5}, drawn_phantoms=0)
    told = with_starts(own, [model])
    assert told == replace(model, test=7, dice={"liver": 0.5}, test_phantoms=False)
    assert told.in_words == model.in_words.partition(";")[0] + "; test Dice liver 0.500 (7 exams)"
    assert Origin.of_json(json.dumps(told.as_json())) == told


def test_what_a_model_was_made_from_is_read_alone(tmp_path: Path, model: Path) -> None:
    assert read_origin(model) is None
    assert read_origin(small_model(tmp_path, **{ORIGIN: json.dumps(DRAWN.as_json())})) == DRAWN
