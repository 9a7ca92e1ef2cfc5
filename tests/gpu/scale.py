"""How much is measured: on a GPU, and at tiny sizes on the CPU, where every part runs but no number counts."""

from dataclasses import dataclass
from typing import Literal

KINDS = ("training", "resumed", "prediction", "compiled")
"""Kinds of parts. A prediction takes the weights of the training in fp32."""


@dataclass(frozen=True)
class Scale:
    """Sizes and counts of one run.

    Attributes
    ----------
    accelerator : {'auto', 'cpu'}
    size : int
        Rows and columns of a slice.
    steps : int
        Mini-batches of an epoch whose time is taken; there are two epochs, and the first is the warm-up.
    batch : int or None
        Slices of a mini-batch; None for as many as the network's settings have.
    resumed_steps, resumed_batch : int
        The same where trainings are compared and not timed; there are three epochs, and the second is killed.
    predicted : int
        Slices of the exam whose prediction is timed.
    at_once : int or 'auto'
        Slices that are predicted at once.
    compared : int
        Slices whose masks are compared with the CPU's.
    workers : int
        Processes that load slices.
    compiled : tuple of str
        Networks that are also trained compiled. Compiling one takes a minute or more, so there are few: `modern`,
        and of the thesis' networks the one whose convolutions are of the plainest kind.
    seconds : int
        Budget of everything together.
    patience : float
        Factor on the seconds after which a part is stopped.
    """

    accelerator: Literal["auto", "cpu"]
    size: int
    steps: int
    batch: int | None
    resumed_steps: int
    resumed_batch: int
    predicted: int
    at_once: int | Literal["auto"]
    compared: int
    workers: int
    compiled: tuple[str, ...]
    seconds: int
    patience: float


ON_GPU = Scale(
    accelerator="auto",
    size=256,
    steps=6,
    batch=None,
    resumed_steps=3,
    resumed_batch=4,
    predicted=128,
    at_once="auto",
    compared=8,
    workers=4,
    compiled=("modern", "resnet152"),
    seconds=460,
    patience=1,
)
"""Under eight minutes, with the start and the end of the program."""

TINY = Scale(
    accelerator="cpu",
    size=32,
    steps=4,
    batch=4,
    resumed_steps=2,
    resumed_batch=2,
    predicted=4,
    at_once=2,
    compared=2,
    workers=1,
    compiled=("modern",),
    seconds=1200,
    patience=4,
)
