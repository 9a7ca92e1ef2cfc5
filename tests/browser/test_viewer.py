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
from small_exams import grid_of

from hepaflow.colours import LESION, LIVER
from hepaflow.evaluation.metrics.overlap import dice
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.looks import FUSION_COLOUR, METHOD_COLOURS
from hepaflow.viewer.page import Beside, viewer_pages
from hepaflow.volumes.lesions import find_lesions
from hepaflow.volumes.volume import Grid

SHAPE, SPACING = (9, 60, 80), (5.0, 1.2, 0.9)
GRID = grid_of(SHAPE, SPACING)
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
        grid=grid_of(shape, SPACING),
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

    def client(self, row: float, column: float) -> tuple[float, float]:
        """Return where on the screen a pixel of the whole axial slice lies."""
        down, across = self.place(row, column)
        box = self.page.locator("#picture").bounding_box()
        assert box
        return box["x"] + across, box["y"] + down

    def plane(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.drawn()

    def drawn(self) -> None:
        """Wait until a picture of any plane is whole."""
        expect(self.page.locator("#picture[data-drawn]")).to_be_attached()

    def extent(self, of: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        """Return width and height of what is so in the picture, where its letters and its scale bar are not."""
        found = of(self.picture())
        height, width = found.shape
        found[int(0.93 * height) :, int(0.7 * width) :] = False
        columns, rows = (np.flatnonzero(found.any(axis=axis)) for axis in (0, 1))
        return float(np.ptp(columns) + 1), float(np.ptp(rows) + 1)

    def at(self, row: float, column: float) -> tuple[int, int, int]:
        """Return the colour at a pixel of the slice."""
        red, green, blue = self.picture()[self.place(row, column)]
        return int(red), int(green), int(blue)

    def place(self, row: float, column: float) -> tuple[int, int]:
        """Return where in the canvas a pixel of the slice should lie: as large as fits, in true proportions."""
        height, width, _ = self.picture().shape
        _, rows, columns = self.exam.hu.shape
        down, across = self.exam.grid.spacing[1:]
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


class Finger:
    """Fingers on a touch screen."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        told = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})


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
    finger = Finger(viewer.page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finger.send("touchStart", (x, y))
    for step in range(1, 11):
        finger.send("touchMove", (x, y - step * box["height"] / SHAPE[0] / 5))
    finger.send("touchEnd")
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
    viewer = show(ViewedExam("e", phantom().hu, phantom().reference, {"same": phantom().reference}, GRID))
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


def test_dice_of_the_exam_and_volumes_are_the_tables_where_there_are_any(show: Callable[..., Viewer]) -> None:
    exam = phantom()
    expect(show(exam).page.locator("#scored")).to_be_hidden()
    name = next(iter(exam.methods))
    own = {"liver": {"dice": 0.1234, "volume_ml": 5.0}, "lesion": {"dice": 0.9876, "volume_ml": 0.25}}
    page = show(replace(exam, scores={name: own})).page
    row = page.locator("#layers [data-layer='1']")
    told = [row.locator(f"[data-{what}]").inner_text() for what in ("exam=liver", "exam=lesion", "volume=liver")]
    assert told == ["0.123", "0.988", "5.0"]
    expect(page.locator("#scored")).to_contain_text("the tables'")


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
    viewer = show(ViewedExam("e", phantom().hu, phantom().reference, {"a": phantom().reference}, GRID))
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
    viewer = show(ViewedExam(HOSTILE, exam.hu, exam.reference, {HOSTILE: exam.reference}, exam.grid))
    expect(viewer.page.locator("h1")).to_have_text(HOSTILE)
    expect(viewer.page.locator("#layers .name span").last).to_have_text(HOSTILE)
    assert viewer.page.title().startswith(HOSTILE)
    assert viewer.page.locator("img").count() == 0


def test_an_exam_of_one_slice_without_millimetres_and_labels(show: Callable[..., Viewer]) -> None:
    hu = np.full((1, 40, 90), 60)
    empty = np.zeros(hu.shape, np.uint8)
    viewer = show(ViewedExam("e", hu, empty, {"fusion": empty}, grid_of(hu.shape, (1, 1, 1), trusted=False)))
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


# What one opens on, and where one comes from.


def test_it_opens_on_the_fusion(show: Callable[..., Viewer]) -> None:
    methods = phantom().methods
    viewer = show(replace(phantom(), methods={name: methods[name] for name in ("larger", "fusion", "smaller")}))
    expect(viewer.page.get_by_label("Compare fusion with the reference")).to_be_checked()
    shown = viewer.page.locator("#layers tbody:has(input:checked[type=checkbox]) .name span")
    assert shown.all_inner_texts() == ["reference", "fusion"]


def test_links_lead_to_the_exams_beside_and_the_report(opened: Opened, tmp_path: Path) -> None:
    exams = ["first", "exam #2", "third"]
    paths = [tmp_path / "viewer" / f"{name}.html" for name in exams]
    paths[0].parent.mkdir()
    report = tmp_path / "report.html"
    report.write_text("<title>the report</title>", encoding="utf-8")
    for path, before, after in zip(paths, [None, *exams], [*exams[1:], None], strict=False):
        shown = replace(phantom(), name=path.stem)
        beside = Beside(before, after, "../report.html")
        path.write_text(viewer_pages(shown, beside=beside)[0], encoding="utf-8")
    page = opened(paths[0], beside=[*paths, report])
    links = page.locator("#links")
    expect(links).to_contain_text("no previous exam")
    page.get_by_role("button", name="Lung").click()
    page.get_by_label("Compare larger with the reference").check()
    for name in exams[1:]:
        page.get_by_role("link", name="Next exam").click()
        expect(page.locator("h1")).to_have_text(name)
        # One looks at it in the same manner.
        expect(page.locator("#here")).to_have_text("W 1500  L -600")
        expect(page.get_by_label("Compare larger with the reference")).to_be_checked()
    expect(links).to_contain_text("no next exam")
    page.get_by_role("link", name="Previous exam").click()
    expect(page.locator("h1")).to_have_text(exams[1])
    page.get_by_role("link", name="Report").click()
    expect(page).to_have_title("the report")


def test_a_page_within_a_report_leads_nowhere(opened: Opened, tmp_path: Path) -> None:
    page_of = viewer_pages(phantom(), beside=Beside("one", "other", "../report.html"))[0]
    source = base64.b64encode(page_of.encode()).decode()
    frame = tmp_path / "report.html"
    frame.write_text(f'<iframe src="data:text/html;base64,{source}" width="900" height="700">', encoding="utf-8")
    viewer = opened(frame).frame_locator("iframe")
    expect(viewer.locator("#picture[data-drawn]")).to_be_attached()
    expect(viewer.locator("#links")).to_be_empty()


# What lies under the pointer.


def placed_exam() -> ViewedExam:
    """Return the phantom in a file whose rows and slices count the other way."""
    affine = np.diag([-SPACING[2], SPACING[1], -SPACING[0], 1.0])
    affine[:3, 3] = 30, -20, 400
    return replace(phantom(), grid=Grid(SHAPE[::-1], affine, None))


def test_the_readout_tells_hu_labels_and_place_of_the_voxel_under_the_pointer(show: Callable[..., Viewer]) -> None:
    viewer = show(placed_exam())
    viewer.page.mouse.move(*viewer.client(30, 28))
    readout = viewer.page.locator("#pointer")
    expect(readout).to_contain_text("reference: lesion, fusion: lesion")
    told = readout.inner_text().splitlines()
    assert int(told[0].split()[1]) == pytest.approx(LESION_HU, abs=8)
    i, j, k = 28, SHAPE[1] - 1 - 30, SHAPE[0] - 1 - viewer.slice
    right, front, up = -0.9 * i + 30, 1.2 * j - 20, -5 * k + 400
    assert told[1] == f"R {right:.1f} · A {front:.1f} · H {up:.1f} mm"
    assert told[2] == f"voxel {i}, {j}, {k}"
    viewer.page.mouse.move(*viewer.client(30, 21))
    expect(readout).to_contain_text("reference: liver, fusion: liver")
    viewer.page.mouse.move(*viewer.client(55, 75))
    expect(readout).to_contain_text("reference: nothing, fusion: nothing")
    viewer.page.mouse.move(2, 2)
    expect(readout).to_have_text("")


def test_keys_move_the_point_that_is_told(show: Callable[..., Viewer]) -> None:
    viewer = show()
    readout = viewer.page.locator("#pointer")
    viewer.press("Shift+ArrowRight")
    row, column = find_lesions(viewer.exam.reference == 2, SPACING)[0].place[1:]
    expect(readout).to_contain_text(f"voxel {column}, {row}, {viewer.slice}")
    viewer.press("Shift+ArrowRight", "Shift+ArrowDown", "Shift+ArrowDown")
    expect(readout).to_contain_text(f"voxel {column + 1}, {row + 2}, {viewer.slice}")
    viewer.press("p")
    viewer.drawn()
    before = viewer.page.evaluate("state.at[0]")
    viewer.page.keyboard.press("Shift+ArrowUp")
    expect(readout).to_contain_text(f"voxel {column + 1}, {row + 2}, {before + 1}")
    viewer.page.keyboard.press("Escape")
    expect(readout).to_have_text("")


def test_a_tap_sets_the_point_through_which_the_other_planes_go(show: Callable[..., Viewer]) -> None:
    viewer = show(has_touch=True, is_mobile=True, size=(400, 860))
    viewer.page.touchscreen.tap(*viewer.client(40, 50))
    expect(viewer.page.locator("#pointer")).to_contain_text(f"voxel 50, 40, {viewer.slice}")
    viewer.plane("Coronal")
    expect(viewer.page.locator("#which")).to_have_text(f"Row 41 of {SHAPE[1]}")
    viewer.plane("Sagittal")
    expect(viewer.page.locator("#which")).to_have_text(f"Column 51 of {SHAPE[2]}")


# Zoom and pan.


def scale_of(viewer: Viewer) -> float:
    """Return pixels of the canvas for a voxel."""
    scale: float = viewer.page.evaluate("lensOf($('picture'), PLANES[state.plane]).across")
    return scale


def under(viewer: Viewer, x: float, y: float) -> list[float]:
    """Return the voxel under a place of the screen."""
    told: list[float] = viewer.page.evaluate(
        """([x, y]) => voxelOf(PLANES[state.plane], ...toPlane(lensOf($("picture"), PLANES[state.plane]),
            ...positionOf({ clientX: x, clientY: y })))""",
        [x, y],
    )
    return told


def test_the_wheel_with_ctrl_zooms_where_the_pointer_is(show: Callable[..., Viewer]) -> None:
    viewer = show()
    place = viewer.client(35, 50)
    whole = scale_of(viewer)
    expect(viewer.page.get_by_role("button", name="See the whole slice")).to_be_disabled()
    viewer.page.mouse.move(*place)
    before = under(viewer, *place)
    viewer.page.keyboard.down("Control")
    for _ in range(3):
        viewer.page.mouse.wheel(0, -100)
    viewer.page.keyboard.up("Control")
    expect(viewer.page.locator("#magnified")).to_have_text("4.5×")  # exp(3/2)
    assert scale_of(viewer) == pytest.approx(whole * np.exp(1.5), rel=0.01)
    assert under(viewer, *place) == pytest.approx(before, abs=0.1)  # wheels tell whole pixels
    viewer.page.get_by_role("button", name="See the whole slice").click()
    assert scale_of(viewer) == whole
    expect(viewer.page.locator("#magnified")).to_have_text("")


def test_keys_and_buttons_zoom_and_never_out_of_the_slice(show: Callable[..., Viewer]) -> None:
    viewer = show()
    whole = scale_of(viewer)
    viewer.press("+", "+")
    viewer.page.get_by_role("button", name="Zoom in").click()
    assert scale_of(viewer) == pytest.approx(whole * 1.25**3, rel=1e-6)
    viewer.press("-", "-", "-", "-")
    viewer.page.get_by_role("button", name="Zoom out").click()
    assert scale_of(viewer) == whole
    viewer.press("+", "r")
    assert scale_of(viewer) == whole


def test_a_drag_moves_what_is_zoomed(show: Callable[..., Viewer]) -> None:
    viewer = show()
    slice_ = viewer.slice
    viewer.press("+", "+", "+")
    x, y = viewer.client(30, 40)
    before = under(viewer, x, y)
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(x + 20, y + 10, steps=4)
    viewer.page.mouse.move(x + 60, y - 40, steps=4)
    viewer.page.mouse.up()
    assert under(viewer, x + 60, y - 40) == pytest.approx(before, abs=0.01)
    assert viewer.slice == slice_
    expect(viewer.page.locator("#pointer")).not_to_have_text("")  # a drag is no click: the pointer alone is told
    assert viewer.page.evaluate("state.pointed") is False


def test_two_fingers_zoom_and_move(show: Callable[..., Viewer]) -> None:
    viewer = show(has_touch=True, is_mobile=True, size=(400, 860))
    slice_, whole = viewer.slice, scale_of(viewer)
    x, y = viewer.client(30, 35)
    one, other = under(viewer, x - 30, y), under(viewer, x + 30, y)
    finger = Finger(viewer.page)
    finger.send("touchStart", (x - 30, y), (x + 30, y))
    for share in np.linspace(0, 1, 6)[1:]:
        finger.send("touchMove", (x - 30 - 40 * share, y + 20 * share), (x + 30 + 20 * share, y + 20 * share))
    finger.send("touchEnd")
    assert scale_of(viewer) == pytest.approx(2 * whole, rel=0.02)
    assert under(viewer, x - 70, y + 20) == pytest.approx(one, abs=0.5)
    assert under(viewer, x + 50, y + 20) == pytest.approx(other, abs=0.5)
    assert viewer.slice == slice_


def test_the_address_keeps_plane_and_view(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.plane("Sagittal")
    viewer.page.keyboard.press("+")
    viewer.drawn()
    scale, which = scale_of(viewer), viewer.page.locator("#which").inner_text()
    viewer.page.wait_for_url("**plane=sagittal**")
    viewer.page.wait_for_timeout(400)
    viewer.page.reload()
    viewer.drawn()
    expect(viewer.page.locator("#which")).to_have_text(which)
    assert scale_of(viewer) == pytest.approx(scale, rel=0.01)


# The other planes.


def test_the_other_planes_show_the_exam_in_its_proportions(show: Callable[..., Viewer]) -> None:
    exam = phantom()
    exam.hu[-1] = MARK_HU  # the slice closest to the head
    viewer = show(replace(exam, methods={"one": exam.reference}))
    viewer.outlines("one", fill=100)
    middle = find_lesions(exam.reference == 2, SPACING)[0].place
    for name, axis, across, sides in (("Coronal", 1, 2, "HFRL"), ("Sagittal", 2, 1, "HFAP")):
        viewer.plane(name)
        told = [viewer.page.locator(f".{side}").inner_text() for side in ("top", "bottom", "left", "right")]
        assert told == list(sides)
        scale = scale_of(viewer) / SPACING[across]  # pixels of the canvas for a mm
        liver = exam.reference.take(middle[axis], axis=axis) > 0
        width, height = viewer.extent(lambda picture: ~is_grey(picture))
        assert height == pytest.approx(liver.any(axis=1).sum() * SPACING[0] * scale, rel=0.05)
        assert width == pytest.approx(liver.any(axis=0).sum() * SPACING[across] * scale, rel=0.05)
        bright = (viewer.picture().min(axis=-1) > 250).mean(axis=1) > 0.5
        assert np.flatnonzero(bright).max() < len(bright) / 2  # the head is above


def test_planes_show_the_voxels_of_the_slices(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.plane("Coronal")
    read = "({ levels, labels }) => [[...levels], [...labels[3]]]"
    slices = viewer.page.evaluate(f"Promise.all(exam.kept.map((_, index) => sliceAt(index).then({read})))")
    stack = np.array(slices).reshape(SHAPE[0], 2, *SHAPE[1:]).transpose(1, 0, 2, 3)[:, ::-1]  # the head above
    for axis in (1, 2):
        cut = np.array(viewer.page.evaluate(f"({read})(cutVolume({axis}, 33))"))
        np.testing.assert_array_equal(cut, stack.take(33, axis=axis + 1).reshape(2, -1))


def test_planes_are_read_from_the_keyboard_and_by_the_slider(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.press("p")
    viewer.page.keyboard.press("End")
    expect(viewer.page.locator("#which")).to_have_text(f"Row 1 of {SHAPE[1]}")
    viewer.page.locator("#slice").fill("20")
    expect(viewer.page.locator("#which")).to_have_text(f"Row 21 of {SHAPE[1]}")
    viewer.page.locator("#lesions tbody tr").first.click()
    assert viewer.slice == find_lesions(viewer.exam.reference == 2, SPACING)[0].place[0]


# Lengths.


def test_a_ruler_measures_between_two_points(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.page.get_by_role("button", name="Measure").click()
    start, end = viewer.client(20, 20), viewer.client(44, 60)
    viewer.page.mouse.move(*start)
    viewer.page.mouse.down()
    viewer.page.mouse.move(*viewer.client(30, 30), steps=3)
    viewer.page.mouse.move(*end, steps=3)
    viewer.page.mouse.up()
    ruler = viewer.page.locator("#rulers li")
    told = float(ruler.get_by_title("Show").inner_text().removesuffix(" mm"))
    assert told == pytest.approx(np.hypot(24 * SPACING[1], 40 * SPACING[2]), abs=0.5)
    slice_ = viewer.slice
    viewer.press("ArrowUp")
    ruler.get_by_title("Show").click()
    assert viewer.slice == slice_
    viewer.press("Delete")
    expect(viewer.page.locator("#rulers-section")).to_be_hidden()


def test_keys_measure_across_slices(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.press("Shift+ArrowUp", "p")
    viewer.drawn()
    for key in ("m", *["Shift+ArrowDown"] * 2, *["Shift+ArrowRight"] * 5, "m"):
        viewer.page.keyboard.press(key)
    expected = np.hypot(2 * SPACING[0], 5 * SPACING[2])
    expect(viewer.page.locator("#rulers li")).to_contain_text(f"{expected:.1f} mm")


def test_the_scale_bar_is_as_long_as_it_says(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.outlines()
    for keys in ((), ("+", "+")):
        viewer.press(*keys)
        length = float(viewer.page.locator("#picture").get_attribute("data-bar").removesuffix(" mm"))
        picture = viewer.picture()
        height, width, _ = picture.shape
        bar = picture[height - 14 : height - 10, width // 2 :].min(axis=2) > 190
        assert np.ptp(np.flatnonzero(bar.any(axis=0))) + 1 == pytest.approx(
            length * scale_of(viewer) / SPACING[2], abs=4
        )


def test_nothing_is_measured_without_real_spacing(show: Callable[..., Viewer]) -> None:
    viewer = show(replace(placed_exam(), grid=grid_of(SHAPE, SPACING, trusted=False)))
    expect(viewer.page.get_by_role("button", name="Measure")).to_be_disabled()
    viewer.press("Shift+ArrowUp", "m", "Shift+ArrowUp", "m")
    expect(viewer.page.locator("#rulers-section")).to_be_hidden()
    expect(viewer.page.locator("#pointer")).not_to_contain_text("mm")
    assert viewer.page.locator("#picture").get_attribute("data-bar") is None
    expect(viewer.page.locator("#layers [data-volume=liver]").first).to_have_text("–")


def test_volumes_stand_beside_dice(show: Callable[..., Viewer]) -> None:
    viewer = show()
    voxel = np.prod(SPACING) / 1000
    for layer, labels in enumerate([viewer.exam.reference, *viewer.exam.methods.values()]):
        row = viewer.page.locator(f"#layers [data-layer='{layer}']")
        liver, lesion, burden = (
            row.locator(f"[data-volume={what}]").inner_text() for what in ("liver", "lesion", "burden")
        )
        assert float(liver) == pytest.approx((labels > 0).sum() * voxel, abs=0.5)
        assert float(lesion) == pytest.approx((labels == 2).sum() * voxel, abs=0.05)
        assert burden == f"{100 * (labels == 2).sum() / (labels > 0).sum():.1f} %"


# Marks.


def test_the_slider_is_marked_where_liver_lesions_and_bad_slices_are(show: Callable[..., Viewer]) -> None:
    exam = phantom()
    worse = exam.reference.copy()
    worse[2] = 0
    viewer = show(replace(exam, methods={"fusion": worse}))
    image = viewer.page.locator("#marks").evaluate("canvas => canvas.toDataURL('image/png')")
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.partition(",")[2]))).convert("RGB"), np.int16)
    yellow = colour("#f0e442")
    marked = {LIVER: exam.reference.any(axis=(1, 2)), LESION: (exam.reference == 2).any(axis=(1, 2))}
    for index in range(SHAPE[0]):
        x = round(8 + index * (strip.shape[1] - 16) / (SHAPE[0] - 1))
        column = strip[:, min(x, strip.shape[1] - 1)]
        for code, present in marked.items():
            assert (abs(column - np.array(colour(code))).max(axis=-1) <= 3).any() == present[index], (index, code)
        assert (abs(column - np.array(yellow)).max(axis=-1) <= 3).any() == (index == 2), index
    viewer.press("n")
    assert viewer.slice == 2
    expect(viewer.page.locator("#bad")).to_have_text("1 bad slice ›")
    viewer.press("Home")
    viewer.page.locator("#bad").click()
    assert viewer.slice == 2
    box = viewer.page.locator("#marks").bounding_box()
    assert box
    viewer.page.mouse.click(box["x"] + box["width"] - 9, box["y"] + 4)
    assert viewer.slice == SHAPE[0] - 1


# Many methods.


def many(count: int) -> ViewedExam:
    names = [*(f"method-{index}-of-a-rather-long-name" for index in range(count - 1)), "fusion"]
    exam = phantom()
    methods = {name: np.roll(exam.reference, index, axis=2) for index, name in enumerate(names)}
    return replace(exam, methods=methods)


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("count", [2, 5, 20])
def test_tables_of_many_methods_stay_in_their_panel(show: Callable[..., Viewer], count: int, width: int) -> None:
    viewer = show(many(count), size=(width, 860))
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
    aside = viewer.page.locator("aside").bounding_box()
    assert aside
    for table in viewer.page.locator("aside table").all():
        box = table.bounding_box()
        assert box
        assert box["x"] >= aside["x"]
        assert box["x"] + box["width"] <= aside["x"] + aside["width"]
    cells = viewer.page.locator("#layers td, #layers th")
    assert (
        cells.evaluate_all("cells => cells.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).length") == 0
    )
    swatches = viewer.page.locator("#layers svg").evaluate_all("all => all.map((one) => one.innerHTML)")
    assert len(set(swatches)) == count + 1


def test_every_method_has_its_colour_and_the_compared_one_alone_is_filled(show: Callable[..., Viewer]) -> None:
    viewer = show()
    for name, code in (*zip(("larger", "smaller"), METHOD_COLOURS, strict=False), ("fusion", FUSION_COLOUR)):
        viewer.outlines(name)
        lines = (abs(viewer.picture() - np.array(colour(code))).max(axis=-1) <= 3).sum()
        assert lines > 200, name
    viewer.outlines("reference", "larger", "smaller", fill=100)  # not the fusion, which is compared
    inside = viewer.at(30, 42)
    assert is_grey(np.array([inside])).all()
    viewer.page.get_by_label("Compare smaller with the reference").check()
    viewer.wait()
    assert viewer.at(30, 42) == colour(LIVER)


def test_the_outline_follows_the_comparison(show: Callable[..., Viewer]) -> None:
    viewer = show()
    viewer.page.get_by_label("Compare smaller with the reference").check()
    shown = viewer.page.locator("#layers tbody:has(input:checked[type=checkbox]) .name span")
    assert shown.all_inner_texts() == ["reference", "smaller"]


def test_disagreement_has_colour_at_every_level(show: Callable[..., Viewer]) -> None:
    viewer = show()
    scale = np.array(viewer.page.evaluate("Array.from({length: 101}, (_, percent) => scaled(percent))"))
    assert (scale.max(axis=1) - scale.min(axis=1)).min() > 90  # far from any grey
    brightness = scale @ [0.299, 0.587, 0.114]
    assert np.diff(brightness).min() > 0


# Print.


@pytest.mark.parametrize("width", [400, 1400])
def test_print_keeps_proportions(show: Callable[..., Viewer], width: int) -> None:
    viewer = show(replace(phantom(), hu=np.full(SHAPE, MARK_HU)), size=(width, 860))
    viewer.outlines()
    viewer.page.evaluate("draw = () => {}")  # a printer takes the picture as it is
    viewer.page.emulate_media(media="print")
    printed = Image.open(io.BytesIO(viewer.page.locator("#picture").screenshot())).convert("L")
    lit = np.asarray(printed) > 200
    columns, rows = (np.flatnonzero(lit.mean(axis=axis) > 0.2) for axis in (0, 1))
    expected = SHAPE[2] * SPACING[2] / (SHAPE[1] * SPACING[1])
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(expected, rel=0.03)
    expect(viewer.page.locator("#tools")).to_be_hidden()
    expect(viewer.page.locator("#which")).to_be_visible()
