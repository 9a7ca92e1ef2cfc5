"""Patches of phantoms that are drawn when a training asks for them, and never stored."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hepaflow.names import STRUCTURES
from hepaflow.networks.threads import one_thread
from hepaflow.phantoms.trunk.lesions import Wanted
from hepaflow.phantoms.trunk.patches import Patch, as_resampled, draw_patch
from hepaflow.preprocessing.window import window
from hepaflow.sampling.protocol import AGAIN, Arrays, Batch, Pieces
from hepaflow.sampling.slices import as_batch
from hepaflow.settings.drawn import DrawnTrunks
from hepaflow.settings.preprocessing import PreprocessSettings
from hepaflow.settings.resampled import ResampledSettings, ResampledVoiSettings

_DRAWN_FOR = 0xFA27
"""Keeps the draws of phantoms apart from others of the same seed and epoch."""


class DrawnPatches(Pieces):
    """Patches of phantoms with their masks, each of another patient, drawn a mini-batch at a time.

    A patch is drawn from the seed, the epoch and the patch's number, which stands for an exam of its own. Patches
    that are fetched by the numbers of `showing` lie around a point of the structure.

    Parameters
    ----------
    drawn : DrawnTrunks
    data : PreprocessSettings
        Of the data that the patches are like: the whole exam, or the part around the liver, resampled.
    size : tuple of int
        Slices, rows and columns of a patch.
    count : int
        Patches of an epoch.
    seed : int

    Attributes
    ----------
    channels, regions, pixels : int
    at_random : bool
    """

    at_random = True
    channels = 1
    regions = 0

    def __init__(
        self, drawn: DrawnTrunks, data: PreprocessSettings, size: tuple[int, int, int], count: int, seed: int
    ) -> None:
        self._count, self._seed, self.pixels = count, seed, int(np.prod(size))
        like = data.preprocessing
        if not isinstance(like, ResampledSettings | ResampledVoiSettings):
            raise TypeError(f"patches cannot be drawn as {like.kind}")
        self._structure, self._window = data.structure, like.window
        self._wanted = Patch(
            size,
            like.spacing,
            like.margin if isinstance(like, ResampledVoiSettings) else None,
            Wanted(drawn.max_lesions, drawn.lesion_radius, drawn.lesion_free),
        )

    def __len__(self) -> int:
        return self._count

    def exams_of(self, indices: Sequence[int]) -> list[int]:
        """Return the numbers themselves."""
        return [number % self._count for number in indices]

    def holds_structure(self) -> NDArray[np.bool_]:
        """Return that any patch can be drawn so that it shows the structure."""
        return np.ones(self._count, bool)

    def showing(self, indices: Sequence[int]) -> list[int]:
        """Return the numbers by which patches that show the structure are fetched: others than those of all."""
        return [self._count + index for index in indices]

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """Draw patches by number, those of the first epoch."""
        return as_batch(*self.arrays(indices))

    def arrays(self, indices: Sequence[int]) -> Arrays:
        """Draw patches by number, those of the first epoch."""
        return self.of_epoch(0, indices)

    def of_epoch(self, epoch: int, numbers: Sequence[int]) -> Arrays:
        """Draw the patches of an epoch: images (b, 1, z, h, w) in [0, 1] and masks (b, z, h, w)."""
        with one_thread():
            drawn = [self._draw([self._seed, epoch, number, _DRAWN_FOR], number % AGAIN) for number in numbers]
        return np.stack([image for image, _ in drawn])[:, None], np.stack([mask for _, mask in drawn])

    def _draw(self, seed: list[int], number: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        image, label = draw_patch(seed, self._wanted, self._structure if number >= self._count else None)
        windowed = as_resampled(torch.from_numpy(window(image.numpy(), self._window)), seed)
        # Labels count the structures from 1; a later one is a part of the earlier.
        return windowed.numpy(), label.numpy() > STRUCTURES.index(self._structure)
