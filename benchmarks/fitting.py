"""How long a training must be to end in a given time, and how large a network to have a given size."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """How fast a training goes.

    Attributes
    ----------
    start : float
        Seconds before the first epoch and after the last.
    epoch : float
        Seconds of an epoch beside those of its mini-batches, such as those in which its state is saved.
    batch : float
        Seconds of a mini-batch.
    """

    start: float
    epoch: float
    batch: float

    def seconds(self, epochs: int, batches: int) -> float:
        """Return the seconds of a training with so many epochs of so many mini-batches each."""
        return self.start + epochs * (self.epoch + batches * self.batch)

    def within(self, seconds: float, epochs: int) -> tuple[int, int]:
        """Return how many epochs, and mini-batches of each, end nearest to a time.

        Parameters
        ----------
        seconds : float
        epochs : int
            As the recipe has it: they stay where there is time for a mini-batch of each, or there are fewer of one
            mini-batch, one at least.
        """
        left = seconds - self.start
        batches = round((left / epochs - self.epoch) / self.batch)
        if batches >= 1:
            return epochs, batches
        return max(1, min(epochs, round(left / (self.epoch + self.batch)))), 1

    def scaled(self, factor: float) -> "Pace":
        """Return a pace at which everything takes so many times as long."""
        return Pace(self.start * factor, self.epoch * factor, self.batch * factor)

    def whole_epochs(self, seconds: float, batches: int) -> int:
        """Return how many epochs of so many mini-batches end nearest to a time; one at least."""
        return max(1, round((seconds - self.start) / (self.epoch + batches * self.batch)))


def pace_of(batches: int, one: float, several: float, own: Sequence[float]) -> Pace:
    """Return the pace of a training, from two short ones.

    Parameters
    ----------
    batches : int
        Mini-batches of an epoch.
    one, several : float
        Seconds of a training of one epoch, and of one of several.
    own : sequence of float
        Seconds of the mini-batches of each epoch of the longer one. The first epoch, in which much is done for the
        first time, does not count.
    """
    epoch, batch = (several - one) / (len(own) - 1), statistics.median(own[1:])
    return Pace(max(0.0, one - epoch), max(0.0, epoch - batch), batch / batches)


def nearest(wanted: float, choices: Iterable[int], size: Callable[[int], float]) -> int:
    """Return the choice whose size is nearest to the one that is wanted."""
    return min(choices, key=lambda choice: abs(size(choice) - wanted))
