"""What the networks of config/open.yaml are trained on: `python docs/drawn_patches.py` draws images/drawn.png."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # values do not depend on threads then

import numpy as np
import yaml
from numpy.typing import NDArray

from hepaflow.colours import COLOURS
from hepaflow.methods.thesis import plan_of
from hepaflow.phantoms.trunk.patches import Patch, draw_patch
from hepaflow.preprocessing.window import window
from hepaflow.settings.workflow import read_settings
from hepaflow.system.plain_matplotlib import matplotlib
from hepaflow.volumes.labels import structure_mask

matplotlib.use("agg")
from matplotlib import pyplot as plt  # noqa: E402

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("images") / "drawn.png"
METHOD = "open"
ROWS = {"coarse": ("liver", 1), "liver": ("liver", 0), "lesion": ("lesion", 0)}
"""By stage: around what its patches lie here, and the axis that one looks along."""
COLUMNS = 7


def drawn() -> None:
    """Draw a row of patches of each stage, every one of another patient, with the outlines of their labels."""
    plan = plan_of(read_settings(yaml.safe_load((ROOT / "config/open.yaml").read_text(encoding="utf-8"))))
    figure, axes = plt.subplots(len(ROWS), COLUMNS, figsize=(1.9 * COLUMNS, 5.2), layout="constrained")
    for row, (stage, (around, axis)) in zip(axes, ROWS.items(), strict=True):
        seen = plan.data[f"{stage}-{METHOD}"].preprocess.preprocessing
        size = plan.methods[METHOD][stage].network.sampling.size
        wanted = Patch(size, seen.spacing, getattr(seen, "margin", None))
        for number, place in enumerate(row):
            image, label = (one.numpy() for one in draw_patch([2026, number, len(stage)], wanted, around))
            height, width = (step for other, step in enumerate(seen.spacing) if other != axis)
            _show(place, window(image, seen.window), label, axis, around, height / width)
        row[0].set_ylabel(stage, fontsize=12)
    figure.savefig(PICTURE, dpi=72, metadata={"Software": None})


def _show(
    place: plt.Axes, image: NDArray[np.float32], label: NDArray[np.uint8], axis: int, around: str, aspect: float
) -> None:
    shown = structure_mask(label, around)
    index = int(shown.sum(tuple(other for other in range(3) if other != axis)).argmax())
    origin = "lower" if axis else "upper"  # the head is up
    place.imshow(image.take(index, axis), cmap="gray", vmin=0, vmax=1, aspect=aspect, origin=origin)
    for structure, colour in COLOURS.items():
        mask = structure_mask(label, structure).take(index, axis)
        if mask.any():
            place.contour(mask, [0.5], colors=[colour], linewidths=1.2)
    place.set(xticks=[], yticks=[])
    for side in place.spines.values():
        side.set_visible(False)


if __name__ == "__main__":
    drawn()
