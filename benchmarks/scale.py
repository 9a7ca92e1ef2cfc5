"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes and rounds of a run.

    Attributes
    ----------
    rounds : int
        Rounds of comparisons that take seconds.
    slices : int
        Slices of the large exam.
    lesion_slices : int
        Slices of it that are enhanced.
    exams : int
        Exams of the training set whose slices are read at random.
    fusion_slices : int
        Slices of votes that the fusion is fitted on.
    plans : tuple of int
        Exams of the plans that are made.
    budget : float
        Seconds of training of each network whose quality is compared; 0 leaves that out.
    """

    rounds: int
    slices: int
    lesion_slices: int
    exams: int
    fusion_slices: int
    plans: tuple[int, ...]
    budget: float


FULL = Scale(5, 400, 64, 100, 320, (131, 1000), 60)
QUICK = Scale(3, 100, 32, 20, 64, (131,), 0)
