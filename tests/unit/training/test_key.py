"""What the state of a training is kept under: all that its result depends on, and no path."""

from pathlib import Path

import numpy as np

from hepaflow.preprocessing.slices import SliceStack
from hepaflow.settings.network import NetworkSettings
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.training.key import key_of
from hepaflow.volumes.box import Box


def settings_with(weights: Path | str) -> TrainSettings:
    network = NetworkSettings(arch="resnet50", weights=str(weights))
    training = TrainingSettings(epochs=1, learning_rate=0.1, decay_factor=1, decay_every=1)
    return TrainSettings(network=network, training=training, precision="fp32", seed=0)


def slices_in(folder: Path, value: int) -> Path:
    folder.mkdir()
    shape = (1, 8, 8)
    path = folder / "exam.safetensors"
    SliceStack(np.full(shape, value, np.uint16), np.zeros(shape, bool), Box.whole(shape), shape).save(path)
    return path


def test_content_counts_wherever_it_lies(tmp_path: Path) -> None:
    one, moved, other = (slices_in(tmp_path / name, value) for name, value in (("a", 1), ("b", 1), ("c", 2)))
    weights = [tmp_path / name for name in ("one.pth", "moved.pth", "other.pth")]
    for path, content in zip(weights, (b"1", b"1", b"2"), strict=True):
        path.write_bytes(content)
    key = key_of([one], settings_with(weights[0]), "code", weights[0])
    assert key_of([moved], settings_with(weights[1]), "code", weights[1]) == key
    others = {
        key_of([other], settings_with(weights[0]), "code", weights[0]),
        key_of([one], settings_with(weights[2]), "code", weights[0]),
        key_of([one], settings_with(weights[0]), "code", weights[2]),
        key_of([one], settings_with("none"), "code", weights[0]),
        key_of([one], settings_with("imagenet"), "code", weights[0]),
        key_of([one], settings_with(weights[0]), "code", None),
        key_of([one], settings_with(weights[0]), "other code", weights[0]),
        key_of([one, one], settings_with(weights[0]), "code", weights[0]),
    }
    assert len(others | {key}) == 9
