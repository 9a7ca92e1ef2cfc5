"""Fitting the fusion from counts of votes, beside minibatch SGD over pixels as the thesis has it."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.scale import Scale
from benchmarks.side_by_side import Comparison, in_turn
from hepaflow.masks.fusion import count_votes, fit_fusion
from hepaflow.settings.fusion import FitFusionSettings, FusionSettings

BACKBONES = ("densenet201", "inceptionv3", "resnet152", "resnext101")
SIDE = 256
SLICES_AN_EXAM = 32
SEED = 2022


def draw_votes(slices: int) -> tuple[list[NDArray[np.bool_]], NDArray[np.bool_]]:
    """Draw a reference, and masks that are wrong at random pixels and along its edge."""
    rng = np.random.default_rng(SEED)
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    distance = np.hypot(rows, columns)[None] - rng.uniform(0, 0.7, (slices, 1, 1))
    errors = ((rng.normal(0, scale, (slices, SIDE, SIDE))) for scale in (0.02, 0.04, 0.025, 0.03))
    return [distance + error < 0 for error in errors], distance < 0


def fit_by_pixels(
    votes: list[NDArray[np.bool_]], reference: NDArray[np.bool_], settings: FitFusionSettings
) -> NDArray[np.float64]:
    """Take the thesis' steps with torch: a 1×1 convolution over ±1, cross-entropy, SGD with momentum."""
    masks = torch.from_numpy(np.stack(votes, axis=1))
    target = torch.from_numpy(reference[:, None])
    convolution = torch.nn.Conv2d(len(votes), 1, 1, bias=False)
    torch.nn.init.constant_(convolution.weight, 1 / len(votes))
    sgd = settings.solver.sgd
    optimizer = torch.optim.SGD(convolution.parameters(), lr=sgd.learning_rate, momentum=sgd.momentum)
    for epoch in range(sgd.epochs):
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(masks))
        for first in range(0, len(order), sgd.batch_size):
            batch = order[first : first + sgd.batch_size]
            logits = convolution(masks[batch].float() * 2 - 1)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target[batch].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return convolution.weight.detach().double().numpy().ravel()


def counts_of(votes: list[NDArray[np.bool_]], reference: NDArray[np.bool_]) -> sparse.csr_array:
    """Count the votes exam by exam, as the rule `fit_fusion` does."""
    exams = [slice(first, first + SLICES_AN_EXAM) for first in range(0, len(reference), SLICES_AN_EXAM)]
    counts = [count_votes([one[exam] for one in votes], reference[exam]) for exam in exams]
    found: sparse.csr_array = sparse.vstack(counts, format="csr")
    return found


def measure(scratch: Path, scale: Scale) -> list[Comparison]:
    """Compare the fit alone, and with the counting that it needs once."""
    votes, reference = draw_votes(scale.fusion_slices)
    settings = FitFusionSettings(solver=FusionSettings(), of=BACKBONES, seed=SEED)
    counts = counts_of(votes, reference)
    own, pixels = (
        np.array(fit_fusion(counts, settings).weights),
        fit_by_pixels(votes, reference, settings),
    )
    difference = np.abs(own / np.abs(own).sum() - pixels / np.abs(pixels).sum()).max()
    what = f"fitting the fusion on {scale.fusion_slices} slices of four masks"
    note = (
        f"the same steps; shares differ by at most {difference:.0e}; both grow with the number of slices, "
        f"so LiTS17's 54,200 are {54200 / scale.fusion_slices:.0f} times as many"
    )
    rival = "torch, minibatch SGD over pixels, masks in memory"
    return [
        in_turn(
            f"{what}: the steps alone, on counts",
            rival,
            "≥ 100",
            lambda: fit_fusion(counts, settings),
            lambda: fit_by_pixels(votes, reference, settings),
            rounds=scale.rounds,
            note=note,
        ),
        in_turn(
            f"{what}: counting and steps",
            rival,
            "≥ 100",
            lambda: fit_fusion(counts_of(votes, reference), settings),
            lambda: fit_by_pixels(votes, reference, settings),
            rounds=scale.rounds,
        ),
    ]
