"""The viewer's page: what it holds, how large it is, and that nothing in it can be taken for code."""

import base64
import io
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_exams import exam as small_exam
from small_exams import grid_of

from hepaflow.viewer.ct import compand, expand
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import Beside, viewer_page, viewer_pages

SPACING = (2.5, 0.7, 0.9)
HOSTILE = "</script><img src=x onerror=alert(1)>{{data}}"


def viewed(shape: tuple[int, int, int] = (7, 48, 64), **changes: Any) -> ViewedExam:
    hu, labels = small_exam(shape)
    given = {
        "name": "exam-1",
        "hu": hu,
        "reference": labels,
        "methods": {"one": np.roll(labels, 2, axis=2), "fusion": np.roll(labels, 1, axis=1)},
        "grid": grid_of(shape, SPACING),
    }
    return ViewedExam(**(given | changes))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def maps_of(data: dict[str, Any], index: int, layers: int) -> np.ndarray:
    size = -(-data["shape"][1] // data["factor"]), -(-data["shape"][2] // data["factor"])
    raw = zlib.decompress(base64.b64decode(data["maps"][index]))
    return np.frombuffer(raw, np.uint8).reshape(layers, *size)


def picture_of(data: dict[str, Any], index: int) -> np.ndarray:
    file = io.BytesIO(base64.b64decode(data["pictures"][index]))
    return np.asarray(Image.open(file).convert("RGB"))[..., 0]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_with_more_threads_the_page_is_the_same() -> None:
    assert viewer_page(viewed(), threads=3) == viewer_page(viewed())


def test_the_page_holds_the_exam() -> None:
    exam = viewed(disagreement={"liver": np.full((7, 48, 64), 50, np.uint8)})
    data = data_of(viewer_pages(exam)[0])
    assert (data["factor"], data["kept"], data["shape"]) == (1, list(range(7)), [7, 48, 64])
    for index in range(7):
        reference, one, fusion, disagreement = maps_of(data, index, 4)
        np.testing.assert_array_equal(reference, exam.reference[index])
        np.testing.assert_array_equal(one, exam.methods["one"][index])
        np.testing.assert_array_equal(fusion, exam.methods["fusion"][index])
        assert (disagreement == 50).all()
        error = expand(picture_of(data, index)) - expand(compand(exam.hu[index]))
        assert np.sqrt((error**2).mean()) < 6


def test_without_a_reference_the_page_holds_the_method_alone() -> None:
    exam = viewed(reference=None, methods={"segmentation": small_exam()[1]})
    data = data_of(viewer_page(exam))
    assert (data["hasReference"], data["methods"], data["counts"]) == (False, ["segmentation"], [])
    assert data["lesions"]["reference"] == []
    assert len(data["lesions"]["methods"][0]) == 1
    np.testing.assert_array_equal(maps_of(data, 3, 1)[0], exam.methods["segmentation"][3])


def test_slices_without_labels_hold_none() -> None:
    empty = np.zeros((7, 48, 64), np.uint8)
    data = data_of(viewer_pages(viewed(reference=empty, methods={"fusion": empty}))[0])
    assert data["maps"] == [""] * 7
    assert data["liver"] is None


def test_a_small_exam_is_embedded_in_full() -> None:
    full, embedded = viewer_pages(viewed())
    assert embedded == full


def test_a_whole_exam_takes_fifteen_megabytes_at_most() -> None:
    """Four of 150 slices of 512x512 pixels, noisier than most, with five methods and two maps of disagreement."""
    exam = viewed((4, 512, 512))
    _, rows, columns = np.ogrid[:4, :512, :512]
    body = ((rows - 256) / 170) ** 2 + ((columns - 256) / 230) ** 2 < 1
    hu = np.where(body, 40 + 60 * (exam.reference > 0), -1000) + np.random.default_rng(0).normal(
        0, 20, exam.hu.shape
    )
    masks = {f"method{shift}": np.roll(exam.reference, shift, axis=2) for shift in range(1, 6)}
    maps = dict.fromkeys(("liver", "lesion"), np.where(exam.reference != masks["method5"], 50, 0).astype(np.uint8))
    page, _ = viewer_pages(
        viewed(exam.hu.shape, hu=hu, reference=exam.reference, methods=masks, disagreement=maps)
    )
    frame = len(viewer_pages(viewed((1, 8, 8)))[0])
    assert frame + (len(page) - frame) * 150 / 4 < 15e6


def test_a_large_exam_is_reduced_until_it_fits() -> None:
    exam = viewed((9, 300, 521))
    full, smaller = viewer_pages(exam, limit=len(viewer_pages(exam)[0]) - 1)
    assert data_of(smaller)["kept"] == list(range(9))  # with smaller slices all of them fit
    limit = len(smaller) - 1
    embedded = viewer_pages(exam, limit=limit)[1]
    assert len(embedded.encode()) <= limit
    whole, data = data_of(full), data_of(embedded)
    assert data["factor"] == 3
    assert 1 < len(data["kept"]) < 9
    assert set(np.diff(data["kept"])) == {data["step"]}
    for key in ("counts", "lesions", "shape", "spacing", "liver"):  # told of the whole exam
        assert data[key] == whole[key]
    for index, slice_ in enumerate(data["kept"]):
        shown = maps_of(data, index, 3)[0]
        assert picture_of(data, index).shape == shown.shape == (100, 174)
        np.testing.assert_array_equal(shown[:, :173], exam.reference[slice_, 1::3, 1::3][:, :173])


def test_a_limit_that_no_slice_meets_is_told() -> None:
    with pytest.raises(ValueError, match="exam-1"):
        viewer_pages(viewed((3, 300, 300)), limit=1000)


@pytest.mark.parametrize("shape", [(1, 40, 40), (5, 30, 90)])
def test_single_slices_and_oblong_ones(shape: tuple[int, int, int]) -> None:
    data = data_of(viewer_pages(viewed(shape))[0])
    assert picture_of(data, 0).shape == shape[1:]
    assert len(data["pictures"]) == shape[0]


def test_names_are_never_code() -> None:
    exam = viewed(name=HOSTILE, methods={HOSTILE: viewed().reference})
    page, plain = viewer_pages(exam)[0], viewer_pages(viewed(methods={"a": viewed().reference}))[0]
    assert [tag for tag, _ in tags(page)] == [tag for tag, _ in tags(plain)]
    assert data_of(page)["exam"] == HOSTILE
    assert data_of(page)["methods"] == [HOSTILE]


def test_links_lead_to_files_beside_the_page_and_tell_what_is_absent() -> None:
    beside = Beside(previous=None, next='a #1 "<b>', report="../report.html")
    full, embedded = viewer_pages(viewed(), beside=beside)
    assert embedded == full
    assert data_of(full)["links"] == [
        {"to": "previous exam", "name": None, "address": None},
        {"to": "next exam", "name": 'a #1 "<b>', "address": "./a%20%231%20%22%3Cb%3E.html"},
        {"to": "report", "name": "report", "address": "../report.html"},
    ]
    assert data_of(viewer_page(viewed()))["links"] == []


def test_the_page_may_not_reach_the_network() -> None:
    page = viewer_pages(viewed())[0]
    found = tags(page)
    (policy,) = [attrs["content"] for tag, attrs in found if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:", policy)
    assert not [(tag, attrs) for tag, attrs in found if {"src", "href"} & set(attrs)]


def test_the_same_exam_gives_the_same_page() -> None:
    assert viewer_pages(viewed()) == viewer_pages(viewed())
