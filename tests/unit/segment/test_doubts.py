"""Doubts are told just outside of each bound and not just inside, and only of what is known."""

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from real_ct import LABELS, NATIVE, needs_real_ct, portal_venous

from hepaflow.model.drawn import DRAWN
from hepaflow.model.origin import Origin
from hepaflow.model.seen import Seen
from hepaflow.phantoms.rendering import ANATOMIES
from hepaflow.segment.doubts import ROOM_OF_HU, ROOM_OF_LENGTHS, doubts, far_above, weak
from hepaflow.segment.report.measurements import Measurements, measure
from hepaflow.segment.source import LoadedExam, read_exam
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import Grid

SPACING = (5.0, 1.0, 1.0)
SHAPE = (8, 300, 290)
SEEN = Seen((1.0, 5.0), (0.6, 1.0), (85.0, 130.0), (4.0, 20.0), {"liver": 8.0, "lesion": 70.0})
LIKE_LITS = Seen((0.7, 5.0), (0.56, 1.0), (75.0, 150.0), (4.0, 20.0), {"liver": 8.0, "lesion": 70.0})


def exam_of(
    spacing: tuple[float, float, float] = SPACING, hu: float = 100, noise: float = 10, vessels: float = 0
) -> tuple[LoadedExam, np.ndarray]:
    """Return an exam with a liver of 70 × 40 × 40 pixels in each of its inner slices, and the labels."""
    slices, rows, columns = spacing
    affine = np.diag([-columns, -rows, slices, 1.0])
    affine[:3, 3] = 100, 80, -60
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:-1, 60:130, 60:130] = 1
    values = np.where(labels, hu, -100) + np.random.default_rng(0).normal(0, noise, SHAPE)
    values[:, 80:84] += vessels
    grid = Grid((SHAPE[2], SHAPE[1], SHAPE[0]), affine, None)
    return LoadedExam("exam", np.rint(values).astype(np.int16), grid), labels


PLAIN = exam_of()


def measured(exam: LoadedExam, labels: np.ndarray, **others: Any) -> Measurements:
    return replace(measure(labels, exam.grid, {}), **({"liver_ml": 1500.0} | others))


def told(exam: LoadedExam, labels: np.ndarray, seen: Seen | None = SEEN, **others: Any) -> tuple[str, ...]:
    return doubts(measured(exam, labels, **others), labels, exam, seen)


def test_of_a_usual_exam_there_is_none() -> None:
    assert told(*PLAIN) == ()
    assert told(*PLAIN, None) == ()


# The volume.


@pytest.mark.parametrize(
    ("ml", "beginning"),
    [
        (4001, "the liver has 4001 ml, hardly any adult's more than 4000"),
        (4000, ""),
        (500, ""),
        (499, "the liver has 499 ml, hardly any adult's less than 500"),
        (0.031, "the liver has 0.03 ml, "),
        (None, ""),
    ],
)
@pytest.mark.parametrize("seen", [SEEN, Seen(), None])
def test_a_volume_that_hardly_any_adult_has(ml: float | None, beginning: str, seen: Seen | None) -> None:
    found = told(*PLAIN, seen, liver_ml=ml)
    assert len(found) == bool(beginning)
    assert all(one.startswith(beginning) for one in found)


def test_little_of_a_liver_at_an_end_of_the_exam_may_be_none() -> None:
    exam, labels = PLAIN
    cut = labels.copy()
    cut[0] = labels[1]
    assert told(exam, cut, liver_ml=20.0) == (
        "only 20.0 ml of a liver are seen, at an end or edge of the exam: it may be none",
    )
    assert told(exam, cut, liver_ml=583.0) == (
        "only 583 ml of a liver are seen, at an end or edge of the exam: it may be none",
    )
    assert told(exam, cut, liver_ml=750.0) == ()
    (note,) = told(exam, cut, liver_ml=4100.0)
    assert "4100 ml" in note


def test_the_volume_is_the_measured_one() -> None:
    exam, labels = PLAIN
    (note,) = doubts(measure(labels, exam.grid, {}), labels, exam)
    assert note.startswith("the liver has 147 ml")


# Another part of the body.


