"""Maps that a network draws, and their masks: its logits above zero, whatever the size of the batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from hepaflow.masks.map import map_of, mask_of
from hepaflow.networks.compute import make_fabric
from hepaflow.networks.network import build_network
from hepaflow.networks.normalisation import InnermostInstanceNorm
from hepaflow.preprocessing.slices import SliceFile, SliceStack
from hepaflow.sampling.predictor import Predictor, _map
from hepaflow.sampling.slices import normalise
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.sampling import Slices
from hepaflow.settings.training import Precision
from hepaflow.settings.unet import UNetSettings
from hepaflow.volumes.box import Box

torch.set_num_threads(1)
SIZE = 32
UNDECIDED = 1e-5
"""Logits nearer to zero may change their side with the order of sums, and so with processor and batch."""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)


def slices_of(folder: Path, count: int) -> SliceFile:
    shape = (count, SIZE, SIZE)
    image = np.random.default_rng(count).integers(0, 65536, shape, np.uint16)
    path = folder / f"{count}.safetensors"
    SliceStack(image, None, Box.whole(shape) if count else None, shape).save(path)
    return SliceFile(path)


@pytest.fixture
def network() -> nn.Module:
    """Build a small network with running statistics of its own, whose masks are about half full."""
    torch.manual_seed(1)
    network = build_network(NetworkSettings(arch="densenet121", weights="none", head=HeadSettings(channels=8)))
    with torch.no_grad():
        for _ in range(5):
            network(torch.rand(4, 1, SIZE, SIZE) * 2 - 1)
        network.head[-1].bias -= network.eval()(torch.rand(4, 1, SIZE, SIZE) * 2 - 1).median()
    return network


def predictor(
    network: nn.Module, precision: Precision = "fp32", *, flips: Sequence[str] = (), **compute: object
) -> Predictor:
    chosen = ComputeSettings.model_validate({"accelerator": "cpu", **compute})
    return Predictor(network, Slices(), make_fabric(precision, chosen, threads=1), chosen, flips)


def logits_of(network: nn.Module, slices: SliceFile) -> np.ndarray:
    with torch.no_grad():
        logits: np.ndarray = network.eval()(normalise(slices.image()[:, None])).squeeze(1).numpy()
    return logits


@pytest.mark.parametrize("channels_last", [False, True])
def test_instance_normalisation_is_the_same_in_both_layouts(tmp_path: Path, channels_last: bool) -> None:
    torch.manual_seed(1)
    unet = UNetSettings(channels=(4, 8), deep_supervision=False)
    network = build_network(NetworkSettings(arch="plain_unet", weights="none", unet=unet)).eval()
    slices = slices_of(tmp_path, 3)
    logits = logits_of(network, slices)
    masks = mask_of(predictor(network, channels_last=channels_last).map(slices))
    decided = np.abs(logits) >= UNDECIDED
    assert decided.mean() > 0.95
    np.testing.assert_array_equal(masks[decided], (logits > 0)[decided])
    innermost = [part for part in network.modules() if isinstance(part, InnermostInstanceNorm)]
    assert bool(innermost) == channels_last


def test_masks_are_where_the_probability_is_above_one_half(network: nn.Module, tmp_path: Path) -> None:
    slices = slices_of(tmp_path, 7)
    masks = mask_of(predictor(network.train()).map(slices))  # a network left in training mode is put out of it
    logits = logits_of(network, slices)
    decided = np.abs(logits) >= UNDECIDED
    expected = torch.sigmoid(torch.from_numpy(logits)).numpy() > 0.5
    assert masks.dtype == bool
    assert masks.shape == (7, SIZE, SIZE)
    assert decided.mean() > 0.95
    np.testing.assert_array_equal(masks[decided], expected[decided])
    assert 0.1 < masks.mean() < 0.9


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("channels_last", [False, True])
def test_speed_settings_change_no_mask(
    network: nn.Module, tmp_path: Path, batch_size: int, channels_last: bool
) -> None:
    """Sums in another order differ in the last bits: only a logit as near zero as that may change its side."""
    slices = slices_of(tmp_path, 7)
    logits = logits_of(network, slices)
    masks = mask_of(predictor(network, predict_batch_size=batch_size, channels_last=channels_last).map(slices))
    differing = masks != (logits > 0)
    assert np.abs(logits[differing]).max(initial=0) < UNDECIDED
    assert differing.mean() < 0.05


def test_the_same_masks_every_time(network: nn.Module, tmp_path: Path) -> None:
    slices = slices_of(tmp_path, 5)
    drawer = predictor(network)
    np.testing.assert_array_equal(drawer.map(slices), drawer.map(slices))


def test_an_exam_without_slices_has_an_empty_stack(network: nn.Module, tmp_path: Path) -> None:
    masks = mask_of(predictor(network).map(slices_of(tmp_path, 0)))
    assert masks.shape == (0, SIZE, SIZE)
    assert masks.dtype == bool


def test_bf16_draws_nearly_the_same(network: nn.Module, tmp_path: Path) -> None:
    slices = slices_of(tmp_path, 4)
    agreeing = mask_of(predictor(network, "bf16").map(slices)) == mask_of(predictor(network).map(slices))
    assert agreeing.mean() > 0.9


def test_a_map_is_the_networks_probability(network: nn.Module, tmp_path: Path) -> None:
    slices = slices_of(tmp_path, 7)
    map_ = predictor(network).map(slices)
    assert map_.dtype == np.uint8
    expected = map_of(logits_of(network, slices))
    assert np.abs(map_.astype(int) - expected).max() <= 1  # of logits that differ in their last bits
    assert len(np.unique(map_)) > 10


def test_progress_counts_every_piece(network: nn.Module, tmp_path: Path) -> None:
    told: list[int] = []
    predictor(network, predict_batch_size=3).map(slices_of(tmp_path, 7), told.append)
    assert told == [3, 3, 1]


# Mirrored pieces.


class Leaning(nn.Module):
    """A network that sees its input, and is surer the further right and down a pixel is."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        right, down = torch.linspace(-3, 3, x.shape[-1]), torch.linspace(-2, 2, x.shape[-2])
        return x + right + down[:, None]


