"""Schedules: learning rates over a training."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from hepaflow.settings import schedule as kinds
from hepaflow.settings.training import TrainingSettings


@dataclass(frozen=True)
class Position:
    """Where in a training a mini-batch is.

    Attributes
    ----------
    epoch, epochs : int
        Number of the epoch, counted from 0, and how many there are.
    batch, batches : int
        Number of the mini-batch in its epoch, counted from 0, and how many an epoch has.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int

    @property
    def done(self) -> int:
        """Mini-batches of the training before it."""
        return self.epoch * self.batches + self.batch

    @property
    def steps(self) -> int:
        """Mini-batches of the training."""
        return self.epochs * self.batches


def learning_rate(epoch: int, training: TrainingSettings, batch: int = 0, batches: int = 1) -> float:
    """Return the learning rate of a mini-batch; without a choice of a schedule by the thesis' steps (4.6.1).

    Parameters
    ----------
    epoch : int
        Counted from 0.
    training : TrainingSettings
    batch, batches : int, optional
        Number of the mini-batch in its epoch, counted from 0, and how many an epoch has.

    Examples
    --------
    >>> liver = TrainingSettings(epochs=200, learning_rate=0.05, decay_factor=0.95, decay_every=10)
    >>> [learning_rate(epoch, liver) for epoch in (0, 9, 10)]
    [0.05, 0.05, 0.0475]
    """
    chosen = training.schedule
    if chosen is None:
        return training.learning_rate * training.decay_factor ** (epoch // training.decay_every)
    at = Position(epoch, training.epochs, batch, batches)
    return training.learning_rate * SCHEDULES[chosen.kind](at, chosen)


def _exponential(at: Position, chosen: kinds.Exponential) -> float:
    """Return a factor that shrinks by the same share after every epoch."""
    factor: float = chosen.factor**at.epoch
    return factor


def _poly(at: Position, chosen: kinds.Poly) -> float:
    """Return a power of the share of epochs that is left (Chen et al. 2017; Isensee et al. 2021)."""
    return math.pow(1 - at.epoch / at.epochs, chosen.power) * _warm_up(at, chosen.warm_up)


def _cosine(at: Position, chosen: kinds.Cosine) -> float:
    """Return a factor that falls from 1 along half a wave (Loshchilov and Hutter 2017, equation 5, one run)."""
    factor = _wave(1.0, chosen.to_factor, at.done / at.steps)
    return factor * _warm_up(at, chosen.warm_up)


def _warm_up(at: Position, share: float | None) -> float:
    """Return a factor that rises linearly to 1 in the first mini-batches (Goyal et al. 2017)."""
    return 1.0 if share is None else min(1.0, (at.done + 1) / (share * at.steps))


def _one_cycle(at: Position, chosen: kinds.OneCycle) -> float:
    """Return a factor that rises to 1 and falls again, as `OneCycleLR` of torch (Smith and Topin 2019)."""
    last = at.steps - 1
    top = max(chosen.warm_up * at.steps - 1, 0)
    if at.done < top:
        return _wave(chosen.from_factor, 1.0, at.done / top)
    return _wave(1.0, chosen.to_factor, (at.done - top) / (last - top or 1))


def _wave(start: float, end: float, share: float) -> float:
    """Return where half a wave of a cosine is after a share of its way."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[str, Callable[..., float]] = {
    "exponential": _exponential,
    "poly": _poly,
    "one_cycle": _one_cycle,
    "cosine": _cosine,
}
"""The schedules by the names they have in the settings: factors on the learning rate."""
