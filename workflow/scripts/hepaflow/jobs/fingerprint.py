"""Fingerprints of the code that a script runs: of itself and of every module of the package that it imports.

They are taken from syntax trees without docstrings: comments, formatting and the order of imports do not count,
and a changed statement in a module changes those of exactly the scripts that import it, directly or not.

Two things are finer than modules. What a job notes about itself (`hepaflow.jobs`: logs, records, cache) touches
no result, and the settings (`hepaflow.settings`) reach a job as values, which its parameters hold: neither is
followed. And of a table of architectures, losses and the like only the entries that a job's settings name count,
with what they import and the private functions and constants that they alone use: a new entry, or a line in
another one, leaves every trained network as it is.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from hepaflow.errors import UserError

PACKAGE = "hepaflow"
UNFOLLOWED = ("hepaflow.jobs", "hepaflow.settings")
TABLES: Mapping[str, str] = {
    "arch": "ARCHITECTURES",
    "decoder": "DECODERS",
    "loss": "LOSSES",
    "optimiser": "OPTIMISERS",
    "schedule": "SCHEDULES",
    "augmentation": "AUGMENTATIONS",
    "average": "AVERAGES",
    "preprocessing": "PREPROCESSING",
    "sampling": "SAMPLINGS",
    "postprocessing": "POSTPROCESSING",
    "anatomy": "ANATOMIES",
    "drawn": "DRAWN",
}
"""Keys of settings whose values name entries of a table, as text or as the `kind` of a group."""
NULLABLE = ("decoder", "optimiser", "schedule", "augmentation", "average", "drawn")
"""Those of the keys that may be null, which settings leave out: then a job uses no entry of the table."""

Chosen = frozenset[tuple[str, frozenset[str]]]
"""Names of tables, each with the entries that a job uses. Of a table that is not named, all entries count."""
ALL: Chosen = frozenset()

HOLDS_A_VALUE = (ast.Constant, ast.MatchSingleton)
"""Nodes with a field that is no part of the tree but a value: None, False and 0 are values like others."""
_DIGITS = 16
_DYNAMIC = {"__import__", "import_module", "exec_module", "run_module", "run_path", "exec"}


def chosen_by(settings: Mapping[str, Any]) -> Chosen:
    """Return which entries of the tables a job uses, from its settings; all where they name none.

    Examples
    --------
    >>> found = chosen_by({"network": {"arch": "unet"}, "training": {"loss": "dice"}})
    >>> sorted((table, *entries) for table, entries in found if entries)
    [('ARCHITECTURES', 'unet'), ('LOSSES', 'dice')]
    """
    found: dict[str, set[str]] = {}
    for key, value in _leaves(settings):
        if key in TABLES and not _is_named_by_a_user(value):
            found.setdefault(key, set()).update(_kinds(value))
    if found:
        found = {key: set() for key in NULLABLE} | found
    return frozenset((TABLES[key], frozenset(entries)) for key, entries in found.items())


def _leaves(tree: object) -> Iterator[tuple[str, Any]]:
    """Yield every key below some settings, with its value."""
    if isinstance(tree, Mapping):
        yield from tree.items()
        for value in tree.values():
            yield from _leaves(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _leaves(value)


def _is_named_by_a_user(value: object) -> bool:
    """Return whether a key is no key of the settings, but a name that a user gave: a method called `loss`, say."""
    return isinstance(value, Mapping) and "kind" not in value


def _kinds(value: object) -> set[str]:
    match value:
        case str():
            return {value}
        case {"kind": str(kind)}:
            return {kind}
        case [*several]:
            return {kind for one in several for kind in _kinds(one)}
    raise TypeError(f"{value!r} names no entry of a table")


def fingerprints(script: Path, chosen: Chosen = ALL) -> dict[str, str]:
    """Return a digest of a script and of each of the package's modules beside it that it imports.

    Parameters
    ----------
    script : Path
    chosen : Chosen, optional
        Which entries of tables the script's job uses (`chosen_by`).

    Returns
    -------
    dict of str to str
        The script's digest under `script`, and the modules' under their names.

    Raises
    ------
    UserError
        If a module cannot be parsed, an import of the package leads nowhere, something is imported in a way
        that cannot be followed without running the code, or a table lacks an entry.
    """
    trees = {"script": _module(script, chosen)[0]}
    trees |= {name: _module(path, chosen)[0] for name, path in sorted(modules(script, chosen).items())}
    return {name: hashlib.sha256(tree.encode()).hexdigest()[:_DIGITS] for name, tree in trees.items()}


def modules(script: Path, chosen: Chosen = ALL) -> dict[str, Path]:
    """Return the modules of the package that a script's result depends on, directly or not, by name."""
    found: dict[str, Path] = {}
    waiting = [(name, script) for name in _module(script, chosen)[1]]
    while waiting:
        name, importer = waiting.pop()
        if name in found or f"{name}.".startswith(tuple(f"{room}." for room in UNFOLLOWED)):
            continue
        path = _locate(name, script.parent)
        if path is None:
            raise UserError(
                f"an import of {name}, which does not exist",
                file=importer,
                remedy="correct the name, or add the module",
            )
        found[name] = path
        waiting += [(inner, path) for inner in _module(path, chosen)[1]]
        if "." in name:  # importing a module runs the packages around it
            waiting.append((name.rpartition(".")[0], importer))
    return found


