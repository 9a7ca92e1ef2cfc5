"""How two settings differ, in words, and which digests or versions of two mappings do."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def setting_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return which settings differ, by key path: 'training.epochs: 4 → 5'."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    changes = []
    for key in sorted(before | after):
        if key not in after:
            changes.append(f"{key}: {_shown(before[key])} → no longer set")
        elif key not in before:
            changes.append(f"{key}: new, {_shown(after[key])}")
        elif before[key] != after[key] or type(before[key]) is not type(after[key]):
            changes.append(f"{key}: {_shown(before[key])} → {_shown(after[key])}")
    return changes


def changed_names(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return the names whose digests or versions differ, or that only one of both has."""
    return [name for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            yield from _leaves({str(number): one for number, one in enumerate(value)}, f"{path}{key}.")
        else:
            yield f"{path}{key}", list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
