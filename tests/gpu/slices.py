"""Slices with something to find in them, drawn from a seed."""

from pathlib import Path

import numpy as np

from hepaflow.preprocessing.slices import SliceStack, stored
from hepaflow.volumes.box import Box

NOISE = 0.05


def write_slices(path: Path, slices: int, size: int, seed: int) -> Path:
    """Write an exam: a body, a brighter liver in it, darker lesions in that, and noise; the liver is the mask."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    place, radius = draw.uniform(-0.35, 0.15, (2, slices, 1, 1)), draw.uniform(0.3, 0.5, (slices, 1, 1))
    body = (rows / 0.75) ** 2 + (columns / 0.95) ** 2 < 1
    liver = ((rows - place[0]) ** 2 + (columns - place[1]) ** 2 < radius**2) & body
    lesion = (rows - place[0] - 0.1) ** 2 + (columns - place[1] - 0.1) ** 2 < (radius / 4) ** 2
    image = 0.5 * body + 0.2 * liver - 0.1 * (lesion & liver)
    image = image + NOISE * draw.standard_normal(image.shape, np.float32)
    SliceStack(stored(image), liver, Box.whole(liver.shape), liver.shape).save(path)
    return path