def libraries(script: Path, chosen: Chosen = ALL) -> set[str]:
    """Return the names of what a script's result is computed with besides the package, as they are imported."""
    paths = [script, *modules(script, chosen).values()]
    return {name for path in paths for name in _module(path, chosen)[2]}


def _locate(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _parsed(path: Path, chosen: Chosen, _mtime: int, _size: int) -> tuple[str, tuple[str, ...], frozenset[str]]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:  # letters that are not UTF-8, null bytes
        raise UserError(
            f"code that is not Python ({error})", file=path, remedy="correct what the reason in brackets names"
        ) from error
    for table, entries in sorted(chosen):
        _keep_entries(tree, table, entries, path)
    imports = _imports(tree, path)
    others = _others(tree)
    _strip(tree)
    return _text(tree), imports, others


def _text(tree: ast.AST) -> str:
    """Return a syntax tree as text that is the same under every version of Python.

    Unlike that of `ast.dump`, which shows fields that newer versions have: what is empty is left out, but where it
    is a value of the code. How a text is spelled (`u""`) is none.
    """
    if isinstance(tree, ast.Constant):
        return f"Constant(value={tree.value!r}, kind=None)"
    holds_a_value = isinstance(tree, HOLDS_A_VALUE)
    fields = [(name, getattr(tree, name, None)) for name in tree._fields]
    told = [f"{name}={_value_text(value)}" for name, value in fields if value or holds_a_value]
    return f"{type(tree).__name__}({', '.join(told)})"


def _value_text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value_text, value))}]"
    return _text(value) if isinstance(value, ast.AST) else repr(value)


def _module(path: Path, chosen: Chosen) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """Return a module's tree as text, without docstrings, the modules of the package and other ones it imports."""
    state = path.stat()
    named = _tables(path, state.st_mtime_ns, state.st_size) if chosen else frozenset()
    counting = frozenset(one for one in chosen if one[0] in named)
    return _parsed(path, counting, state.st_mtime_ns, state.st_size)


@cache
def _tables(path: Path, _mtime: int, _size: int) -> frozenset[str]:
    """Return the names of tables that a file mentions."""
    content = path.read_bytes()
    return frozenset(table for table in TABLES.values() if table.encode() in content)


def _keep_entries(tree: ast.Module, table: str, entries: frozenset[str], path: Path) -> None:
    """Leave some entries in a module's table, if it has the table, and no function of others alone; in place."""
    tables = [node for node in tree.body if table in _assigned(node)]
    dropped: set[str] = set()
    for statement in tables:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Dict):
                continue
            items = list(zip(node.keys, node.values, strict=True))
            kept = [(key, value) for key, value in items if _text_of(key) in entries]
            if missing := set(entries) - {_text_of(key) for key, _ in kept}:
                raise UserError(
                    f"no entry {', '.join(map(repr, sorted(missing)))} in the table {table}",
                    file=path,
                    remedy="add it there, or name another in the configuration",
                )
            node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]
            dropped |= {name for item in items if item not in kept for name in _names(item[1])}
            break  # the table itself, and no mapping inside of an entry
    if tables:
        _drop_unused(tree, dropped)


