"""How two settings differ, in words, and which digests or versions of two mappings do."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LONG = 80
"""Characters from which a group is counted, and not shown."""


def setting_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return which settings differ: 'training.epochs: 4 → 5'; a group that one has alone, as a whole."""
    return list(_changes(old, new, ""))


def changed_names(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names whose digests or versions differ, or that only one of both has."""
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[str]:
    for key in sorted({*old, *new}):
        where = f"{path}{key}"
        if key not in new:
            yield f"{where}: {_shown(old[key])} → no longer set"
            continue
        if key not in old:
            yield f"{where}: new, {_shown(new[key])}"
            continue
        before, after = _plain(old[key]), _plain(new[key])
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _changes(before, after, f"{where}.")
        elif before != after or type(before) is not type(after):
            yield f"{where}: {_shown(old[key])} → {_shown(new[key])}"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; a list of groups as a group of them, by number."""
    if isinstance(value, list | tuple):
        grouped = any(isinstance(one, Mapping) for one in value)
        return {str(number): one for number, one in enumerate(value)} if grouped else list(value)
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping) and len(text) > _LONG:
        count = _count(value)
        return f"{count} key{'s' if count > 1 else ''}"
    return text


def _count(value: Any) -> int:
    """Return how many values a group has, in all groups within it."""
    value = _plain(value)
    return sum(map(_count, value.values())) if isinstance(value, Mapping) else 1
