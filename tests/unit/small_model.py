"""A model of small networks that find something, in a file."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from hepaflow.masks.fusion import Fusion
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.bundle import write_bundle
from hepaflow.model.members import CARD, LICENCE, PROVENANCE, weight_members
from hepaflow.names import FUSION
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import save_weights
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.plan import Plan
from hepaflow.settings.workflow import read_settings

NAMES = ("first", "second")
ALL_LIVER_NO_LESION = {"liver": 100.0, "lesion": -100.0}
"""Logits of every pixel."""
UNET = {"arch": "unet", "weights": "none"}


def small_plan(method: str = FUSION, **others: object) -> Plan:
    """Return the plan of a model: of the fusion of two networks, or of a method that `others` sets."""
    settings = read_settings({"size": 32, "backbones": dict.fromkeys(NAMES, UNET)} | others)
    return model_of(plan_of(settings), method)


def small_model(
    folder: Path,
    logits: Mapping[str, float] | None = None,
    plan: Plan | None = None,
    *,
    seed: int = 0,
    **texts: str,
) -> Path:
    """Write a model into a folder.

    Its networks are drawn at random from the seed, or give every pixel of a stage the same logit. Texts replace
    members by their names.
    """
    plan = plan or small_plan()
    files = {name: folder / name for name in weight_members(plan)}
    for own_seed, path in enumerate(files.values(), seed):
        path.parent.mkdir(parents=True, exist_ok=True)
        stage = path.parent.name
        planned = plan.methods[path.stem][stage]
        if planned.vote is not None:
            Fusion(planned.vote.of, (3.0, 2.0), ()).save(path)
            continue
        assert planned.network is not None
        torch.manual_seed(own_seed)
        sampling = planned.network.sampling
        channels = SAMPLINGS[sampling.kind](sampling).channels + bool(planned.network.with_region)
        network = build_network(planned.network.network, channels)
        if logits:
            last = [
                one
                for one in network.modules()
                if isinstance(one, nn.Conv2d | nn.Conv3d | nn.ConvTranspose3d) and one.out_channels == 1
            ][-1]
            assert last.bias is not None
            nn.init.zeros_(last.weight)
            nn.init.constant_(last.bias, logits[stage])
        save_weights(network, path, "{}")
    files[LICENCE] = folder / LICENCE
    files[LICENCE].write_text("free\n")
    contents = {
        PROVENANCE: json.dumps({"train liver first": {}}),
        CARD: "# A model\n",
    }
    contents |= texts
    model = folder / "model.zip"
    write_bundle(
        model,
        plan,
        files={name: file for name, file in files.items() if name not in contents},
        texts=contents,
        version="1.2.3",
    )
    return model
