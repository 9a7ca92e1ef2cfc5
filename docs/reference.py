"""Pages of reference that are made from the code: settings, commands, modules. `make docs` shows them."""

import argparse
import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hepaflow.cli import make_parser
from hepaflow.settings.workflow import Settings

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workflow/scripts/hepaflow"

Schema = Mapping[str, Any]

# Settings.

_NOT_SHOWN = ("backbones.NAME.", "methods.NAME.")
"""Where a group is used in several places, its heading names the shortest."""


def settings_page() -> str:
    """Return the page of all settings, from the schema of their pydantic models; Markdown."""
    schema = Settings.model_json_schema()
    places = _places(schema)
    lines = [
        "# Settings",
        "",
        "This page is generated from the code that checks a configuration. "
        "[Configuration](../config/README.md) explains the same keys in their context, with examples and sources.",
        "",
        "Absent keys have their defaults. `NAME` stands for a name of your choice.",
        "",
        "## All keys",
        "",
        *_keys(schema, schema),
    ]
    for name, paths in places.items():
        lines += ["", f"## {heading(schema['$defs'][name], paths)} {{ #{anchor(name)} }}", ""]
        lines += [_in_cell(schema["$defs"][name].get("description", "")), ""]
        if len(few := _few(paths)) > 1:
            lines += [f"For {', '.join(f'`{path}`' for path in few)}.", ""]
        lines += _keys(schema["$defs"][name], schema)
    return "\n".join(lines) + "\n"


def anchor(name: str) -> str:
    """Return the anchor of a group's section."""
    return f"group-{name.lower()}"


def heading(group: Schema, paths: Iterable[str]) -> str:
    """Return the heading of a group: the shortest key that has it, and its kind where there are several."""
    path = _shortest(paths)
    kind = group.get("properties", {}).get("kind", {})
    chosen = kind.get("const") or kind.get("default")
    return f"`{path}`, kind `{chosen}`" if chosen else f"`{path}`"


def _shortest(paths: Iterable[str]) -> str:
    return min(paths, key=lambda one: (one.count("."), len(one), one))


def _few(paths: list[str]) -> list[str]:
    """Return keys without those that only repeat others below a network or a method of one's own."""
    short = [path for path in paths if not path.startswith(_NOT_SHOWN)]
    return sorted(short or paths)


def _places(schema: Schema) -> dict[str, list[str]]:
    """Return the groups that the schema defines, in the order of the page, and the keys that have them."""
    places: dict[str, list[str]] = {}

    def walk(node: Schema, path: str) -> None:
        for name in _groups(node):
            definition = schema["$defs"][name]
            if "properties" not in definition:
                continue
            below = path + (".NAME" if _is_named(node) else "")
            if below in places.setdefault(name, []):
                continue
            places[name].append(below)
            for key, child in definition["properties"].items():
                walk(child, f"{below}.{key}")

    for key, child in schema["properties"].items():
        walk(child, key)
    order = list(schema["properties"])
    return dict(sorted(places.items(), key=lambda one: order.index(_shortest(one[1]).split(".")[0])))


def _is_named(node: Schema) -> bool:
    return isinstance(node.get("additionalProperties"), Mapping)


def _groups(node: Any) -> Iterator[str]:
    """Walk the groups that a key may have, in the order in which the schema names them."""
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for key, child in node.items():
            if key not in ("default", "discriminator"):
                yield from _groups(child)
    elif isinstance(node, list):
        for child in node:
            yield from _groups(child)


