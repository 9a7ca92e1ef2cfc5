"""Questions to a plan: what a method consists of, and in which order it comes about."""

from collections.abc import Iterator

from hepaflow.settings.plan import Plan, PlannedStage
from hepaflow.settings.training import Precision

Step = tuple[str, str]
"""A method and one of its stages."""


def stages_of(plan: Plan, method: str) -> dict[str, str]:
    """Return the stage of a method that shows each structure, earlier stages first."""
    stages = plan.methods[method]
    return {
        stages[stage].structure: stage for stage in sorted(stages, key=lambda stage: depth(plan, method, stage))
    }


def depth(plan: Plan, method: str, stage: str) -> int:
    """Return how many earlier stages the data of a stage lie within."""
    within = plan.data[plan.methods[method][stage].data].within
    return 0 if within is None else 1 + depth(plan, within.method, within.stage)


def steps_to(plan: Plan, method: str) -> list[Step]:
    """Return all that the label map of a method follows from, each step behind those that it needs."""
    found: dict[Step, None] = {}
    for stage in stages_of(plan, method).values():
        _add(plan, (method, stage), found)
    return list(found)


def _add(plan: Plan, step: Step, found: dict[Step, None]) -> None:
    if step not in found:
        for needed in _needed(plan, step):
            _add(plan, needed, found)
        found[step] = None


def _needed(plan: Plan, step: Step) -> Iterator[Step]:
    method, stage = step
    planned = plan.methods[method][stage]
    within = plan.data[planned.data].within
    if within is not None:
        yield within.method, within.stage
    if planned.region is not None:
        yield planned.region.method, planned.region.stage
    yield from ((one, stage) for one in joined_by(planned))


def joined_by(planned: PlannedStage) -> tuple[str, ...]:
    """Return the methods whose masks or maps a stage joins; none for a network."""
    joining = planned.vote or planned.average
    return () if joining is None else joining.of


def networks_of(plan: Plan) -> list[Step]:
    """Return every step that a network makes, by stage, earlier stages first, then by name."""
    return _sorted(plan, [step for step in _steps(plan) if _planned(plan, step).network is not None])


def votes_of(plan: Plan) -> list[Step]:
    """Return every step that a vote makes, by stage, earlier stages first, then by name."""
    return _sorted(plan, [step for step in _steps(plan) if _planned(plan, step).vote is not None])


def averages_of(plan: Plan) -> list[Step]:
    """Return every step that an average makes, by stage, earlier stages first, then by name."""
    return _sorted(plan, [step for step in _steps(plan) if _planned(plan, step).average is not None])


def _steps(plan: Plan) -> list[Step]:
    return [(method, stage) for method, stages in plan.methods.items() for stage in stages]


def _planned(plan: Plan, step: Step) -> PlannedStage:
    method, stage = step
    return plan.methods[method][stage]


def _sorted(plan: Plan, steps: list[Step]) -> list[Step]:
    def place(step: Step) -> tuple[int, str, str]:
        method, stage = step
        return depth(plan, method, stage), stage, method

    return sorted(steps, key=place)


def data_for(plan: Plan, method: str, stage: str, split: str) -> str:
    """Return the name of the data on which a stage of a method finds the exams of a split."""
    planned = plan.methods[method][stage]
    trained_on = planned.training.data if split == "train" and planned.training else None
    return trained_on or planned.data


def learns_from_exams(plan: Plan, method: str, stage: str) -> bool:
    """Return whether the network of a stage is trained on exams; others draw phantoms, or stay as they are."""
    training = plan.methods[method][stage].training
    return training is not None and training.data is not None


def predictions_of(plan: Plan) -> list[tuple[str, str, str]]:
    """Return network, stage and split of all that a run predicts: the training exams for votes to learn from."""
    fused = [(network, step[1]) for step in votes_of(plan) for network in joined_by(_planned(plan, step))]
    return [*((*step, "test") for step in networks_of(plan)), *((*step, "train") for step in fused)]


def model_of(plan: Plan, method: str) -> Plan:
    """Return the part of a plan that segments an exam by one method, without how its networks came about."""
    methods: dict[str, dict[str, PlannedStage]] = {}
    for one, stage in steps_to(plan, method):
        methods.setdefault(one, {})[stage] = _trained(plan.methods[one][stage])
    named = {planned.data for stages in methods.values() for planned in stages.values()}
    return Plan(data={name: plan.data[name] for name in sorted(named)}, methods=methods, result=method)


def _trained(planned: PlannedStage) -> PlannedStage:
    vote = None if planned.vote is None else planned.vote.model_copy(update={"fit": None})
    return planned.model_copy(update={"training": None, "vote": vote})


def predicting_in(plan: Plan, precision: Precision) -> Plan:
    """Return a plan whose networks predict with an arithmetic."""
    return plan.model_copy(
        update={
            "methods": {
                method: {stage: _in(planned, precision) for stage, planned in stages.items()}
                for method, stages in plan.methods.items()
            }
        }
    )


def _in(planned: PlannedStage, precision: Precision) -> PlannedStage:
    if planned.network is None:
        return planned
    return planned.model_copy(update={"network": planned.network.model_copy(update={"precision": precision})})
