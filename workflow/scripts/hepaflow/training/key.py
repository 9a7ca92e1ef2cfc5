"""What the state of a training is kept under."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.training import TrainSettings


def key_of(slices: Sequence[Path], settings: TrainSettings, code: str, start: Path | None) -> str:
    """Return a digest of everything that the result of a training depends on.

    Parameters
    ----------
    slices : sequence of Path
        Slices of the training exams.
    settings : TrainSettings
    code : str
        Fingerprint of the code that trains.
    start : Path or None
        Weights to start from.
    """
    pretrained = Path(settings.network.weights)
    if pretrained.is_file():  # whose content counts, wherever it lies
        network = settings.network.model_copy(update={"weights": pretrained.suffix})
        settings = settings.model_copy(update={"network": network})
    digest = hashlib.sha256(f"{settings.canonical()}\n{code}\n".encode())
    for path in slices:
        digest.update(f"{path.name} {SliceFile(path).sha256}\n".encode())
    for file in (start, pretrained if pretrained.is_file() else None):
        if file is not None:
            digest.update(file.read_bytes())
    return digest.hexdigest()
