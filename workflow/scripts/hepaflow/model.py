"""A trained model, read from its file or from the files of a run."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from hepaflow.bundle import (
    CARD,
    MANIFEST,
    PROVENANCE,
    SETTINGS,
    STAGES,
    fusion_member,
    manifest_of,
    member,
    network_member,
    of_another_version,
    opened,
    weight_members,
    wrong,
)
from hepaflow.files import sha256
from hepaflow.fusion import Fusion
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
        return {"model": digest[:16], "networks": ", ".join(networks), "precision": self.settings.precision}

    def predicting_in(self, precision: Precision) -> Self:
        """Return this model with another arithmetic of its networks: another model, for its masks can differ."""
        if precision == self.settings.precision:
            return self
        settings = self.settings.predicting_in(precision)
        return replace(self, settings=settings, digests=self.digests | {SETTINGS: _digest(settings)})


@dataclass(frozen=True)
class Bundle(TrainedModel):
    """A model that was read, and checked, from its file.

    Attributes
    ----------
    version : str
        Version of hepaflow that wrote it.
    provenance : dict
        What the networks were made from.
    card : str
        What the model is, on what data it was trained and how well it scored; Markdown.
    """

    version: str
    provenance: dict[str, Any]
    card: str


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
    weights = {stage: Fusion.load(files[fusion_member(stage)]) for stage in STAGES}
    return TrainedModel(networks[0].parents[1], settings, weights, digests, lambda name: files[name].read_bytes())


def read_bundle(path: Path | str) -> Bundle:
    """Read a bundle, and check every digest in it but those of the networks, which are checked as they are loaded.

    Raises
    ------
    UserError
        If the file is no bundle, of another format, incomplete, altered or damaged.
    """
    path = Path(path)
    with opened(path) as archive:
        manifest = manifest_of(archive)
        found = [info.filename for info in archive.infolist()]
        promised = [*manifest["sha256"], MANIFEST]
        if sorted(found) != sorted(promised):
            raise wrong(path, f"other members than its manifest names: {_difference(found, promised)}")
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise wrong(path, "compressed members")
        texts = {
            name: member(archive, name, manifest, path).decode()
            for name in (SETTINGS, PROVENANCE, CARD, *map(fusion_member, STAGES))
        }
    try:
        settings = InferenceSettings.model_validate_json(texts[SETTINGS])
    except ValidationError as error:
        keys = ", ".join(".".join(map(str, one["loc"])) for one in error.errors()[:5])
        known = f"settings that this hepaflow does not know: {keys}"
        raise of_another_version(path, known, manifest["hepaflow"]) from None
    weights = weight_members(settings.networks)
    missing = set(weights) - set(found)
    if missing:
        raise wrong(path, f"no {', '.join(sorted(missing))}")
    try:
        fusion = {stage: Fusion.of_json(texts[fusion_member(stage)]) for stage in STAGES}
        provenance: dict[str, Any] = json.loads(texts[PROVENANCE])
    except (ValueError, KeyError, TypeError) as error:
        raise wrong(path, f"members that are not what their names say ({error})") from None
    for stage, fused in fusion.items():
        if fused.backbones != tuple(settings.networks):
            raise wrong(path, f"fusion weights of {', '.join(fused.backbones)} for the {stage}")
    return Bundle(
        path,
        settings,
        fusion,
        {name: manifest["sha256"][name] for name in (SETTINGS, *weights)},
        lambda name: _read(path, name),
        version=manifest["hepaflow"],
        provenance=provenance,
        card=texts[CARD],
    )


def _digest(settings: InferenceSettings) -> str:
    return hashlib.sha256(settings.canonical().encode()).hexdigest()


def _read(path: Path, name: str) -> bytes:
    with opened(path) as archive:
        return archive.read(name)


def _difference(found: list[str], promised: list[str]) -> str:
    odd = sorted(set(found) ^ set(promised)) or sorted({name for name in found if found.count(name) > 1})
    return ", ".join(odd[:3])
