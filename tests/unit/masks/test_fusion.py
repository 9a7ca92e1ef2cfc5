"""Fusion with learned weights."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from torch.nn.functional import binary_cross_entropy_with_logits

from hepaflow.errors import UserError
from hepaflow.masks.fusion import (
    RIDGE,
    Fusion,
    _gradient,
    _hessian,
    bce,
    count_votes,
    fit_fusion,
    newton,
    sgd,
    signs,
    vote_patterns,
)
from hepaflow.masks.map import mask_of
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings, SgdSettings

torch.set_num_threads(1)
quick = settings(max_examples=40, deadline=None, derandomize=True)
FOUR = ("resnet152", "resnext101", "densenet201", "inception_v3")


def simulated(
    errors: list[float], *, slices: int = 40, size: int = 32, seed: int = 0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Discs as reference, and networks that err at these rates, independently of each other."""
    draw = np.random.default_rng(seed)
    row, column = np.indices((size, size)) - (size - 1) / 2
    radius = draw.uniform(0.1, 0.4, (slices, 1, 1)) * size
    reference = row**2 + column**2 < radius**2
    return [reference ^ (draw.random(reference.shape) < error) for error in errors], reference


def folded(counts: sparse.csr_array) -> np.ndarray:
    return counts.sum(axis=0).astype(float).reshape(2, -1)


def fitted(
    votes: list[np.ndarray], reference: np.ndarray, solver: FusionSettings | None = None, seed: int = 0
) -> Fusion:
    names = tuple(f"network{number}" for number in range(len(votes)))
    options = FitFusionSettings(solver=solver or FusionSettings(solver="newton"), of=names, seed=seed)
    return fit_fusion(count_votes(votes, reference), options)


def literal_sgd(
    votes: list[np.ndarray], reference: np.ndarray, orders: list[np.ndarray], dtype: torch.dtype
) -> np.ndarray:
    """The thesis' fusion training as 4.6.2 describes it: a 1×1 convolution over the masks, pixel by pixel."""
    layer = torch.nn.Conv2d(len(votes), 1, 1, bias=False).to(dtype)
    torch.nn.init.constant_(layer.weight, 1 / len(votes))
    optimiser = torch.optim.SGD(layer.parameters(), lr=10, momentum=0.9)
    images = (torch.from_numpy(np.stack(votes, axis=1)).to(dtype) - 0.5) / 0.5  # the loader's mean and sd
    masks = torch.from_numpy(reference[:, None]).to(dtype)
    for order in orders:  # an epoch each
        for batch in torch.from_numpy(order).split(32):
            optimiser.zero_grad()
            binary_cross_entropy_with_logits(layer(images[batch]), masks[batch]).backward()
            optimiser.step()
    return layer.weight.detach().numpy().ravel().astype(float)


def shares(weights: np.ndarray) -> np.ndarray:
    return np.asarray(weights) / np.abs(weights).sum()


# patterns and counts


def test_signs_are_the_bits_of_the_pattern() -> None:
    assert signs(2).tolist() == [[-1, -1], [1, -1], [-1, 1], [1, 1]]
    assert signs(1).tolist() == [[-1], [1]]
    assert signs(12).shape == (4096, 12)


def test_pattern_of_every_pixel() -> None:
    votes = [np.array([[False, True, False, True]]), np.array([[False, False, True, True]])]
    assert vote_patterns(votes).tolist() == [[0, 1, 2, 3]]
    assert vote_patterns([np.ones((1, 1), bool)] * 12).item() == 4095


