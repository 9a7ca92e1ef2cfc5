"""The figure of lesions that are found."""

from pathlib import Path

import pandas as pd

from hepaflow.evaluation.lesions import LESION_COLUMNS
from hepaflow.figures.detection import detection_figure
from hepaflow.figures.style import save
from hepaflow.names import FUSION


def lesions(methods: list[str]) -> pd.DataFrame:
    rows = [
        ("e", method, "reference", number, 1, 10, 1.5, diameter, iou, 0.5, int(iou > 0), int(iou > 0.5))
        for method in methods
        for number, (diameter, iou) in enumerate([(60.0, 0.8), (60.0, 0.3), (15.0, 0.0)], start=1)
    ]
    return pd.DataFrame(rows, columns=LESION_COLUMNS)


def test_a_class_says_how_many_lesions_it_has_and_what_is_found_of_them() -> None:
    left, right = detection_figure(lesions([FUSION]), FUSION).axes
    labels = [text.get_text() for text in left.get_xticklabels()]
    assert labels == ["10 to 20 mm\n(1 lesion)", "from 50 mm\n(2 lesions)", "all sizes\n(3 lesions)"]
    dots = [line.get_ydata()[0] for line in left.lines if len(line.get_xdata()) == 1]
    assert dots == [0, 0, 1, 0.5, 2 / 3, 1 / 3]  # any overlap, and more than half
    half, less, missed, _ = right.lines
    assert half.get_xydata().tolist() == [[60, 0.8]]
    assert less.get_xydata().tolist() == [[60, 0.3]]
    assert missed.get_xydata().tolist() == [[15, 0]]


def test_methods_stand_side_by_side_and_the_fusion_last() -> None:
    left = detection_figure(lesions([FUSION, *(f"m{number}" for number in range(12))]), FUSION).axes[0]
    along = [line.get_xdata()[0] for line in left.lines if len(line.get_xdata()) == 1]
    assert len({round(place, 6) for place in along}) == 3 * 13
    assert left.get_xlim()[0] < min(along)


def test_the_lesions_are_those_of_the_leading_method_wherever_it_stands() -> None:
    found = lesions(["modern", "nnunet"])
    found.loc[found["method"] == "nnunet", ["iou", "found_any", "found_half"]] = (0.9, 1, 1)
    right = detection_figure(found, "modern").axes[1]
    assert right.get_title(loc="left") == "Every lesion, modern"
    assert right.lines[0].get_xydata().tolist() == [[60, 0.8]]
    assert right.lines[2].get_xydata().tolist() == [[15, 0]]


def test_a_leading_method_without_lesions_is_drawn_without_any() -> None:
    right = detection_figure(lesions(["m"])[:0], "modern").axes[1]
    assert right.get_title(loc="left") == "Every lesion, modern"


def test_panels_have_room_also_where_no_lesion_is_found(tmp_path: Path) -> None:
    none = lesions(["m", FUSION]).assign(iou=0.0, found_any=0, found_half=0)
    figure = detection_figure(none, FUSION)
    save(figure, tmp_path / "a.svg", title="t")
    assert [axes.get_position().width > 0.25 for axes in figure.axes] == [True, True]


def test_without_any_lesion_it_says_so(tmp_path: Path) -> None:
    figure = detection_figure(lesions([FUSION])[:0], FUSION)
    assert figure.axes[0].get_title(loc="left") == "No lesion in the reference of any test exam"
    save(figure, tmp_path / "a.svg", title="t")


def test_the_same_lesions_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        save(detection_figure(lesions(["m", FUSION]), FUSION), tmp_path / name, title="t")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
