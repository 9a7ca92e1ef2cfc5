"""Training steps, and how much of them waits."""

from pathlib import Path

import numpy as np
from benchmarks import steps

import hepaflow.training.trainer
from hepaflow.preprocessing.slices import FULL, SliceStack
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.training.loading import arriving
from hepaflow.volumes.box import Box

UNET = {"arch": "plain_unet", "weights": "none", "unet": {"channels": [2, 4]}}


def test_the_time_of_a_step_is_divided(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, FULL, (8, 32, 32), np.uint16)
    path = tmp_path / "slices.safetensors"
    SliceStack(image, image > FULL // 2, Box.whole(image.shape), image.shape).save(path)
    training = TrainingSettings(epochs=3, batch_size=2, learning_rate=0.01, decay_factor=1.0, decay_every=1)
    network = NetworkSettings.model_validate(UNET)
    settings = TrainSettings(network=network, training=training, precision="fp32", seed=0)
    second, share = steps._waiting([path], settings, 2, 0, tmp_path / "trained")
    assert 0 < second < 60
    assert 0 < share < 1
    assert hepaflow.training.trainer.arriving is arriving
