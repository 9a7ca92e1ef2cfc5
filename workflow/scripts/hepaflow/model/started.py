"""Models of hepaflow that networks of a run start from: whether they fit."""

from collections.abc import Mapping
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.methods.plan import networks_of
from hepaflow.methods.words import leaves, value_in_words
from hepaflow.names import network_member
from hepaflow.settings.network import has_head
from hepaflow.settings.plan import Plan


def check_starts(plan: Plan) -> None:
    """Check that every network which starts from a model's is of the same kind as that one.

    Raises
    ------
    UserError
        If a model cannot be read, lacks a network, or its network has other settings or sees other pieces.
    """
    found: dict[Path, Plan] = {}
    for method, stage in networks_of(plan):
        training = plan.methods[method][stage].training
        if training is not None and training.settings.network.weights_of is not None:
            from hepaflow.model.bundle import read_bundle  # pandas takes half a second to import

            path = Path(training.settings.network.weights)
            if path not in found:
                found[path] = read_bundle(path).plan
            _check_start(plan, found[path], path, method, stage)


def _check_start(plan: Plan, started: Plan, path: Path, method: str, stage: str) -> None:
    own, their = _kind(plan, method, stage), _kind(started, method, stage)
    if not their:
        names = ", ".join(f"{stage} of {method}" for method, stage in networks_of(started))
        raise UserError(
            f"a model without {network_member(stage, method)}",
            file=path,
            expected=f"the networks that start from it: {stage} of {method}",
            remedy=f"it has {names}; give the method the name that it has in the model, or `weights: none`",
        )
    if own != their:
        raise UserError(
            f"another network for the {stage} stage of {method}: {_differing(their, own)}",
            file=path,
            expected=_differing(own, their),
            remedy="give the method the network and sampling of the model, or `weights: none`",
        )


def _kind(plan: Plan, method: str, stage: str) -> dict[str, object]:
    """Return all that the weights of a network depend on, by the names of settings; nothing if there is none."""
    planned = plan.methods.get(method, {}).get(stage)
    settings = None if planned is None else planned.network
    if settings is None:
        return {}
    # Dropout has no weights, and settings of a head may stand where there is none.
    head: bool | set[str] = {"dropout"} if has_head(settings.network) else True
    without: Mapping[str, bool | set[str]] = {"weights": True, "weights_of": True, "head": head}
    network = settings.network.model_dump(mode="json", exclude=without, exclude_none=True)
    sampling = settings.sampling.model_dump(mode="json", include={"kind", "slices"}, exclude_none=True)
    return dict(leaves(network | {"sampling": sampling, "with_region": bool(settings.with_region)}))


def _differing(kind: dict[str, object], other: dict[str, object]) -> str:
    """Return the settings of a kind that another lacks or has with other values, and which it lacks itself."""
    own = [f"{name}: {value_in_words(value)}" for name, value in kind.items() if other.get(name) != value]
    return ", ".join([*own, *(f"no {name}" for name in other if name not in kind)])