@quick
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_counts_are_how_often_each_pattern_meets_each_class(networks: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    votes = list(draw.random((networks, 3, 4, 5)) > 0.5)
    reference = draw.random((3, 4, 5)) > 0.7
    counts = count_votes(votes, reference)
    assert counts.shape == (3, 2 << networks)
    assert counts.dtype == np.int64
    assert (counts.sum(axis=1) == 20).all()
    for index, one in enumerate(counts.toarray().reshape(3, 2, -1)):
        for truth in (0, 1):
            for pattern, signed in enumerate(signs(networks)):
                met = reference[index] == truth
                for vote, sign in zip(votes, signed, strict=True):
                    met = met & (vote[index] == (sign > 0))
                assert one[truth, pattern] == met.sum()


def test_an_exam_without_slices_adds_nothing() -> None:
    votes, reference = simulated([0.1, 0.2], slices=3)
    nothing = count_votes([vote[:0] for vote in votes], reference[:0])
    assert nothing.shape == (0, 8)
    counts = count_votes(votes, reference)
    joined = sparse.vstack([nothing, counts, nothing], format="csr")
    assert (joined.toarray() == counts.toarray()).all()


# loss and its derivatives


@quick
@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_loss_of_counts_is_the_loss_of_pixels(networks: int, seed: int) -> None:
    """(a) Equation 9, as PyTorch computes it over a 1×1 convolution of ±1 masks."""
    draw = np.random.default_rng(seed)
    votes, reference = list(draw.random((networks, 3, 6, 7)) > 0.5), draw.random((3, 6, 7)) > 0.5
    weights = draw.normal(0, 3, networks)
    layer = torch.nn.Conv2d(networks, 1, 1, bias=False).double()
    layer.weight.data = torch.from_numpy(weights.reshape(1, networks, 1, 1))
    images = torch.from_numpy(np.stack(votes, axis=1)).double() * 2 - 1
    loss = binary_cross_entropy_with_logits(layer(images), torch.from_numpy(reference[:, None]).double())
    loss.backward()
    counts = folded(count_votes(votes, reference))
    assert bce(weights, counts) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(_gradient(weights, counts), layer.weight.grad.numpy().ravel(), atol=1e-13)


def test_loss_by_hand() -> None:
    counts = np.array([[3.0, 1.0], [0.0, 4.0]])  # one network, wrong once in eight pixels
    expected = (7 * np.log1p(np.exp(-2.0)) + np.log1p(np.exp(2.0))) / 8
    assert bce(np.array([2.0]), counts) == pytest.approx(expected, rel=1e-14)


@quick
@given(st.integers(1, 5), st.floats(0.01, 3), st.integers(0, 2**32 - 1))
def test_derivatives_against_finite_differences(networks: int, scale: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    counts = draw.integers(0, 1000, (2, 1 << networks)).astype(float) + 1
    weights, step = draw.normal(0, scale, networks), 1e-5
    steps = np.eye(networks) * step
    slope = [(bce(weights + one, counts) - bce(weights - one, counts)) / (2 * step) for one in steps]
    np.testing.assert_allclose(_gradient(weights, counts), slope, atol=1e-8)
    curvature = [
        (_gradient(weights + one, counts) - _gradient(weights - one, counts)) / (2 * step) for one in steps
    ]
    np.testing.assert_allclose(_hessian(weights, counts), curvature, atol=1e-8)


@pytest.mark.filterwarnings("error")
def test_loss_and_derivatives_stay_finite_for_huge_weights() -> None:
    counts = np.array([[5.0, 1.0], [2.0, 7.0]])
    for weight in (-2000.0, 2000.0):
        weights = np.array([weight])
        assert np.isfinite(bce(weights, counts))
        assert np.isfinite(_gradient(weights, counts)).all()
        assert np.isfinite(_hessian(weights, counts)).all()


# newton


def test_one_network_has_a_closed_form() -> None:
    """Right in 19 of 20 pixels: σ(w) = 19/20, w = log 19."""
    weights, losses = newton(np.array([[90.0, 5.0], [5.0, 100.0]]), np.array([1.0]))
    assert weights.item() == pytest.approx(np.log(19), abs=1e-6)
    assert losses[-1] == pytest.approx(-0.95 * np.log(0.95) - 0.05 * np.log(0.05), rel=1e-12)


@pytest.mark.parametrize("start", [-8.0, 8.0])
def test_steps_that_overshoot_are_shortened(start: float) -> None:
    """Far from the minimum the loss is nearly a line, whose full Newton steps lead ever farther away."""
    weights, losses = newton(np.array([[90.0, 5.0], [5.0, 100.0]]), np.array([start]))
    assert weights.item() == pytest.approx(np.log(19), abs=1e-6)
    assert (np.diff(losses) <= 1e-12).all()
    assert len(losses) < 40


def test_independent_networks_weigh_what_their_errors_say() -> None:
    """Naive Bayes: where errors are independent and classes balanced, a vote weighs log((1 - e) / e)."""
    errors = np.array([0.1, 0.2, 0.3, 0.4])
    right = signs(4) > 0
    foreground = np.where(right, 1 - errors, errors).prod(axis=1)
    weights, _ = newton(1e6 * np.stack([foreground[::-1], foreground]), np.full(4, 0.25))
    np.testing.assert_allclose(weights, np.log((1 - errors) / errors), atol=1e-6)


@st.composite
def any_counts(draw: st.DrawFn) -> np.ndarray:
    """Counts over many orders of magnitude, most of them zero: separable, degenerate, contradictory."""
    networks = draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (2, 1 << networks)
    counts = random.integers(0, 9, shape) * 10.0 ** random.integers(0, 7, shape)
    counts *= random.random(shape) < draw(st.sampled_from([0.1, 0.3, 0.6, 1]))
    counts[random.integers(2), random.integers(1 << networks)] += 1
    return counts


@settings(max_examples=150, deadline=None, derandomize=True)
@given(any_counts())
@pytest.mark.filterwarnings("error")
def test_newton_finds_the_minimum_of_anything_and_knows_when(counts: np.ndarray) -> None:
    networks = counts.shape[1].bit_length() - 1
    start = np.full(networks, 1 / networks)
    weights, losses = newton(counts, start)
    assert np.isfinite(weights).all()
    assert np.abs(weights).max() < 1e3
    assert len(losses) < 60  # it stops because it is there, not because steps ran out
    slope = _gradient(weights, counts) + RIDGE * (weights - start)
    left = np.linalg.solve(_hessian(weights, counts) + RIDGE * np.eye(networks), slope)
    assert np.abs(left).max() < 1e-6
    assert losses[0] == bce(start, counts)
    assert losses[-1] == bce(weights, counts)
    assert losses[-1] <= losses[0] * (1 + 1e-12)
    np.testing.assert_array_equal(newton(counts, start)[0], weights)


def test_more_data_of_the_same_kind_changes_nothing() -> None:
    counts = folded(count_votes(*simulated([0.05, 0.1, 0.15])))
    start = np.full(3, 1 / 3)
    np.testing.assert_allclose(newton(1e6 * counts, start)[0], newton(counts, start)[0], rtol=1e-9)


def test_votes_that_separate_perfectly() -> None:
    """(d) No finite minimum without the ridge; with it one that is finite, bounded and always the same."""
    votes, reference = simulated([0, 0, 0, 0])
    one, other = fitted(votes, reference), fitted(votes, reference)
    assert one == other
    assert np.isfinite(one.weights).all()
    assert max(one.weights) < 50
    np.testing.assert_allclose(one.normalised, 0.25, atol=1e-9)
    np.testing.assert_array_equal(one.fuse(votes), reference)


def test_one_perfect_network_among_poor_ones() -> None:
    votes, reference = simulated([0.3, 0, 0.4, 0.2])
    fusion = fitted(votes, reference)
    assert np.isfinite(fusion.weights).all()
    assert np.argmax(fusion.normalised) == 1
    np.testing.assert_array_equal(fusion.fuse(votes), reference)


def test_identical_networks_share_their_weight() -> None:
    """(e) A singular Hessian: only the sum of the two weights matters to the loss."""
    votes, reference = simulated([0.05, 0.1])
    pair, single = fitted([votes[0], votes[0], votes[1]], reference), fitted(votes, reference)
    assert pair.weights[0] == pytest.approx(pair.weights[1], rel=1e-6)
    assert pair.weights[0] + pair.weights[1] == pytest.approx(single.weights[0], rel=1e-4)
    assert pair.weights[2] == pytest.approx(single.weights[1], rel=1e-4)
    np.testing.assert_array_equal(pair.fuse([votes[0], votes[0], votes[1]]), single.fuse(votes))


def test_a_network_that_is_always_wrong_gets_a_negative_weight() -> None:
    votes, reference = simulated([0.05, 0.1, 0.1])
    inverted = fitted([votes[0], votes[1], ~votes[2]], reference)
    upright = fitted(votes, reference)
    assert inverted.weights[2] < 0
    np.testing.assert_allclose(inverted.weights, np.array(upright.weights) * [1, 1, -1], rtol=1e-6)
    np.testing.assert_array_equal(inverted.fuse([votes[0], votes[1], ~votes[2]]), upright.fuse(votes))
    assert sum(map(abs, inverted.normalised)) == pytest.approx(1)


@pytest.mark.parametrize("solver", ["newton", "sgd"])
def test_one_backbone_decides_alone(solver: str) -> None:
    votes, reference = simulated([0.1])
    fusion = fitted(votes, reference, FusionSettings(solver=solver))
    assert fusion.normalised == (1.0,)
    np.testing.assert_array_equal(fusion.fuse(votes), votes[0])


def test_twelve_backbones_take_no_time() -> None:
    votes, reference = simulated(list(np.linspace(0.05, 0.3, 12)))
    began = time.process_time()
    fusion = fitted(votes, reference)
    fused = fusion.fuse(votes)
    assert time.process_time() - began < 5
    assert (fused != reference).mean() < min((vote != reference).mean() for vote in votes) / 5


def test_empty_reference() -> None:
    """Training exams without any lesion: every network votes background, and so does the fusion."""
    nothing = np.zeros((3, 8, 8), bool)
    fusion = fitted([nothing] * 4, nothing)
    assert np.isfinite(fusion.weights).all()
    assert not fusion.fuse([nothing] * 4).any()


# sgd


def orders_of(seed: int, epochs: int, slices: int) -> list[np.ndarray]:
    """The order in which the package's solver takes the slices: from (seed, epoch) alone."""
    return [np.random.default_rng([seed, epoch]).permutation(slices) for epoch in range(epochs)]


@pytest.mark.parametrize("slices", [40, 64, 7])
def test_sgd_takes_the_steps_of_pixels(slices: int) -> None:
    """(c) The same batches give the same weights as literal PyTorch, to rounding; a last short batch included."""
    votes, reference = simulated([0.05, 0.08, 0.1, 0.2], slices=slices)
    weights, losses = sgd(count_votes(votes, reference), np.full(4, 0.25), SgdSettings(), 3)
    expected = literal_sgd(votes, reference, orders_of(3, 5, slices), torch.float64)
    np.testing.assert_allclose(weights, expected, atol=1e-6)
    assert len(losses) == 6
    assert losses[0] == bce(np.full(4, 0.25), folded(count_votes(votes, reference)))
    assert losses[-1] == bce(weights, folded(count_votes(votes, reference)))


def test_sgd_settings_and_seed_count() -> None:
    votes, reference = simulated([0.1, 0.2], slices=64)
    counts, start = count_votes(votes, reference), np.full(2, 0.5)

    def weights(seed: int = 0, **changed: float) -> tuple[float, ...]:
        return tuple(sgd(counts, start, SgdSettings(**changed), seed)[0])

    assert weights() == weights()
    every = [weights(), weights(1), weights(epochs=4), weights(momentum=0.8), weights(learning_rate=9)]
    every.append(weights(batch_size=16))
    assert len(set(every)) == len(every)


def test_thesis_sgd_arrives_where_newton_does() -> None:
    """(b) Five epochs of the thesis' SGD over pixels: the same shares of the vote, the same 16 decisions."""
    votes, reference = simulated([0.05, 0.08, 0.09, 0.2], slices=1600, size=40)
    orders = [np.random.default_rng(epoch).permutation(1600) for epoch in range(5)]
    thesis = literal_sgd(votes, reference, orders, torch.float32)
    fusion = fitted(votes, reference, FusionSettings(solver="newton"))
    np.testing.assert_allclose(fusion.normalised, shares(thesis), atol=1e-2)
    np.testing.assert_array_equal(fusion.table(), Fusion(FOUR, tuple(thesis), ()).table())
    assert list(np.argsort(fusion.normalised)) == [3, 2, 1, 0]  # the better a network, the more it counts
    fused = fusion.fuse(votes) != reference
    assert fused.mean() < min((vote != reference).mean() for vote in votes)


def test_at_the_size_of_lits_both_solvers_agree() -> None:
    """54,000 slices of 256×256, networks good for Dice 0.95 whose errors mostly coincide."""
    shared, own = 0.003, np.array([0.0012, 0.0014, 0.0016, 0.002])
    wrong = np.where(signs(4) > 0, own, 1 - own).prod(axis=1) * (1 - shared)
    wrong[-1] += shared
    cells = np.concatenate([0.93 * wrong, 0.07 * wrong[::-1]])
    slices = sparse.csr_array(np.random.default_rng(0).multinomial(65536, cells, size=54_000))
    start = np.full(4, 0.25)
    thesis, _ = sgd(slices, start, SgdSettings(), 0)
    optimum, _ = newton(folded(slices), start)
    np.testing.assert_allclose(shares(thesis), shares(optimum), atol=2e-3)
    assert (Fusion(FOUR, tuple(thesis), ()).table() == Fusion(FOUR, tuple(optimum), ()).table()).all()


# decisions


def drawn_votes(networks: int, seed: int) -> list[np.ndarray]:
    return list(np.random.default_rng(seed).random((networks, 2, 8, 8)) > 0.5)


@quick
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_fusing_is_a_weighted_vote_above_one_half(weights: list[int], seed: int) -> None:
    """(f) round(σ(P·w)) over ±1 masks: the share of votes for liver exceeds one half (whole numbers: exact)."""
    votes = drawn_votes(len(weights), seed)
    fused = Fusion(("x",) * len(weights), tuple(map(float, weights)), ()).fuse(votes)
    ayes = sum(weight * vote.astype(int) for weight, vote in zip(weights, votes, strict=True))
    np.testing.assert_array_equal(fused, 2 * ayes > sum(weights))
    signed = np.sum([w * np.where(v, 1.0, -1.0) for w, v in zip(weights, votes, strict=True)], axis=0)
    np.testing.assert_array_equal(fused, np.round(1 / (1 + np.exp(-signed / 1000))) == 1)


@quick
@given(st.lists(st.floats(0.01, 10), min_size=4, max_size=4), st.integers(0, 2**32 - 1))
def test_masks_read_as_0_and_1_would_give_their_union(weights: list[float], seed: int) -> None:
    """(f) Why masks enter as ±1: σ(0) is one half already, so any single vote would be enough.

    Half itself rounds to the even number, 0: without any vote a pixel is background.
    """
    votes = drawn_votes(4, seed)
    total = sum(weight * vote for weight, vote in zip(weights, votes, strict=True))
    np.testing.assert_array_equal(np.round(1 / (1 + np.exp(-total))) == 1, np.any(votes, axis=0))


def test_a_tie_is_background() -> None:
    equal = Fusion(FOUR, (0.25,) * 4, ())
    assert equal.table().tolist() == [bin(pattern).count("1") > 2 for pattern in range(16)]
    thirds = Fusion(FOUR[:3], (0.1, 0.2, 0.3), ())  # 0.1 + 0.2 is not 0.3 in binary
    assert not thirds.table()[0b011]
    assert not thirds.table()[0b100]


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1, 1e9])
def test_only_the_shares_of_the_weights_count(scale: float) -> None:
    weights = np.array([0.4, 0.3, 0.2, 0.15])
    scaled = Fusion(FOUR, tuple(weights * scale), ())
    np.testing.assert_array_equal(scaled.table(), Fusion(FOUR, tuple(weights), ()).table())
    np.testing.assert_allclose(scaled.normalised, weights / 1.05)


