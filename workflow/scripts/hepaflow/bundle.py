"""A trained model in one file: all that is needed to segment an exam, and what it was made from.

A zip archive without compression, whose manifest names every other member with its digest. Networks are
safetensors, everything else is text: nothing in it is ever unpickled, and nothing is unpacked to a disk.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepaflow.errors import UserError

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
_USUAL_NAME = "hepaflow-model.zip"
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell: equal models give equal bytes


def network_member(stage: str, backbone: str) -> str:
    """Return the name of the member that holds a network."""
    return f"networks/{stage}/{backbone}.safetensors"


def fusion_member(stage: str) -> str:
    """Return the name of the member that holds a stage's fusion weights."""
    return f"fusion/{stage}.json"


def weight_members(backbones: Collection[str]) -> list[str]:
    """Return the names of the members that hold weights: the networks', the liver's first, then the fusions'."""
    return [*(network_member(stage, name) for stage in STAGES for name in backbones), *map(fusion_member, STAGES)]


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


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a bundle; say what is there in its place."""
    if not path.exists():
        raise _no_model(path, "no such file")
    if path.is_dir():
        inside = sorted(path.rglob(_USUAL_NAME))
        raise _no_model(path, "a folder", f"name the file in it: {inside[0]}" if inside else "")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except PermissionError:
        raise UserError("a file that this user may not read", file=path, remedy="change its permissions") from None
    except (
        OSError, zipfile.BadZipFile, zlib.error, EOFError, KeyError, UnicodeDecodeError, NotImplementedError,
        RuntimeError,
    ) as error:  # fmt: skip
        # The last two are what the module says of compressions it does not know, and of encrypted members.
        raise wrong(path, f"not readable as a model ({error})") from None


def _no_model(path: Path, found: str, remedy: str = "") -> UserError:
    return UserError(
        found,
        file=path,
        expected=f"{_USUAL_NAME} of a finished run",
        remedy=remedy
        or f"name results/RUN/{_USUAL_NAME}, with RUN's own name; where there is none, let the run finish",
    )


def manifest_of(archive: zipfile.ZipFile) -> dict[str, Any]:
    path = Path(str(archive.filename))
    if MANIFEST not in archive.namelist():
        raise _no_model(path, f"a zip without {MANIFEST}: no model, but for instance an exam")
    try:
        manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
        kind, _, _ = manifest["format"], manifest["hepaflow"], manifest["sha256"].items()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise wrong(path, f"a manifest that is not one ({error})") from None
    if kind != FORMAT:
        raise of_another_version(path, f"a model of format {kind}, where {FORMAT} is read", manifest["hepaflow"])
    return manifest


def member(archive: zipfile.ZipFile, name: str, manifest: Mapping[str, Any], path: Path) -> bytes:
    """Read a member, and check that it is what the manifest says."""
    content = archive.read(name)
    if hashlib.sha256(content).hexdigest() != manifest["sha256"].get(name):
        raise wrong(path, f"{name} with another content than the manifest says")
    return content


def of_another_version(path: Path, found: str, version: str) -> UserError:
    return UserError(
        f"{found}, written by hepaflow {version}",
        file=path,
        expected="a model of this version",
        remedy="segment with the hepaflow that wrote it, or bundle the run again with this one",
    )


def wrong(path: Path, found: str) -> UserError:
    return UserError(
        found,
        file=path,
        expected="hepaflow-model.zip as a finished run makes it",
        remedy="copy the file again, or let the run bundle it again",
    )