@pytest.mark.parametrize(("pixel", "count"), [(0.89, 1), (0.91, 0)])  # 300 pixels: 267 and 273 mm
def test_an_exam_without_a_liver_that_is_narrow_may_be_of_another_part(pixel: float, count: int) -> None:
    exam, labels = exam_of((5.0, pixel, pixel))
    none = np.zeros_like(labels)
    found = doubts(measure(none, exam.grid, {}), none, exam)
    assert ["it may show another part of the body" in one for one in found] == [True] * count
    assert told(exam, labels, None) == ()


# What the model has seen.


@pytest.mark.parametrize(
    ("spacing", "note"),
    [
        ((5.0 * ROOM_OF_LENGTHS - 0.01, 1, 1), ""),
        ((7.5, 1, 1), "slices lie 7.5 mm apart; the model was trained with 1 to 5 mm"),
        ((1.0 / ROOM_OF_LENGTHS + 0.01, 1, 1), ""),
        ((0.78, 1, 1), "slices lie 0.78 mm apart; the model was trained with 1 to 5 mm"),
        ((5, 1.24, 1.24), ""),
        ((5, 1.26, 1.26), "pixels have 1.26 mm; the model was trained with 0.6 to 1 mm"),
        ((5, 1, 1.26), "pixels have 1.26 mm; the model was trained with 0.6 to 1 mm"),
        ((5, 0.49, 0.49), ""),
        ((5, 0.47, 0.47), "pixels have 0.47 mm; the model was trained with 0.6 to 1 mm"),
    ],
)
def test_a_spacing_that_the_model_has_not_seen(spacing: tuple[float, float, float], note: str) -> None:
    assert told(*exam_of(spacing)) == ((note,) if note else ())


def test_without_millimetres_no_length_is_compared() -> None:
    exam, labels = exam_of((9.0, 3.0, 3.0))
    blind = replace(exam, grid=replace(exam.grid, names_spacing=False))
    assert len(told(exam, labels)) == 2
    assert told(blind, labels, liver_ml=None) == ()
    none = np.zeros_like(labels)
    assert doubts(measure(none, blind.grid, {}), none, blind, SEEN) == ()


@pytest.mark.parametrize(
    ("hu", "vessels", "note"),
    [
        (85 - ROOM_OF_HU + 1, 0, ""),
        (130 + ROOM_OF_HU - 1, 60, ""),
        (
            130 + ROOM_OF_HU + 2,
            60,
            "the liver has a median of 142 HU; the model was trained with livers of 85 to 130",
        ),
        (
            48,
            0,
            "the liver has a median of 48 HU, as without contrast agent or before it reaches the liver; the model",
        ),
        (48, 80, "the liver has a median of 48 HU; the model was trained with livers of 85 to 130 HU"),  # of fat
        (73, 0, "the liver has a median of 73 HU; the model was trained with livers of 85 to 130 HU"),
    ],
)
def test_a_liver_of_another_brightness(hu: float, vessels: float, note: str) -> None:
    found = told(*exam_of(hu=hu, vessels=vessels, noise=4))
    assert len(found) == bool(note)
    assert all(one.startswith(note) for one in found)


def test_an_exam_that_is_thinner_than_any_that_was_seen() -> None:
    exam, labels = exam_of()
    height = exam.grid.canonical_shape[0] * SPACING[0]
    for least, expected in ((height, False), (height + 1, True)):
        found = told(exam, labels, replace(SEEN, height_mm=(least, 800.0)))
        assert any(one.startswith(f"the exam is {height:.0f} mm high; the model was") for one in found) == expected


@pytest.mark.parametrize(
    ("noise", "note"),
    [
        (24, ""),
        (27, "the noise in the liver is 27 HU from pixel to pixel; the model was trained with 4 to 20 HU"),
        (3.4, ""),
        (3.0, "the noise in the liver is 3 HU from pixel to pixel; the model was trained with 4 to 20 HU"),
    ],
)
def test_noise_that_the_model_has_not_seen(noise: float, note: str) -> None:
    assert told(*exam_of(noise=noise)) == ((note,) if note else ())


