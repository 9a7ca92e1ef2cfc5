"""The recipe of a job: what its result depends on besides the content of its input files."""

import importlib.metadata
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name

from hepaflow.jobs.fingerprint import Chosen, chosen_by

UNCOUNTED = ("code", "libraries", "compute", "accelerator", "cache", "raw")
"""Parameters of a rule that are not settings of its result."""

_DISTRIBUTIONS = {"skimage": "scikit-image", "yaml": "pyyaml"}
_PIN = re.compile(r"^[\s-]*([\w.-]+)==([^\s;]+)(?:\s*;\s*(.*))?$", re.MULTILINE)
_PYTHON = re.compile(r"^\s*- python=([\d.]+)", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """Settings and code of one job.

    Attributes
    ----------
    rule : str
    wildcards : dict of str to str
    settings : dict
        The parameters of the rule by name; JSON is parsed.
    code : dict of str to str
        Digest of the script and of every module that it depends on.
    libraries : dict of str to str
        Versions of installed libraries if the settings make them count; else empty.
    """

    rule: str
    wildcards: dict[str, str]
    settings: dict[str, Any]
    code: dict[str, str]
    libraries: dict[str, str]

    @classmethod
    def of(cls, rule: str, wildcards: Mapping[str, str], params: Mapping[str, Any]) -> "Recipe":
        """Take the recipe from a rule's name, the values of its wildcards, and its parameters by name."""
        settings = {name: value for name, value in params.items() if name not in UNCOUNTED and name != "settings"}
        return cls(
            rule,
            dict(wildcards),
            json.loads(params.get("settings", "{}")) | settings,
            json.loads(params["code"]),
            json.loads(params.get("libraries") or "{}"),
        )

    @property
    def chosen(self) -> Chosen:
        """Which entries of the code's tables the job uses."""
        return chosen_by(self.settings)

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe ready for JSON."""
        return asdict(self)


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each library, named as it is imported; none for what is not installed."""
    found = {name: _version(name) for name in sorted(libraries)}
    return {name: version for name, version in found.items() if version is not None}


def pinned(libraries: Iterable[str], environment: str) -> dict[str, str]:
    """Return the version of each library that a conda environment's file pins for its Python.

    Parameters
    ----------
    libraries : iterable of str
        Named as they are imported.
    environment : str
        The text of the file: lines `- name==version ; marker`, as in a file of requirements, and `- python=3.11`.
    """
    python = _PYTHON.search(environment)
    number = python[1] if python else platform.python_version()
    at = {"python_version": ".".join(number.split(".")[:2]), "python_full_version": number}
    pins = {
        canonicalize_name(name): version
        for name, version, marker in _PIN.findall(environment)
        if not marker or Marker(marker).evaluate(at)
    }
    names = {name: canonicalize_name(_DISTRIBUTIONS.get(name, name)) for name in sorted(libraries)}
    return {name: pins[pin] for name, pin in names.items() if pin in pins}


@cache  # a plan asks for the same few for every job, and each answer is parsed from a file
def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return None
