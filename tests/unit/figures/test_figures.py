"""The figures: what they count, what they draw, and that the same data gives the same bytes."""

import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import matplotlib
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from skimage.color import deltaE_ciede2000, rgb2lab

from hepaflow.figures.dice import dice_figure
from hepaflow.figures.montage import montage
from hepaflow.figures.overlap import overlap_figure, overlap_matrix
from hepaflow.figures.samples import REFERENCE, Sample, draw_slices, field_of_view, find_slices, read_samples
from hepaflow.figures.style import looks, save
from hepaflow.figures.training import round_numbers, training_figure
from hepaflow.figures.uncertainty import uncertainty_figure
from hepaflow.figures.weights import weights_figure
from hepaflow.masks.fusion import Fusion
from hepaflow.names import FUSION
from hepaflow.settings.slices import WindowSettings
from hepaflow.tables import thesis

NETWORKS = ["dense", "inception", "resnet"]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(matplotlib.text.Text)]


# Style


def test_methods_can_be_told_apart_up_to_the_most_a_run_may_have():
    given = looks([*(f"network{number}" for number in range(12)), FUSION])
    assert len(set(given.values())) == 13


def seen_without(cones: str, colours: list[str]) -> np.ndarray:
    """Return colours in CIELAB as people see them who lack a kind of cones (Machado et al. 2009, severity 1)."""
    linear = (np.array([to_rgb(colour) for colour in colours]) / 1.055 + 0.055 / 1.055) ** 2.4
    shown = np.clip(linear @ np.array(WITHOUT[cones]).T, 0, 1)
    return rgb2lab(np.where(shown > 0.0031308, 1.055 * shown ** (1 / 2.4) - 0.055, 12.92 * shown))


