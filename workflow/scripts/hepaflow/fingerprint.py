"""Fingerprint of the code that a script runs: of itself and of every module of the package that it imports.

It is taken from syntax trees without docstrings: comments, formatting and the order of imports do not count, and
a changed statement in a module changes the fingerprint of exactly the scripts that import it, directly or not.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

from hepaflow.errors import UserError

PACKAGE = "hepaflow"


def fingerprint(script: Path) -> str:
    """Return a digest of a script and of the package's modules beside it that it imports.

    Raises
    ------
    UserError
        If a module cannot be parsed, an import of the package leads nowhere, or something is imported in a way
        that cannot be followed without running the code.
    """
    digest = hashlib.sha256(_module(script)[0].encode())
    for name, path in sorted(modules(script).items()):
        digest.update(f"\n{name}\n{_module(path)[0]}".encode())
    return digest.hexdigest()


def modules(script: Path) -> dict[str, Path]:
    """Return the modules of the package that a script imports, directly or not, by name."""
    found: dict[str, Path] = {}
    waiting = [(name, script) for name in _module(script)[1]]
    while waiting:
        name, importer = waiting.pop()
        if name in found:
            continue
        path = _locate(name, script.parent)
        if path is None:
            raise UserError(f"an import of {name}, which does not exist", file=importer)
        found[name] = path
        waiting += [(inner, path) for inner in _module(path)[1]]
        if "." in name:  # importing a module runs the packages around it
            waiting.append((name.rpartition(".")[0], importer))
    return found


def _locate(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _parsed(path: Path, _mtime: int, _size: int) -> tuple[str, tuple[str, ...]]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(f"code that is not Python ({error})", file=path) from None
    imports = _imports(tree, path)
    _strip(tree)
    return ast.dump(tree), imports


def _module(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return a module's tree as text, without docstrings, and the modules of the package that it imports."""
    state = path.stat()
    return _parsed(path, state.st_mtime_ns, state.st_size)


def _imports(tree: ast.Module, path: Path) -> tuple[str, ...]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise UserError(f"a relative import in line {node.lineno}", file=path)
            if node.module and node.module.split(".")[0] == PACKAGE:
                if any(alias.name == "*" for alias in node.names):
                    raise UserError(f"an import of everything in line {node.lineno}", file=path)
                root = _package_root(path)
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    names.add(inner if _locate(inner, root) else node.module)
        if (name := _name(node)) in {"__import__", "import_module"}:  # called, passed on or given another name
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
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        node.body = _with_sorted_imports(  # type: ignore[attr-defined]
            [
                statement
                for statement in body
                if not (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.Constant)
                    and isinstance(statement.value.value, str)
                )
            ]
        )


def _with_sorted_imports(body: list[ast.stmt]) -> list[ast.stmt]:
    result: list[ast.stmt] = []
    run: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            statement.names.sort(key=lambda alias: alias.name)
            run.append(statement)
            continue
        result += sorted(run, key=ast.dump)
        run = []
        result.append(statement)
    return result + sorted(run, key=ast.dump)
