"""Every sampling: what it shows of an exam, put together again, is the exam."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_exams import saved, stack

from hepaflow.preprocessing.slices import SlicesInMemory
from hepaflow.sampling.protocol import Pieces, Sampling
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.sampling.slices import SliceDataset
from hepaflow.settings.sampling import Patches, Slabs, Slices

PATCHES = Patches(kind="patches", size=(4, 6, 8), overlap=0.5)
EVERY = {"slices": Slices(), "slabs": Slabs(kind="slabs", slices=5)}
"""Settings of each kind that shows slices; what patches are shown is in test_patches.py."""


def test_every_sampling_is_tested_here() -> None:
    assert {*EVERY, PATCHES.kind} == SAMPLINGS.keys()


class Own:
    """A network that finds each pixel's own value, in the middle channel."""

    device = torch.device("cpu")

    def maps(self, pieces: torch.Tensor) -> np.ndarray:
        middle = pieces[:, pieces.shape[1] // 2]
        found: np.ndarray = ((middle + 1) / 2 * 255).round().to(torch.uint8).numpy()
        return found

    def above_half(self, pieces: torch.Tensor) -> torch.Tensor:
        return pieces / 2


@pytest.mark.parametrize("chosen", [*EVERY.values(), PATCHES], ids=lambda one: one.kind)
@pytest.mark.parametrize("slices", [0, 1, 7])
def test_a_map_is_what_a_network_draws_of_the_whole_exam(chosen: Any, slices: int) -> None:
    sampling, exam, told = SAMPLINGS[chosen.kind](chosen), SlicesInMemory(stack(slices)), []
    found = sampling.map(exam, Own(), 3, told.append)
    assert found.dtype == np.uint8
    assert found.shape == exam.voxels
    assert np.abs(found - np.rint(exam.image(slice(None)) * 255)).max(initial=0) <= 1  # of a mean of equal values
    assert sum(told) == slices


@pytest.mark.parametrize("chosen", [*EVERY.values(), PATCHES], ids=lambda one: one.kind)
def test_the_shape_of_a_piece_is_told_before_there_is_data(chosen: Any, tmp_path: Path) -> None:
    saved(tmp_path, stack())
    sampling = SAMPLINGS[chosen.kind](chosen)
    dataset = sampling.dataset([tmp_path / "exam.safetensors"], 3)
    images, masks = dataset.arrays([0, 1])
    assert images.shape == (2, sampling.channels, *sampling.shape(8))
    assert masks.shape == (2, *sampling.shape(8))
    assert len(sampling.shape(8)) == sampling.dimensions
    assert dataset.pixels == math.prod(sampling.shape(8))
    assert dataset.channels == sampling.channels


@pytest.mark.parametrize("chosen", [*EVERY.values(), PATCHES], ids=lambda one: one.kind)
def test_a_region_is_seen_as_a_last_channel_in_training_and_in_prediction(chosen: Any, tmp_path: Path) -> None:
    plain, sampling = stack(4), SAMPLINGS[chosen.kind](chosen)
    region = np.random.default_rng(5).random(plain.image.shape) > 0.5
    with_region = replace(plain, region=region)
    saved(tmp_path, plain, "plain.safetensors")
    saved(tmp_path, with_region)
    before = sampling.dataset([tmp_path / "plain.safetensors"], 3)
    dataset = sampling.dataset([tmp_path / "exam.safetensors"], 3)
    assert (before.regions, dataset.regions) == (0, 1)
    assert dataset.channels == before.channels + 1 == sampling.channels + 1
    images, masks = dataset.arrays([0])
    np.testing.assert_array_equal(images[:, :-1], before.arrays([0])[0])
    np.testing.assert_array_equal(masks, before.arrays([0])[1])
    assert set(np.unique(images[:, -1])) == {0, 1}

    class Seeing(Own):
        def maps(self, pieces: torch.Tensor) -> np.ndarray:
            found: np.ndarray = (pieces[:, -1] > 0).to(torch.uint8).numpy() * 255
            return found

        def above_half(self, pieces: torch.Tensor) -> torch.Tensor:
            return pieces[:, -1:] / 2

    found = sampling.map(SlicesInMemory(with_region), Seeing(), 3)
    np.testing.assert_array_equal(found >= 128, region)


def sampling_of(kind: str) -> Sampling:
    return SAMPLINGS[kind](EVERY[kind])


@pytest.mark.parametrize("kind", EVERY)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(slices=st.integers(0, 9), at_once=st.integers(1, 11))
def test_pieces_put_together_again_are_the_exam(kind: str, slices: int, at_once: int) -> None:
    sampling, exam = sampling_of(kind), SlicesInMemory(stack(slices))
    seen = []

    def found():
        for where, piece in sampling.pieces(exam, at_once):
            assert piece.dtype == torch.float32
            assert piece.ndim == 4
            assert len(piece) <= at_once
            seen.append(len(piece))
            # A network that finds each pixel's own value, in the middle channel.
            middle = piece[:, piece.shape[1] // 2]
            yield where, ((middle + 1) / 2 * 255).round().to(torch.uint8).numpy()

    whole = sampling.together(exam, found())
    assert whole.dtype == np.uint8
    assert whole.shape == (slices, exam.size, exam.size)
    np.testing.assert_array_equal(whole, np.rint(exam.image(slice(None)) * 255))
    assert sum(seen) == slices  # those of slices: each is shown once
    assert all(size == at_once for size in seen[:-1])


@pytest.mark.parametrize("kind", EVERY)
def test_pieces_are_put_together_whatever_their_order(kind: str) -> None:
    sampling, exam = sampling_of(kind), SlicesInMemory(stack(7))
    parts = [(where, (piece[:, 0] * 100 + 100).byte().numpy()) for where, piece in sampling.pieces(exam, 2)]
    one, other = sampling.together(exam, parts), sampling.together(exam, parts[::-1])
    assert one.any()
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", EVERY)
def test_a_network_sees_in_training_what_it_sees_in_prediction(kind: str, tmp_path: Path) -> None:
    sampling, file = sampling_of(kind), saved(tmp_path, stack(5))
    dataset = sampling.dataset([tmp_path / "exam.safetensors"])
    assert isinstance(dataset, Pieces)
    assert len(dataset) == 5
    images, masks = dataset[range(5)]
    shown = torch.cat([piece for _, piece in sampling.pieces(file, 2)])
    assert torch.equal(images, shown)
    assert torch.equal(masks[:, 0].bool(), torch.from_numpy(file.mask()))


def test_slices_are_the_slices_of_training(tmp_path: Path) -> None:
    saved(tmp_path, stack())
    assert isinstance(sampling_of("slices").dataset([tmp_path / "exam.safetensors"]), SliceDataset)
