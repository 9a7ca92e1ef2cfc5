"""A model of two small networks that find something, in a file."""

import json
from pathlib import Path

import torch

from hepaflow.bundle import (
    CARD,
    LICENCE,
    PROVENANCE,
    SETTINGS,
    STAGES,
    fusion_member,
    network_member,
    write_bundle,
)
from hepaflow.fusion import Fusion
from hepaflow.networks.network import build_network
from hepaflow.settings.inference import InferenceSettings
from hepaflow.settings.workflow import read_settings
from hepaflow.weights import save_weights

NAMES = ("first", "second")


def inference_settings() -> InferenceSettings:
    backbones = {name: {"arch": "unet", "weights": "none"} for name in NAMES}
    return read_settings({"size": 32, "backbones": backbones}).bundle()


def small_model(folder: Path, **texts: str) -> Path:
    """Write a model with networks drawn at random into a folder; texts replace members by their names."""
    settings = inference_settings()
    files = {}
    for seed, (stage, name) in enumerate((stage, name) for stage in STAGES for name in NAMES):
        torch.manual_seed(seed)
        path = folder / f"{stage}.{name}.safetensors"
        save_weights(build_network(settings.networks[name].network), path, "{}")
        files[network_member(stage, name)] = path
    for stage in STAGES:
        path = folder / f"{stage}.json"
        Fusion(NAMES, (3.0, 2.0), ()).save(path)
        files[fusion_member(stage)] = path
    (folder / "licence").write_text("free\n")
    files[LICENCE] = folder / "licence"
    contents = {
        SETTINGS: settings.canonical(),
        PROVENANCE: json.dumps({"train liver first": {}}),
        CARD: "# A model\n",
    }
    contents |= texts
    model = folder / "model.zip"
    write_bundle(
        model,
        files={name: file for name, file in files.items() if name not in contents},
        texts=contents,
        version="1.2.3",
    )
    return model
