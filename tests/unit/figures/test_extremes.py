"""The figure of the worst, the median and the best exam."""

import matplotlib
import numpy as np
import pytest

from hepaflow.colours import COLOURS
from hepaflow.figures.extremes import extremes_figure, fullest_slice
from hepaflow.figures.samples import REFERENCE, Sample
from hepaflow.names import STRUCTURES
from hepaflow.settings.slices import WindowSettings


def test_the_slice_shows_most_of_reference_and_mask_together() -> None:
    reference, mask = np.zeros((2, 4, 6, 6), np.uint8)
    reference[1, :3, :3] = 2
    mask[1, 1:3, 1:3] = 2
    assert fullest_slice(reference, mask, "lesion") == 1
    mask[3, :4, :4] = 2  # a false alarm that is larger than the lesion
    assert fullest_slice(reference, mask, "lesion") == 3


def test_without_the_structure_it_shows_the_liver_or_the_middle() -> None:
    nothing = np.zeros((5, 4, 4), np.uint8)
    assert fullest_slice(nothing, nothing, "lesion") == 2
    liver = nothing.copy()
    liver[4, 1, 1] = 1
    assert fullest_slice(liver, nothing, "lesion") == 4


def sample(exam: str) -> Sample:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:10, 5:15] = 2
    return Sample(
        exam=exam,
        index=6,
        slices=9,
        hu=np.zeros((20, 30)),
        labels={REFERENCE: labels, "mine": np.roll(labels, 1, axis=1)},
        spacing=(1.0, 1.0),
    )


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("places", [("worst", "median", "best"), ("worst", "best"), ("best",)])
def test_each_exam_has_a_slice_that_says_what_it_is(structure: str, places: tuple[str, ...]) -> None:
    samples = {place: (sample(f"of {place}"), 0.5) for place in places}
    figure = extremes_figure(samples, structure, "mine", WindowSettings(low=-100, high=200))
    titles = [axes.get_title(loc="left").replace("\n", "") for axes in figure.axes]
    assert titles == [f"{place}: of {place}, Dice 0.500" for place in places]
    for axes in figure.axes:
        assert axes.get_xlabel() == "slice 7 of 9, its Dice 0.900"
        assert axes.images[0].get_clim() == (-100, 200)
        colours = [matplotlib.colors.to_hex(colour) for one in axes.collections for colour in one.get_edgecolor()]
        assert {COLOURS[structure], "#ffffff"} <= set(colours)


def test_an_empty_mask_has_no_outline() -> None:
    empty = sample("e")
    empty.labels["mine"][:] = 0
    figure = extremes_figure({"best": (empty, 0.0)}, "lesion", "mine", WindowSettings(low=-100, high=200))
    assert len(figure.axes[0].collections) == 1
