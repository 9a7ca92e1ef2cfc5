"""The report of a small run, opened from disk in a real browser."""

import base64
from pathlib import Path

import pytest
from opened import Opened
from playwright.sync_api import Page, expect
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
    tables = {path: uri for path, uri in embedded if path.endswith(".csv")}
    assert tables
    for path, uri in tables.items():
        assert base64.b64decode(uri.partition("base64,")[2]) == (completed.folder / path).read_bytes(), path


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
    page.get_by_text("6 Samples").last.click()
    page.get_by_text("Viewer", exact=True).click()
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
