"""The pictures of README.md and docs/, made from a finished demo: `make demo images`.

images/images.json, beside them, says of which code and of which demo they are; a test compares both with today's.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rooms
import yaml

from hepaflow.errors import UserError
from hepaflow.files import sha256
from hepaflow.jobs.fingerprint import fingerprints
from hepaflow.names import STRUCTURES

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
FOLDER = Path(__file__).with_name("images")
RECORD = FOLDER / "images.json"
DEMO = ROOT / "config/demo.yaml"
AGAIN = "run: make demo images"

VIEWED, SEGMENTED = "phantom-05", "phantom-10"
"""Test exams of the demo, in the viewer and in the page of `hepaflow segment`."""
SAMPLES = STRUCTURES[0]
PAGE_FILES = (".html", ".css", ".js")


@dataclass(frozen=True)
class Picture:
    """What a picture shows.

    Attributes
    ----------
    script : str
        Script of the workflow that writes it, or the page that it is of.
    rooms : tuple of str
        Modules and rooms of the package, among what the script imports, that decide how it looks. What decides
        masks and numbers is left out: with other networks a picture is as good.
    record : str
        Record of the demo's job that wrote it; empty where `make images` writes it itself.
    """

    script: str
    rooms: tuple[str, ...]
    record: str


PICTURES = {
    "samples.png": Picture("figure_samples", ("colours", "figures"), f"figure_samples/{SAMPLES}.json"),
    "viewer.png": Picture("viewer", ("colours", "viewer", "web"), f"viewer/{VIEWED}.json"),
    "segment.png": Picture("present", ("colours", "segment.report", "viewer", "web"), ""),
}
ELSEWHERE = {
    "drawn.png": "python docs/drawn_patches.py",
    "rooms.svg": "python docs/rooms.py",
    "rulegraph.svg": "python docs/rulegraph.py",
    "scaling.svg": "make bench",
}
"""Pictures that show no demo, and what makes them."""


def code_of(picture: Picture) -> dict[str, str]:
    """Return digests of the modules that decide how a picture looks."""
    return _of_rooms(fingerprints(SCRIPTS / f"{picture.script}.py"), picture.rooms)


def _of_rooms(code: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    """Return those of the digests that are of some modules and rooms."""
    own = tuple(f"hepaflow.{name}." for name in names)
    return {module: digest for module, digest in code.items() if f"{module}.".startswith(own)}


def page_of(picture: Picture) -> dict[str, str]:
    """Return digests of the files of a page, which lie beside the modules that write it."""
    folders = [SCRIPTS / "hepaflow" / name.replace(".", "/") for name in picture.rooms]
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    return {
        str(path.relative_to(SCRIPTS / "hepaflow")): _digest(path.read_bytes())
        for path in files
        if path.suffix in PAGE_FILES
    }


def demo_of() -> str:
    """Return a digest of the demo's configuration and of its exams; comments do not count."""
    settings = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    exams = (ROOT / settings["exams"]).read_text(encoding="utf-8")
    return _digest(json.dumps([settings, exams], sort_keys=True).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def stale(recorded: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the pictures that are not of today's code and demo, each with what has changed since.

    Parameters
    ----------
    recorded : mapping
        Content of `RECORD`.
    """
    found = {}
    for name, picture in PICTURES.items():
        own = recorded.get("pictures", {}).get(name, {})
        today = code_of(picture) | page_of(picture)
        then = own.get("code", {})
        changed = sorted(part for part in today.keys() | then.keys() if today.get(part) != then.get(part))
        if own.get("demo") != demo_of():
            changed.append("the demo's configuration")
        path = FOLDER / name
        if not path.is_file() or own.get("picture") != _digest(path.read_bytes()):
            changed.append("the picture itself")
        if changed:
            found[name] = changed
    return found


# Making them.


def check(results: Path) -> None:
    """Check that a demo is finished, and that what pictures show of it was written by today's code.

    Raises
    ------
    UserError
        If not.
    """
    for name, picture in PICTURES.items():
        record = results / "records" / picture.record
        if not (results / "hepaflow-model.zip").is_file() or not record.exists():
            raise UserError("no finished demo", file=results, remedy=AGAIN)
        if picture.record:
            written = _of_rooms(json.loads(record.read_text(encoding="utf-8"))["code"], picture.rooms)
            if written != code_of(picture):
                raise UserError(f"a demo whose part for {name} other code has written", file=results, remedy=AGAIN)


@contextmanager
def browser() -> Iterator[Any]:
    """Give Chromium, as the tests of pages open it."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    if path is None:
        raise UserError("no chromium on the PATH", remedy="tests/browser/install_chromium.sh")
    with sync_playwright() as playwright:
        # Without a sandbox, as it needs rights that containers do not have; it opens nothing but our own pages.
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


def take_samples(opened: Any, results: Path) -> bytes:
    """Return the first exam of the figure of sample slices as a picture."""
    page = opened.new_page(viewport={"width": 864, "height": 800}, device_scale_factor=1.25)
    page.set_content((results / f"figures/samples.{SAMPLES}.svg").read_text(encoding="utf-8"))
    page.add_style_tag(content="body { margin: 0 }")
    figure = page.locator("svg").first.bounding_box()
    second = page.locator("svg text", has_text=", slice ").nth(1).bounding_box()
    return bytes(page.screenshot(full_page=True, clip={**figure, "height": second["y"] - 4 - figure["y"]}))


def take_viewer(opened: Any, results: Path) -> bytes:
    """Return the viewer with the outlines of the reference and the fusion, and the first lesion marked."""
    page = opened.new_page(viewport={"width": 1280, "height": 720})
    shown = "#slice=1&window=400,40&compare=fusion&errors=&layer=reference&layer=fusion"
    page.goto((results / f"viewer/{VIEWED}.html").resolve().as_uri() + shown)
    page.locator("#lesions button").first.click()
    page.mouse.move(0, 0)  # no other row looks chosen
    page.locator("#picture[data-drawn]").wait_for()
    return bytes(page.screenshot())


def take_segment(opened: Any, results: Path) -> bytes:
    """Segment an exam with the demo's networks, and return its page from the top to the list of lesions."""
    with tempfile.TemporaryDirectory() as folder:
        exam, out = Path(folder) / f"{SEGMENTED}.nii.gz", Path(folder) / "out"
        data = ROOT / yaml.safe_load(DEMO.read_text(encoding="utf-8"))["data"]
        shutil.copy(data / f"{SEGMENTED}.image.nii.gz", exam)
        command = [sys.executable, "-c", "import sys; from hepaflow.cli import main; sys.exit(main())", "segment"]
        model = str(results / "hepaflow-model.zip")
        subprocess.run([*command, str(exam), "--model", model, "--out", str(out)], check=True)
        (written,) = out.glob("*/report.html")
        page = opened.new_page(viewport={"width": 1100, "height": 800})
        page.goto(written.as_uri())
        lesions = page.locator("main > section", has=page.locator("h2", has_text="Lesions")).bounding_box()
        height = lesions["y"] + lesions["height"]
        return bytes(page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 1100, "height": height}))


TAKEN: Mapping[str, Callable[[Any, Path], bytes]] = {
    "samples.png": take_samples,
    "viewer.png": take_viewer,
    "segment.png": take_segment,
}


def make(results: Path) -> None:
    """Make all pictures from a finished demo, and record of what they are."""
    check(results)
    pictures = {}
    with browser() as opened:
        for name, picture in PICTURES.items():
            content = TAKEN[name](opened, results)
            (FOLDER / name).write_bytes(content)
            code = code_of(picture) | page_of(picture)
            pictures[name] = {"picture": _digest(content), "demo": demo_of(), "code": code}
    rooms.PICTURE.write_text(rooms.drawn(), encoding="utf-8")
    recorded = {"model": sha256(results / "hepaflow-model.zip"), "pictures": pictures}
    RECORD.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        make(ROOT / yaml.safe_load(DEMO.read_text(encoding="utf-8"))["results"])
    except UserError as error:
        sys.exit(f"{error}")
