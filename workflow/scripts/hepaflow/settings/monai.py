"""A network of MONAI, by its name and the arguments of its class.

Both are checked against MONAI's source code, which is read and not imported: that would take seconds, wherever
settings are read. Whether the network can be built, only building it tells (`training/check.py`).
"""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, JsonValue, model_validator

from hepaflow.settings.base import SettingsModel

DIMENSIONS = "spatial_dims"
INPUTS = ("in_channels", "num_channels")
OUTPUTS = ("out_channels", "num_classes")
PRETRAINED = "pretrained"
"""What classes of MONAI call the axes of a picture, the channels of a network's input and output, and whether
weights are downloaded."""

LOADING = (PRETRAINED, "pretrained_url", "path_or_repo_id", "weights")
"""Arguments with which classes of MONAI load weights."""


Unshuffle = Annotated[list[Annotated[int, Field(ge=1, le=8)]], Field(min_length=2, max_length=3)]


class MonaiNetwork(SettingsModel):
    """A class of `monai.networks.nets`."""

    name: str
    """Name of the class."""
    arguments: dict[str, JsonValue] = Field(default={})
    """Its keyword arguments, but for the number of axes and of channels, which are filled in."""
    unshuffle: Unshuffle | None = None
    """Factors by which rows and columns, or slices, rows and columns, are made smaller: neighbours become
    channels of what the network sees, and channels of its logits neighbours again (Shi et al. 2016); null for
    none."""

    @model_validator(mode="after")
    def _known_to_monai(self) -> Self:
        folder = _folder()
        if folder is None:  # a machine that plans, and has no MONAI
            return self
        known = _arguments(folder, self.name)
        if known is None:
            raise ValueError(
                f"there is no network {self.name!r} in MONAI; there are {', '.join(_networks(folder))}"
            )
        needed, optional = known
        filled = _filled({*needed, *optional})
        if len(filled - {DIMENSIONS}) < 2:
            raise ValueError(
                f"MONAI's {self.name} has no argument for the channels of its input, or of its output"
            )
        given = self.arguments.keys()
        if own := given & filled:
            raise ValueError(f"arguments {_listed(own)} of MONAI's {self.name} are filled in; leave them out")
        if (unknown := given - needed - optional) and "**" not in optional:
            raise ValueError(
                f"MONAI's {self.name} has no argument {_listed(unknown)}; there are "
                f"{_listed((needed | optional) - filled)}"
            )
        if loading := {name for name in LOADING if self.arguments.get(name)}:
            raise ValueError(
                f"{_listed(loading)} would make MONAI's {self.name} load weights in every job; leave it out: a "
                "network of MONAI begins with random ones. Weights of ImageNet begin an architecture with a "
                "backbone, such as 'resnet50', with `weights: imagenet`"
            )
        if missing := needed - filled - given:
            raise ValueError(f"MONAI's {self.name} lacks the argument {_listed(missing)}, which has no default")
        return self


def has_dimensions(network: MonaiNetwork) -> bool:
    """Return whether a class of MONAI can be built for pictures of three dimensions; unknown, it is."""
    known = _arguments(folder, network.name) if (folder := _folder()) else None
    return known is None or DIMENSIONS in {*known[0], *known[1]}


def halving(network: MonaiNetwork, dimensions: int) -> tuple[int, ...]:
    """Return what sides must be a multiple of, as far as `strides` and `unshuffle` say so; else 1 for each.

    Examples
    --------
    >>> unet = {"channels": [8, 16, 32], "strides": [[1, 2, 2], 2]}
    >>> halving(MonaiNetwork(name="UNet", arguments=unet), 3)
    (2, 4, 4)
    >>> halving(MonaiNetwork(name="UNet", arguments=unet, unshuffle=[1, 2, 2]), 3)
    (2, 8, 8)
    """
    found, strides, factors = [1] * dimensions, network.arguments.get("strides"), network.unshuffle
    if factors is None or len(factors) != dimensions:  # which building the network refuses
        factors = [1] * dimensions
    for stride in strides if isinstance(strides, list) else []:
        each = stride if isinstance(stride, list) else [stride] * dimensions
        whole = [one for one in each if isinstance(one, int) and one > 0]
        if not len(whole) == len(each) == dimensions:
            return tuple(factors)  # MONAI says what is wrong with it
        found = [before * one for before, one in zip(found, whole, strict=True)]
    return tuple(one * factor for one, factor in zip(found, factors, strict=True))


def _filled(arguments: set[str]) -> set[str]:
    """Return the arguments that no user gives: those for the axes and the channels, under the class' own names."""
    first = (next((name for name in names if name in arguments), "") for names in (INPUTS, OUTPUTS))
    return {*first, *({DIMENSIONS} & arguments)} - {""}


def _listed(names: set[str]) -> str:
    return ", ".join(map(repr, sorted(names)))


def _folder() -> Path | None:
    """Return where MONAI's networks are; nothing of MONAI is run."""
    spec = find_spec("monai")
    return Path(spec.origin).parent / "networks/nets" if spec and spec.origin else None


@cache
def _arguments(folder: Path, name: str) -> tuple[set[str], set[str]] | None:
    """Return the arguments that a class of MONAI needs, and those that it has a default for; None without it.

    Among the latter is `**` where it takes any.
    """
    module = _exported(folder).get(name)
    if module is None:
        return None
    classes, names = _read(folder / f"{module}.py")
    waiting = [names.get(name, name)]
    while waiting:
        if found := classes.get(waiting.pop()):
            for method in found.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    return _of(method.args)
            waiting += [base.id for base in reversed(found.bases) if isinstance(base, ast.Name)]
    return None


def _of(arguments: ast.arguments) -> tuple[set[str], set[str]]:
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)][1:]  # without self
    first = len(names) - len(arguments.defaults)
    keywords = dict(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    needed = {*names[:first], *(one.arg for one, default in keywords.items() if default is None)}
    optional = {*names[first:], *(one.arg for one, default in keywords.items() if default is not None)}
    return needed, optional | ({"**"} if arguments.kwarg else set())


@cache
def _exported(folder: Path) -> dict[str, str]:
    """Return the module in which each name of MONAI's networks is defined."""
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@cache
def _read(module: Path) -> tuple[dict[str, ast.ClassDef], dict[str, str]]:
    """Return the classes of a module, and what other names of them stand for."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    others = {
        target.id: node.value.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return classes, others


def _networks(folder: Path) -> Iterator[str]:
    """Yield the classes that have a number of axes and channels to fill in."""
    for name, module in sorted(_exported(folder).items()):
        if name in _read(folder / f"{module}.py")[0]:
            needed, optional = _arguments(folder, name) or (set(), set())
            if len(_filled({*needed, *optional})) == 3:
                yield name
