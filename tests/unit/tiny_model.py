"""A model of two small networks that nobody trained, and of which is known what they say."""

from pathlib import Path

import torch
from torch import nn

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
from hepaflow.networks.network import build_network
from hepaflow.settings.workflow import read_settings
from hepaflow.weights import save_weights

ALL_LIVER_NO_LESION = {"liver": 100.0, "lesion": -100.0}
"""Logits that every pixel gets."""


def write_tiny_model(path: Path, logits: dict[str, float] = ALL_LIVER_NO_LESION) -> Path:
    """Write a model whose networks say the same of every pixel."""
    unet = {"arch": "unet", "weights": "none"}
    settings = read_settings({"size": 32, "backbones": {"one": unet, "two": unet}}).bundle()
    files = {}
    for stage in STAGES:
        for name, network in settings.networks.items():
            built = build_network(network.network)
            last = [one for one in built.modules() if isinstance(one, nn.Conv2d) and one.out_channels == 1][-1]
            assert last.bias is not None
            with torch.no_grad():
                last.weight.zero_()
                last.bias.fill_(logits[stage])
            file = files[network_member(stage, name)] = path.parent / f"{stage}.{name}.safetensors"
            save_weights(built, file, "{}")
    weights = '{"backbones": ["one", "two"], "weights": [1.0, 1.0], "losses": [1.0, 0.5]}'
    texts = {fusion_member(stage): weights for stage in STAGES}
    texts |= {SETTINGS: settings.canonical(), PROVENANCE: "{}", CARD: "# A model of tests", LICENCE: "MIT"}
    write_bundle(path, files=files, texts=texts, version="0")
    for file in files.values():
        file.unlink()
    return path