WITHOUT = {
    "none": np.eye(3),
    "red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("lacking", WITHOUT)
def test_colour_blind_readers_tell_methods_apart_by_colour_or_marker(lacking):
    """Methods of one marker have colours that differ clearly, and those of like colours different markers."""
    given = list(looks(f"network{number}" for number in range(20)).values())
    seen = seen_without(lacking, [look.colour for look in given])
    for (one, here), (other, there) in combinations(zip(given, seen, strict=True), 2):
        assert one.marker != other.marker or deltaE_ciede2000(here, there) > 10


def test_a_method_looks_the_same_with_others_behind_it():
    """A figure of what is fused, and one of all methods; the fusion is the same anywhere."""
    fused = looks(["b", "c", FUSION])
    assert looks(["b", "c", "a", FUSION, "d"]).items() >= fused.items()
    assert looks([FUSION, "b", "c"]) == fused
    assert len(set(fused.values())) == 3


HOSTILE = [
    {"font.size": 30, "axes.grid": True},
    {"savefig.bbox": "tight", "savefig.pad_inches": 1},
    {"savefig.transparent": True},
    {"savefig.dpi": 30, "figure.dpi": 30, "savefig.facecolor": "red"},
    {"svg.image_inline": False},
    {"svg.id": "mine", "svg.hashsalt": "mine", "svg.fonttype": "path"},
    {"text.usetex": True},
    {"text.parse_math": False, "mathtext.fontset": "stix"},
    {"path.simplify": False, "path.snap": False, "path.sketch": (5, 100, 2)},
    {"image.interpolation": "bicubic", "image.resample": False, "image.composite_image": False},
    {"axes.formatter.use_locale": True, "axes.unicode_minus": False},
    {"figure.constrained_layout.h_pad": 1, "figure.autolayout": True},
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
def test_settings_of_matplotlib_outside_neither_matter_nor_change(tmp_path, hostile):
    """Some count while a figure is drawn, some only when it is written."""

    def drawn(folder: Path) -> list[bytes]:
        folder.mkdir()
        save(training_figure({"dense": history(3)}, "liver"), folder / "training.svg", title="t")
        save(weights_figure({"liver": Fusion(("a", "b"), (1.0, -0.2), ())}), folder / "weights.svg", title="t")
        save(montage([sample()], "liver", WindowSettings()), folder / "montage.svg", title="t")
        return [path.read_bytes() for path in sorted(folder.iterdir())]

    plain = drawn(tmp_path / "plain")
    with matplotlib.rc_context(hostile):
        assert drawn(tmp_path / "odd") == plain
        for key, value in hostile.items():
            assert matplotlib.rcParams[key] == value


# Training


def history(epochs: int, *, validation: bool = False, rate: float = 0.1) -> pd.DataFrame:
    loss = 0.5 / np.arange(1, epochs + 1)
    return pd.DataFrame(
        {
            "epoch": np.arange(1, epochs + 1),
            "learning_rate": rate * 0.5 ** np.arange(epochs),
            "loss": loss,
            "validation_loss": loss * 1.5 if validation else np.nan,
            "seconds": 1.0,
        }
    )


def test_training_curves_hold_the_losses_and_one_rate_where_all_agree():
    figure = training_figure({"dense": history(4), "resnet": history(4)}, "lesion")
    losses, rates = figure.axes
    assert [line.get_label() for line in losses.lines] == ["dense", "resnet"]
    np.testing.assert_allclose(losses.lines[0].get_ydata(), history(4)["loss"])
    assert len(rates.lines) == 1
    assert "validation" not in texts(figure)


def test_validation_is_dashed_and_different_rates_are_all_drawn():
    figure = training_figure({"dense": history(4, validation=True), "resnet": history(4, rate=0.3)}, "liver")
    losses, rates = figure.axes
    assert {line.get_linestyle() for line in losses.lines} == {"-", "--"}
    assert len(rates.lines) == 2
    assert "validation" in texts(figure)


def test_networks_without_an_epoch_are_left_out():
    losses, _ = training_figure({"dense": history(4), "taken": history(0)}, "liver").axes
    assert [line.get_label() for line in losses.lines] == ["dense"]
    figure = training_figure({"taken": history(0)}, "liver")
    assert not figure.axes
    assert "No liver network was trained" in texts(figure)[0]


@pytest.mark.parametrize("epochs", [1, 200])
def test_training_of_any_length_is_drawn_within_its_axes(epochs):
    losses, _ = training_figure({"dense": history(epochs)}, "liver").axes
    low, high = losses.get_ylim()
    assert low <= history(epochs)["loss"].min()
    assert high >= history(epochs)["loss"].max()
    assert len(losses.get_yticks()) >= 1


@pytest.mark.parametrize("column", ["loss", "validation_loss", "learning_rate"])
@pytest.mark.parametrize("values", [[0.5, 0.1, 0.0], [0.0, 0.0, 0.0], [0.0, 0.5, 1e-300]])
def test_a_loss_or_a_rate_of_exactly_zero_is_drawn(column, values, tmp_path):
    """It has no place on a logarithmic axis."""
    drawn = history(3, validation=True).assign(**{column: values})
    figure = training_figure({"dense": drawn}, "liver")
    axes = figure.axes[column == "learning_rate"]
    assert axes.get_yscale() == "linear"
    low, high = axes.get_ylim()
    assert low == 0
    assert high > max(values)
    assert values in [list(line.get_ydata()) for line in axes.lines]
    save(figure, tmp_path / "figure.svg", title="training")
    assert training_figure({"dense": history(3)}, "liver").axes[0].get_yscale() == "log"


@pytest.mark.parametrize("validation", [np.nan, np.inf])
def test_a_validation_loss_that_is_no_number_is_left_out(validation):
    drawn = history(3, validation=True)
    drawn.loc[1, "validation_loss"] = validation
    losses, _ = training_figure({"dense": drawn}, "liver").axes
    assert np.isfinite(losses.get_ylim()).all()


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.4), (1e-7, 0.1), (0.05, 0.05), (0.1, 0.2), (3, 70)])
def test_round_numbers_enclose_their_range(low, high):
    numbers = round_numbers(low, high)
    assert numbers[0] <= low
    assert numbers[-1] >= high
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 2


# Weights


def test_bars_of_the_weights_are_equal_shares_before_and_normalised_ones_after():
    fusions = {
        "liver": Fusion(("dense", "inception", "resnet"), (2.0, 1.0, 1.0), ()),
        "lesion": Fusion(("dense", "inception", "resnet"), (3.0, -1.0, 4.0), ()),
    }
    liver, lesion = weights_figure(fusions).axes
    assert [bar.get_width() for bar in liver.patches] == pytest.approx([1 / 3, 0.5, 1 / 3, 0.25, 1 / 3, 0.25])
    assert [bar.get_width() for bar in lesion.patches[1::2]] == pytest.approx([0.375, -0.125, 0.5])
    assert [text.get_text() for text in lesion.texts] == ["37.5%", "−12.5%", "50.0%"]
    assert lesion.get_xlim()[0] < -0.125


