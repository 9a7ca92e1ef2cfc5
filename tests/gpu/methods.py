"""The networks that are measured: the thesis' four, and the method `modern`, as the plan of a run has them."""

from pathlib import Path
from typing import Any

import yaml

from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.training import TrainSettings
from hepaflow.settings.workflow import read_settings

CONFIG = Path(__file__).parents[2] / "config"
MODERN = "modern"
STAND_IN: dict[str, Any] = {
    "network": {"arch": "unet", "weights": "none"},
    "sampling": {"kind": "slabs", "slices": 3},
    "training": {"optimiser": {"kind": "adamw"}, "learning_rate": 0.001},
}
"""What is taken for `modern` where there is no `config/modern.yaml`."""


def networks() -> tuple[dict[str, TrainSettings], str]:
    """Return the settings with which each network's liver training starts, from random weights.

    Returns
    -------
    settings : dict
        By the network's name.
    modern : str
        The file that `modern` is read from, or that another method stands in for it.
    """
    thesis, own = _read(CONFIG / "config.yaml"), CONFIG / "modern.yaml"
    found = {name: _liver_training(thesis, name) for name in read_settings(thesis).backbones}
    if own.exists():
        found[MODERN] = _liver_training(thesis | _read(own), MODERN)
        return found, "config/modern.yaml"
    found[MODERN] = _liver_training(thesis | {"methods": {MODERN: STAND_IN}}, MODERN)
    return found, "a U-Net with AdamW on slabs of three slices stands in, as there is no config/modern.yaml"


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def _liver_training(config: dict[str, Any], name: str) -> TrainSettings:
    settings = read_settings(config)
    jobs = JobSettings(settings, plan_of(settings))
    untrained = jobs.predict("liver", name).network  # nothing to download
    return jobs.train("liver", name).model_copy(update={"network": untrained})
