"""A trained model in one file: all that is needed to segment an exam, and what it was made from.

A zip archive without compression, whose manifest names every other member with its digest. Networks are
safetensors, everything else is text: nothing in it is ever unpickled, and nothing is unpacked to a disk.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hepaflow.errors import UserError
from hepaflow.fusion import Fusion
from hepaflow.settings.inference import InferenceSettings

FORMAT = 1
"""Raised when a bundle holds other members, or an old one would be read wrongly."""

STAGES = ("liver", "lesion")
MANIFEST, SETTINGS, PROVENANCE, CARD, LICENCE = (
    "manifest.json",
    "settings.json",
    "provenance.json",
    "model-card.md",
    "LICENSE",
)
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell: equal models give equal bytes


def network_member(stage: str, backbone: str) -> str:
    """Return the name of the member that holds a network."""
    return f"networks/{stage}/{backbone}.safetensors"


def fusion_member(stage: str) -> str:
    """Return the name of the member that holds a stage's fusion weights."""
    return f"fusion/{stage}.json"


def write_bundle(path: Path | str, *, files: Mapping[str, Path], texts: Mapping[str, str], version: str) -> None:
    """Write a bundle.

    Parameters
    ----------
    path : Path or str
        File to write, `.zip`; equal contents give equal bytes.
    files : mapping of str to Path
        Files to put in, by the name of their member.
    texts : mapping of str to str
        Texts to put in, by the name of their member.
    version : str
        Version of hepaflow.
    """
    contents = {name: file.read_bytes for name, file in files.items()}
    contents |= {name: text.encode for name, text in texts.items()}
    digests: dict[str, str] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            content = contents[name]()
            digests[name] = hashlib.sha256(content).hexdigest()
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
        manifest = {"format": FORMAT, "hepaflow": version, "sha256": digests}
        archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), json.dumps(manifest, indent=1, sort_keys=True) + "\n")


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
        with _opened(self.path) as archive:
            return _member(archive, network_member(stage, backbone), _manifest(archive), self.path)

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
    with _opened(path) as archive:
        manifest = _manifest(archive)
        found = [info.filename for info in archive.infolist()]
        promised = [*manifest["sha256"], MANIFEST]
        if sorted(found) != sorted(promised):
            raise _wrong(path, f"other members than its manifest names: {_difference(found, promised)}")
        if any(info.compress_type != zipfile.ZIP_STORED for info in archive.infolist()):
            raise _wrong(path, "compressed members")
        texts = {
            name: _member(archive, name, manifest, path).decode()
            for name in (SETTINGS, PROVENANCE, CARD, *map(fusion_member, STAGES))
        }
        digest = hashlib.sha256(archive.read(MANIFEST)).hexdigest()
    try:
        settings = InferenceSettings.model_validate_json(texts[SETTINGS])
    except ValidationError as error:
        raise _wrong(
            path, f"settings that this hepaflow does not know ({error.error_count()} differences)"
        ) from None
    missing = {network_member(stage, name) for stage in STAGES for name in settings.networks} - set(found)
    if missing:
        raise _wrong(path, f"no {', '.join(sorted(missing))}")
    fusion = {stage: Fusion.of_json(texts[fusion_member(stage)]) for stage in STAGES}
    for stage, weights in fusion.items():
        if weights.backbones != tuple(settings.networks):
            raise _wrong(path, f"fusion weights of {', '.join(weights.backbones)} for the {stage}")
    provenance = json.loads(texts[PROVENANCE])
    return Bundle(path, digest, manifest["hepaflow"], settings, fusion, provenance, texts[CARD])


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise _wrong(path, f"not readable as a model ({error})") from None


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    path = Path(str(archive.filename))
    if MANIFEST not in archive.namelist():
        raise _wrong(path, f"a zip without {MANIFEST}")
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        kind, _, _ = manifest["format"], manifest["hepaflow"], manifest["sha256"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _wrong(path, f"a manifest that is not one ({error})") from None
    if kind != FORMAT:
        raise UserError(
            f"a model of format {kind}, written by hepaflow {manifest['hepaflow']}",
            file=path,
            expected=f"format {FORMAT}",
            remedy="segment with the hepaflow that wrote it, or bundle the run again with this one",
        )
    return manifest


def _member(archive: zipfile.ZipFile, name: str, manifest: Mapping[str, Any], path: Path) -> bytes:
    """Read a member, and check that it is what the manifest says."""
    content = archive.read(name)
    if hashlib.sha256(content).hexdigest() != manifest["sha256"].get(name):
        raise _wrong(path, f"{name} with another content than the manifest says")
    return content


def _difference(found: list[str], promised: list[str]) -> str:
    odd = sorted(set(found) ^ set(promised)) or sorted({name for name in found if found.count(name) > 1})
    return ", ".join(odd[:3])


def _wrong(path: Path, found: str) -> UserError:
    return UserError(
        found,
        file=path,
        expected="hepaflow-model.zip as a finished run makes it",
        remedy="copy the file again, or let the run bundle it again",
    )
