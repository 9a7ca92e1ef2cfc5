"""The viewers of a small run, opened from its results folder."""

from pathlib import Path

from opened import Opened
from playwright.sync_api import expect
from smoke_run import EXAMS, Checkout

TEST = sorted(name for name, split in EXAMS.items() if split == "test")


def test_viewers_lead_to_each_other_and_to_the_report(opened: Opened, completed: Checkout, report: Path) -> None:
    paths = [completed.folder / f"results/smoke/viewer/{exam}.html" for exam in TEST]
    page = opened(paths[0], beside=[*paths, report])
    expect(page.locator("#links")).to_contain_text("no previous exam")
    for exam in TEST[1:]:
        page.get_by_role("link", name="Next exam").click()
        expect(page.locator("h1")).to_have_text(exam)
    expect(page.locator("#links")).to_contain_text("no next exam")
    page.get_by_role("link", name="Report").click()
    expect(page.locator("h1.title")).to_be_visible(timeout=60_000)  # a report takes its time


def test_a_viewer_opens_on_the_fusion_and_tells_where_a_voxel_lies(opened: Opened, completed: Checkout) -> None:
    page = opened(completed.folder / f"results/smoke/viewer/{TEST[0]}.html")
    expect(page.get_by_label("Compare fusion with the reference")).to_be_checked()
    page.locator("#picture").press("Shift+ArrowUp")
    expect(page.locator("#pointer")).to_contain_text(" mm")
    page.locator("#picture").press("p")
    expect(page.locator("#which")).to_contain_text("Row")
    expect(page.locator("#picture[data-drawn]")).to_be_attached()
