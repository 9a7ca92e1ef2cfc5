"""The viewer in a real browser: what it draws is compared with the arrays that it was made from."""

import base64
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from opened import Opened
from PIL import Image
from playwright.sync_api import Page, expect

from hepaflow.colours import LESION, LIVER
from hepaflow.evaluation.metrics.overlap import dice
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import viewer_pages
from hepaflow.volumes.lesions import find_lesions

SHAPE, SPACING = (9, 60, 80), (5.0, 1.2, 0.9)
LIVER_HU, LESION_HU, MARK_HU = 100, 40, 240
HOSTILE = "</script><img src=x onerror=alert(1)>"


def phantom(shape: tuple[int, int, int] = SHAPE) -> ViewedExam:
    """Return an exam with a liver in the middle slices, two lesions, and a bright mark on the right, anterior."""
    z, y, x = np.indices(shape)
    middle = shape[0] // 2
    reference = ((abs(z - middle) <= 3) & ((y - 30) ** 2 + (x - 35) ** 2 < 20**2)).astype(np.uint8)
    reference[(abs(z - middle) <= 1) & ((y - 30) ** 2 + (x - 28) ** 2 < 6**2)] = 2
    reference[(z == middle + 2) & (abs(y - 35) < 2) & (abs(x - 42) < 3)] = 2
    hu = np.array([-1000, LIVER_HU, LESION_HU])[reference]
    hu[:, 2:10, 2:10] = MARK_HU
    larger = reference.copy()
    larger[(reference == 0) & (abs(z - middle) <= 2) & ((y - 30) ** 2 + (x - 35) ** 2 < 23**2)] = 1
    smaller = np.where((y - 30) ** 2 + (x - 35) ** 2 < 15**2, reference, 0).astype(np.uint8)
    return ViewedExam(
        name="exam-1",
        hu=hu,
        reference=reference,
        methods={"larger": larger, "smaller": smaller, "fusion": np.roll(reference, 2, axis=2)},
        spacing=SPACING,
        disagreement={"liver": np.where(larger != smaller, 80, 0).astype(np.uint8)},
    )


class Viewer:
    """A viewer's page, and the exam that it was made from."""

    def __init__(self, page: Page, exam: ViewedExam) -> None:
        self.page, self.exam = page, exam
        page.set_default_timeout(5000)
        self.wait()

    def wait(self) -> None:
        """Wait until the picture is drawn; it takes the mark away while it is not."""
        shown = int(self.page.locator("#which").inner_text().split()[1]) - 1
        expect(self.page.locator("#picture")).to_have_attribute("data-drawn", str(shown))

    @property
    def slice(self) -> int:
        """The slice that is shown, counted from 0."""
        self.wait()
        return int(self.page.locator("#which").inner_text().split()[1]) - 1

    def press(self, *keys: str) -> None:
        self.page.locator("#picture").focus()
        for key in keys:
            self.page.keyboard.press(key)
        self.wait()

    def choose(self, field: str, value: str) -> None:
        self.page.select_option(f"#{field}", value)
        self.wait()

    def go_to(self, slice_: int) -> None:
        self.press("End", *["ArrowUp"] * slice_)
        assert self.slice == slice_

    def outlines(self, *layers: str, fill: int = 0) -> None:
        """Show the outlines of these layers alone."""
        for row in self.page.locator("#layers tbody").all():
            row.locator("input[type=checkbox]").set_checked(row.locator(".name span").inner_text() in layers)
        self.page.locator("#fill").fill(str(fill))
        self.wait()

    def picture(self) -> np.ndarray:
        """Return what the canvas shows, shape (height, width, 3)."""
        png = self.page.locator("#picture").evaluate("canvas => canvas.toDataURL('image/png')")
        image = Image.open(io.BytesIO(base64.b64decode(png.partition(",")[2])))
        return np.asarray(image.convert("RGB"), np.int16)

    def at(self, row: float, column: float) -> tuple[int, int, int]:
        """Return the colour at a pixel of the slice."""
        red, green, blue = self.picture()[self.place(row, column)]
        return int(red), int(green), int(blue)

    def place(self, row: float, column: float) -> tuple[int, int]:
        """Return where in the canvas a pixel of the slice should lie: as large as fits, in true proportions."""
        height, width, _ = self.picture().shape
        _, rows, columns = self.exam.hu.shape
        down, across = self.exam.spacing[1:]
        scale = min(width / (columns * across), height / (rows * down))
        return (
            int(height / 2 + (row + 0.5 - rows / 2) * down * scale),
            int(width / 2 + (column + 0.5 - columns / 2) * across * scale),
        )