def test_weights_belong_to_the_backbones_in_order() -> None:
    votes = [np.array([vote]) for vote in (True, False, False, False)]
    assert Fusion(FOUR, (0.7, 0.1, 0.1, 0.1), ()).fuse(votes).item()
    assert not Fusion(FOUR, (0.1, 0.1, 0.1, 0.7), ()).fuse(votes).item()


def every_vote(count: int) -> list[np.ndarray]:
    """All patterns of votes, side by side."""
    return list(signs(count).T > 0)


@quick
@given(st.lists(st.floats(-20, 20), min_size=1, max_size=6))
def test_the_mask_of_a_fused_map_is_the_fused_mask(weights: list[float]) -> None:
    fusion = Fusion(tuple(map(str, range(len(weights)))), tuple(weights), ())
    votes = every_vote(len(weights))
    map_ = fusion.map(votes)
    assert map_.dtype == np.uint8
    np.testing.assert_array_equal(mask_of(map_), fusion.fuse(votes))


@pytest.mark.parametrize(
    "weights",
    [
        (0.25,) * 4,
        (0.1, 0.2, 0.3),  # 0.1 + 0.2 is not 0.3 in binary
        (-0.3, 0.1, 0.2),
        (0.7, 0.1, 0.6),
        (1e9, 1e9, 1e-9),
        (1e-12, 1e-12),
        (5e-324, 5e-324, 5e-324),
        (0.0, 0.0),
        (1e300, -1e300),
    ],
)
def test_a_tie_is_background_in_the_map_too(weights: tuple[float, ...]) -> None:
    fusion = Fusion(tuple(map(str, range(len(weights)))), weights, ())
    votes = every_vote(len(weights))
    np.testing.assert_array_equal(mask_of(fusion.map(votes)), fusion.fuse(votes))


