"""What is wrong with a configuration, in the words of who wrote it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from hepaflow.system.parser import meant

Node = Mapping[str, Any]
"""A node of a JSON schema, or all of it."""


def problems(error: ValidationError, given: Mapping[str, Any], schema: Node) -> list[str]:
    """Return each problem as 'key path: value: what is allowed'.

    Parameters
    ----------
    error : ValidationError
        What reading the configuration raised.
    given : mapping
        The configuration.
    schema : mapping
        JSON schema of the settings.
    """
    return [_problem(item, given, schema) for item in error.errors() if not _follows(item)]


def _follows(item: Any) -> bool:
    """Whether a problem only follows from another: of a default made of that value, a list short of that item."""
    enough = item["type"] == "too_short" and len(item["input"]) >= item["ctx"]["min_length"]
    return bool(enough or item["type"] == "default_factory_not_called")


def _problem(item: Any, given: Mapping[str, Any], schema: Node) -> str:
    """Return one problem as 'key path: value: what is allowed'."""
    steps = _steps(item["loc"], given)
    where, found = ".".join(steps) or "the configuration", item["input"]
    if item["type"] == "union_tag_invalid":
        return f"{where}.kind: found {found['kind']!r}; input should be one of {item['ctx']['expected_tags']}"
    if item["type"] == "union_tag_not_found":
        return f"{where}.kind: missing"
    if item["type"] == "extra_forbidden":
        return f"{where}: unknown key; {_key_hint(steps, given, schema)}"
    if item["type"] == "missing":
        return f"{where}: missing"
    if item["type"] in _GROUP:
        hint = _group_hint(found, _forms(steps, schema))
        return f"{where}: found {found!r}; input should be keys with values{hint}"
    if item["type"] in _LIST:
        shown = "keys with values" if isinstance(found, dict) else repr(found)
        return f"{where}: found {shown}; input should be a list{_list_hint(found, _forms(steps, schema), schema)}"
    message = item["msg"].removeprefix("Value error, ")
    if not steps or isinstance(found, dict):
        return f"{where}: {message}" if steps else message
    problem = f"{where}: found {found!r}; {message[:1].lower()}{message[1:]}"
    if item["type"] == "literal_error" and (example := _example(found, _forms(steps, schema))):
        return f"{problem}; write {example}"
    return problem + (_text_hint(item["type"], found) if isinstance(found, str) else "")


_OUTER = 2
"""Levels of a configuration on which a key is looked for elsewhere; deeper ones are of methods and kinds."""


def _key_hint(steps: Sequence[str], given: Mapping[str, Any], schema: Node) -> str:
    """Return which key was probably meant: one of its group that is spelt like it, or its name elsewhere."""
    forms = _forms(steps[:-1], schema)
    kind = _kind_of(given, steps[:-1])
    of_its_kind = [form for form in forms if kind is None or _const(form) in (None, kind)]
    known = {key for form in of_its_kind for key in form.get("properties", {})}
    if hint := meant(steps[-1], sorted(known)):
        return hint
    if len(steps) <= _OUTER and (places := _places(steps[-1], schema)):
        return f"it belongs elsewhere: {' or '.join(f'`{place}`' for place in places)}"
    return "is it misspelt?"


def _kind_of(given: Any, steps: Sequence[str]) -> Any:
    """Return the kind of the group at a path; None if it has none."""
    for step in steps:
        if isinstance(given, Mapping):
            given = given.get(step)
        elif isinstance(given, list) and step.isdigit() and int(step) < len(given):
            given = given[int(step)]
    return given.get("kind") if isinstance(given, Mapping) else None


def _const(form: Node) -> Any:
    return form.get("properties", {}).get("kind", {}).get("const")


def _places(name: str, schema: Node) -> list[str]:
    """Return the paths of a key in the groups that every configuration has, two below the top at most."""
    found = []
    for key, node in schema["properties"].items():
        for form in _branches(node, schema):
            for below, inner in form.get("properties", {}).items():
                deeper = [one for one in _branches(inner, schema) if name in one.get("properties", {})]
                found += [f"{key}.{below}"] if below == name else []
                found += [f"{key}.{below}.{name}"] if deeper else []
    return list(dict.fromkeys(found))[:3]


def _text_hint(error: str, text: str) -> str:
    """Return why a value is text, where it was hardly meant as text."""
    if error in _NUMBER and _LIKE_A_NUMBER.fullmatch(text):
        return f" ({_TEXT_NUMBER})"
    return f" ({_TEXT_TRUTH})" if error == "bool_type" and text.lower() in _TRUTH else ""


_GROUP = ("model_type", "dict_type", "model_attributes_type")
_LIST = ("list_type", "tuple_type")
_NUMBER = ("int_type", "float_type")
"""Types of pydantic's errors, where a group of keys, a list or a number is expected."""