@pytest.mark.parametrize(
    ("percent", "notes"),
    [
        ({"liver": 12.0, "lesion": 85.0}, []),
        (
            {"liver": 12.1, "lesion": 0.0},
            ["the networks disagree by 12 % on the liver, on no test exam of the model"],
        ),
        (
            {"liver": 0.0, "lesion": 86.0},
            ["the networks disagree by 86 % on the lesions, on no test exam of the model"],
        ),
        (
            {"liver": 90.0, "lesion": 90.0},
            ["the networks disagree by 90 % on the liver, ", "the networks disagree"],
        ),
        ({}, []),
    ],
)
def test_networks_that_disagree_far_more_than_on_test_exams(percent: dict[str, float], notes: list[str]) -> None:
    found = told(*PLAIN, disagreement_percent=percent)
    assert len(found) == len(notes)
    assert all(one.startswith(note) for one, note in zip(found, notes, strict=True))


def test_far_above_is_above_and_never_beyond_all() -> None:
    largest = np.linspace(0.5, 99.5, 100)
    bounds = np.array([far_above(one) for one in largest])
    assert (bounds > largest).all()
    assert (bounds < 100).all()
    assert (np.diff(bounds) > 0).all()


@pytest.mark.parametrize("seen", [None, Seen()])
def test_of_what_is_not_recorded_nothing_is_told(seen: Seen | None) -> None:
    exam, labels = exam_of((9, 2, 2), hu=20, noise=60)
    assert told(exam, labels, seen, disagreement_percent={"liver": 99.0}) == ()
    assert len(told(exam, labels, disagreement_percent={"liver": 99.0})) == 5


def test_a_range_of_one_value_is_told_as_one() -> None:
    seen = Seen(slice_mm=(2.5, 2.5))
    assert told(*PLAIN, seen) == ("slices lie 5 mm apart; the model was trained with 2.5 mm",)


@pytest.mark.parametrize(
    ("dice", "notes"),
    [
        ({"liver": 0.95, "lesion": 0.65}, []),
        (
            {"liver": 0.95, "lesion": 0.649},
            ["do not rely on the lesions: on its test exams, the model's mean Dice of the lesions was 0.65"],
        ),
        (
            {"liver": 0.95, "lesion": 0.222},
            ["do not rely on the lesions: on its test exams, the model's mean Dice of the lesions was 0.22"],
        ),
        (
            {"liver": 0.499},
            ["do not rely on the liver: on its test exams, the model's mean Dice of the liver was 0.50"],
        ),
        ({}, []),
    ],
)
def test_what_a_model_finds_badly_is_told(dice: dict[str, float], notes: list[str]) -> None:
    assert list(weak(Origin(False, "mine.tsv", 9, 2, dice))) == notes
    assert weak(None) == ()


# Drawn exams, and real ones.


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_of_phantoms_that_show_the_whole_liver_there_is_none(anatomy: str) -> None:
    settings = PhantomSettings(
        anatomy=anatomy, size=64, slices=(30, 36), slice_thickness=(5, 7), field_of_view=(330, 380)
    )
    phantoms = (ANATOMIES[anatomy](f"one-{number}", settings) for number in range(24))
    whole = [*islice((one for one in phantoms if one.label.any() and not one.label[[0, -1]].any()), 3)]
    assert len(whole) == 3
    for drawn in whole:
        exam = LoadedExam("drawn", drawn.image, Grid(drawn.image.shape[::-1], drawn.affine, None))
        found = measure(drawn.label, exam.grid, {})
        assert found.liver_voxels > 1000
        assert doubts(found, drawn.label, exam, DRAWN["trunk"]()) == ()


@needs_real_ct
def test_a_real_exam_with_contrast_agent_is_like_those_of_lits() -> None:
    exam, labels = portal_venous()
    assert doubts(measure(labels, exam.grid, {}), labels, exam, LIKE_LITS) == ()


@needs_real_ct
def test_a_real_exam_without_contrast_agent_is_known_as_one() -> None:
    exam = read_exam(NATIVE, name="native")
    labels, _ = read_labels(LABELS, image=exam.grid)
    found = doubts(measure(labels, exam.grid, {}), labels, exam, LIKE_LITS)
    assert found == (
        "pixels have 3 mm; the model was trained with 0.56 to 1 mm",
        "the liver has a median of 47 HU, as without contrast agent or before it reaches the liver; the model was "
        "trained with livers of 75 to 150 HU",
    )
