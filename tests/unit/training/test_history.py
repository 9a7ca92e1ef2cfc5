"""The history of a training."""

from pathlib import Path

import pytest

from hepaflow.training.history import Epoch, progress, write_history


@pytest.mark.parametrize(
    ("last", "wanted", "told"),
    [
        (Epoch(1, 0.05, 0.5, None, 3600.0), 3, "about 2:00:00 left"),
        (Epoch(3, 0.05, 0.5, None, 3600.0), 3, "about 0:00:00 left"),
        (Epoch(1, 0.05, 0.5, None, 59.9), 2, "about 0:00:59 left"),
        (Epoch(1, 1.9e-7, 0.5, 0.25, 1.0), 2, "loss 0.5000, validation 0.2500, rate 1.9e-07"),
    ],
)
def test_progress(last: Epoch, wanted: int, told: str) -> None:
    assert told in progress(last, wanted)


def test_history_is_a_table(tmp_path: Path) -> None:
    write_history(tmp_path / "h.csv", [Epoch(1, 0.1, 0.5, None, 2.0), Epoch(2, 0.05, 0.25, 0.3, 2.5)])
    assert (tmp_path / "h.csv").read_text().splitlines() == [
        "epoch,learning_rate,loss,validation_loss,seconds",
        "1,0.1,0.5,,2.0",
        "2,0.05,0.25,0.3,2.5",
    ]
