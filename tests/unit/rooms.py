"""The rooms of the package, and which of them import which; read from the code without importing it."""

import ast
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"
PACKAGE = SCRIPTS / "hepaflow"

FLOORS = (
    ("errors", "files", "garbage", "names", "colours"),
    ("system",),
    ("settings", "volumes", "jobs"),
    ("exams", "preprocessing", "networks", "phantoms", "viewer"),
    ("sampling", "masks", "methods", "dicom"),
    ("training", "evaluation"),
    ("tables",),
    ("model", "figures"),
    ("segment",),
    ("cli",),
)
"""A room imports from floors below its own. The first floor and the last are modules, all others packages."""


def module_of(path: Path) -> str:
    """Return the dotted name of a module of the package or of a script."""
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")


def modules() -> dict[str, Path]:
    """Return the modules of the package by their dotted names."""
    return {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(path: Path, *, for_types: bool = True) -> set[str]:
    """Return the modules of the package that a file imports anywhere, also inside of functions.

    Parameters
    ----------
    path : Path
    for_types : bool, optional
        Also those that only a checker of types imports.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not for_types:
        tree.body = [node for node in tree.body if not _is_for_types(node)]
    known, found = modules(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & known.keys()) or {node.module}
    return {name for name in found if name.split(".")[0] == "hepaflow"}


def _is_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def room_of(module: str) -> str:
    """Return the room of a module; the package itself is none."""
    return module.split(".")[1] if "." in module else ""


def arrows() -> dict[tuple[str, str], list[str]]:
    """Return which room imports which, with the modules of the first that do so."""
    found: dict[tuple[str, str], list[str]] = {}
    for module, path in modules().items():
        for other in imports(path):
            pair = room_of(module), room_of(other)
            if pair[0] != pair[1]:
                found.setdefault(pair, []).append(module)
    return found