def _text_of(node: ast.AST | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _drop_unused(tree: ast.Module, dropped: set[str]) -> None:
    """Drop what entries of these names alone used: functions, constants and imported names; in place.

    Private ones alone: others may be imported from elsewhere.
    """
    while True:
        gone = [
            node
            for node in tree.body
            if (name := _defined(node)) in dropped and name.startswith("_") and not _used(name, tree, node)
        ]
        if not gone:
            break
        tree.body = [node for node in tree.body if node not in gone]
        dropped = dropped | {name for node in gone for name in _names(node)}
    _drop_imports(tree, dropped)


def _drop_imports(tree: ast.Module, dropped: set[str]) -> None:
    """Drop imported names that nothing uses, also those for type checkers alone; in place.

    Of `import name`, which may be there for what it does, only what dropped code has used.
    """
    blocks: list[ast.If | ast.Module] = [node for node in tree.body if _is_for_type_checkers(node)]
    for block in [*blocks, tree]:
        block.body = [node for node in block.body if not (_is_for_type_checkers(node) and not node.body)]
        for node in [node for node in block.body if isinstance(node, ast.Import | ast.ImportFrom)]:
            node.names = [alias for alias in node.names if _is_kept(node, alias, tree, dropped)]
            if not node.names:
                block.body.remove(node)


def _is_kept(node: ast.Import | ast.ImportFrom, alias: ast.alias, tree: ast.Module, dropped: set[str]) -> bool:
    name, _ = _bound(node, alias)
    there_for_itself = name not in dropped if isinstance(node, ast.Import) else name == "*"
    return there_for_itself or _used(name, tree, node)


def _is_for_type_checkers(node: ast.stmt) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING" and not node.orelse


def _defined(node: ast.stmt) -> str:
    """Return the name of the function, class or constant that a statement defines; empty for any other."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ""


def _used(name: str, tree: ast.Module, apart_from: ast.stmt) -> bool:
    return any(name in _names(other) for other in _statements(tree) if other is not apart_from)


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield the statements of a module, and one by one those of a block for type checkers."""
    for node in tree.body:
        yield from (node.test, *node.body) if _is_for_type_checkers(node) else (node,)


def _names(tree: ast.AST) -> set[str]:
    return {_name(node) for node in ast.walk(tree)}


def _assigned(node: ast.stmt) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _others(tree: ast.Module) -> frozenset[str]:
    """Return the first names of the modules that a tree imports from elsewhere than Python and the package."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return frozenset(names - sys.stdlib_module_names - {PACKAGE})


def _imports(tree: ast.Module, path: Path) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise UserError(
                    f"a relative import in line {node.lineno}",
                    file=path,
                    remedy="import the module by its full name",
                )
            if node.module and node.module.split(".")[0] == PACKAGE:
                if any(alias.name == "*" for alias in node.names):
                    raise UserError(
                        f"an import of everything in line {node.lineno}",
                        file=path,
                        remedy="import the names one by one",
                    )
                root = _package_root(path)
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    names.add(inner if _locate(inner, root) else node.module)
        if (name := _name(node)) in _DYNAMIC:  # called, passed on or given another name
            raise UserError(
                f"{name} in line {getattr(node, 'lineno', '?')}: an import that only running the code would tell",
                file=path,
                remedy="import the module by a statement",
            )
    return tuple(sorted(names))


def _package_root(path: Path) -> Path:
    """Return the folder that holds the package: that of the script, or the package's own parent."""
    for folder in path.parents:
        if folder.name == PACKAGE and (folder / "__init__.py").is_file():
            return folder.parent
    return path.parent


def _name(node: ast.AST) -> str:
    """Return the name that a node mentions, if it mentions one."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            return name
    return ""


def _strip(tree: ast.Module) -> None:
    """Drop docstrings, and sort each run of imports, in place."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list) and statements:
                kept = [statement for statement in statements if not _is_text(statement)]
                setattr(node, field, _with_sorted_imports(kept))


def _is_text(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _with_sorted_imports(body: list[ast.stmt]) -> list[ast.stmt]:
    result: list[ast.stmt] = []
    run: list[ast.Import | ast.ImportFrom] = []
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            run.append(statement)
            continue
        result += _sorted_imports(run)
        run = []
        result.append(statement)
    return result + _sorted_imports(run)


def _sorted_imports(run: list[ast.Import | ast.ImportFrom]) -> list[ast.Import | ast.ImportFrom]:
    """Sort imports, unless their order decides what a name stands for."""
    sources: dict[str, set[tuple[str, ...]]] = {}
    for statement in run:
        for alias in statement.names:
            name, source = _bound(statement, alias)
            sources.setdefault(name, set()).add(source)
    if "*" in sources or any(len(several) > 1 for several in sources.values()):
        return run
    for statement in run:
        statement.names.sort(key=lambda alias: alias.name)
    return sorted(run, key=_text)


def _bound(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, tuple[str, ...]]:
    """Return the name that an import binds, and what it then stands for."""
    if isinstance(statement, ast.ImportFrom):
        return alias.asname or alias.name, (statement.module or "", alias.name)
    first = alias.name.split(".")[0]  # what `import a.b` binds
    return (alias.asname, (alias.name,)) if alias.asname else (first, (first,))
