"""The report of a small run, opened from disk in a real browser."""

import base64
import gzip
import re
from pathlib import Path

import pandas as pd
import pytest
from opened import Opened
from playwright.sync_api import FrameLocator, Page, expect
from smoke_run import EXAMS, Checkout

TEST = sorted(name for name, split in EXAMS.items() if split == "test")


@pytest.fixture
def page(opened: Opened, report: Path) -> Page:
    opened_page = opened(report)
    expect(opened_page.locator("h1.title")).to_be_visible()
    return opened_page


def test_it_begins_with_what_was_run(page: Page) -> None:
    for question in ("What was run.", "On what data.", "Result."):
        expect(page.get_by_text(question)).to_be_visible()


def test_it_holds_exactly_what_the_rules_promise(page: Page, promised: set[str]) -> None:
    assert len(promised) > 10
    assert set(page.evaluate("Object.keys(results)")) == promised


def test_it_tells_nothing_of_the_machine_that_made_it(page: Page, report: Path, completed: Checkout) -> None:
    """Neither where it ran nor the cache's absolute path, in the page or in anything that it embeds."""
    embedded = page.evaluate("Object.values(results).map(result => result.data_uri)")
    texts = [report.read_text(encoding="utf-8")]
    texts += [base64.b64decode(uri.partition("base64,")[2]).decode("utf-8", "replace") for uri in embedded]
    for private in (str(completed.folder.parent), str(Path.home())):
        assert not any(private in text for text in texts), private


def test_every_table_is_the_one_on_disk(page: Page, completed: Checkout) -> None:
    embedded = page.evaluate("Object.entries(results).map(([path, result]) => [path, result.data_uri])")
    pages = {path: uri for path, uri in embedded if "/tables/" in path}
    assert not any(path.endswith(".csv") for path, _ in embedded)  # which would only download
    assert len(pages) > 20
    for path, uri in pages.items():
        (packed,) = re.findall(rb'data-packed="([^"]*)"', base64.b64decode(uri.partition("base64,")[2]))
        table = (completed.folder / path).with_suffix(".csv").read_bytes()
        assert gzip.decompress(base64.b64decode(packed)) == table, path
        assert len(uri) < 2**21, path  # or Chromium shows nothing


def open_entry(page: Page, *clicks: str) -> FrameLocator:
    """Click through the menu to an entry, and on its eye; return what opens beside it."""
    *menu, entry = clicks
    for text in menu:
        page.get_by_role("listitem").get_by_text(text, exact=True).click()
    page.locator("tr", has=page.get_by_text(entry, exact=True)).locator("a").first.click()
    return page.frame_locator("iframe")


def test_a_table_is_visible_after_one_click(page: Page, completed: Checkout) -> None:
    dice = pd.read_csv(completed.folder / "results/smoke/tables/liver.csv").set_index("method")
    table = open_entry(page, "3 Scores", "1 Dice and every metric", "1 Dice, as in the thesis").locator("table")
    expect(table).to_be_visible()
    expect(table.locator("tr", has_text="fusion").first).to_contain_text(
        f"{dice.loc['fusion', 'with post-processing']:.4f}"
    )
    page.get_by_text("2 lesion", exact=True).click()  # the switch, which begins with the liver
    expect(page.frame_locator("iframe").locator("h1")).to_have_text("Dice, as in the thesis: lesion")


@pytest.mark.parametrize(
    ("clicks", "title"),
    [
        (("1 Run", "2 configuration, beside the thesis'"), "Configuration, beside the thesis'"),
        (("1 Run", "4 networks, and what they cost"), "Networks, and what they cost"),
        (("4 Volumes and lesions", "5 every lesion"), "Every lesion"),
    ],
)
def test_what_has_one_list_opens_in_two_clicks(page: Page, clicks: tuple[str, ...], title: str) -> None:
    frame = open_entry(page, *clicks)
    expect(frame.locator("h1")).to_have_text(title)
    expect(frame.locator("tbody tr").first).to_be_visible()
    expect(frame.locator(".caption")).to_be_visible()


