"""The page of `hepaflow compare` in a real browser: it opens from disk, asks for nothing, fits, and prints."""

from pathlib import Path

import pytest
from finished_runs import FinishedRun, dice
from opened import Opened
from playwright.sync_api import Page, expect

from hepaflow.cli import main

SIZES = [(1400, 900), (400, 800)]
A4 = 718
"""Pixels of an A4 page between its margins."""


@pytest.fixture(scope="module", params=[2, 3])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of two or three runs."""
    folder = tmp_path_factory.mktemp("runs")
    made = []
    for number in range(request.param):
        run = FinishedRun(folder / f"results-{number}", {"fusion": dice(number), "a_network": dice(number + 5)})
        run.change("train", "liver", "a_network", settings={"training": {"epochs": 2 + number, "loss": "bce"}})
        made.append(str(run.folder))
    assert main(["compare", *made, "--out", str(folder / "out")]) == 0
    return folder / "out/comparison.html"


def _width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


@pytest.mark.parametrize("size", SIZES)
def test_it_opens_from_disk_whole_and_fits(opened: Opened, page_file: Path, size: tuple[int, int]) -> None:
    page = opened(page_file, size, offline=True)
    expect(page.get_by_role("heading", name="What can be concluded")).to_be_visible()
    expect(page.get_by_text("Dice of the liver:").first).to_be_visible()
    widths = page.locator("img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(widths) == 2  # Dice and ASSD
    assert min(widths) > 500
    tables = page.locator("main > section > .scroll > table")
    assert tables.count() >= 6
    for number in range(tables.count()):
        expect(tables.nth(number)).to_be_visible()
    assert _width(page) <= size[0]


def test_what_is_folded_opens_at_a_click(opened: Opened, page_file: Path) -> None:
    page = opened(page_file)
    folded = page.locator("details table").first
    expect(folded).to_be_hidden()
    page.get_by_text("a_network", exact=True).click()
    expect(folded).to_be_visible()


def test_nothing_of_it_is_cut_off_in_print(opened: Opened, page_file: Path) -> None:
    page = opened(page_file, (A4, 1000))
    page.emulate_media(media="print")
    assert _width(page) <= A4
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_figure_fits_a_phone_and_grows_at_a_click_though_the_page_runs_no_script(
    opened: Opened, page_file: Path
) -> None:
    page = opened(page_file, SIZES[1])
    picture, width = page.locator("figure img").first, SIZES[1][0]
    for wider in (False, True, False):
        box = picture.bounding_box()
        assert box
        assert (box["width"] > 3 * width) == wider
        assert _width(page) <= width
        page.locator(".zoom").first.click()