def test_a_fused_map_is_the_probability_of_the_fitted_model() -> None:
    """Of two networks with weights 1 and 2: expit of -3, -1, 1 and 3."""
    votes = every_vote(2)
    expected = np.rint(255 / (1 + np.exp(-np.array([-3.0, -1.0, 1.0, 3.0]))))
    np.testing.assert_array_equal(Fusion(FOUR[:2], (1.0, 2.0), ()).map(votes), expected)


def test_a_fused_map_has_the_shape_of_its_votes() -> None:
    votes = [np.zeros((2, 3, 4), bool), np.ones((2, 3, 4), bool)]
    assert Fusion(FOUR[:2], (1.0, 2.0), ()).map(votes).shape == (2, 3, 4)


def test_no_weights_at_all() -> None:
    fusion = Fusion(FOUR, (0.0,) * 4, ())
    assert fusion.normalised == (0,) * 4
    assert not fusion.table().any()


# the whole fit and its file


def test_counts_of_another_number_of_networks_are_refused() -> None:
    votes, reference = simulated([0.1, 0.2], slices=2)
    counts = count_votes(votes, reference)
    options = FitFusionSettings(solver=FusionSettings(), of=FOUR, seed=0)
    with pytest.raises(ValueError, match="4 networks"):
        fit_fusion(counts, options)
    with pytest.raises(ValueError, match="2 networks"):
        fit_fusion(counts[:0], FitFusionSettings(solver=FusionSettings(), of=FOUR[:2], seed=0))


