"""A trained model as it is read from its file."""

import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    opened,
    wrong,
)
from hepaflow.fusion import Fusion
from hepaflow.settings.inference import InferenceSettings


@dataclass(frozen=True)
class Bundle:
    """A model that was read, and checked, from its file.

    Attributes
    ----------
    path : Path
    digest : str
        SHA-256 of the manifest, and by that of everything in the bundle.
    version : str
        Version of hepaflow that wrote it.
    settings : InferenceSettings
    fusion : dict of str to Fusion
        By stage; with the networks' names in the settings' order.
    provenance : dict
        What the networks were made from.
    card : str
        What the model is, on what data it was trained and how well it scored; Markdown.
    """

    path: Path
    digest: str
    version: str
    settings: InferenceSettings
    fusion: dict[str, Fusion]
    provenance: dict[str, Any]
    card: str

    def network(self, stage: str, backbone: str) -> bytes:
        """Return the weights of a network, in the safetensors format.

        Raises
        ------
        UserError
            If they are not what the manifest says.
        """
        with opened(self.path) as archive:
            return member(archive, network_member(stage, backbone), manifest_of(archive), self.path)

    @property
    def identity(self) -> dict[str, str]:
        """What tells this model from others, to be written beside what it segments."""
        return {
            "model": self.digest[:16],
            "networks": ", ".join(
                f"{name} ({each.network.arch})" for name, each in self.settings.networks.items()
            ),
            "hepaflow of the model": self.version,
        }


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
        digest = hashlib.sha256(archive.read(MANIFEST)).hexdigest()
    try:
        settings = InferenceSettings.model_validate_json(texts[SETTINGS])
    except ValidationError as error:
        raise wrong(
            path, f"settings that this hepaflow does not know ({error.error_count()} differences)"
        ) from None
    missing = {network_member(stage, name) for stage in STAGES for name in settings.networks} - set(found)
    if missing:
        raise wrong(path, f"no {', '.join(sorted(missing))}")
    fusion = {stage: Fusion.of_json(texts[fusion_member(stage)]) for stage in STAGES}
    for stage, weights in fusion.items():
        if weights.backbones != tuple(settings.networks):
            raise wrong(path, f"fusion weights of {', '.join(weights.backbones)} for the {stage}")
    provenance = json.loads(texts[PROVENANCE])
    return Bundle(path, digest, manifest["hepaflow"], settings, fusion, provenance, texts[CARD])


def _difference(found: list[str], promised: list[str]) -> str:
    odd = sorted(set(found) ^ set(promised)) or sorted({name for name in found if found.count(name) > 1})
    return ", ".join(odd[:3])
