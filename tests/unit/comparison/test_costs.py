"""What a run has cost, by its records."""

from pathlib import Path

import pytest
from finished_runs import EXAMS, FinishedRun

from hepaflow.comparison.costs import cost_of
from hepaflow.comparison.run import read_run
from hepaflow.errors import UserError


def test_hours_are_summed_and_memory_is_the_largest(tmp_path: Path) -> None:
    made = FinishedRun(tmp_path / "one")
    made.change("train", "lesion", "net", seconds=7200.0, peak_memory_mib=3000, device="a card")
    made.change("evaluate", "net", "a", peak_memory_mib=5000, restored="2026-01-01")
    cost = cost_of(read_run(made.folder, "one"))
    assert cost.networks == 2
    assert (cost.training_hours, cost.longest_hours) == (3, 2)
    jobs = 2 + 2 * 2 + 2 * len(EXAMS) + 1  # trainings, slices to train on, scores, and their sum
    assert cost.jobs == jobs
    assert cost.hours == pytest.approx(3 + (jobs - 2) * 36 / 3600)
    assert (cost.training_memory_mib, cost.memory_mib) == (3000, 5000)
    assert cost.devices == ("a card", "a processor")
    assert cost.restored == 1


def test_a_training_counts_with_the_epochs_before_it_was_interrupted(tmp_path: Path) -> None:
    made = FinishedRun(tmp_path / "one")
    history = made.folder / "models/liver/net.history.csv"
    history.parent.mkdir(parents=True)
    history.write_text("epoch,seconds\n1,7200\n2,3600\n")
    made.change("train", "liver", "net", outputs={"results/one/models/liver/net.history.csv": "-"}, seconds=3700.0)
    cost = cost_of(read_run(made.folder, "one"))
    assert cost.longest_hours == 3
    for damaged in ("", "epoch,loss\n1,0.5\n"):
        history.write_text(damaged)
        with pytest.raises(UserError, match=r"net\.history\.csv"):
            cost_of(read_run(made.folder, "one"))