def test_the_solver_asked_for_is_used() -> None:
    votes, reference = simulated([0.1, 0.2], slices=40)
    counts = count_votes(votes, reference)
    start = np.full(2, 0.5)
    fusion = fitted(votes, reference, FusionSettings(solver="newton"))
    assert fusion.weights == tuple(newton(folded(counts), start)[0])
    steps = SgdSettings(epochs=2)
    thesis = fitted(votes, reference, FusionSettings(solver="sgd", sgd=steps), seed=5)
    assert thesis.weights == tuple(sgd(counts, start, steps, 5)[0])
    assert len(thesis.losses) == 3
    assert thesis.methods == ("network0", "network1")


def test_thesis_settings_are_the_default() -> None:
    assert FusionSettings().solver == "sgd"
    defaults = SgdSettings()
    assert (defaults.learning_rate, defaults.momentum, defaults.epochs) == (10, 0.9, 5)


@quick
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5),
    st.lists(st.floats(0, 10), max_size=4),
)
def test_save_and_load_are_exact(
    tmp_path_factory: pytest.TempPathFactory, weights: list[float], losses: list[float]
) -> None:
    path = tmp_path_factory.mktemp("fusion") / "liver.json"
    fusion = Fusion(tuple(f"network{i}" for i in range(len(weights))), tuple(weights), tuple(losses))
    fusion.save(path)
    assert Fusion.load(path) == fusion


def test_the_file_tells_the_shares(tmp_path: Path) -> None:
    Fusion(FOUR[:2], (3.0, -1.0), (0.5, 0.25)).save(tmp_path / "liver.json")
    content = json.loads((tmp_path / "liver.json").read_text())
    assert content["normalised"] == [0.75, -0.25]
    assert content["methods"] == list(FOUR[:2])


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"methods": 1, "weights": [], "losses": []}'])
def test_damaged_weights_are_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "liver.json").write_text(content)
    with pytest.raises(UserError, match=r"liver\.json\nfound: not readable as fusion weights"):
        Fusion.load(tmp_path / "liver.json")
