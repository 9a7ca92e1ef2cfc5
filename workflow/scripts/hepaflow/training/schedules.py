"""Learning rates over the epochs."""

from hepaflow.settings.training import TrainingSettings


def learning_rate(epoch: int, settings: TrainingSettings) -> float:
    """Return the learning rate of an epoch, counted from 0 (thesis 4.6.1).

    Examples
    --------
    >>> liver = TrainingSettings(epochs=200, learning_rate=0.05, decay_factor=0.95, decay_every=10)
    >>> [learning_rate(epoch, liver) for epoch in (0, 9, 10)]
    [0.05, 0.05, 0.0475]
    """
    return settings.learning_rate * settings.decay_factor ** (epoch // settings.decay_every)
