"""Every figure can be read with few and many methods, exams and letters: drawn, and measured."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from drawn import assert_readable
from matplotlib.figure import Figure

from hepaflow.figures.dice import dice_figure
from hepaflow.figures.montage import montage
from hepaflow.figures.overlap import overlap_figure
from hepaflow.figures.samples import REFERENCE, Sample
from hepaflow.figures.training import training_figure
from hepaflow.figures.uncertainty import uncertainty_figure
from hepaflow.figures.weights import weights_figure
from hepaflow.masks.fusion import Fusion
from hepaflow.names import FUSION
from hepaflow.settings.slices import WindowSettings

LONG = "swin_unetr-48.patches-96x96x96.aug-cutmix"[:38]


def names(count: int, letters: int) -> list[str]:
    """Return names of so many letters, 4 at least."""
    return [f"{LONG * 2}"[: letters - 2] + f"{number:02}" for number in range(count)]


def training(
    count: int, letters: int, *, validation: bool = False, shared: bool = True, epochs: int = 90
) -> Figure:
    random = np.random.default_rng(0)
    histories = {}
    for number, name in enumerate(names(count, letters)):
        own = epochs if shared else epochs + number
        loss = (0.5 + 0.02 * number) / np.arange(1, own + 1) ** 0.7 * random.uniform(0.95, 1.05, own)
        rate = 0.01 * 0.3 ** (np.arange(own) // max(1, own // 3)) * (1 if shared else number + 1)
        validated = loss * 1.2 if validation else np.nan
        histories[name] = pd.DataFrame(
            {
                "epoch": np.arange(1, own + 1),
                "loss": loss,
                "validation_loss": validated,
                "learning_rate": rate,
            }
        )
    return training_figure(histories, "lesion")


def weights(count: int, letters: int) -> Figure:
    shares = np.linspace(3, -0.4, count)
    fusion = Fusion(tuple(names(count, letters)), tuple(shares), ())
    return weights_figure({"liver": fusion, "lesion": fusion})


def overlap(count: int, letters: int) -> Figure:
    matrix = np.random.default_rng(0).uniform(size=(count, count))
    matrix[0, 1] = matrix[1, 0] = np.nan
    names_ = names(count, letters)
    return overlap_figure(pd.DataFrame(matrix, names_, names_), "lesion")


def dice(count: int, letters: int, exams: int = 10) -> Figure:
    random = np.random.default_rng(0)
    methods = [*names(count - 1, letters), FUSION]
    rows = [
        (f"exam-{exam}", "liver", method, processing, "dice", value)
        for method in methods
        for processing in (("clean",) if method == FUSION else ("raw", "clean"))
        for exam, value in enumerate(random.beta(60, 4, exams))
    ]
    table = pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "metric", "value"])
    return dice_figure(table, "liver", dict.fromkeys(methods, "resnet152") | {FUSION: FUSION})


def uncertainty(count: int, letters: int, exams: int = 10) -> Figure:
    random = np.random.default_rng(0)
    levels = np.round(100 * np.arange(count // 2 + 1) / (count // 2)).astype(int)
    counted = pd.DataFrame({"exam": "a", "disagreement": levels, "voxels": 1000, "errors": 10 * levels})
    exams_ = pd.DataFrame(
        {
            "exam": names(exams, letters),
            "disagreement": random.uniform(2, 20, exams),
            "dice": random.beta(30, 2, exams),
        }
    )
    return uncertainty_figure(counted, exams_, "lesion")


def samples(count: int, letters: int, exams: int = 2) -> Figure:
    rows, columns = np.indices((48, 60))
    mask = ((rows - 22) ** 2 + (columns - 25) ** 2 < 15**2).astype(np.uint8)
    maps = {REFERENCE: mask} | {
        name: np.roll(mask, number, axis=1) for number, name in enumerate([*names(count - 1, letters), FUSION])
    }
    shown = [Sample(name, 2, 60, 100 * mask.astype(np.int16), maps, (1.0, 1.0)) for name in names(exams, letters)]
    return montage(shown, "liver", WindowSettings())


FIGURES = {
    "training": training,
    "weights": weights,
    "overlap": overlap,
    "dice": dice,
    "uncertainty": uncertainty,
    "samples": samples,
}


@pytest.mark.parametrize(("count", "letters"), [(2, 40), (5, 4), (20, 40)])
@pytest.mark.parametrize("figure", FIGURES)
def test_any_number_of_methods_can_be_read(figure: str, count: int, letters: int) -> None:
    draw: Callable[..., Figure] = FIGURES[figure]
    shown = assert_readable(draw(count, letters))
    if figure != "uncertainty":
        assert all(name in shown for name in names(count - 1, letters))


@pytest.mark.parametrize("exams", [1, 70])
@pytest.mark.parametrize("figure", ["dice", "uncertainty"])
def test_any_number_of_exams_can_be_read(figure: str, exams: int) -> None:
    draw: Callable[..., Figure] = FIGURES[figure]
    assert_readable(draw(5, 40, exams))


@pytest.mark.parametrize(("count", "epochs"), [(6, 500), (7, 1), (15, 90)])
def test_any_training_can_be_read(count: int, epochs: int) -> None:
    assert_readable(training(count, 12, validation=True, shared=False, epochs=epochs))


@pytest.mark.parametrize("count", [12, 20])
def test_short_names_stand_at_both_sides_of_a_matrix(count: int) -> None:
    assert assert_readable(overlap(count, 4)).count("sw00") == 2


def written(*texts: tuple[float, float, str], size: float = 9, width: float = 4) -> Figure:
    figure = Figure(figsize=(width, 2))
    for x, y, text in texts:
        figure.text(x, y, text, fontsize=size)
    return figure


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (written((0.1, 0.5, "one"), (0.12, 0.52, "other")), "over"),
        (written((0.9, 0.5, "a long name")), "outside"),
        (written((0.1, 0.5, "small"), size=6), "6"),
        (written(width=13), "13"),
    ],
    ids=["one over the other", "outside", "small", "wide"],
)
def test_what_cannot_be_read_is_found(figure: Figure, words: str) -> None:
    assert_readable(written((0.1, 0.5, "one"), (0.5, 0.5, "other")))
    with pytest.raises(AssertionError, match=words):
        assert_readable(figure)
