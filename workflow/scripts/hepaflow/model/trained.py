"""A trained model, read from its file or from the files of a run."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from hepaflow.errors import UserError
from hepaflow.files import sha256
from hepaflow.masks.fusion import Fusion
from hepaflow.model.members import SETTINGS, fusion_member, network_member, weight_members
from hepaflow.names import STAGES
from hepaflow.settings.inference import InferenceSettings
from hepaflow.settings.training import Precision


@dataclass(frozen=True)
class TrainedModel:
    """All that decides how an exam is segmented.

    Attributes
    ----------
    path : Path
        Where it was read from.
    settings : InferenceSettings
    fusion : dict of str to Fusion
        By stage; with the networks' names in the settings' order.
    digests : dict of str to str
        SHA-256 of the settings, of every network and of the fusion weights, by their names in a bundle.
    read : callable
        Returns the content of a network, by that name.
    """

    path: Path
    settings: InferenceSettings
    fusion: dict[str, Fusion]
    digests: dict[str, str]
    read: Callable[[str], bytes]

    def network(self, stage: str, backbone: str) -> bytes:
        """Return the weights of a network, in the safetensors format.

        Raises
        ------
        UserError
            If they are not what they were when the model was read, or what its manifest says.
        """
        name = network_member(stage, backbone)
        content = self.read(name)
        if hashlib.sha256(content).hexdigest() != self.digests[name]:
            raise wrong(self.path, f"{name} with another content than the manifest says")
        return content

    @property
    def identity(self) -> dict[str, str]:
        """What tells this model from others that segment otherwise, to be written beside what it segments."""
        networks = [f"{name} ({each.network.arch})" for name, each in self.settings.networks.items()]
        digest = hashlib.sha256(json.dumps(self.digests, sort_keys=True).encode()).hexdigest()
        return {"model": digest[:16], "networks": ", ".join(networks), "precision": self.precision}

    @property
    def precision(self) -> Precision:
        """Arithmetic of the networks, which is one."""
        return next(iter(self.settings.networks.values())).precision

    def predicting_in(self, precision: Precision) -> Self:
        """Return this model with another arithmetic of its networks: another model, for its masks can differ."""
        if precision == self.precision:
            return self
        networks = {
            name: network.model_copy(update={"precision": precision})
            for name, network in self.settings.networks.items()
        }
        settings = self.settings.model_copy(update={"networks": networks})
        return replace(self, settings=settings, digests=self.digests | {SETTINGS: _digest(settings)})


def model_of_run(settings: InferenceSettings, networks: Sequence[Path], fusion: Sequence[Path]) -> TrainedModel:
    """Take a model from the files of a run, without what a bundle tells besides.

    Parameters
    ----------
    settings : InferenceSettings
    networks : sequence of Path
        Weights of all networks, the liver's first, each stage in the settings' order.
    fusion : sequence of Path
        Fusion weights of the liver and of lesions.
    """
    files = dict(zip(weight_members(settings.networks), [*networks, *fusion], strict=True))
    digests = {name: sha256(file) for name, file in files.items()}
    digests[SETTINGS] = _digest(settings)
    weights: dict[str, Fusion] = {stage: Fusion.load(files[fusion_member(stage)]) for stage in STAGES}
    return TrainedModel(networks[0].parents[1], settings, weights, digests, lambda name: files[name].read_bytes())


def _digest(settings: InferenceSettings) -> str:
    return hashlib.sha256(settings.canonical().encode()).hexdigest()


def wrong(path: Path, found: str) -> UserError:
    return UserError(
        found,
        file=path,
        expected="hepaflow-model.zip as a finished run makes it",
        remedy="copy the file again, or let the run bundle it again",
    )
