"""The pages of tables, and the summary of a small run, opened from disk in a real browser."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from opened import Opened
from playwright.sync_api import Locator, Page, expect
from smoke_run import EXAMS

from hepaflow.pages.pictures import Picture
from hepaflow.pages.table import table_page
from hepaflow.web.template import file

SIZES = [(1400, 900), (400, 844)]
CSV = b"exam,value,interval\n" + b"".join(
    b"e%d,%s,%s\n" % (number, value, b"0.1 to 0.2")
    for number, value in enumerate([b"10", b"undefined", b"9.5", b"-1", b"100", b"0.123456789"] * 5)
)


@pytest.fixture
def table(opened: Opened, tmp_path: Path) -> Page:
    path = tmp_path / "mine.html"
    path.write_text(table_page(CSV, name="mine.csv", title="Mine", caption="<p>Words.</p>"), encoding="utf-8")
    return opened(path, offline=True)


def column(page: Page, number: int) -> list[str]:
    return page.locator(f"tbody tr:not(.hidden) td:nth-child({number})").all_inner_texts()


def test_a_click_on_a_column_sorts_by_number_and_another_one_turns_it(table: Page) -> None:
    header = table.get_by_role("button", name="value")
    header.click()
    expected = ["-1"] * 5 + ["0.1235"] * 5 + ["9.5"] * 5 + ["10"] * 5 + ["100"] * 5
    assert column(table, 2) == [*expected, *["undefined"] * 5]
    expect(table.locator("th[aria-sort=ascending]")).to_have_text("value")
    header.click()
    assert column(table, 2) == [*reversed(expected), *["undefined"] * 5]  # what is no number stays last
    table.get_by_role("button", name="exam").click()
    assert column(table, 1)[:12] == [f"e{number}" for number in range(12)]
    expect(table.locator("th[aria-sort]")).to_have_count(1)


def test_numbers_end_at_the_same_place_and_text_begins_there(table: Page) -> None:
    places = "cells => new Set(cells.map(cell => getComputedStyle(cell).textAlign)).size"
    for number, side in ((1, "left"), (2, "right")):
        cells = table.locator(f":is(th, td):nth-child({number})")
        assert cells.evaluate_all(places) == 1
        assert cells.first.evaluate("cell => getComputedStyle(cell).textAlign") == side


def test_rows_are_filtered_by_words(table: Page) -> None:
    table.get_by_role("searchbox").fill("0.2 UNDEF")
    assert column(table, 2) == ["undefined"] * 5
    expect(table.locator("output")).to_have_text("5 of 30")
    table.get_by_role("searchbox").fill("")
    assert len(column(table, 2)) == 30


def test_the_table_is_downloaded_byte_for_byte(table: Page) -> None:
    with table.expect_download() as started:
        table.get_by_text("Download CSV").click()
    assert started.value.suggested_filename == "mine.csv"
    assert Path(started.value.path()).read_bytes() == CSV


def test_the_caption_stands_above_the_table_and_the_download_below(table: Page) -> None:
    tops = [_top(table.locator(place)) for place in (".caption", "table", ".download")]
    assert tops == sorted(tops)


def _top(place: Locator) -> float:
    box = place.bounding_box()
    assert box
    return box["y"]


# Wide tables.

PHONE, WIDE = SIZES[1], SIZES[0]
A4 = 703
"""Pixels of an A4 page between its margins."""

NUMBERS = [f"column {number}" for number in range(9)]
SCORES = f"metric,{','.join(NUMBERS)}\n" + "".join(
    f"Metric {row} in words,{','.join(f'{row}.{column}12 (0.879 to 0.893)' for column in range(len(NUMBERS)))}\n"
    for row in range(5)
)
KEYS = "key,this run,the thesis\n" + "".join(
    f'methods.a_method.stages.lesion.training.key_{row},"{value}",not set\n'
    for row, value in enumerate(["1", f"[{'kind spatial, probability 0.5, ' * 9}]", "0.25"])
)


def of(opened: Opened, folder: Path, csv: str, size: tuple[int, int]) -> Page:
    path = folder / "wide.html"
    page = table_page(csv.encode(), name="wide.csv", title="Wide", caption="<p>Words.</p>")
    path.write_text(page, encoding="utf-8")
    return opened(path, size, offline=True)


def is_wider(page: Page) -> bool:
    return bool(page.locator(".scroll").evaluate("frame => frame.scrollWidth > frame.clientWidth"))


@pytest.mark.parametrize("csv", [SCORES.replace(" (0.879 to 0.893)", " (0.9)"), KEYS])
def test_a_table_uses_the_width_there_is(opened: Opened, tmp_path: Path, csv: str) -> None:
    assert not is_wider(of(opened, tmp_path, csv, WIDE))


def test_keys_and_values_fit_a_phone(opened: Opened, tmp_path: Path) -> None:
    page = of(opened, tmp_path, KEYS, PHONE)
    assert not is_wider(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_table_that_is_wider_than_a_phone_shows_it_and_keeps_the_names_of_its_rows(
    opened: Opened, tmp_path: Path
) -> None:
    page = of(opened, tmp_path, SCORES, PHONE)
    assert is_wider(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    shades = page.locator(".scroll").evaluate("frame => getComputedStyle(frame).backgroundAttachment")
    assert sorted(shades.split(", ")) == ["local", "local", "scroll", "scroll"]
    name, last = page.locator("tbody td").first, page.locator("tbody tr").first.locator("td").last
    before = name.bounding_box()
    page.locator(".scroll").evaluate("frame => { frame.scrollLeft = 9999; }")
    assert name.bounding_box() == before
    box = last.bounding_box()
    assert box
    assert box["x"] + box["width"] <= PHONE[0]


@pytest.mark.parametrize("csv", [SCORES.replace("column 8", "n"), KEYS])
def test_no_table_is_cut_on_paper(opened: Opened, tmp_path: Path, csv: str) -> None:
    page = of(opened, tmp_path, csv, (A4, 1000))
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4
    cut = "cells => cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length"
    assert page.locator("td").evaluate_all(cut) == 0


def test_times_are_sorted_by_their_length(opened: Opened, tmp_path: Path) -> None:
    csv = 'rule,"training, hours"\n' + "".join(f"r{hours},{hours}\n" for hours in (2.5, 0.01, 0.3, 11))
    page = of(opened, tmp_path, csv, WIDE)
    page.get_by_role("button", name="training").click()
    assert column(page, 2) == ["36 s", "18 min", "2.5 h", "11 h"]


# Long figures.


def test_the_rows_of_a_long_figure_are_as_wide_as_a_page_and_stand_below_each_other(
    opened: Opened, tmp_path: Path
) -> None:
    rows = "".join(
        f'<g id="text_{top}"><text x="9" y="{top + 20}">row</text></g><g id="axes_{top}">'
        f'<path d="M 0 {top + 190} L 300 {top + 190} L 300 {top + 30} L 0 {top + 30} z"/></g>'
        for top in range(0, 800, 200)
    )
    size = 'width="300pt" height="800pt" viewBox="0 0 300 800"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><g><g id="patch_1"/>{rows}</g></svg>'
    addresses = Picture.of(svg.encode(), "words", "caption").addresses
    images = "".join(f'<img src="{one}">' for one in addresses)
    style = file("web", "document.css") + file("pages", "page.css")
    path = tmp_path / "long.html"
    path.write_text(f'<style>{style}</style><main><figure><label class="zoom">{images}</label></figure></main>')
    page = opened(path, (A4, 1000))
    page.emulate_media(media="print")
    boxes = page.locator("img").evaluate_all("all => all.map((one) => one.getBoundingClientRect().toJSON())")
    assert len(boxes) == 4
    assert min(box["width"] for box in boxes) > 0.95 * A4
    assert max(box["height"] for box in boxes) < 600
    for above, below in pairwise(boxes):
        assert below["top"] == pytest.approx(above["bottom"], abs=1)


# The summary.


@pytest.fixture
def summary(report: Path) -> Path:
    return report.with_name("summary.html")


@pytest.mark.parametrize("size", SIZES)
def test_the_summary_opens_from_disk_whole_and_fits(opened: Opened, summary: Path, size: tuple[int, int]) -> None:
    page = opened(summary, size, offline=True)
    sizes = page.locator("img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(sizes) > 10
    assert min(sizes) > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    expect(page.get_by_text("2 exams to train and 2 to test")).to_be_visible()
    for heading in ("Dice", "Exams", "Volumes and lesions", "Fusion", "Networks, and what they cost"):
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()


def test_the_summary_leads_to_the_viewers(opened: Opened, summary: Path) -> None:
    page = opened(summary)
    links = page.locator("a.beside").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert set(links) == {f"viewer/{exam}.html" for exam, split in EXAMS.items() if split == "test"}
    assert all((summary.parent / link).is_file() for link in links)


def test_captions_stand_below_what_they_explain(opened: Opened, summary: Path) -> None:
    page = opened(summary)
    for figure in page.locator("figure").all():
        assert _top(figure.locator("img")) < _top(figure.locator("figcaption"))


def test_the_summary_prints_what_is_folded_too(opened: Opened, summary: Path) -> None:
    page = opened(summary)
    expect(page.locator("details table")).to_be_hidden()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("details table")).to_be_visible()
    expect(page.locator("nav.toc")).to_be_hidden()
    wide = page.locator("img").evaluate_all(
        "images => images.filter((one) => one.width > one.closest('main').clientWidth)"
    )
    assert wide == []


def test_the_summary_prints_figures_whole_and_no_empty_page(opened: Opened, summary: Path) -> None:
    page = opened(summary, (A4, 1000))
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4
    sizes = page.locator("img").evaluate_all("all => all.map((one) => [one.width, one.height])")
    assert min(width for width, _ in sizes) > 0.6 * A4
    assert max(height for _, height in sizes) < 1000  # of a page
    assert 3 < len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) < 16


def test_a_figure_fits_a_phone_and_grows_at_a_tap(opened: Opened, summary: Path) -> None:
    page = opened(summary, PHONE, has_touch=True)
    picture = page.locator("figure img").first
    for wider in (False, True, False):
        box = picture.bounding_box()
        assert box
        assert (box["width"] > 3 * PHONE[0]) == wider
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        page.locator(".zoom").first.tap()
