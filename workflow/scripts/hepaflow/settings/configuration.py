"""Configurations as YAML gives them; keys that are there twice and values that no setting can have are refused."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from hepaflow.errors import UserError

_READ_AS = {
    "True": "YAML reads yes, on and true as True",
    "False": "YAML reads no, off and false as False",
    "None": "YAML reads ~, null and nothing as None",
}
_QUOTES = "put it in quotation marks if it is meant as text"
_OCTAL = re.compile(r"[-+]?0[0-7]+")
_IN_SIXTIES = re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?")


def plain(config: Any, key: str = "") -> Any:
    """Return a configuration as text, numbers, truth values, lists, and mappings whose keys are text.

    Parameters
    ----------
    config : mapping, or a value in one
    key : str, optional
        The value's key, for error messages.

    Raises
    ------
    UserError
        If a key or a value is anything else, or contains itself; it names the key.
    """
    return _plain(config, key, ())


def _plain(value: Any, key: str, around: tuple[int, ...]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if id(value) in around:
        raise UserError(f"{key}: a value that contains itself, by an anchor (&) and its alias (*)", remedy=_FIX)
    if isinstance(value, Mapping):
        plain_keys = [(_plain_key(name, key), one) for name, one in value.items()]
        names = [name for name, _ in plain_keys]
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(
                f"{_below(key, twice[0])}: the key is there twice, as text and as a number", remedy=_FIX
            )
        return {name: _plain(one, _below(key, name), (*around, id(value))) for name, one in plain_keys}
    if isinstance(value, list | tuple):
        return [_plain(one, f"{key}[{number}]", (*around, id(value))) for number, one in enumerate(value)]
    raise UserError(
        f"{key}: {_kind(value)}",
        expected="text, a number, true or false, a list, or keys with values",
        remedy=f"{_QUOTES}; config/README.md explains every key",
    )


def _plain_key(name: Any, around: str) -> str:
    if isinstance(name, str):
        return name
    if isinstance(name, int | float) and not isinstance(name, bool):
        return str(name)
    read_as = _READ_AS.get(str(name))
    raise UserError(
        f"{around or 'the configuration'}: the key {name!r}" + (f"; {read_as}" if read_as else f", {_kind(name)}"),
        expected="text as a key",
        remedy=_QUOTES,
    )


_FIX = "correct the configuration; config/README.md explains every key"


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _kind(value: Any) -> str:
    """Describe a value of a kind that no setting has."""
    kinds = {"date": "the date", "datetime": "the time", "set": "the set", "bytes": "the binary data"}
    kind = type(value).__name__
    return f"{kinds.get(kind, f'a {kind}:')} {sorted(map(str, value)) if kind == 'set' else value}"


def check_file(path: Path) -> None:
    """Check the file of a configuration for what is lost when it is read, such as a key that is there twice.

    Raises
    ------
    UserError
        If it is not in UTF-8, is not YAML or JSON with keys at its top, has a key twice, or has a number that YAML
        reads as another one than people do; it names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"a configuration that is not in UTF-8 ({error.reason} at byte {error.start})",
            file=path,
            expected="text in UTF-8",
            remedy="save it as UTF-8 in your editor",
        ) from None
    except OSError as error:
        raise UserError(
            f"a configuration that cannot be read ({error.strerror})", file=path, remedy="name a YAML file"
        ) from None
    try:
        found = json.loads(text, object_pairs_hook=lambda pairs: _group(pairs, path))
    except ValueError:
        _check_yaml(text, path)
    else:
        if not isinstance(found, dict | None):
            raise _without_keys(path)


def _check_yaml(text: str, path: Path) -> None:
    try:
        waiting = [node for node in (yaml.compose(text),) if node is not None]
    except yaml.YAMLError as error:
        raise UserError(
            " ".join(str(error).split()),
            file=path,
            expected="YAML: keys, colons with a space behind them, and spaces (no tabs) before inner keys",
            remedy="correct the line",
        ) from None
    if waiting and not isinstance(waiting[0], yaml.MappingNode):
        raise _without_keys(path)
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            _check_number(node, path)
        elif isinstance(node, yaml.MappingNode):
            keys = [name for name, _ in node.value if isinstance(name, yaml.ScalarNode) and name.value != "<<"]
            _once([(key.value, key.start_mark.line + 1) for key in keys], path)
            waiting += [one for pair in node.value for one in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value


def _without_keys(path: Path) -> UserError:
    return UserError("no keys at the top", file=path, expected="`key: value` in each line", remedy=_FIX)


def _check_number(node: yaml.ScalarNode, path: Path) -> None:
    """Refuse 010, which is 8 in YAML 1.1, and 1:30, which is 90."""
    if node.tag not in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float") or node.style:
        return
    text = node.value.replace("_", "")  # which YAML allows within numbers
    octal = _OCTAL.fullmatch(text) and int(text) != int(text, 8)
    if octal or _IN_SIXTIES.fullmatch(text):
        how = "octal, as it has a leading zero" if octal else "base 60, as it has a colon"
        read_as = yaml.safe_load(node.value)
        raise UserError(
            f"{node.value} in line {node.start_mark.line + 1}, which YAML reads as {read_as} ({how})",
            file=path,
            expected="a number that means the same to YAML and to people",
            remedy=f"write it without leading zeros and colons; {_QUOTES}",
        )


def _group(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """Return a group of a JSON file."""
    _once([(name, 0) for name, _ in pairs], path)
    return dict(pairs)


def _once(keys: Iterable[tuple[str, int]], path: Path) -> None:
    lines: dict[str, int] = {}
    for name, line in keys:
        if name in lines:
            places = f", in lines {lines[name]} and {line}" if line else ""
            raise UserError(
                f"the key {name!r} twice in one group{places}",
                file=path,
                expected="each key once: YAML only keeps the last",
                remedy="put everything under one of them",
            )
        lines[name] = line


WHOLE = ("backbones",)
"""Groups that a later configuration replaces; all others are merged (config/README.md)."""


def read_file(path: Path) -> dict[str, Any]:
    """Read the file of a configuration, checked as `check_file` does.

    Raises
    ------
    UserError
        As `check_file`.
    """
    check_file(path)
    text = path.read_text(encoding="utf-8-sig")
    try:
        found = json.loads(text)
    except ValueError:
        found = yaml.safe_load(text)
    return dict(found or {})


def read_files(paths: Iterable[Path]) -> dict[str, Any]:
    """Read the files of a configuration, later ones over earlier ones (`merged`)."""
    return reduce(merged, map(read_file, paths), {})


def merged(configuration: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with another over it: group by group as Snakemake merges them, save `WHOLE` ones."""
    return _merged(configuration, over) | whole_groups(configuration, over)


def _merged(configuration: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(configuration)
    for key, value in over.items():
        before = both.get(key)
        if isinstance(value, Mapping):
            both[key] = _merged(before if isinstance(before, Mapping) else {}, value)
        else:
            both[key] = value
    return both


def whole_groups(*configurations: Mapping[str, Any]) -> dict[str, Any]:
    """Return the groups that are replaced, each as the last configuration has it that has it.

    Examples
    --------
    >>> whole_groups({"backbones": {"a": {}}, "size": 64}, {"backbones": {"b": {}}})
    {'backbones': {'b': {}}}
    """
    return {key: given[key] for given in configurations for key in WHOLE if key in given}
