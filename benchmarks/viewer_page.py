"""Measure the viewer of a large exam: how long it takes to make and to open, its size, and the memory of both.

    python -m benchmarks.viewer_page                        512×512×800, the reference and five methods
    python -m benchmarks.viewer_page --slices 150 --methods 20

The exam is a phantom of fifty slices, there and back until there are enough; methods are the reference, shifted.
The browser is the system's Chromium; its memory is that of the process that shows the page.
"""

import argparse
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser, sync_playwright

from hepaflow.jobs.run import peak_memory
from hepaflow.phantoms.drawing import draw_phantom
from hepaflow.phantoms.rendering import render_phantom
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import viewer_page
from hepaflow.volumes.volume import Grid

DRAWN = 50

# Go some pictures on, each as soon as the one before is drawn; the page's own functions do it.
FURTHER = """async (count) => {
  for (let i = 0; i < count; i++) {
    step(-1);
    while (!("drawn" in $("picture").dataset)) await new Promise((go) => setTimeout(go));
  }
}"""


def large_exam(size: int, slices: int, methods: int) -> ViewedExam:
    """Return a phantom of this many slices and methods, with two maps of disagreement."""
    phantom = draw_phantom("large", PhantomSettings(size=size, slices=(min(DRAWN, slices), min(DRAWN, slices))))
    hu, labels = render_phantom(phantom)
    there_and_back = np.arange(slices) % (2 * len(hu))
    order = np.minimum(there_and_back, 2 * len(hu) - 1 - there_and_back)
    reference = labels.astype(np.uint8)
    masks = {f"method-{shift}": np.roll(reference, shift, axis=2) for shift in range(1, methods)}
    masks["fusion"] = np.roll(reference, -1, axis=1)
    unlike = sum((mask != reference).astype(np.uint8) for mask in masks.values())
    disagreed = (100 * unlike // len(masks)).astype(np.uint8)[order]
    return ViewedExam(
        "large",
        hu.astype(np.int16)[order],
        reference[order],
        {name: mask[order] for name, mask in masks.items()},
        Grid((size, size, slices), np.diag([*phantom.spacing[:0:-1], 0.8, 1]), None),
        disagreement={"liver": disagreed, "lesion": disagreed},
    )


def _told(what: str, value: float, unit: str) -> None:
    print(f"{what:48} {value:8.2f} {unit}", flush=True)


def _process(browser: Browser) -> tuple[float, float]:
    """Return the processor time in s and the resident memory in MB of the process that shows the page."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    found = []
    for process in (one["id"] for one in told if one["type"] == "renderer"):
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        used = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
        seconds = sum(map(int, used)) / os.sysconf("SC_CLK_TCK")
        found.append((seconds, int(status.split("VmRSS:")[1].split()[0]) / 1000))
    return max(found, key=lambda one: one[1])


def measure_page(path: Path) -> None:
    """Open a viewer and print what it takes: as time goes by, of a processor, and memory."""
    _told("size of the page", path.stat().st_size / 1e6, "MB")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(600_000)

        def wait_after(what: str, act: Callable[[], object]) -> None:
            start, (used, _) = time.perf_counter(), _process(browser)
            act()
            page.wait_for_selector("#picture[data-drawn]")
            elapsed, (now_used, memory) = time.perf_counter() - start, _process(browser)
            _told(what, elapsed, "s")
            _told("  processor", now_used - used if now_used > used else now_used, "s")
            _told("  memory of the page then", memory, "MB")

        page.goto("about:blank")
        wait_after("to the first slice", lambda: page.goto(path.as_uri(), wait_until="commit"))
        picture = page.locator("#picture")
        wait_after("fifty slices further, one by one", lambda: page.evaluate(FURTHER, 50))
        wait_after("to the whole coronal picture", lambda: picture.press("p"))
        wait_after("twenty coronal pictures further", lambda: page.evaluate(FURTHER, 20))
        wait_after("to the sagittal picture", lambda: picture.press("p"))
        browser.close()


def make_page(path: Path, size: int, slices: int, methods: int) -> None:
    """Write the page of a large exam and print what that takes."""
    exam = large_exam(size, slices, methods)
    start, used = time.perf_counter(), time.process_time()
    path.write_text(viewer_page(exam), encoding="utf-8")
    _told("making the page", time.perf_counter() - start, "s")
    _told("  processor", time.process_time() - used, "s")
    _told("  memory at most", peak_memory() * 2**20 / 1e6, "MB")


def main() -> None:
    """Make the page and open it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=800)
    parser.add_argument("--methods", type=int, default=5)
    parser.add_argument("--page", type=Path, help="measure this page, which is made first if it is not there")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        path = (options.page or Path(folder) / "large.html").absolute()
        if not path.exists():
            make_page(path, options.size, options.slices, options.methods)
        measure_page(path)


if __name__ == "__main__":
    main()
