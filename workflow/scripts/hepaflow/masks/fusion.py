"""Fusion of the networks' masks with learned weights (thesis 3.6, 4.6.2).

Masks enter as ±1. The vote of a pixel is then one of the 2**n patterns of n networks, and both the loss and the
decision depend on a pixel only through its pattern: the weights are fitted from how often each pattern meets a
liver pixel and a background pixel, and fusing looks a table up.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from hepaflow.errors import UserError
from hepaflow.masks.map import map_of
from hepaflow.settings.fusion import FitFusionSettings, SgdSettings
from hepaflow.system.faults import remedy

RIDGE = 1e-9
"""Weight of a quadratic pull to the starting weights. Too weak to be seen in a fit that has a minimum; where votes
separate liver from background perfectly, or two networks always agree, it makes the minimum finite and unique."""

_MAX_STEPS = 200
_SURELY = 1e-12
"""Logit, at least, of what is decided: rounding decides nothing."""
_VISIBLE = 1e-13  # share of the loss below which rounding hides whether a step lowers it


def vote_patterns(votes: list[NDArray[np.bool_]]) -> NDArray[np.uint16]:
    """Return the number of the pattern of votes at every pixel: bit i is the vote of network i.

    Parameters
    ----------
    votes : list of ndarray of bool, all of one shape
        One mask for each network, at most 16.

    Returns
    -------
    ndarray of uint16, same shape
        Between 0 and 2**n - 1.
    """
    patterns = np.zeros(votes[0].shape, np.uint16)
    for bit, vote in enumerate(votes):
        patterns |= vote.astype(np.uint16) << np.uint16(bit)
    return patterns


def count_votes(votes: list[NDArray[np.bool_]], reference: NDArray[np.bool_]) -> sparse.csr_array:
    """Count in each slice how often each pattern of votes meets background and foreground.

    Parameters
    ----------
    votes : list of ndarray of bool, shape (slices, rows, columns)
        One stack of masks for each network.
    reference : ndarray of bool, same shape

    Returns
    -------
    sparse array of int64, shape (slices, 2 * 2**n)
        First the counts of the patterns over background, then those over foreground.
    """
    everything = [*votes, reference]  # the reference is the highest bit
    width = 1 << len(everything)
    slices = [
        np.bincount(vote_patterns([one[index] for one in everything]).ravel(), minlength=width)
        for index in range(len(reference))
    ]
    return sparse.csr_array(np.array(slices, np.int64).reshape(-1, width))


def signs(count: int) -> NDArray[np.float64]:
    """Return the votes of every pattern as ±1, shape (2**count, count)."""
    numbers = np.arange(1 << count)
    return np.where(numbers[:, None] >> np.arange(count) & 1, 1.0, -1.0)


def bce(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Return the mean binary cross-entropy of the fused votes (thesis equation 9).

    Parameters
    ----------
    weights : ndarray, shape (n,)
    counts : ndarray, shape (2, 2**n)
        How often each pattern meets background (first row) and foreground (second row).
    """
    logits = signs(len(weights)) @ weights
    background, foreground = counts
    return float((background @ np.logaddexp(0, logits) + foreground @ np.logaddexp(0, -logits)) / counts.sum())


