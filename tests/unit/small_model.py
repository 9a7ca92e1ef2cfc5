"""A model of two small networks that find something, in a file."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from hepaflow.masks.fusion import Fusion
from hepaflow.model.bundle import write_bundle
from hepaflow.model.members import CARD, LICENCE, PROVENANCE, SETTINGS, weight_members
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import save_weights
from hepaflow.settings.inference import InferenceSettings
from hepaflow.settings.workflow import read_settings

NAMES = ("first", "second")
ALL_LIVER_NO_LESION = {"liver": 100.0, "lesion": -100.0}
"""Logits of every pixel."""


def inference_settings(**others: object) -> InferenceSettings:
    backbones = {name: {"arch": "unet", "weights": "none"} for name in NAMES}
    return read_settings({"size": 32, "backbones": backbones} | others).bundle()


def small_model(folder: Path, logits: Mapping[str, float] | None = None, **texts: str) -> Path:
    """Write a model into a folder.

    Its networks are drawn at random, or give every pixel of a stage the same logit. Texts replace members by their
    names.
    """
    settings = inference_settings()
    files = {name: folder / name for name in weight_members(NAMES)}
    for seed, path in enumerate(files.values()):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".json":
            Fusion(NAMES, (3.0, 2.0), ()).save(path)
            continue
        torch.manual_seed(seed)
        network = build_network(settings.networks[path.stem].network)
        if logits:
            last = [one for one in network.modules() if isinstance(one, nn.Conv2d) and one.out_channels == 1][-1]
            assert last.bias is not None
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, logits[path.parent.name])
        save_weights(network, path, "{}")
    files[LICENCE] = folder / LICENCE
    files[LICENCE].write_text("free\n")
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
