"""Fingerprints of the code that a script runs: of itself and of every module of the package that it imports.

They are taken from syntax trees without docstrings: comments, formatting and the order of imports do not count,
and a changed statement in a module changes those of exactly the scripts that import it, directly or not.

Two things are finer than modules. What a job notes about itself (`hepaflow.jobs`: logs, records, cache) touches
no result, so it is not followed. And of a table of architectures only the one that a job builds counts, with what
it imports: a new architecture, or a line in another one, leaves every trained network as it is.
"""

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

from hepaflow.errors import UserError

PACKAGE = "hepaflow"
UNFOLLOWED = "hepaflow.jobs"
TABLE = "ARCHITECTURES"
HOLDS_A_VALUE = (ast.Constant, ast.MatchSingleton)
"""Nodes with a field that is no part of the tree but a value: None, False and 0 are values like others."""
_DIGITS = 16
_DYNAMIC = {"__import__", "import_module", "exec_module", "run_module", "run_path", "exec"}


def fingerprints(script: Path, entry: str = "") -> dict[str, str]:
    """Return a digest of a script and of each of the package's modules beside it that it imports.

    Parameters
    ----------
    script : Path
    entry : str, optional
        The entry of the table of architectures that the script's job uses; without it, all of them count.

    Returns
    -------
    dict of str to str
        The script's digest under `script`, and the modules' under their names.

    Raises
    ------
    UserError
        If a module cannot be parsed, an import of the package leads nowhere, something is imported in a way
        that cannot be followed without running the code, or the table has no such entry.
    """
    trees = {"script": _module(script, entry)[0]}
    trees |= {name: _module(path, entry)[0] for name, path in sorted(modules(script, entry).items())}
    return {name: hashlib.sha256(tree.encode()).hexdigest()[:_DIGITS] for name, tree in trees.items()}


def modules(script: Path, entry: str = "") -> dict[str, Path]:
    """Return the modules of the package that a script's result depends on, directly or not, by name."""
    found: dict[str, Path] = {}
    waiting = [(name, script) for name in _module(script, entry)[1]]
    while waiting:
        name, importer = waiting.pop()
        if name in found or f"{name}.".startswith(f"{UNFOLLOWED}."):
            continue
        path = _locate(name, script.parent)
        if path is None:
            raise UserError(
                f"an import of {name}, which does not exist",
                file=importer,
                remedy="correct the name, or add the module",
            )
        found[name] = path
        waiting += [(inner, path) for inner in _module(path, entry)[1]]
        if "." in name:  # importing a module runs the packages around it
            waiting.append((name.rpartition(".")[0], importer))
    return found


def libraries(script: Path, entry: str = "") -> set[str]:
    """Return the names of what a script's result is computed with besides the package, as they are imported."""
    paths = [script, *modules(script, entry).values()]
    return {name for path in paths for name in _module(path, entry)[2]}


def _locate(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _parsed(path: Path, entry: str, _mtime: int, _size: int) -> tuple[str, tuple[str, ...], frozenset[str]]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:  # letters that are not UTF-8, null bytes
        raise UserError(
            f"code that is not Python ({error})", file=path, remedy="correct what the reason in brackets names"
        ) from error
    if entry:
        _keep_entry(tree, entry, path)
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
    fields = [(name, value) for name, value in ast.iter_fields(tree) if value or isinstance(tree, HOLDS_A_VALUE)]
    return f"{type(tree).__name__}({', '.join(f'{name}={_value_text(value)}' for name, value in fields)})"


def _value_text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value_text, value))}]"
    return _text(value) if isinstance(value, ast.AST) else repr(value)


def _module(path: Path, entry: str) -> tuple[str, tuple[str, ...], frozenset[str]]:
    """Return a module's tree as text, without docstrings, the modules of the package and other ones it imports."""
    state = path.stat()
    same_for_all = entry and not _names_table(path, state.st_mtime_ns, state.st_size)
    return _parsed(path, "" if same_for_all else entry, state.st_mtime_ns, state.st_size)


@cache
def _names_table(path: Path, _mtime: int, _size: int) -> bool:
    return TABLE.encode() in path.read_bytes()


def _keep_entry(tree: ast.Module, entry: str, path: Path) -> None:
    """Leave one entry in a module's table, if it has the table, and no function that only others use; in place."""
    dropped: set[str] = set()
    for table in (node for node in tree.body if TABLE in _assigned(node)):
        for node in ast.walk(table):
            if not isinstance(node, ast.Dict):
                continue
            items = list(zip(node.keys, node.values, strict=True))
            kept = [(key, value) for key, value in items if isinstance(key, ast.Constant) and key.value == entry]
            if not kept:
                raise UserError(
                    f"no entry {entry!r} in the table {TABLE}",
                    file=path,
                    remedy="add the architecture there, or name another in the configuration",
                )
            node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]
            dropped |= {_name(part) for item in items if item not in kept for part in ast.walk(item[1])}
    used = {_name(node) for node in ast.walk(tree)}
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.FunctionDef) and node.name in dropped and node.name not in used)
    ]


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
