"""The page of a segmented exam in a real browser: it opens from disk, asks for nothing, and its viewer works."""

from pathlib import Path

import numpy as np
import pytest
from dicom_series import Phantom, write
from opened import Opened
from playwright.sync_api import Page, expect
from thresholds import LESION_HU, LIVER_HU, thresholds

from hepaflow.segment.output import write_exam
from hepaflow.segment.source import read_exam

SIZES = [(1366, 768), (1000, 700), (390, 844)]


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
    write_exam(folder / "out", exam, found.labels, found.disagreement, model={"model": "thresholds"})
    return folder / "out" / "report.html"


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
