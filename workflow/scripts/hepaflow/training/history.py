"""The history of a training: what every epoch was like."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Epoch:
    """One epoch of a training.

    Attributes
    ----------
    epoch : int
        Number, counted from 1.
    learning_rate : float
    loss : float
        Mean over the training slices.
    validation_loss : float or None
        Mean over the held-out slices, if there are any.
    seconds : float
    """

    epoch: int
    learning_rate: float
    loss: float
    validation_loss: float | None
    seconds: float


def progress(last: Epoch, wanted: int) -> str:
    """Say in one line how far a training has come.

    Examples
    --------
    >>> progress(Epoch(3, 0.05, 0.125, None, 61.5), 200)
    'epoch 3/200: loss 0.1250, rate 0.05, 61.5 s, about 3:21:55 left'
    """
    left = int((wanted - last.epoch) * last.seconds)
    held_out = "" if last.validation_loss is None else f", validation {last.validation_loss:.4f}"
    return (
        f"epoch {last.epoch}/{wanted}: loss {last.loss:.4f}{held_out}, rate {last.learning_rate:.3g}, "
        f"{last.seconds:.1f} s, about {_clock(left)} left"
    )


@dataclass(frozen=True)
class Part:
    """What is done of an epoch that is not finished.

    Attributes
    ----------
    batches : int
    slices : int
    loss : float
        Sum over these slices.
    seconds : float
    """

    batches: int = 0
    slices: int = 0
    loss: float = 0.0
    seconds: float = 0.0


def progress_within(part: Part, batches: int, epoch: int, wanted: int, rate: float) -> str:
    """Say in one line how far a training has come within an epoch.

    Examples
    --------
    >>> progress_within(Part(400, 12800, 1600.0, 800.0), 1700, 3, 200, 0.05)
    'epoch 3/200, batch 400/1700: loss 0.1250, rate 0.05, about 186:46:40 left'
    """
    left = int((batches * (wanted - epoch + 1) - part.batches) * part.seconds / part.batches)
    return (
        f"epoch {epoch}/{wanted}, batch {part.batches}/{batches}: loss {part.loss / part.slices:.4f}, "
        f"rate {rate:.3g}, about {_clock(left)} left"
    )


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write the history as CSV, a row an epoch; an absent validation loss is an empty cell."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Epoch)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(epoch) for epoch in epochs)
