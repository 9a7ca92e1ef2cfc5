"""The rooms of the package, and which of them import which; read from the code without importing it.

`python docs/rooms.py` draws them into docs/images/rooms.svg.
"""

import ast
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "workflow/scripts"
PACKAGE = SCRIPTS / "hepaflow"
PICTURE = Path(__file__).with_name("images") / "rooms.svg"

FLOORS = (
    ("errors", "files", "garbage", "names", "words", "colours", "version"),
    ("system", "web"),
    ("settings",),
    ("volumes", "jobs"),
    ("exams", "preprocessing", "networks", "phantoms", "viewer"),
    ("masks", "methods", "dicom"),
    ("sampling",),
    ("training", "evaluation"),
    ("tables",),
    ("model", "figures", "pages"),
    ("segment", "comparison", "checks"),
    ("cli",),
)
"""A room imports from floors below its own. The first floor and the last are modules, all others packages."""


def module_of(path: Path) -> str:
    """Return the dotted name of a module of the package or of a script."""
    return ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__")


@cache
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


WIDTH, BOX, HEIGHT = 900, 126, 30
"""Of the picture, and of a room in it, in pixels."""
NEAR, FAR = 44, 92
"""From a floor to the next, in pixels: where no arrows go, and where they do."""
COMMON = 4
"""Floors that almost every room imports: arrows to them would hide the others."""

_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 font-family="sans-serif" font-size="15" text-anchor="middle">
<title>Rooms of the package: each imports from floors below its own</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0 8 4 0 8z" fill="#8a8a8a"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
"""


def drawn() -> str:
    """Return the picture of the rooms as SVG: a row for a floor, the upper ones above, an arrow for an import."""
    places, top = {}, 24
    for number, floor in reversed(list(enumerate(FLOORS))):
        for column, room in enumerate(floor):
            places[room] = round(WIDTH / len(floor) * (column + 0.5)), top
        top += FAR if number > COMMON else NEAR
    common = {room for floor in FLOORS[:COMMON] for room in floor}
    lines = [
        _arrow(places[room], places[other]) for room, other in sorted(arrows()) if room and other not in common
    ]
    boxes = [_box(room, *place) for room, place in places.items()]
    return "\n".join(
        [
            _HEAD.format(width=WIDTH, height=top).rstrip(),
            '<g fill="none" stroke="#8a8a8a">',
            *lines,
            '</g>\n<g fill="#eef3f8" stroke="#33658a">',
            *boxes,
            "</g>\n</svg>\n",
        ]
    )


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    bend = FAR // 2
    return (
        f'<path d="M{x} {y + HEIGHT // 2} C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y - HEIGHT // 2 - 3}" '
        'marker-end="url(#tip)"/>'
    )


def _box(room: str, x: int, y: int) -> str:
    return (
        f'<rect x="{x - BOX // 2}" y="{y - HEIGHT // 2}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x}" y="{y + 5}" fill="#222222" stroke="none">{room}</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
