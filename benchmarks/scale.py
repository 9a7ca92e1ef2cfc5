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
    starts : int
        Rounds of what starts processes.
    networks : int
        Networks of the thesis, of four.
    phantoms : int
        Phantoms that a model segments in several precisions, besides the demo's.
    scaling : tuple of int
        Exams of the whole runs whose time and memory are compared.
    seeds : int
        Trainings of each system whose Dice are compared.
    exam_slices : int
        Slices of the exam that a whole method segments.
    exam_rounds : int
        Rounds of it: each takes minutes.
    """

    rounds: int
    slices: int
    lesion_slices: int
    exams: int
    fusion_slices: int
    plans: tuple[int, ...]
    starts: int
    networks: int
    phantoms: int
    scaling: tuple[int, ...]
    seeds: int
    exam_slices: int
    exam_rounds: int


FULL = Scale(5, 400, 64, 100, 128, (131, 1000), 3, 4, 36, (4, 8, 16, 32), 3, 134, 3)
QUICK = Scale(3, 100, 32, 20, 16, (131,), 1, 1, 2, (4, 8), 1, 8, 1)
