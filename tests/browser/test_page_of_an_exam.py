"""The page of a segmented exam, and the overview of several, in a real browser.

They open from disk, ask for nothing, fit a phone and print; the viewer in the page works.
"""

from pathlib import Path

import numpy as np
import pytest
from dicom_series import Phantom, write
from opened import Opened
from playwright.sync_api import Page, expect
from thresholds import LESION_HU, LIVER_HU, thresholds

from hepaflow.model.origin import Origin
from hepaflow.segment.output import write_exam
from hepaflow.segment.overview.files import write_overview
from hepaflow.segment.source import read_exam

SIZES = [(1366, 768), (1000, 700), (390, 844)]
PHONE = SIZES[-1]
EDGES = "all => all.map((one) => { const box = one.getBoundingClientRect(); return [box.left, box.right]; })"
MANY = "an_exam_with_more_lesions_than_have_a_picture_and_a_name_of_eighty_characters_xx"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a DICOM exam with two lesions, in slices 5 and 3."""
    folder = tmp_path_factory.mktemp("exam")
    stored = np.full((9, 60, 80), -1000, np.int16)
    stored[1:8, 10:50, 15:60] = LIVER_HU
    stored[4, 20:30, 20:32] = LESION_HU
    stored[2, 40:44, 50:55] = LESION_HU
    exam = read_exam(write(Phantom(stored=stored).slices(intercept=0), folder / "ct"), name="exam-1")
    found = thresholds(exam.hu)
    origin = Origin(True, "demo.tsv", 22, 4, {"liver": 0.905, "lesion": 0.651})
    made = {"model": {"model": "thresholds"}, "origin": origin, "notes": ("a lesion " + 20 * "that goes on and ",)}
    write_exam(folder / "out/exam-1", exam, found.labels, found.disagreement, **made)
    many = found.labels.copy()
    many[1:8:2, 11:49:3, 16:59:4] = 2
    write_exam(folder / "out" / MANY, exam, many, found.disagreement, **made)
    write_overview(folder / "out", {"exam-3": "a gantry tilt of 9°"})
    return folder / "out/exam-1/report.html"


def _viewer_drawn(page: Page, slice_: int) -> None:
    viewer = page.frame_locator("#viewer")
    expect(viewer.locator("#which")).to_have_text(f"Slice {slice_ + 1} of 9")
    expect(viewer.locator("#picture")).to_have_attribute("data-drawn", str(slice_))


@pytest.mark.parametrize("size", SIZES)
def test_it_opens_from_disk_whole_and_fits(opened: Opened, page_file: Path, size: tuple[int, int]) -> None:
    page = opened(page_file, size, offline=True)
    _viewer_drawn(page, 4)
    widths = page.locator("img").evaluate_all("images => images.map((image) => image.naturalWidth)")
    assert len(widths) == 7 + 2
    assert min(widths) > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_on_a_phone_every_number_of_a_lesion_is_within_the_screen(opened: Opened, page_file: Path) -> None:
    page = opened(page_file.parents[1] / MANY / "report.html", PHONE)
    cells = page.locator("table.lesions").first.locator("td[data-label] span, td.show button, td.picture img")
    edges = cells.evaluate_all(EDGES)
    assert len(edges) == 10 * 7
    assert min(left for left, _ in edges) >= 0
    assert max(right for _, right in edges) <= PHONE[0]


def test_on_paper_are_all_lesions_and_no_viewer(opened: Opened, page_file: Path) -> None:
    page = opened(page_file.parents[1] / MANY / "report.html")
    count = page.locator("table.lesions tbody tr").count()
    assert count > 10
    assert page.locator("table.lesions tbody tr:visible").count() == 10
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("table.lesions tbody tr:visible").count() == count
    for hidden in ("#viewer", "summary", "td.show"):
        expect(page.locator(hidden).first).to_be_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_the_overview_opens_from_disk_whole_and_fits(
    opened: Opened, page_file: Path, size: tuple[int, int]
) -> None:
    page = opened(page_file.parents[1] / "index.html", size, offline=True)
    expect(page.locator("tbody tr")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    edges = page.locator("tbody td[data-label] span, tbody th a, tbody img").evaluate_all(EDGES)
    assert min(left for left, _ in edges) >= 0
    assert max(right for _, right in edges) <= size[0]
    expect(page.locator(".origin.phantoms")).to_have_css("color", "rgb(179, 0, 27)")


def test_the_overview_leads_to_the_page_of_an_exam(opened: Opened, page_file: Path) -> None:
    page = opened(page_file.parents[1] / "index.html", PHONE)
    addresses = page.locator("tbody th a").evaluate_all("links => links.map((link) => link.href)")
    assert addresses == [(page_file.parents[1] / name / "report.html").as_uri() for name in (MANY, "exam-1")]


def test_a_lesion_leads_to_its_slice(opened: Opened, page_file: Path) -> None:
    page = opened(page_file)
    _viewer_drawn(page, 4)
    rows = page.locator("table.lesions tbody tr")
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_role("button", name="Show").click()
    _viewer_drawn(page, 2)
    expect(page.locator("#viewer")).to_be_in_viewport()
    expect(page.frame_locator("#viewer").locator("#lesions tbody tr").nth(1)).to_have_class("here")


def test_the_viewer_offers_nothing_that_needs_a_reference(opened: Opened, page_file: Path) -> None:
    page = opened(page_file)
    _viewer_drawn(page, 4)
    viewer = page.frame_locator("#viewer")
    expect(viewer.locator("#errors-row")).to_be_hidden()
    expect(viewer.locator("#layers thead")).to_be_hidden()
    expect(viewer.locator("#layers tbody tr")).to_have_count(1)
    expect(viewer.locator("#lesions h3")).to_have_text("segmentation: 2")
    viewer.locator("#picture").press("e")
    expect(viewer.locator("#errors-key")).to_be_hidden()
    viewer.locator("#picture").press("1")
    expect(viewer.locator("#layers input[type=checkbox]")).not_to_be_checked()
    viewer.locator("#picture").press("?")
    expect(viewer.get_by_role("dialog")).not_to_contain_text("reference")
