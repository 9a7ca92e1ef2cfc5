"""The look of a liver: its median, noise and vessels are those it was made with, whatever lies at its rim."""

import numpy as np
import pytest
from real_ct import LABELS, NATIVE, needs_real_ct, portal_venous

from hepaflow.exams.parenchyma import parenchyma
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_image

SHAPE = (6, 60, 60)
INSIDE = np.s_[1:5, 10:50, 10:50]


def made(noise: float = 12.0, hu: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    labels = np.zeros(SHAPE, np.uint8)
    labels[INSIDE] = 1
    values = np.where(labels, hu, -100) + np.random.default_rng(0).normal(0, noise, SHAPE)
    return np.rint(values).astype(np.int16), labels


@pytest.mark.parametrize("noise", [1, 3, 12, 40])
def test_median_and_noise_are_those_of_the_liver(noise: float) -> None:
    found = parenchyma(*made(noise, 57))
    assert found is not None
    assert found.hu == pytest.approx(57, abs=1)
    assert found.noise == pytest.approx(noise, rel=0.05)
    assert found.brightest == pytest.approx(57 + 2.05 * noise / (2 * 1.5 * np.sqrt(np.pi)), abs=1 + noise / 10)


def test_lesions_and_the_rim_are_no_part_of_it() -> None:
    values, labels = made()
    before = parenchyma(values, labels)
    labels[2:4, 20:30, 20:30] = 2
    values[2:4, 18:32, 18:32] = 300  # brighter than its label tells, as far as the blur of a scanner reaches
    values[:, 10:12] = values[:, 48:50] = values[:, :, 10:12] = values[:, :, 48:50] = -80
    found = parenchyma(values, labels)
    assert before is not None
    assert found is not None
    assert found.hu == pytest.approx(before.hu, abs=1)
    assert found.noise == pytest.approx(before.noise, rel=0.05)
    assert found.brightest == pytest.approx(before.brightest, abs=2)


def test_vessels_are_seen_and_are_no_noise() -> None:
    values, labels = made(8)
    values[:, 20:25, :] += 90  # an eighth of the liver
    found = parenchyma(values, labels)
    assert found is not None
    assert found.hu == pytest.approx(61, abs=2)
    assert found.noise == pytest.approx(8, rel=0.15)
    assert 120 < found.brightest < 160


def test_the_place_in_the_exam_does_not_count() -> None:
    values, labels = made()
    turned = parenchyma(values[:, ::-1, ::-1], labels[:, ::-1, ::-1])
    cut = parenchyma(values[1:5, 10:50, 10:50], labels[1:5, 10:50, 10:50])
    assert turned == cut == parenchyma(values, labels)


def test_of_little_liver_nothing_is_told() -> None:
    values, labels = made()
    assert parenchyma(values, np.zeros_like(labels)) is None
    assert parenchyma(values, labels * np.uint8(2)) is None
    thin = labels.copy()
    thin[:, :, 14:] = 0
    assert parenchyma(values, thin) is None
    small = np.zeros_like(labels)
    small[2, 20:38, 20:38] = 1  # 14 × 14 without the rim
    assert parenchyma(values, small) is None
    small[2, 20:39, 20:39] = 1
    assert parenchyma(values, small) is not None


@needs_real_ct
def test_real_livers_without_and_with_contrast_agent() -> None:
    hu, grid = read_image(NATIVE)
    native = parenchyma(hu, read_labels(LABELS, image=grid)[0])
    exam, labels = portal_venous()
    enhanced = parenchyma(exam.hu, labels)
    assert native is not None
    assert enhanced is not None
    assert (round(native.hu), round(enhanced.hu)) == (47, 94)
    assert native.brightest < 60 < 105 < enhanced.brightest
    assert 5 < (enhanced.noise or 0) < (native.noise or 0) < 15