def test_stages_that_fuse_different_networks_share_their_rows():
    fusions = {"liver": Fusion(("a", "b"), (1.0, 1.0), ()), "lesion": Fusion(("c", "b"), (3.0, 1.0), ())}
    liver, lesion = weights_figure(fusions).axes
    assert [label.get_text() for label in liver.get_yticklabels()] == ["a", "b", "c"]
    assert [round(bar.get_y() + bar.get_height() / 2) for bar in lesion.patches[1::2]] == [2, 1]


def test_half_of_the_vote_is_marked_where_a_network_comes_near_it():
    many = Fusion(tuple("abcdefghij"), (1.0,) * 10, ())
    assert weights_figure({"liver": many}).axes[0].get_xlim()[1] < 0.2
    assert weights_figure({"liver": Fusion(("a", "b", "c"), (1.0,) * 3, ())}).axes[0].get_xlim()[1] > 0.5


# Error overlap


def counts(*rows: tuple[object, ...]) -> pd.DataFrame:
    columns = ["exam", "structure", "one", "other", "errors_one", "errors_other", "errors_both"]
    return pd.DataFrame(rows, columns=columns)


def test_overlap_sums_voxels_over_exams_before_it_divides():
    matrix = overlap_matrix(
        counts(
            ("a", "liver", "dense", "resnet", 10, 20, 9),
            ("b", "liver", "dense", "resnet", 90, 80, 11),
            ("a", "lesion", "dense", "resnet", 1, 1, 1),
            ("a", "liver", "dense", "inception", 0, 0, 0),
            ("a", "liver", "inception", "resnet", 5, 5, 5),
        ),
        "liver",
        NETWORKS,
    )
    assert matrix.loc["dense", "resnet"] == 2 * (9 + 11) / (10 + 20 + 90 + 80)
    assert matrix.loc["inception", "resnet"] == 1
    assert np.isnan(matrix.loc["dense", "inception"])
    assert (np.diag(matrix) == 1).all()
    pd.testing.assert_frame_equal(matrix, matrix.T)


def test_overlap_of_identical_and_of_disjoint_errors():
    rows = [("a", "liver", "dense", "resnet", 7, 7, 7), ("a", "lesion", "dense", "resnet", 7, 3, 0)]
    assert overlap_matrix(counts(*rows), "liver", ["dense", "resnet"]).loc["resnet", "dense"] == 1
    assert overlap_matrix(counts(*rows), "lesion", ["dense", "resnet"]).loc["resnet", "dense"] == 0


def test_overlap_figure_writes_every_value_and_a_dash_for_none():
    matrix = overlap_matrix(counts(("a", "liver", "dense", "resnet", 10, 30, 5)), "liver", NETWORKS)
    shown = [text.get_text() for text in overlap_figure(matrix, "liver").axes[0].texts]
    assert shown == ["1.00", "–", "0.25", "–", "1.00", "–", "0.25", "–", "1.00"]


def test_a_single_network_has_a_matrix_too():
    overlap_figure(overlap_matrix(counts(), "liver", ["dense"]), "liver")


# Dice


def metrics(values: dict[tuple[str, str], list[float]], structure: str = "liver") -> pd.DataFrame:
    rows = [
        (f"exam-{number}", structure, method, processing, "dice", value)
        for (method, processing), scores in values.items()
        for number, value in enumerate(scores)
    ]
    return pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "metric", "value"])


SCORES = {
    ("dense", "raw"): [0.8, 0.9],
    (FUSION, "clean"): [0.9, 1.0],
    ("dense", "clean"): [0.85, 0.95],
}


def test_every_exam_is_a_dot_and_every_mean_a_bar():
    figure = dice_figure(metrics(SCORES), "liver", {"dense": "densenet121"})
    (axes,) = figure.axes
    dots = {
        (to_hex(line.get_color()), to_hex(line.get_markerfacecolor()) == "#ffffff"): list(line.get_xdata())
        for line in axes.lines
        if line.get_marker() not in ("None", "*")
    }
    dense, fusion = looks(["dense"])["dense"].colour, looks([])[FUSION].colour
    assert dots == {(dense, True): [0.8, 0.9], (dense, False): [0.85, 0.95], (fusion, False): [0.9, 1.0]}
    bars = [segment[0][0] for bar in axes.collections for segment in bar.get_segments()]
    assert bars == pytest.approx([0.85, 0.9, 0.95])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dense", FUSION]
    assert [text.get_text() for text in axes.texts] == ["raw 0.850", "clean 0.900", "clean 0.950"]


