"""The package is built in rooms: each on its floor, imports run downwards, and in no circle."""

import tomllib
from collections import Counter
from graphlib import TopologicalSorter

import pytest
from rooms import FLOORS, PACKAGE, PICTURE, SCRIPTS, arrows, drawn, imports, modules, room_of

FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def test_every_room_has_a_floor() -> None:
    assert {room_of(module) for module in modules()} - {""} == set(FLOOR)


def test_few_modules_lie_flat() -> None:
    flat = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert flat == {*FLOORS[0], *FLOORS[-1]}


@pytest.mark.parametrize("pair", sorted(arrows()), ids=" ".join)
def test_a_room_imports_from_floors_below(pair: tuple[str, str]) -> None:
    room, other = pair
    assert FLOOR[other] < FLOOR[room], arrows()[pair]


def test_no_module_imports_itself_by_way_of_others() -> None:
    order = TopologicalSorter({module: imports(path, for_types=False) for module, path in modules().items()})
    assert set(order.static_order()) == set(modules())  # raises CycleError where there is a circle


def test_jobs_are_imported_by_scripts_alone() -> None:
    """Fingerprints of code leave `hepaflow.jobs` out, so no result may depend on it."""
    assert [pair for pair in arrows() if pair[1] == "jobs"] == []
    scripts = [path for path in SCRIPTS.glob("*.py") if any(map(_of_jobs, imports(path)))]
    assert len(scripts) > 20


def _of_jobs(module: str) -> bool:
    return room_of(module) == "jobs"


def test_a_room_says_what_it_is() -> None:
    for room in {room_of(module) for module in modules()} - {""} - {*FLOORS[0], *FLOORS[-1]}:
        assert (PACKAGE / room / "__init__.py").read_text(encoding="utf-8").startswith('"""'), room


def test_the_picture_is_of_this_code() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn(), "run: python docs/rooms.py"


def test_no_module_hides_another_of_its_name() -> None:
    """Tests find modules in several folders, the first of which wins."""
    settings = tomllib.loads((PACKAGE.parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    folders = [PACKAGE.parents[2] / name for name in settings["tool"]["pytest"]["ini_options"]["pythonpath"]]
    names = Counter(path.stem for folder in folders for path in folder.glob("*.py") if path.stem != "conftest")
    assert [name for name, count in names.items() if count > 1] == []
