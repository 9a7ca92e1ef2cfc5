"""Labels that show no structure which a training oversamples are refused before any training."""

import json
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.exams.oversampled import check_oversampled

KEYS = {"liver": "training.liver.oversample", "lesion": "methods.mine.training.oversample"}


def surveys(folder: Path, **voxels: tuple[int, int]) -> list[Path]:
    """Write surveys of exams with these voxels of liver and lesion."""
    paths = []
    for exam, (liver, lesion) in voxels.items():
        paths.append(folder / f"{exam}.json")
        found = {"exam": exam, "voxels": {"background": 9, "liver": liver, "lesion": lesion}}
        paths[-1].write_text(json.dumps(found))
    return paths


@pytest.mark.parametrize(
    ("voxels", "structure"),
    [
        ({"a": (5, 0), "b": (7, 0), "c": (7, 3)}, "lesion"),  # only a test exam has a lesion
        ({"a": (0, 0), "b": (0, 0), "c": (7, 3)}, "liver"),
        ({"a": (5, 0), "b": (7, 1), "c": (7, 0)}, None),
        ({"a": (0, 4), "b": (0, 0), "c": (0, 0)}, None),  # a lesion alone is in a liver
    ],
)
def test_a_training_exam_has_to_show_what_is_oversampled(
    tmp_path: Path, voxels: dict[str, tuple[int, int]], structure: str | None
) -> None:
    found, splits = surveys(tmp_path, **voxels), {"a": "train", "b": "train", "c": "test"}
    check_oversampled(found, splits, {})
    if structure is None:
        check_oversampled(found, splits, KEYS)
        return
    with pytest.raises(UserError, match=f"no {structure} in the labels of 2 training exams") as caught:
        check_oversampled(found, splits, KEYS)
    assert f"set {KEYS[structure]} to null" in str(caught.value)
