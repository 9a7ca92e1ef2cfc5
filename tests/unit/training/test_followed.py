"""How far a training is, from its log."""

from pathlib import Path

from hepaflow.training.followed import followed
from hepaflow.training.history import Epoch, Part, progress, progress_within


def test_the_lines_of_a_training_tell_its_epoch(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    within = [progress_within(Part(4, 128, 16.0, 8.0), 17, epoch, 3, 0.05) for epoch in (1, 2, 3)]
    ended = [progress(Epoch(epoch, 0.05, 0.125, None, 61.5), 3) for epoch in (1, 2, 3)]
    steps = [
        ("316 slices of 22 exams on 1 × cpu; starting", "just begun"),
        (within[0], "epoch 1 of 3"),
        (ended[0], "epoch 2 of 3"),
        (within[1], "epoch 2 of 3"),
        (ended[1], "epoch 3 of 3"),
        (ended[2], "all 3 epochs done"),
    ]
    for line, told in steps:
        with log.open("a") as file:
            file.write(f"2026-01-02 03:04:05,678 INFO hepaflow.training.trainer: {line}\n")
        assert followed(log) == told


def test_of_a_long_log_the_end_is_read(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"INFO: epoch {epoch}/9999, batch 1/2: loss\n" for epoch in range(1, 2001)))
    assert followed(log) == "epoch 2000 of 9999"
