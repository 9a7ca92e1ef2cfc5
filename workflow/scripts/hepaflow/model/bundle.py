"""A trained model in one file: all that is needed to segment an exam, and what it was made from.

A zip archive without compression, whose manifest names every other member with its digest. Networks are
safetensors, everything else is text: nothing in it is ever unpickled, and nothing is unpacked to a disk.
"""

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hepaflow.errors import UserError
from hepaflow.masks.fusion import Fusion
from hepaflow.methods.plan import stages_of, steps_to, votes_of
from hepaflow.model.members import (
    CARD,
    MANIFEST,
    PROVENANCE,
    SETTINGS,
    content_of,
    vote_member,
    vote_members,
    weight_members,
)
from hepaflow.model.origin import ORIGIN, Origin
from hepaflow.model.trained import TrainedModel, wrong
from hepaflow.names import STRUCTURES
from hepaflow.settings.plan import Plan

FORMAT = 2
"""Raised when an old bundle would be read wrongly, or a new one by an older hepaflow: not for one more fact."""

_USUAL_NAME = "hepaflow-model.zip"
_DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell: equal models give equal bytes


def write_bundle(
    path: Path | str, plan: Plan, *, files: Mapping[str, Path], texts: Mapping[str, str], version: str
) -> None:
    """Write a bundle.

    Parameters
    ----------
    path : Path or str
        File to write, `.zip`; equal contents give equal bytes.
    plan : Plan
        What the model computes of an exam; whether weights are to be rounded.
    files : mapping of str to Path
        Files to put in, by the name of their member.
    texts : mapping of str to str
        Texts to put in, by the name of their member.
    version : str
        Version of hepaflow.
    """
    contents: dict[str, Callable[[], bytes]]
    contents = {name: partial(content_of, plan, name, file) for name, file in files.items()}
    contents |= {name: text.encode for name, text in {SETTINGS: plan.canonical(), **texts}.items()}
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
    origin : Origin or None
        The same for programs and results; None where the bundle was made before that was recorded.
    """

    version: str
    provenance: dict[str, Any]
    card: str
    origin: Origin | None = None


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
        told = (SETTINGS, PROVENANCE, CARD, *({ORIGIN} & {*found}))
        texts = {name: member(archive, name, manifest, path).decode() for name in told}
    try:
        plan = Plan.model_validate_json(texts[SETTINGS])
    except ValidationError as error:
        keys = ", ".join(".".join(map(str, one["loc"])) for one in error.errors()[:5])
        known = f"settings that this hepaflow does not know: {keys}"
        raise of_another_version(path, known, manifest["hepaflow"]) from None
    try:
        weights = weight_members(plan)
        steps_to(plan, str(plan.result))
        shown = stages_of(plan, str(plan.result))
    except (KeyError, RecursionError):
        raise wrong(path, f"{SETTINGS} that names what it does not hold") from None
    if unknown := set(STRUCTURES) - shown.keys():
        raise wrong(path, f"{SETTINGS} without a stage for {', '.join(sorted(unknown))}")
    missing = set(weights) - set(found)
    if missing:
        raise wrong(path, f"no {', '.join(sorted(missing))}")
    with opened(path) as archive:
        votes = {name: member(archive, name, manifest, path).decode() for name in vote_members(plan)}
    try:
        fusion = {(vote, stage): Fusion.of_json(votes[vote_member(stage, vote)]) for vote, stage in votes_of(plan)}
        provenance: dict[str, Any] = json.loads(texts[PROVENANCE])
        origin = Origin.of_json(texts[ORIGIN]) if ORIGIN in texts else None
    except (ValueError, KeyError, TypeError) as error:
        raise wrong(path, f"members that are not what their names say ({error})") from None
    for (vote, stage), fused in fusion.items():
        planned = plan.methods[vote][stage].vote
        if planned is None or fused.methods != planned.of:
            raise wrong(path, f"fusion weights of {', '.join(fused.methods)} for the {stage}")
    return Bundle(
        path,
        plan,
        fusion,
        {name: manifest["sha256"][name] for name in (SETTINGS, *weights)},
        lambda name: _read(path, name),
        version=manifest["hepaflow"],
        provenance=provenance,
        card=texts[CARD],
        origin=origin,
    )


def _read(path: Path, name: str) -> bytes:
    with opened(path) as archive:
        return archive.read(name)


def _difference(found: list[str], promised: list[str]) -> str:
    odd = sorted(set(found) ^ set(promised)) or sorted({name for name in found if found.count(name) > 1})
    return ", ".join(odd[:3])
