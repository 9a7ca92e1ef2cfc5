"""Which exams a training does not see."""

import numpy as np


def split_exams(exams: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Draw the exams that are held out for validation.

    Parameters
    ----------
    exams : int
        Training exams.
    share : float
        Share of them to hold out; at least one exam stays on either side unless the share is 0.

    Returns
    -------
    train, validation : list of int
        Numbers of the exams, ascending.
    """
    held_out = min(max(round(exams * share), 1), exams - 1) if share else 0
    order = np.random.default_rng([seed, 0x5EED]).permutation(exams)
    return sorted(order[held_out:].tolist()), sorted(order[:held_out].tolist())