def test_the_thesis_is_marked_only_for_its_own_architectures():
    def stars(**architectures: str) -> list[float]:
        (axes,) = dice_figure(metrics(SCORES), "liver", architectures).axes
        return [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "*"]

    fusion = thesis.DICE["liver", "clean"][FUSION]
    assert stars(dense="resnet152", fusion=FUSION) == [0.9554, 0.9559, fusion]
    assert stars(dense="densenet121", fusion=FUSION) == [fusion]
    assert stars() == []  # phantoms


def test_dice_of_one_exam_and_of_missing_structures():
    figure = dice_figure(metrics({("dense", "clean"): [1.0]}, "lesion"), "lesion", {"dense": "other"})
    assert "Dice of the 1 test exams, lesion" in texts(figure)


def test_another_system_has_one_score_and_no_mark_of_the_thesis():
    table = pd.concat([metrics(SCORES), metrics({("nnunet", "given"): [0.7, 0.9]})])
    (axes,) = dice_figure(table, "liver", {"dense": "resnet152"}).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["dense", "nnunet", FUSION]
    assert [text.get_text() for text in axes.texts if text.get_position()[1] == 1] == ["clean 0.800"]
    dots = [list(line.get_xdata()) for line in axes.lines if line.get_marker() not in ("None", "*")]
    assert [0.7, 0.9] in dots


# Uncertainty

LEVELS = pd.DataFrame(
    [
        ("a", 0, 90, 9),
        ("a", 50, 5, 1),
        ("b", 0, 90, 0),
        ("b", 50, 5, 4),
        ("b", 100, 10, 6),
    ],
    columns=["exam", "disagreement", "voxels", "errors"],
)