def _gradient(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    votes = signs(len(weights))
    logits = votes @ weights
    background, foreground = counts
    errors = (background * expit(logits) - foreground * expit(-logits)) / counts.sum()
    gradient: NDArray[np.float64] = errors @ votes
    return gradient


def _hessian(weights: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    votes = signs(len(weights))
    logits = votes @ weights
    curvature = counts.sum(axis=0) * expit(logits) * expit(-logits) / counts.sum()
    hessian: NDArray[np.float64] = (votes.T * curvature) @ votes
    return hessian


def newton(counts: NDArray[np.float64], start: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[float]]:
    """Minimise the thesis' loss to convergence with damped Newton steps.

    The loss is convex, and with `RIDGE` strictly so: there is one minimum, it is finite, and it is found again.

    Parameters
    ----------
    counts : ndarray, shape (2, 2**n)
    start : ndarray, shape (n,)

    Returns
    -------
    weights : ndarray, shape (n,)
    losses : list of float
        Cross-entropy at the start and after every step.
    """

    def penalised(weights: NDArray[np.float64]) -> float:
        return bce(weights, counts) + RIDGE / 2 * float(((weights - start) ** 2).sum())

    weights, losses = start.copy(), [bce(start, counts)]
    for _ in range(_MAX_STEPS):
        slope = _gradient(weights, counts) + RIDGE * (weights - start)
        step = np.linalg.solve(_hessian(weights, counts) + RIDGE * np.eye(len(weights)), slope)
        gain, before = float(slope @ step), penalised(weights)
        close = gain <= _VISIBLE * before  # so near the minimum a last full step squares what error is left
        length = 1.0
        while not close and length > 1e-10 and penalised(weights - length * step) > before - 1e-4 * length * gain:
            length /= 2
        weights = weights - length * step
        losses.append(bce(weights, counts))
        if close:
            break
    return weights, losses


def sgd(
    slices: sparse.csr_array, start: NDArray[np.float64], settings: SgdSettings, seed: int
) -> tuple[NDArray[np.float64], list[float]]:
    """Take the thesis' own steps: SGD with momentum over shuffled mini-batches of slices (thesis 4.6.2).

    The gradient of a mini-batch follows from its counts exactly as from its pixels.

    Parameters
    ----------
    slices : sparse array, shape (slices, 2 * 2**n)
        Counts of `count_votes`.
    start : ndarray, shape (n,)

    Returns
    -------
    weights : ndarray, shape (n,)
    losses : list of float
        Cross-entropy over all slices at the start and after every epoch.
    """
    total = _folded(slices)
    weights, momentum, losses = start.copy(), np.zeros_like(start), [bce(start, total)]
    for epoch in range(settings.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(slices.shape[0])
        for first in range(0, len(order), settings.batch_size):
            batch = _folded(slices[order[first : first + settings.batch_size]])
            momentum = settings.momentum * momentum + _gradient(weights, batch)
            weights = weights - settings.learning_rate * momentum
        losses.append(bce(weights, total))
    return weights, losses


def _folded(slices: sparse.csr_array) -> NDArray[np.float64]:
    """Sum the slices' counts into background and foreground rows."""
    return np.asarray(slices.sum(axis=0), np.float64).reshape(2, -1)


@dataclass(frozen=True)
class Fusion:
    """Fitted fusion weights of one stage.

    Attributes
    ----------
    methods : tuple of str
        Those that are fused, in the order of the weights.
    weights : tuple of float
        As fitted; a pixel belongs to the mask where the sum of the weights, signed by the votes, is positive.
    losses : tuple of float
        Cross-entropy at the start and after every step (or epoch) of the solver.
    """

    methods: tuple[str, ...]
    weights: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def normalised(self) -> tuple[float, ...]:
        """The weights as shares of the vote: their absolute values sum to one."""
        total = sum(abs(weight) for weight in self.weights) or 1.0
        return tuple(weight / total for weight in self.weights)

    def table(self) -> NDArray[np.bool_]:
        """Return the decision for every pattern of votes, shape (2**n,); a tie is background (thesis 3.6)."""
        decision: NDArray[np.bool_] = signs(len(self.weights)) @ np.array(self.normalised) > 1e-12
        return decision

    def fuse(self, votes: list[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Fuse masks, one for each method, all of one shape."""
        fused: NDArray[np.bool_] = self.table()[vote_patterns(votes)]
        return fused

    def map(self, votes: list[NDArray[np.bool_]]) -> NDArray[np.uint8]:
        """Return the map of the fused masks: the probability of the fitted model, a byte a pixel.

        Its mask is what `fuse` returns, also of a tie.
        """
        logits = signs(len(self.weights)) @ np.array(self.weights)
        decided = self.table()
        logits = np.where(decided, np.maximum(logits, _SURELY), np.minimum(logits, -_SURELY))
        found: NDArray[np.uint8] = map_of(logits)[vote_patterns(votes)]
        return found

    def save(self, path: Path | str) -> None:
        """Write the weights as JSON."""
        content = {
            "methods": self.methods,
            "weights": self.weights,
            "normalised": self.normalised,
            "losses": self.losses,
        }
        Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> "Fusion":
        """Read weights written by `save`; a damaged file is a `UserError`."""
        try:
            return cls.of_json(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"not readable as fusion weights ({error})",
                file=path,
                expected="weights as a job of this workflow writes them",
                remedy=remedy(error, "delete the file; the next run fits them again"),
            ) from None

    @classmethod
    def of_json(cls, text: str) -> "Fusion":
        """Return the weights that a text written by `save` tells."""
        content = json.loads(text)
        return cls(*(tuple(content[key]) for key in ("methods", "weights", "losses")))


def fit_fusion(slices: sparse.csr_array, settings: FitFusionSettings) -> Fusion:
    """Fit the weights with which a stage's masks are fused (thesis 3.6, 4.6.2).

    Parameters
    ----------
    slices : sparse array, shape (slices, 2 * 2**n)
        Counts of `count_votes` over all training exams.
    settings : FitFusionSettings

    Raises
    ------
    ValueError
        If the counts are not those of this number of networks, or there are none.
    """
    count = len(settings.of)
    if slices.shape[1] != 2 << count or not slices.shape[0]:
        raise ValueError(f"counts of shape {slices.shape} for {count} networks")
    start = np.full(count, 1 / count)
    if settings.solver.solver == "newton":
        weights, losses = newton(_folded(slices), start)
    else:
        weights, losses = sgd(slices, start, settings.solver.sgd, settings.seed)
    return Fusion(settings.of, tuple(weights.tolist()), tuple(losses))