@pytest.fixture
def show(opened: Opened, tmp_path: Path) -> Callable[..., Viewer]:
    def shown(exam: ViewedExam | None = None, fragment: str = "", **options: Any) -> Viewer:
        exam = exam or phantom()
        path = tmp_path / "exam.html"
        path.write_text(viewer_pages(exam)[0], encoding="utf-8")
        return Viewer(opened(path, fragment=fragment, **options), exam)

    return shown


def colour(code: str) -> tuple[int, int, int]:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def is_grey(picture: np.ndarray) -> np.ndarray:
    return (picture.max(axis=-1) - picture.min(axis=-1)) <= 1


def test_it_begins_at_the_largest_lesion(show: Callable[..., Viewer]) -> None:
    viewer = show()
    assert viewer.slice == find_lesions(viewer.exam.reference == 2, SPACING)[0].place[0]


def test_keys_wheel_buttons_and_slider_scroll(show: Callable[..., Viewer]) -> None:
    viewer = show()
    keys = [("Home", 8), ("End", 0), ("ArrowUp", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("PageUp", 8)]
    keys += [("ArrowUp", 8), ("ArrowDown", 7), ("PageDown", 0), ("ArrowDown", 0)]
    for key, expected in keys:
        viewer.press(key)
        assert viewer.slice == expected, key
    viewer.page.locator("#picture").hover()
    for moved, expected in ((-100, 1), (-100, 2), (100, 1)):
        viewer.page.mouse.wheel(0, moved)
        viewer.page.wait_for_timeout(50)
        assert viewer.slice == expected
    viewer.page.locator("#up").click()
    assert viewer.slice == 2
    viewer.page.locator("#down").click()
    assert viewer.slice == 1
    viewer.page.locator("#slice").fill("5")
    assert viewer.slice == 5


def test_a_finger_scrolls(show: Callable[..., Viewer]) -> None:
    viewer = show(has_touch=True, is_mobile=True, size=(390, 844))
    before = viewer.slice
    box = viewer.page.locator("#picture").bounding_box()
    assert box
    finger = viewer.page.context.new_cdp_session(viewer.page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x, "y": y - step * box["height"] / SHAPE[0] / 5}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert viewer.slice == before + 2  # two slices' worth upwards


def test_the_patients_right_is_on_the_left_and_anterior_above(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.outlines()
    row, column = viewer.place(6, 6)  # few rows from anterior, few columns from the patient's right
    picture = viewer.picture()
    assert row < picture.shape[0] / 2
    assert column < picture.shape[1] / 2
    assert viewer.at(6, 6) == (255, 255, 255)
    assert viewer.at(6, SHAPE[2] - 7) == (0, 0, 0)
    assert viewer.at(SHAPE[1] - 7, 6) == (0, 0, 0)
    sides = {name: viewer.page.locator(f".{name}").inner_text() for name in ("top", "bottom", "left", "right")}
    assert sides == {"top": "A", "bottom": "P", "left": "R", "right": "L"}


@pytest.mark.parametrize(
    ("name", "width", "level"),
    [("Abdomen", 400, 40), ("Liver", 200, 80), ("Lung", 1500, -600), ("Bone", 1800, 400)],
)
def test_windows_show_hu_as_greys(show: Callable[..., Viewer], name: str, width: int, level: int) -> None:
    viewer = show()
    viewer.outlines()
    viewer.page.get_by_role("button", name=name, exact=True).click()
    viewer.wait()
    for hu, place in ((LIVER_HU, (30, 48)), (LESION_HU, (30, 28)), (-1000, (55, 75))):
        expected = np.clip(255 * ((hu - level) / width + 0.5), 0, 255)
        slack = 255 * 8 / width + 1  # 8 HU, and the rounding
        assert viewer.at(*place)[0] == pytest.approx(expected, abs=slack), hu
    assert viewer.page.locator("#here").inner_text() == f"W {width} L {level}"


def test_a_window_of_ones_own(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.outlines()
    viewer.page.locator("#width").fill("100")
    viewer.page.locator("#level").fill(str(LIVER_HU))
    viewer.wait()
    assert viewer.at(30, 48)[0] == pytest.approx(127, abs=12)
    picture = viewer.page.locator("#picture")
    for button, keys in (("right", []), ("left", ["Shift"])):
        before = int(viewer.page.locator("#width").input_value())
        picture.hover()
        for key in keys:
            viewer.page.keyboard.down(key)
        viewer.page.mouse.down(button=button)
        box = picture.bounding_box()
        assert box
        viewer.page.mouse.move(box["x"] + box["width"] / 2 + 50, box["y"] + box["height"] / 2)
        viewer.page.mouse.up(button=button)
        for key in keys:
            viewer.page.keyboard.up(key)
        assert int(viewer.page.locator("#width").input_value()) == pytest.approx(before + 100, abs=4)


def test_masks_are_coloured_where_they_are_and_nowhere_else(show: Callable[..., Viewer]) -> None:
    exam = replace(phantom(), methods={"fusion": phantom().reference})
    viewer = show(exam)
    viewer.outlines(fill=100)
    assert is_grey(viewer.picture()).all()
    viewer.outlines("fusion", fill=100)
    assert viewer.at(30, 48) == colour(LIVER)
    assert viewer.at(30, 28) == colour(LESION)
    picture = viewer.picture()
    pixel = (viewer.place(1, 0)[0] - viewer.place(0, 0)[0]) * (viewer.place(0, 1)[1] - viewer.place(0, 0)[1])
    for value, code in ((1, LIVER), (2, LESION)):
        area = (abs(picture - np.array(colour(code))).max(axis=-1) <= 2).sum() / pixel
        # Less the dark seam of the outlines.
        assert area == pytest.approx((viewer.exam.reference[viewer.slice] == value).sum(), rel=0.2)
    assert is_grey(picture[:, : viewer.place(0, 12)[1]]).all()


def test_every_layer_can_be_shown_and_hidden(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.outlines()
    plain = viewer.picture()
    seen = [plain]
    for digit in "1234":
        viewer.press(digit)
        picture = viewer.picture()
        assert not any((picture == other).all() for other in seen)  # each adds lines of its own
        seen.append(picture)
    viewer.press("0")
    assert (viewer.picture() == plain).all()
    viewer.press("0")
    assert (viewer.picture() == seen[-1]).all()


def test_lines_of_a_method_are_dashed_and_the_references_solid(show: Callable[..., Viewer]) -> None:
    viewer = show(ViewedExam("e", phantom().hu, phantom().reference, {"same": phantom().reference}, SPACING))
    amounts = {}
    for layer in ("reference", "same"):
        viewer.outlines(layer)
        amounts[layer] = (~is_grey(viewer.picture())).sum()
    assert 0.3 * amounts["reference"] < amounts["same"] < 0.85 * amounts["reference"]


def test_dice_of_every_slice_is_pythons(show: Callable[..., Viewer]) -> None:
    viewer = show()
    exam = viewer.exam
    structures = {"liver": lambda labels: labels >= 1, "lesion": lambda labels: labels == 2}
    empty = 0
    for index in range(SHAPE[0]):
        viewer.go_to(index)
        for layer, (name, labels) in enumerate(exam.methods.items(), start=1):
            row = viewer.page.locator(f"#layers [data-layer='{layer}']")
            for structure, of in structures.items():
                told = row.locator(f"[data-slice={structure}]").inner_text()
                one, other = of(labels[index]), of(exam.reference[index])
                if not one.any() and not other.any():
                    empty += 1
                    assert told == "–"
                    expect(viewer.page.locator("#empty")).to_contain_text("both empty")
                else:
                    assert told == f"{dice(one, other):.3f}", (index, name, structure)
    assert empty
    for layer, labels in enumerate(exam.methods.values(), start=1):
        row = viewer.page.locator(f"#layers [data-layer='{layer}']")
        for structure, of in structures.items():
            told = row.locator(f"[data-exam={structure}]").inner_text()
            assert told == f"{dice(of(labels), of(exam.reference)):.3f}"


def test_lesions_are_listed_and_lead_to_their_slices(show: Callable[..., Viewer]) -> None:
    viewer = show()
    lesions = find_lesions(viewer.exam.reference == 2, SPACING)
    rows = viewer.page.locator("#lesions table").first.locator("tbody tr")
    assert rows.count() == len(lesions) == 2
    for row, lesion in zip(rows.all(), lesions, strict=True):
        cells = row.locator("td").all_inner_texts()
        assert cells[1] == str(lesion.place[0] + 1)
        assert float(cells[2]) == pytest.approx(lesion.volume, abs=0.05)
        assert float(cells[3]) == pytest.approx(lesion.diameter, abs=0.5)
    viewer.press("End")
    rows.nth(1).click()
    assert viewer.slice == lesions[1].place[0]
    rows.nth(0).locator("button").focus()
    viewer.page.keyboard.press("Enter")
    assert viewer.slice == lesions[0].place[0]
    expect(rows.nth(0)).to_have_class("here")


def test_lesions_of_the_compared_method_are_listed(show: Callable[..., Viewer]) -> None:
    viewer = show()
    heading = viewer.page.locator("#lesions h3").nth(1)
    expect(heading).to_have_text("fusion: 2")
    viewer.page.get_by_label("Compare smaller with the reference").check()
    found = find_lesions(viewer.exam.methods["smaller"] == 2, SPACING)
    expect(heading).to_have_text(f"smaller: {len(found)}")
    expect(viewer.page.locator("#compared")).to_have_text("smaller")


@pytest.mark.parametrize(("method", "wrongly", "missed"), [("larger", True, False), ("smaller", False, True)])
def test_errors_tell_too_much_from_too_little(
    show: Callable[..., Viewer], method: str, wrongly: bool, missed: bool
) -> None:
    viewer = show()
    viewer.outlines()
    viewer.page.get_by_label(f"Compare {method} with the reference").check()
    viewer.choose("errors", "liver")
    picture = viewer.picture()
    for code, expected in (("#f0e442", wrongly), ("#56b4e9", missed)):
        assert (abs(picture - np.array(colour(code))).max(axis=-1) <= 3).any() == expected
    viewer.choose("errors", "")
    assert is_grey(viewer.picture()).all()


def test_disagreement_is_shown_where_it_is(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.outlines()
    viewer.choose("disagreement", "0")
    assert not is_grey(np.array([viewer.at(30, 17)])).any()
    assert is_grey(np.array([viewer.at(30, 40)])).all()


def test_no_disagreement_is_offered_where_there_is_none(show: Callable[..., Viewer]) -> None:
    viewer = show(ViewedExam("e", phantom().hu, phantom().reference, {"a": phantom().reference}, SPACING))
    expect(viewer.page.locator("#disagreement-row")).to_be_hidden()


def test_the_liver_can_fill_the_picture(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.outlines("fusion", fill=100)
    before = (~is_grey(viewer.picture())).sum()
    viewer.page.get_by_role("button", name="Zoom to the liver").click()
    viewer.wait()
    assert (~is_grey(viewer.picture())).sum() > 1.25 * before
    viewer.press("z")
    assert (~is_grey(viewer.picture())).sum() == before


def test_the_address_keeps_what_is_shown(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.go_to(6)
    viewer.outlines("smaller")
    viewer.press("u")
    viewer.page.wait_for_url("**slice=7**layer=smaller**")
    viewer.page.wait_for_timeout(400)
    viewer.page.reload()
    viewer.wait()
    assert viewer.slice == 6
    shown = viewer.page.locator("#layers tbody:has(input:checked[type=checkbox])")
    assert [row.locator(".name span").inner_text() for row in shown.all()] == ["smaller"]
    assert viewer.page.locator("#here").inner_text() == "W 1500 L -600"


def test_keys_are_told(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.press("?")
    expect(viewer.page.get_by_role("dialog")).to_contain_text("Page up")
    viewer.page.keyboard.press("Escape")
    expect(viewer.page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize("size", [(390, 844), (1366, 768), (980, 700)])
def test_nothing_is_wider_than_the_screen(show: Callable[..., Viewer], size: tuple[int, int]) -> None:
    viewer = show(size=size)
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    aside = viewer.page.locator("aside")
    assert aside.evaluate("panel => panel.scrollWidth - panel.clientWidth") <= 0


def test_names_are_shown_as_they_are(show: Callable[..., Viewer]) -> None:
    exam = phantom()
    viewer = show(ViewedExam(HOSTILE, exam.hu, exam.reference, {HOSTILE: exam.reference}, SPACING))
    expect(viewer.page.locator("h1")).to_have_text(HOSTILE)
    expect(viewer.page.locator("#layers .name span").last).to_have_text(HOSTILE)
    assert viewer.page.title().startswith(HOSTILE)
    assert viewer.page.locator("img").count() == 0


def test_an_exam_of_one_slice_without_millimetres_and_labels(show: Callable[..., Viewer]) -> None:
    hu = np.full((1, 40, 90), 60)
    empty = np.zeros(hu.shape, np.uint8)
    viewer = show(ViewedExam("e", hu, empty, {"fusion": empty}, (1, 1, 1), in_millimetres=False))
    assert viewer.slice == 0
    viewer.press("ArrowUp", "Home", "z")
    assert viewer.slice == 0
    lit = viewer.picture().max(axis=-1) > 0
    height, width = (np.ptp(np.flatnonzero(lit.any(axis=axis))) + 1 for axis in (1, 0))
    assert width / height == pytest.approx(90 / 40, rel=0.02)
    expect(viewer.page.locator("#lesions")).to_contain_text("Reference: none")
    expect(viewer.page.locator("#lesions")).to_contain_text("no real spacing")


def test_a_reduced_copy_says_so_and_jumps_to_the_closest_slice(opened: Opened, tmp_path: Path) -> None:
    exam = phantom((9, 300, 320))
    limit = len(viewer_pages(exam)[0]) - 1
    limit = len(viewer_pages(exam, limit=limit)[1]) - 1
    path = tmp_path / "reduced.html"
    path.write_text(viewer_pages(exam, limit=limit)[1], encoding="utf-8")
    page = opened(path)
    expect(page.locator("#about")).to_contain_text("reduced for the report: pixels of 2 × 2")
    kept = page.evaluate("exam.kept")
    page.locator("#lesions tbody tr").nth(1).click()
    wanted = find_lesions(exam.reference == 2, SPACING)[1].place[0]
    closest = min(kept, key=lambda slice_: abs(slice_ - wanted))
    expect(page.locator("#which")).to_have_text(f"Slice {closest + 1} of 9")
