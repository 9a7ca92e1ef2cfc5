"""A trained model, read from its file or from the files of a run."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from hepaflow.errors import UserError
from hepaflow.masks.fusion import Fusion
from hepaflow.methods.plan import Step, networks_of, predicting_in, votes_of
from hepaflow.model.members import SETTINGS, content_of, vote_member, weight_members
from hepaflow.names import network_member
from hepaflow.settings.plan import Plan
from hepaflow.settings.training import Precision, PredictSettings


@dataclass(frozen=True)
class TrainedModel:
    """All that decides how an exam is segmented.

    Attributes
    ----------
    path : Path
        Where it was read from.
    plan : Plan
        What is computed of an exam.
    fusion : dict of (str, str) to Fusion
        The weights of each vote, by its name and stage.
    digests : dict of str to str
        SHA-256 of the settings, of every network and of the fusion weights, by their names in a bundle.
    read : callable
        Returns the content of a network, by that name.
    """

    path: Path
    plan: Plan
    fusion: dict[Step, Fusion]
    digests: dict[str, str]
    read: Callable[[str], bytes]

    def network(self, stage: str, network: str) -> bytes:
        """Return the weights of a network, in the safetensors format.

        Raises
        ------
        UserError
            If they are not what they were when the model was read, or what its manifest says.
        """
        name = network_member(stage, network)
        content = self.read(name)
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise wrong(self.path, f"{name} with another content than the manifest says")
        return content

    @property
    def identity(self) -> dict[str, str]:
        """What tells this model from others that segment otherwise, to be written beside what it segments."""
        archs = {step[0]: settings.network.arch for step, settings in self._networks().items()}
        networks = ", ".join(f"{name} ({arch})" for name, arch in archs.items())
        digest = hashlib.sha256(json.dumps(self.digests, sort_keys=True).encode()).hexdigest()
        return {"model": digest[:16], "networks": networks, "precision": self.precision}

    @property
    def precision(self) -> Precision:
        """Arithmetic of the networks, which is one."""
        return next(iter(self._networks().values())).precision

    def _networks(self) -> dict[Step, PredictSettings]:
        planned = {step: self.plan.methods[step[0]][step[1]].network for step in networks_of(self.plan)}
        return {step: settings for step, settings in planned.items() if settings is not None}

    def predicting_in(self, precision: Precision) -> Self:
        """Return this model with another arithmetic of its networks: another model, for its masks can differ."""
        plan = predicting_in(self.plan, precision)
        if plan == self.plan:
            return self
        return replace(self, plan=plan, digests=self.digests | {SETTINGS: _digest(plan)})


def model_of_run(plan: Plan, networks: Sequence[Path], votes: Sequence[Path]) -> TrainedModel:
    """Take a model from the files of a run, without what a bundle tells besides.

    Parameters
    ----------
    plan : Plan
        That of the method which the model is to have.
    networks, votes : sequence of Path
        Weights of all its networks and votes, in the order of `weight_members`.
    """
    files = dict(zip(weight_members(plan), [*networks, *votes], strict=True))

    def read(name: str) -> bytes:
        return content_of(plan, name, files[name])

    digests = {name: hashlib.sha256(read(name)).hexdigest() for name in files}
    digests[SETTINGS] = _digest(plan)
    weights = {(vote, stage): Fusion.load(files[vote_member(stage, vote)]) for vote, stage in votes_of(plan)}
    return TrainedModel(networks[0].parents[1], plan, weights, digests, read)


def _digest(plan: Plan) -> str:
    return hashlib.sha256(plan.canonical().encode()).hexdigest()


def wrong(path: Path, found: str) -> UserError:
    return UserError(
        found,
        file=path,
        expected="hepaflow-model.zip as a finished run makes it",
        remedy="copy the file again, or let the run bundle it again",
    )
