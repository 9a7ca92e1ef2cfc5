"""What a model has learned from: exams of the run, or phantoms that are drawn in their place."""

from hepaflow.methods.plan import learns_from_exams, networks_of, votes_of
from hepaflow.names import FUSION
from hepaflow.settings.plan import Plan
from hepaflow.settings.training import TrainSettings


def learned_from_exams(plan: Plan, model: Plan) -> bool:
    """Return whether any network of a model is trained on exams, or the weights of its fusion are fitted on them.

    Parameters
    ----------
    plan : Plan
        The run's, which says how networks come about.
    model : Plan
        The part of it that segments an exam.
    """
    on_exams = any(learns_from_exams(plan, method, stage) for method, stage in networks_of(model))
    return bool(votes_of(model)) or on_exams


def drawn_for(plan: Plan, model: Plan) -> list[str]:
    """Return the kinds of phantoms that are drawn in the place of training exams; none if exams are used."""
    if learned_from_exams(plan, model):
        return []
    recipes = [one.training for one in _trainings(plan, model)]
    return sorted({recipe.drawn.kind for recipe in recipes if recipe.drawn is not None and recipe.epochs})


def phantoms_drawn(plan: Plan, model: Plan) -> int:
    """Return how many phantoms are drawn for the trainings of a model, a patch of each."""
    recipes = [one.training for one in _trainings(plan, model)]
    return sum(
        one.epochs * (one.batches_per_epoch or 0) * one.batch_size for one in recipes if one.drawn is not None
    )


def started_from(plan: Plan, model: Plan) -> list[str]:
    """Return the files of the models that the networks of a run's model start from, without repetition."""
    networks = [one.network for one in _trainings(plan, model)]
    return list(dict.fromkeys(one.weights for one in networks if one.weights_of is not None))


def _trainings(plan: Plan, model: Plan) -> list[TrainSettings]:
    trainings = [plan.methods[method][stage].training for method, stage in networks_of(model)]
    return [training.settings for training in trainings if training is not None]


def is_fusion(model: Plan) -> bool:
    """Return whether a model is the fusion, whose networks' disagreement a run measures on its test exams."""
    return model.result == FUSION
