"""What a sampling is: it shows an exam to a network piece by piece, and puts together what the network finds."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

Batch = tuple[Tensor, Tensor]
"""Images (b, c, h, w) in [-1, 1], and masks (b, 1, h, w) in {0, 1}."""


class Pieces(Dataset[Batch]):
    """The pieces of training exams, fetched a mini-batch at a time.

    Attributes
    ----------
    channels : int
        Of an image.
    size : int
        Rows and columns of a piece; 0 without exams.
    """

    channels: int
    size: int

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Fetch pieces by number."""

    @abstractmethod
    def arrays(self, indices: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Fetch pieces by number: images (b, c, h, w) in [0, 1] and masks (b, h, w)."""

    @abstractmethod
    def exams_of(self, indices: Sequence[int]) -> list[int]:
        """Return for each piece the number of the exam it belongs to."""

    @abstractmethod
    def holds_structure(self) -> NDArray[np.bool_]:
        """Return for every piece whether its mask is not empty; reads all masks."""


class Slices(Protocol):
    """Preprocessed slices of one exam, in a file or in memory."""

    @property
    def size(self) -> int:
        """Rows and columns."""

    def __len__(self) -> int: ...

    def image(self, index: slice) -> NDArray[np.float32]:
        """Return several slices, pixels in [0, 1]."""


class Sampling(Protocol):
    """How exams are shown to a network piece by piece, and what it finds is put together again.

    Attributes
    ----------
    channels : int
        Of a piece.
    """

    channels: int

    def dataset(self, paths: Sequence[Path]) -> Pieces:
        """Return the pieces of training exams, with their masks, from files of preprocessed data."""

    def pieces(self, exam: Slices, at_once: int) -> Iterator[tuple[slice, Tensor]]:
        """Yield the pieces of an exam, at most so many at once, each with its place: (b, c, h, w) in [-1, 1]."""

    def together(self, exam: Slices, found: Iterable[tuple[slice, NDArray[np.uint8]]]) -> NDArray[np.uint8]:
        """Return the map of an exam, shape (slices, size, size), from those of its pieces."""