def test_a_table_is_downloaded_from_within_the_report(page: Page, completed: Checkout) -> None:
    frame = open_entry(page, "1 Run", "2 configuration, beside the thesis'")
    with page.expect_download() as started:
        frame.get_by_text("Download CSV").click()
    assert started.value.suggested_filename == "configuration.csv"
    table = completed.folder / "results/smoke/tables/configuration.csv"
    assert Path(started.value.path()).read_bytes() == table.read_bytes()


def test_both_dice_tables_stand_on_the_first_page(page: Page) -> None:
    tables = page.locator("#app .prose table")
    expect(tables).to_have_count(2)
    for table in tables.all():
        expect(table).to_be_visible()
    text, graph = (page.locator(place).bounding_box() for place in ("#app .prose", "#app #rulegraph"))
    assert text is not None
    assert graph is not None
    assert graph["y"] >= text["y"] + text["height"]  # below it, not beside it


def test_the_first_page_leads_to_the_summary(page: Page) -> None:
    page.get_by_text("The run on one page", exact=True).click()
    frame = page.frame_locator("iframe")
    expect(frame.locator("h1")).to_contain_text("summary of a run")
    sizes = frame.locator("img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(sizes) > 10
    assert min(sizes) > 100
    assert frame.locator("a.beside").count() == 0  # files beside the report cannot be opened from within it
    expect(frame.get_by_text(f"viewer/{TEST[0]}.html").first).to_be_visible()


def test_the_summary_is_the_first_entry(page: Page) -> None:
    page.get_by_role("listitem").get_by_text("1 Run", exact=True).click()
    expect(page.locator("nav tbody tr").first).to_contain_text("1 summary")


def test_no_category_has_a_single_entry(page: Page) -> None:
    counts = page.evaluate(
        "Object.values(categories).map(parts => Object.values(parts).reduce((sum, one) => sum + one.length, 0))"
    )
    assert min(counts) > 1


def test_the_liver_comes_before_the_lesions(page: Page) -> None:
    page.get_by_role("listitem").get_by_text("5 Uncertainty", exact=True).click()
    switch = page.locator("nav fieldset label")
    expect(switch).to_have_text(["1 liver", "2 lesion"])
    expect(switch.first.locator("input")).to_be_checked()


def test_every_figure_can_be_opened_from_its_category(page: Page, promised: set[str]) -> None:
    figures = sorted(path for path in promised if path.endswith(".svg"))
    assert figures
    for path in figures:
        page.evaluate("path => app.showResultInfo(path)", path)
        page.evaluate(
            "path => app.setView({content: 'img', contentPath: results[path].data_uri, resultPath: path})", path
        )
        image = page.locator(f"img[src*='filename={Path(path).name};']")
        width = image.evaluate("async image => (await image.decode(), image.naturalWidth)")
        assert width > 300, path


@pytest.mark.parametrize("exam", TEST)
def test_every_test_exam_has_a_viewer_that_works(page: Page, exam: str) -> None:
    page.get_by_text("6 Exams").last.click()
    page.get_by_text("2 Viewer", exact=True).click()
    page.locator("tr", has=page.get_by_text(exam, exact=True)).locator("a").first.click()
    viewer = page.frame_locator("iframe")
    expect(viewer.locator("h1")).to_have_text(exam)
    which = viewer.locator("#which")
    expect(which).to_contain_text("Slice")
    before = which.inner_text()
    viewer.locator("#up").click()
    expect(which).not_to_have_text(before)
    viewer.locator("#picture").hover()
    page.mouse.wheel(0, 100)
    expect(which).to_have_text(before)
    page.keyboard.press("End")
    shown = viewer.locator("#picture").evaluate(
        "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    )
    assert shown > 20  # shades: a picture was drawn


def test_the_caption_leads_to_the_viewers_own_file(page: Page, report: Path) -> None:
    page.evaluate("path => app.showResultInfo(path)", f"results/smoke/viewer/report/{TEST[0]}.html")
    link = page.locator(f"a[href='viewer/{TEST[0]}.html']")
    expect(link).to_be_visible()
    assert (report.parent / f"viewer/{TEST[0]}.html").is_file()
