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
    return math.pow(1 - at.epoch / at.epochs, chosen.power)


def _one_cycle(at: Position, chosen: kinds.OneCycle) -> float:
    """Return a factor that rises to 1 and falls again, as `OneCycleLR` of torch (Smith and Topin 2019)."""
    done, last = at.epoch * at.batches + at.batch, at.epochs * at.batches - 1
    top = max(chosen.warm_up * (last + 1) - 1, 0)
    if done < top:
        start, end, share = chosen.from_factor, 1.0, done / top
    else:
        start, end, share = 1.0, chosen.to_factor, (done - top) / (last - top or 1)
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


SCHEDULES: dict[str, Callable[..., float]] = {"exponential": _exponential, "poly": _poly, "one_cycle": _one_cycle}
"""The schedules by the names they have in the settings: factors on the learning rate."""
