"""Questions to a plan: each step stands behind what it needs, and a model has what it needs and no more."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepaflow.methods.plan import (
    Step,
    data_for,
    depth,
    model_of,
    networks_of,
    predicting_in,
    predictions_of,
    stages_of,
    steps_to,
    votes_of,
)
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.plan import Plan, PlannedData, PlannedStage, PlannedTraining, PlannedVote, Region
from hepaflow.settings.postprocess import MinArea
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings
from hepaflow.settings.training import PredictSettings, TrainingSettings, TrainSettings
from hepaflow.settings.workflow import read_settings

quick = settings(max_examples=80, deadline=None, derandomize=True)
STAGES = ("a", "b", "c", "d")
NETWORK = NetworkSettings(arch="unet", weights="none")
TRAINING = PlannedTraining(
    data="whole",
    settings=TrainSettings(
        network=NETWORK,
        training=TrainingSettings(epochs=1, learning_rate=0.1, decay_factor=1, decay_every=1),
        precision="fp32",
        seed=0,
    ),
)
WHOLE = PreprocessSettings(preprocessing=LiverSlicesSettings(window=WindowSettings(), size=32), structure="a")


def network(stage: str, data: str) -> PlannedStage:
    predict = PredictSettings(network=NETWORK, precision="fp32")
    steps = (MinArea(kind="min_area"),)
    return PlannedStage(structure=stage, data=data, network=predict, training=TRAINING, postprocessing=steps)


def vote(stage: str, data: str, of: tuple[str, ...]) -> PlannedStage:
    fit = FitFusionSettings(solver=FusionSettings(), of=of, seed=0)
    return PlannedStage(structure=stage, data=data, vote=PlannedVote(of=of, fit=fit), postprocessing=())


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Networks and votes of votes over one to four stages, each within the stage before it of any method."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 3)))]
    votes = [f"v{number}" for number in range(draw(st.integers(0, 2)))]
    data = {"whole": PlannedData(preprocess=WHOLE)}
    methods: dict[str, dict[str, PlannedStage]] = {name: {} for name in draw(st.permutations([*names, *votes]))}
    for index, stage in enumerate(STAGES[: draw(st.integers(1, 4))]):
        own = ["whole"]
        if index:
            own = []
            for region in draw(st.lists(st.sampled_from([*names, *votes]), min_size=1, unique=True)):
                within = Region(method=region, stage=STAGES[index - 1])
                data[f"{stage}-{region}"] = PlannedData(preprocess=WHOLE, within=within)
                own.append(f"{stage}-{region}")
        # Voters see what their vote sees: the grid of its masks.
        shared = draw(st.sampled_from(own))
        for name in names:
            methods[name][stage] = network(stage, shared if votes else draw(st.sampled_from(own)))
        for number, name in enumerate(votes):
            voters = draw(st.lists(st.sampled_from([*names, *votes[:number]]), min_size=1, unique=True))
            methods[name][stage] = vote(stage, shared, tuple(voters))
    return Plan(data=data, methods=methods)


def needed(plan: Plan, step: Step) -> set[Step]:
    method, stage = step
    planned = plan.methods[method][stage]
    within = plan.data[planned.data].within
    found = {(within.method, within.stage)} if within else set()
    return found | ({(voter, stage) for voter in planned.vote.of} if planned.vote else set())


def closure(plan: Plan, method: str) -> set[Step]:
    """All that the stages of a method need, and what that needs."""
    found: set[Step] = set()
    waiting = {(method, stage) for stage in plan.methods[method]}
    while waiting:
        step = waiting.pop()
        found.add(step)
        waiting |= needed(plan, step) - found
    return found


@quick
@given(plans())
def test_every_step_stands_behind_what_it_needs(plan: Plan) -> None:
    for method in plan.methods:
        steps = steps_to(plan, method)
        assert len(steps) == len(set(steps))
        assert set(steps) == closure(plan, method)
        for number, step in enumerate(steps):
            assert needed(plan, step) <= set(steps[:number])


@quick
@given(plans())
def test_depth_counts_the_stages_around_a_stage(plan: Plan) -> None:
    for method, stages in plan.methods.items():
        for stage in stages:
            assert depth(plan, method, stage) == STAGES.index(stage)
        assert list(stages_of(plan, method).items()) == [(stage, stage) for stage in STAGES[: len(stages)]]


@quick
@given(plans())
def test_networks_and_votes_share_all_steps_by_stage_and_name(plan: Plan) -> None:
    networks, votes = networks_of(plan), votes_of(plan)
    assert {*networks, *votes} == {(name, stage) for name, stages in plan.methods.items() for stage in stages}
    assert not set(networks) & set(votes)
    for steps in (networks, votes):
        assert steps == sorted(steps, key=lambda step: (step[1], step[0]))  # stages are named in their order
    assert all(plan.methods[name][stage].network for name, stage in networks)


@quick
@given(plans(), st.data())
def test_a_model_has_what_it_needs_and_no_more(plan: Plan, data: st.DataObject) -> None:
    method = data.draw(st.sampled_from(list(plan.methods)))
    if not any(plan.methods[name][stage].network for name, stage in steps_to(plan, method)):
        return
    model = model_of(plan, method)
    assert model.result == method
    steps = {(name, stage) for name, stages in model.methods.items() for stage in stages}
    assert steps == closure(plan, method)
    for name, stage in steps:
        own, whole = model.methods[name][stage], plan.methods[name][stage]
        assert own.training is None
        assert own.vote is None or own.vote.fit is None
        unchanged = {"training": None, "vote": own.vote}
        assert own == whole.model_copy(update=unchanged)
        assert own.vote is None or own.vote.of == whole.vote.of  # type: ignore[union-attr]
    assert model.data == {name: plan.data[name] for name in {model.methods[n][s].data for n, s in steps}}
    assert list(model.data) == sorted(model.data)
    assert steps_to(model, method) == steps_to(plan, method)
    assert model_of(model, method) == model
    assert "training" not in model.canonical()


@quick
@given(plans())
def test_a_plan_is_read_as_it_is_written(plan: Plan) -> None:
    again = Plan.model_validate_json(plan.canonical())
    assert again == plan
    assert again.canonical() == plan.canonical()


@quick
@given(plans())
def test_networks_predict_in_another_arithmetic_and_nothing_else_changes(plan: Plan) -> None:
    other = predicting_in(plan, "bf16")
    assert {other.methods[name][stage].network.precision for name, stage in networks_of(other)} == {"bf16"}
    assert predicting_in(other, "fp32") == plan
    assert votes_of(other) == votes_of(plan)
    assert other.data == plan.data


def test_stages_of_a_cascade_come_in_their_order_whatever_they_are_called() -> None:
    data = {
        "whole": PlannedData(preprocess=WHOLE),
        "inner": PlannedData(preprocess=WHOLE, within=Region(method="m", stage="zone")),
    }
    stages = {"about": network("lesion", "inner"), "zone": network("liver", "whole")}
    plan = Plan(data=data, methods={"m": stages})
    assert stages_of(plan, "m") == {"liver": "zone", "lesion": "about"}
    assert list(stages_of(plan, "m")) == ["liver", "lesion"]
    assert networks_of(plan) == steps_to(plan, "m") == [("m", "zone"), ("m", "about")]


def test_networks_of_one_model_predict_in_one_precision() -> None:
    two = {
        "one": {"a": network("a", "whole")},
        "other": {"a": predicting_in_bf16(network("a", "whole"))},
        "both": {"a": vote("a", "whole", ("one", "other"))},
    }
    run = Plan(data={"whole": PlannedData(preprocess=WHOLE)}, methods=two)  # a run may hold both
    with pytest.raises(ValueError, match="in one precision"):
        model_of(run, "both")
    assert model_of(run, "other").methods.keys() == {"other"}
    with pytest.raises(ValueError, match="in one precision"):
        Plan(data={}, methods={}, result="none")


def predicting_in_bf16(stage: PlannedStage) -> PlannedStage:
    assert stage.network is not None
    return stage.model_copy(update={"network": stage.network.model_copy(update={"precision": "bf16"})})


def test_what_a_run_predicts_and_on_which_data() -> None:
    """Training exams for the vote alone, on the data of the reference; a method beside it sees its own liver."""
    unet = {"arch": "unet", "weights": "none"}
    plan = plan_of(read_settings({"backbones": {"fused": unet}, "methods": {"apart": {"network": unet}}}))
    assert sorted(predictions_of(plan)) == [
        *(("apart", stage, "test") for stage in ("lesion", "liver")),
        *(("fused", stage, split) for stage in ("lesion", "liver") for split in ("test", "train")),
    ]
    assert data_for(plan, "apart", "lesion", "test") == "lesion-apart"
    assert data_for(plan, "apart", "lesion", "train") == data_for(plan, "fused", "lesion", "test") == "lesion"
    assert data_for(plan, "fusion", "liver", "train") == data_for(plan, "fusion", "liver", "test") == "liver"


def test_a_region_that_post_processing_looks_at_is_needed_wherever_the_data_lie() -> None:
    region = Region(method="other", stage="a")
    looking = network("b", "whole").model_copy(update={"region": region})
    methods = {"m": {"a": network("a", "whole"), "b": looking}, "other": {"a": network("a", "whole")}}
    plan = Plan(data={"whole": PlannedData(preprocess=WHOLE)}, methods=methods)
    assert steps_to(plan, "m") == [("m", "a"), ("other", "a"), ("m", "b")]
    model = model_of(plan, "m")
    assert model.methods.keys() == {"m", "other"}
    assert model.methods["m"]["b"].region == region
    assert model_of(plan, "other").methods.keys() == {"other"}