def uncertain(*exams: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(exams, columns=["exam", "disagreement", "dice"])


EXAMS = uncertain(("a", 2.0, 0.95), ("b", 5.0, 0.9), ("c", 9.0, 0.7))


def test_errors_at_a_level_are_shares_of_the_voxels_of_all_exams():
    levels, _ = uncertainty_figure(LEVELS, EXAMS, "liver").axes
    assert [bar.get_width() for bar in levels.patches] == pytest.approx([100 * 9 / 180, 50, 60])
    assert [text.get_text() for text in levels.texts] == ["5 %", "50 %", "60 %"]
    assert [label.get_text().split()[:2] for label in levels.get_yticklabels()] == [
        ["0", "(90"],
        ["50", "(5"],
        ["100", "(5"],
    ]
    assert levels.get_xlim()[1] > 60


def test_every_exam_is_a_named_dot_at_its_disagreement_and_dice():
    _, exams = uncertainty_figure(LEVELS, EXAMS, "lesion").axes
    (dots,) = exams.lines
    assert list(dots.get_xdata()) == [2, 5, 9]
    assert list(dots.get_ydata()) == [0.95, 0.9, 0.7]
    assert {text.get_text(): text.xy for text in exams.texts} == {"a": (2, 0.95), "b": (5, 0.9), "c": (9, 0.7)}
    assert "3 exams, rank correlation -1.00" in exams.get_title(loc="left")


def test_of_many_exams_those_that_score_lowest_are_named():
    many = uncertain(*((f"exam-{index}", float(index), 1 - index / 100) for index in range(40)))
    _, exams = uncertainty_figure(LEVELS, many, "liver").axes
    assert {text.get_text() for text in exams.texts} == {f"exam-{index}" for index in range(20, 40)}
    assert "named: the 20 with the lowest Dice" in exams.get_title(loc="left")


@pytest.mark.parametrize(
    ("exams", "reason"),
    [
        (uncertain(("a", 2.0, 0.9), ("b", 3.0, 0.8)), "fewer than 3 exams"),
        (uncertain(("a", 2.0, 0.9), ("b", 2.0, 0.8), ("c", 2.0, 0.7)), "all exams have the same disagreement"),
        (uncertain(("a", 2.0, 0.9), ("b", 3.0, 0.9), ("c", 4.0, 0.9)), "all exams have the same Dice"),
    ],
    ids=["two exams", "equal disagreement", "equal Dice"],
)
def test_no_correlation_is_told_where_there_is_none(exams: pd.DataFrame, reason: str):
    figure = uncertainty_figure(LEVELS, exams, "liver")
    assert f"rank correlation undefined\n({reason})" in figure.axes[1].get_title(loc="left")


def test_nothing_segmented_and_nothing_to_segment_is_drawn(tmp_path):
    figure = uncertainty_figure(LEVELS.iloc[:0], uncertain(("a", 0.0, 1.0)), "lesion")
    save(figure, tmp_path / "empty.svg", title="t")


def test_exams_in_which_nothing_is_segmented_are_drawn():
    uncertainty_figure(LEVELS.iloc[:0], uncertain(("a", 0.0, 1.0)), "lesion").draw_without_rendering()


# Samples

FOUND = {
    "a": {"lesion": [3], "liver": [2, 3, 4], "any": [0, 1, 2, 3, 4, 5]},
    "b": {"lesion": [], "liver": [1, 2], "any": [0, 1, 2]},
    "c": {"lesion": [5, 6, 7], "liver": [4, 5, 6, 7], "any": list(range(9))},
}


@pytest.mark.parametrize("structure", ["liver", "lesion"])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("count", [1, 2, 4, 20])
def test_slices_are_drawn_only_where_the_structure_shows_and_never_twice(structure, seed, count):
    drawn = draw_slices(FOUND, structure, count, seed)
    shown = [(exam, index) for exam, slices in drawn.items() for index in slices]
    possible = {(exam, index) for exam, slices in FOUND.items() for index in slices[structure]}
    assert len(shown) == len(set(shown)) == min(count, len(possible))
    assert set(shown) <= possible
    assert shown == sorted(shown)


def test_a_draw_depends_on_its_seed_alone():
    backwards = dict(reversed(FOUND.items()))
    assert draw_slices(FOUND, "liver", 4, 1) == draw_slices(backwards, "liver", 4, 1)
    assert len({str(draw_slices(FOUND, "liver", 4, seed)) for seed in range(20)}) > 1


def test_every_exam_and_every_slice_has_its_turn():
    """One slice of all: neither the first exams nor their first or middle slices are preferred."""
    shown = [
        (exam, *slices) for seed in range(200) for exam, slices in draw_slices(FOUND, "liver", 1, seed).items()
    ]
    assert {exam for exam, _ in shown} == set(FOUND)
    assert set(shown) == {(exam, index) for exam, slices in FOUND.items() for index in slices["liver"]}
    firsts = [exam for exam, _ in shown]
    assert all(firsts.count(exam) > 200 / len(FOUND) / 2 for exam in FOUND)


def test_exams_are_drawn_before_slices():
    for seed in range(10):
        assert set(draw_slices(FOUND, "liver", 3, seed)) == {"a", "b", "c"}


def test_without_any_lesion_slices_with_liver_are_drawn_and_without_liver_any():
    no_lesion = {exam: slices | {"lesion": []} for exam, slices in FOUND.items()}
    drawn = draw_slices(no_lesion, "lesion", 9, 0)
    assert drawn == {exam: slices["liver"] for exam, slices in FOUND.items()}
    nothing = {"a": {"lesion": [], "liver": [], "any": [0, 1]}}
    assert draw_slices(nothing, "liver", 9, 0) == {"a": [0, 1]}


def labels() -> np.ndarray:
    volume = np.zeros((6, 40, 50), np.uint8)
    volume[1:5, 10:30, 5:25] = 1
    volume[2, 15:20, 10:15] = 2
    return volume


def test_slices_with_liver_include_those_with_lesion():
    assert find_slices(labels()) == {"lesion": [2], "liver": [1, 2, 3, 4], "any": [0, 1, 2, 3, 4, 5]}


def test_lesions_are_shown_in_the_liver_with_a_margin_inside_the_slice():
    assert field_of_view(labels(), "liver").shape == (6, 40, 50)
    box = field_of_view(labels(), "lesion")
    assert (box.slices, box.rows, box.columns) == ((0, 6), (8, 32), (3, 27))
    assert field_of_view(np.zeros((6, 40, 50), np.uint8), "lesion").shape == (6, 40, 50)


def sample(**masks: np.ndarray) -> Sample:
    return Sample("exam-1", 2, 6, np.zeros((40, 50), np.int16), {REFERENCE: labels()[2], **masks}, (1.0, 2.0))


@pytest.mark.parametrize(("structure", "score"), [("liver", "Dice 1.000"), ("lesion", "Dice 0.000")])
def test_montage_scores_every_method_in_its_slice(structure, score):
    liver_only = np.minimum(labels()[2], 1)
    figure = montage([sample(dense=liver_only, fusion=labels()[2])], structure, WindowSettings())
    shown = texts(figure)
    assert len(figure.axes) == 4
    assert [text for text in shown if text.startswith("Dice")] == [score, "Dice 1.000"]
    assert "exam-1, slice 3 of 6" in shown
    assert f"Random test slices, {structure}" in shown


def test_montage_keeps_the_proportions_of_the_body():
    figure = montage([sample(fusion=labels()[2])], "liver", WindowSettings())
    box = figure.axes[0].get_position()
    wide, high = box.width * figure.get_figwidth(), box.height * figure.get_figheight()
    assert high / wide == pytest.approx(40 / 100, abs=0.02)


def test_montage_says_when_there_is_no_lesion_to_show():
    healthy = np.minimum(labels()[2], 1)
    healthy_sample = Sample("e", 0, 6, healthy, {REFERENCE: healthy, "fusion": labels()[2]}, (1.0, 1.0))
    assert any(
        "no test exam has a lesion" in text
        for text in texts(montage([healthy_sample], "lesion", WindowSettings()))
    )


def test_samples_are_read_slice_by_slice_in_one_orientation(tmp_path):
    volume = labels().transpose(2, 1, 0)
    hu = np.arange(volume.size, dtype=np.int16).reshape(volume.shape)
    affine = np.diag([-2.0, -3.0, 5.0, 1.0])  # L, P, S: as the package's own axes
    for name, values in (("image", hu), ("reference", volume), ("fusion", volume[::-1])):
        nib.save(nib.Nifti1Image(values, affine), tmp_path / f"{name}.nii.gz")
    paths = {REFERENCE: tmp_path / "reference.nii.gz", "fusion": tmp_path / "fusion.nii.gz"}
    first, second = read_samples("e", [2, 4], "liver", tmp_path / "image.nii.gz", paths)
    assert (first.index, second.index, first.slices) == (2, 4, 6)
    assert first.spacing == pytest.approx((3, 2))
    np.testing.assert_array_equal(first.hu, hu.transpose(2, 1, 0)[2])
    np.testing.assert_array_equal(first.mask(REFERENCE, "lesion"), labels()[2] == 2)
    np.testing.assert_array_equal(second.mask("fusion", "liver"), labels()[4][:, ::-1] >= 1)


# Files


def every_figure() -> dict[str, Figure]:
    fusion = Fusion(("dense", "resnet"), (2.0, 1.0), ())
    return {
        "training": training_figure({"dense": history(4, validation=True)}, "liver"),
        "weights": weights_figure({"liver": fusion, "lesion": fusion}),
        "overlap": overlap_figure(
            overlap_matrix(counts(("a", "liver", "dense", "resnet", 10, 30, 5)), "liver", NETWORKS), "liver"
        ),
        "dice": dice_figure(metrics(SCORES), "liver", {"dense": "resnet152"}),
        "samples": montage([sample(fusion=labels()[2])], "lesion", WindowSettings()),
        "uncertainty": uncertainty_figure(LEVELS, EXAMS, "lesion"),
    }


def test_the_same_data_gives_the_same_bytes_and_text_stays_text(tmp_path: Path):
    for run in ("one", "other"):
        for name, figure in every_figure().items():
            save(figure, tmp_path / f"{name}.{run}.svg", title=f"the {name}")
    for name in every_figure():
        written = (tmp_path / f"{name}.one.svg").read_bytes()
        assert written == (tmp_path / f"{name}.other.svg").read_bytes()
        root = ElementTree.fromstring(written)
        assert root.findtext("{http://www.w3.org/2000/svg}title") == f"the {name}"
        assert root.find(".//{http://www.w3.org/2000/svg}text") is not None
        assert b"sans-serif" in written