def mirrored(exam: SliceFile, *axes: int) -> np.ndarray:
    """Return the probability that the network finds in a mirrored exam, mirrored back."""
    logits = Leaning()(normalise(exam.image()[:, None].copy()).flip(axes)).flip(axes)
    return torch.sigmoid(logits).squeeze(1).numpy()


@pytest.mark.parametrize(
    ("flips", "ways"),
    [
        (["horizontal"], [(), (-1,)]),
        (["vertical"], [(), (-2,)]),
        (["horizontal", "vertical"], [(), (-1,), (-2,), (-2, -1)]),
    ],
)
def test_a_map_is_the_mean_over_all_mirrored_pieces(
    tmp_path: Path, flips: list[str], ways: list[tuple[int, ...]]
) -> None:
    exam = slices_of(tmp_path, 5)
    mean = np.mean([mirrored(exam, *axes) for axes in ways], axis=0)
    found = predictor(Leaning(), flips=flips, predict_batch_size=2).map(exam)
    assert np.abs(found - mean * 255).max() < 0.51
    certain = np.abs(mean - 0.5) > 1e-6
    np.testing.assert_array_equal(mask_of(found)[certain], (mean > 0.5)[certain])
    assert (found != predictor(Leaning()).map(exam)).mean() > 0.5  # mirroring does something


def test_a_network_that_is_symmetric_finds_the_same_in_mirrored_pieces(tmp_path: Path) -> None:
    exam = slices_of(tmp_path, 3)
    once, mean = (predictor(nn.Identity(), flips=flips).map(exam) for flips in ((), ("horizontal", "vertical")))
    np.testing.assert_array_equal(once, mean)


LOGITS = [0.0, -0.0, *(sign * 10.0**power for sign in (1, -1) for power in range(-45, 39)), np.inf, -np.inf]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_maps_on_a_device_are_those_of_masks_map(dtype: torch.dtype) -> None:
    """Their masks to the pixel, also beside zero and at infinity; their bytes to the last bit of rounding."""
    dense = torch.linspace(-12, 12, 100_001, dtype=torch.float64)
    beside = torch.nextafter(torch.zeros(2), torch.tensor([1.0, -1.0]))
    logits = torch.cat([torch.tensor(LOGITS, dtype=torch.float64), dense, beside.double()]).to(dtype)
    found = _map(logits).numpy()
    expected = map_of(logits.double().numpy())
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(mask_of(found), mask_of(expected))
    np.testing.assert_array_equal(mask_of(found), (logits > 0).numpy())
    assert set(found.tolist()) == set(range(256))