_LIKE_A_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_TEXT_NUMBER = (
    "this is text: YAML reads 1e-3 as text, and 1.0e-3 as a number; --config passes inner values as text"
)
_TRUTH = ("true", "false", "yes", "no", "on", "off")
_TEXT_TRUTH = "this is text: it is in quotation marks, or --config passed it, which passes inner values as text"


def _steps(loc: Sequence[str | int], given: Any) -> list[str]:
    """Return the path of a key as the configuration has it.

    Without the kinds, and the forms of a value (in brackets), which pydantic puts between.
    """
    steps = []
    kind_follows = True
    for number, part in enumerate(loc):
        if isinstance(part, str) and part.startswith("(") and not (isinstance(given, Mapping) and part in given):
            continue
        # A method's kind stands behind its name, whether it is given, absent, or the method has no keys.
        is_kind = (number == 2 and loc[0] == "methods") or (
            kind_follows and isinstance(given, Mapping) and part == given.get("kind")
        )
        if is_kind:
            kind_follows = False  # a key of the kind's own name may come next
            continue
        if isinstance(given, Mapping):
            given = given.get(part)
        elif isinstance(given, list) and isinstance(part, int) and part < len(given):
            given = given[part]
        steps.append(str(part))
        kind_follows = True
    return steps


def _forms(steps: Sequence[str], schema: Node) -> list[Node]:
    """Return every form that the schema allows the value of a key."""
    forms = list(_branches(schema, schema))
    for step in steps:
        forms = [branch for form in forms for branch in _branches(_below(form, step), schema)]
    return forms


def _branches(node: Node, schema: Node) -> Iterator[Node]:
    """Yield a node, and all that it refers to or may be one of."""
    yield node
    if "$ref" in node:
        yield from _branches(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    for one in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _branches(one, schema)


def _below(form: Node, step: str) -> Node:
    """Return the node of a key, or of a list's item; an empty one without such."""
    node = form.get("properties", {}).get(step) or form.get("additionalProperties")
    if node is None and step.isdigit():
        node = form.get("items")
    return node if isinstance(node, Mapping) else {}


def _group_hint(found: Any, forms: Sequence[Node]) -> str:
    """Return what a group needs that is chosen by its kind, for a value where it belongs."""
    if example := _example(found, forms):
        return f"; write {example}"
    kinds = _kinds(forms)
    chosen = any("discriminator" in form for form in forms)
    if kinds and (chosen or all("kind" in form["required"] for form in kinds.values())):
        return f", `kind` (one of {', '.join(map(repr, kinds))}) among them"
    return ""


def _list_hint(found: Any, forms: Sequence[Node], schema: Node) -> str:
    """Return what to write for a kind that stands where a list of groups belongs."""
    example = _example(found, [branch for form in forms for branch in _branches(form.get("items", {}), schema)])
    return f"; write [{example}]" if example else ""


def _example(found: Any, forms: Sequence[Node]) -> str:
    """Return a group with all keys that its kind needs, as YAML; nothing if there is no such kind."""
    kinds = _kinds(forms)
    if not isinstance(found, str) or found not in kinds:
        return ""
    needed = (key for key in kinds[found]["required"] if key != "kind")
    return "{" + ", ".join([f"kind: {found}", *(f"{key}: …" for key in needed)]) + "}"


def _kinds(forms: Sequence[Node]) -> dict[str, Node]:
    """Return the groups among the forms of a value that are chosen by their kind, by kind."""
    return {
        form["properties"]["kind"]["const"]: {"required": ()} | dict(form)
        for form in forms
        if "const" in form.get("properties", {}).get("kind", {})
    }
