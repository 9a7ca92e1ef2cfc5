"""What a sampling is: it shows an exam to a network piece by piece, and puts together what the network finds."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

Batch = tuple[Tensor, Tensor]
"""Images (b, c, h, w) in [-1, 1], and masks (b, 1, h, w) in {0, 1}; patches have slices before rows."""

Arrays = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Images (b, c, h, w) in [0, 1] and masks (b, h, w); patches have slices before rows."""

AGAIN = 2**32
"""Added to the number of a piece for each time that it came in an epoch before, where it is to be another then."""


class Pieces(Dataset[Batch]):
    """The pieces of training exams, fetched a mini-batch at a time.

    Attributes
    ----------
    channels : int
        Of an image, all together.
    regions : int
        Those of the channels, the last ones, that are masks of an earlier stage.
    pixels : int
        Of a piece, in each channel; 0 without exams.
    at_random : bool
        Whether a piece is another in every epoch.
    """

    channels: int
    regions: int
    pixels: int
    at_random: bool = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Fetch pieces by number."""

    @abstractmethod
    def arrays(self, indices: Sequence[int]) -> Arrays:
        """Fetch pieces by number."""

    def of_epoch(self, epoch: int, numbers: Sequence[int]) -> Arrays:
        """Fetch pieces as an epoch shows them, by number, with `AGAIN` for each time that one came before."""
        return self.arrays([number % AGAIN for number in numbers])

    @abstractmethod
    def exams_of(self, indices: Sequence[int]) -> list[int]:
        """Return for each piece the number of the exam it belongs to."""

    @abstractmethod
    def holds_structure(self) -> NDArray[np.bool_]:
        """Return for every piece whether its mask is not empty; reads all masks."""

    def showing(self, indices: Sequence[int]) -> list[int]:
        """Return the numbers by which those of the pieces are fetched that show the structure."""
        return sorted(set(np.flatnonzero(self.holds_structure()).tolist()).intersection(indices))


class Slices(Protocol):
    """Preprocessed slices of one exam, in a file or in memory."""

    @property
    def voxels(self) -> tuple[int, int, int]:
        """Slices, rows and columns."""

    @property
    def size(self) -> int:
        """Rows and columns."""

    def __len__(self) -> int: ...

    def image(self, index: slice) -> NDArray[np.float32]:
        """Return several slices, pixels in [0, 1]."""

    @property
    def has_region(self) -> bool:
        """Whether the mask that they lie around is seen beside them, as a further channel."""

    def region(self, index: slice) -> NDArray[np.bool_]:
        """Return that mask for several slices."""


class SeesPieces(Protocol):
    """A network that is shown pieces of an exam; a `Predictor` is one.

    Attributes
    ----------
    device : torch.device
        Where it computes.
    """

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def maps(self, pieces: Tensor) -> NDArray[np.uint8]:
        """Return the maps (b, h, w) of pieces (b, c, h, w) in [-1, 1]."""

    def above_half(self, pieces: Tensor) -> Tensor:
        """Return by how much probabilities exceed one half, (b, 1, ...), of pieces (b, c, ...), on its device."""


class Sampling(Protocol):
    """How exams are shown to a network piece by piece, and what it finds is put together again.

    Attributes
    ----------
    channels : int
        Of a piece of the image; a mask of an earlier stage, where exams have one, is a further one.
    dimensions : int
        Of a piece, besides its channels.
    """

    channels: int
    dimensions: int

    def dataset(self, paths: Sequence[Path], seed: int = 0) -> Pieces:
        """Return the pieces of training exams, with their masks, from files of preprocessed data."""

    def shape(self, size: int) -> tuple[int, ...]:
        """Return the shape of a piece, without channels, of data with so many rows and columns."""

    def map(
        self, exam: Slices, network: SeesPieces, at_once: int, progress: Callable[[int], object] | None = None
    ) -> NDArray[np.uint8]:
        """Return the map of an exam, of its shape, that a network draws of its pieces, at most so many at once.

        `progress` is told how many further slices of the exam are done.
        """
