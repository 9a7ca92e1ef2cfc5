"""Whether the training exams show what trainings draw more often than it occurs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.words import counted

_LABELS = {"liver": ("liver", "lesion"), "lesion": ("lesion",)}
"""The labels that show a structure: a lesion lies in the liver."""


def check_oversampled(surveys: Iterable[Path | str], splits: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Refuse labels that do not show a structure which a training oversamples.

    Parameters
    ----------
    surveys : iterable of Path or str
        What `survey` found, as JSON.
    splits : mapping of str to str
        Split of each exam.
    keys : mapping of str to str
        For each structure that is oversampled, the key of the configuration that says so.

    Raises
    ------
    UserError
        If no training exam shows one of them.
    """
    exams = [json.loads(Path(path).read_text(encoding="utf-8")) for path in surveys]
    voxels = [found["voxels"] for found in exams if splits[found["exam"]] == "train"]
    for structure, key in keys.items():
        if not any(one[label] for one in voxels for label in _LABELS[structure]):
            raise UserError(
                f"no {structure} in the labels of {counted(len(voxels), 'training exam')}",
                expected=f"at least one that shows it, as {key} is set",
                remedy=f"check the labels of the training exams, or set {key} to null",
            )
