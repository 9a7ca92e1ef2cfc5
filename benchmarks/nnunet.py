"""nnU-Net's 2-D configuration, trained on our slices for a given time; where it is installed.

Its own planning, preprocessing, augmentation, schedule and test-time mirroring, as it comes; only the number of
its epochs is made to fit the time.
"""

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray

from hepaflow.masks.map import FULL
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.sampling.protocol import Slices

STEPS = 25
"""Mini-batches of what it calls an epoch: fewer than its 250, so that the time is met."""
SPACING = (5.0, 1.0, 1.0)
"""Millimetres it is told, so that slices are never mixed: theirs are thicker than wide."""
CPU = torch.device("cpu")


FOLDER = Path(sys.prefix) / "nnunet"
"""Where `make bench` installs it, away from hepaflow's own environment."""


def is_installed() -> bool:
    """Return whether nnU-Net can be imported, and let it be imported from its folder."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
    return importlib.util.find_spec("nnunetv2") is not None


class NNUNet:
    """A trained nnU-Net that draws maps as our networks do.

    Parameters
    ----------
    folder : Path
        Its trained model.
    epochs : float
        How often it saw as many slices as there are.
    """

    def __init__(self, folder: Path, epochs: float) -> None:
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        self.epochs = epochs
        self._predictor = nnUNetPredictor(device=CPU, perform_everything_on_device=False, allow_tqdm=False)
        self._predictor.initialize_from_trained_model_folder(str(folder), use_folds=("all",))
        self.parameters = sum(parameter.numel() for parameter in self._predictor.network.parameters())

    def map(self, exam: Slices, progress: Callable[[int], object] | None = None) -> NDArray[np.uint8]:
        """Return the map of an exam, its mask as 0 and 255; shape (slices, size, size)."""
        if not len(exam):
            return np.empty((0, exam.size, exam.size), np.uint8)
        image = exam.image(slice(0, len(exam)))
        found = self._predictor.predict_single_npy_array(image[None], {"spacing": SPACING})
        if progress:
            progress(len(exam))
        return np.where(np.asarray(found) > 0, FULL, 0).astype(np.uint8)


def train_nnunet(slices: Sequence[Path], seconds: float, folder: Path) -> NNUNet:
    """Plan for these slices, and train for some seconds, planning not counted."""
    places = {name: folder / name for name in ("raw", "preprocessed", "results")}
    for place in places.values():
        place.mkdir(parents=True)
    _choose(**places, n_proc_DA=1, compile="f")
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )

    name, shown = "Dataset001_slices", _write(slices, folder / "raw" / "Dataset001_slices")
    extract_fingerprints([1], num_processes=1)
    threads = torch.get_num_threads()
    plans = plan_experiments([1])
    torch.set_num_threads(threads)  # planning leaves as many as there are processes for augmentation
    preprocess([1], plans, configurations=("2d",), num_processes=(1,))
    home = folder / "preprocessed" / name
    _choose(n_proc_DA=0)  # augmentation in the training process: there are no cores to spare
    one, three = (_timed(_trainer(home, plans, epochs)) for epochs in (1, 3))
    trainer = _trainer(home, plans, epochs=1 + int(max(0, seconds - one) / ((three - one) / 2)))
    trainer.run_training()
    seen = trainer.num_epochs * STEPS * trainer.batch_size
    return NNUNet(Path(trainer.output_folder_base), seen / shown)


def _choose(**choices: object) -> None:
    """Set variables of the environment that it reads when it is imported, or used."""
    os.environ.update({f"nnUNet_{name}": str(choice) for name, choice in choices.items()})


def _write(slices: Sequence[Path], folder: Path) -> int:
    """Write exams as a data set of nnU-Net; return the number of slices."""
    from nnunetv2.dataset_conversion.generate_dataset_json import generate_dataset_json

    affine, count, exams = np.diag([1.0, 1.0, SPACING[0], 1.0]), 0, 0
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for path in slices:
        file = SliceFile(path)
        if not len(file):
            continue
        for part, end, values in (
            ("imagesTr", "_0000", file.image().astype(np.float32)),
            ("labelsTr", "", file.mask().astype(np.uint8)),
        ):
            nib.save(
                nib.Nifti1Image(values.transpose(2, 1, 0), affine), folder / part / f"{path.stem}{end}.nii.gz"
            )
        count, exams = count + len(file), exams + 1
    generate_dataset_json(str(folder), {0: "CT"}, {"background": 0, "object": 1}, exams, ".nii.gz")
    return count


def _timed(trainer: Any) -> float:
    begun = time.monotonic()
    trainer.run_training()
    return time.monotonic() - begun


def _trainer(home: Path, plans: str, epochs: int) -> Any:
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    plan = json.loads((home / f"{plans}.json").read_text())
    trainer = nnUNetTrainer(
        plan | {"continue_training": False}, "2d", "all", json.loads((home / "dataset.json").read_text()), CPU
    )
    trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = epochs, STEPS, 1
    return trainer
