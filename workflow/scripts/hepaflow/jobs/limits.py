"""How long a training may take in a queue, and how often it is tried again: it goes on where it was stopped."""

from math import ceil

MINUTES_PER_EXAM = 3
"""Minutes for an exam and epoch; an estimate for the largest network on a GPU of ten years ago (docs/slurm.md)."""

SLICES_PER_EXAM = 450
"""Slices of an exam of LiTS17, on average: 58,638 of 131 exams (docs/slurm.md)."""

DAY = 24 * 60
"""Minutes that most partitions allow."""

FAILURES = 3
"""Attempts that may fail for other reasons than a time limit."""

MOST_RETRIES = 30


def training_minutes(exams: int, epochs: int) -> int:
    """Return the minutes that a training may take as a whole: an hour, and its epochs on a slow GPU."""
    return 60 + MINUTES_PER_EXAM * exams * epochs


def slices_seen(exams: int, epochs: int, batches_per_epoch: int | None, batch_size: int) -> int:
    """Return how many slices a training shows to its network; about so many if an epoch shows all.

    Examples
    --------
    >>> slices_seen(121, 200, None, 32), slices_seen(121, 200, 250, 12)
    (10890000, 600000)
    """
    in_epoch = exams * SLICES_PER_EXAM if batches_per_epoch is None else batches_per_epoch * batch_size
    return epochs * in_epoch


def drawing_minutes(patches: int) -> int:
    """Return the same of a training that draws so many patches of phantoms: two seconds each, on a slow CPU."""
    return 60 + patches // 30


def time_limit(minutes: int, attempt: int) -> int:
    """Return the time limit of an attempt at a training, in minutes: a day at most.

    A limit need not be enough for the whole, and what most partitions allow is better.

    Parameters
    ----------
    minutes : int
        Of the whole training.
    attempt : int
        From 1 on.
    """
    return min(minutes * attempt, DAY)


def retries(asked: int, minutes: int) -> int:
    """Return how often a training is tried again.

    Parameters
    ----------
    asked : int
        How often any job is (`--retries`). Where none is, no training is either.
    minutes : int
        Of the longest training as a whole.

    Returns
    -------
    int
        As often as its days need, and for three failures; thirty times at most, or as often as any job.

    Examples
    --------
    >>> retries(3, training_minutes(20, 2)), retries(3, training_minutes(121, 20)), retries(0, 10**6)
    (3, 8, 0)
    """
    return max(asked, min(ceil(minutes / DAY) - 1 + FAILURES, MOST_RETRIES)) if asked else 0