def _keys(group: Schema, schema: Schema) -> list[str]:
    rows = ["| key | values | default | meaning |", "|---|---|---|---|"]
    required = group.get("required", ())
    for key, node in group.get("properties", {}).items():
        cells = [
            f"`{key}`",
            values(node, schema),
            "none" if key in required else default(node),
            _in_cell(node.get("description", "")),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def default(node: Schema) -> str:
    """Return a default in words; that of a group stands with the group's keys."""
    if "default" not in node:
        return ""
    found = node["default"]
    if isinstance(found, Mapping):
        return "`{}`" if not found else "those of its keys"
    if isinstance(found, list) and any(isinstance(one, Mapping) for one in found):
        return "see the configuration"
    return f"`{json.dumps(found)}`" if not isinstance(found, str) else f"`{found}`"


def values(node: Schema, schema: Schema) -> str:
    """Return in words which values a node of the schema allows."""
    for key in ("anyOf", "oneOf"):
        if key in node:
            found = [values(one, schema) for one in node[key]]
            return " or ".join(dict.fromkeys(found))
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        definition = schema["$defs"][name]
        if "properties" not in definition:
            return values(definition, schema) if definition else "any value"
        kind = definition["properties"].get("kind", {})
        shown = kind.get("const") or kind.get("default") or "keys"
        return f"[{shown}](#{anchor(name)})"
    if "const" in node:
        return f"`{json.dumps(node['const'])}`" if not isinstance(node["const"], str) else f"`{node['const']}`"
    if "enum" in node:
        return ", ".join(f"`{one}`" for one in node["enum"])
    return _of_type(node, schema)


def _of_type(node: Schema, schema: Schema) -> str:
    match node.get("type"):
        case "boolean":
            return "`true`, `false`"
        case "null":
            return "`null`"
        case "string":
            return "text"
        case "integer":
            return f"whole number{_limits(node)}"
        case "number":
            return f"number{_limits(node)}"
        case "array" if "prefixItems" in node:
            first = [values(one, schema) for one in node["prefixItems"]]
            return f"{len(first)} values: {', '.join(first)}"
        case "array":
            return f"list of: {values(node.get('items', {}), schema)}"
        case "object":
            inner = node.get("additionalProperties")
            return (
                f"names of your own, each with {values(inner, schema)}" if isinstance(inner, Mapping) else "keys"
            )
    return "any value"


def _limits(node: Schema) -> str:
    """Return the limits of a number in words, with a comma before them."""
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    found = [
        f"{low:g} to {high:g}" if low is not None and high is not None else None,
        f"at least {low:g}" if low is not None and high is None else None,
        f"above {above:g}" if above is not None else None,
        f"at most {high:g}" if high is not None and low is None else None,
        f"below {below:.16g}" if below is not None else None,
        f"a multiple of {node['multipleOf']:g}" if "multipleOf" in node else None,
    ]
    return "".join(f", {words}" for words in found if words)


def _in_cell(text: str) -> str:
    """Return a docstring as one line of a table."""
    return " ".join(text.split()).replace("|", "\\|")


# Commands.


def commands_page() -> str:
    """Return the page of the command line, from its parser; Markdown."""
    parser = make_parser()
    lines = [
        "# Command line",
        "",
        f"This page is generated from the code; `{parser.prog} COMMAND --help` prints the same.",
        "",
        "Exit status: 0 for success, 1 for an error that the message explains, 2 for a wrong argument.",
        "",
        "| command | what it does |",
        "|---|---|",
    ]
    commands = commands_of(parser)
    summaries = {action.dest: action.help or "" for action in _choice(parser)._choices_actions}
    lines += [f"| [`{name}`](#{name}) | {_in_cell(summaries[name])} |" for name in commands]
    for name, command in commands.items():
        lines += ["", f"## {name}", "", _in_cell(command.description or summaries[name]), ""]
        lines += ["```text", " ".join(command.format_usage().split()).removeprefix("usage: "), "```", ""]
        rows = [_argument(action) for action in command._actions if not isinstance(action, argparse._HelpAction)]
        if rows:
            lines += ["| argument | meaning |", "|---|---|", *rows]
    return "\n".join(lines) + "\n"


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a command's commands, by name."""
    return dict(_choice(parser).choices)


def _choice(parser: argparse.ArgumentParser) -> Any:
    (choice,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return choice


def _argument(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices:
        value = f"{{{','.join(map(str, action.choices))}}}"
    shown = f"{', '.join(action.option_strings)} {value}".strip() if action.option_strings else action.dest
    needed = " (required)" if action.option_strings and action.required else ""
    meaning = (action.help or "") % {"default": action.default, "prog": ""}
    return f"| `{_in_cell(shown)}` | {_in_cell(meaning)}{needed} |"


# Modules.

_NOT_FOR_PROGRAMS = ("jobs", "system")
"""Rooms that serve the workflow's jobs and the commands alone."""


def rooms() -> list[str]:
    """Return the rooms of the package that another program may use."""
    found = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return sorted(found.difference(_NOT_FOR_PROGRAMS))


def module_pages() -> dict[str, str]:
    """Return a page for each room, by its name, after one that lists them; Markdown for mkdocstrings."""
    return {"index": _rooms_page()} | {room: _room_page(room) for room in rooms()}


def _rooms_page() -> str:
    summaries = {room: _docstring(PACKAGE / room / "__init__.py").split("\n\n")[0] for room in rooms()}
    lines = [
        "# Python interface",
        "",
        "The subpackages of hepaflow, from their docstrings. [Use it from Python](../python.md) begins "
        "with an example, and [Architecture](../architecture.md) shows how the rooms fit together.",
        "",
        "| room | what is there |",
        "|---|---|",
        *(f"| [`{room}`]({room}.md) | {_in_cell(summary)} |" for room, summary in summaries.items()),
    ]
    return "\n".join(lines) + "\n"


def _room_page(room: str) -> str:
    folder = PACKAGE / room
    lines = ["---", "search: {boost: 0.5}", "---", "", f"# {room}", "", _docstring(folder / "__init__.py"), ""]
    for path in sorted(folder.rglob("*.py")):
        if path.name != "__init__.py" and _has_public(path):
            module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            lines += [f"::: {module}", ""]
    return "\n".join(lines)


def _docstring(path: Path) -> str:
    """Return the docstring of a module, with references of reStructuredText as code."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").replace(":mod:", "")


def _has_public(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(one, ast.FunctionDef | ast.ClassDef) and not one.name.startswith("_") for one in body)
