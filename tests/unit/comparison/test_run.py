"""A finished run is read with what its scores follow from, and nothing else; anything else is refused."""

import json
import shutil
from pathlib import Path

import pytest
from finished_runs import EXAMS, FinishedRun, dice

from hepaflow.comparison.run import read_run, read_runs
from hepaflow.errors import UserError


def test_a_run_has_its_last_scores_and_exams(tmp_path: Path) -> None:
    FinishedRun(tmp_path / "one", phantoms=True)
    run = read_run(tmp_path / "one", "one")
    assert set(run.scores["processing"]) == {"clean"}
    assert run.methods == ["fusion", "net"]
    assert run.result == "fusion"
    assert tuple(run.tested) == EXAMS
    assert run.tested["a"] == {"data/a.nii.gz": "image a", "data/a.label.nii.gz": "label a"}
    assert set(run.trained_on) == {"t", "u"}
    assert run.trained_on["t"] == {"data/t.nii.gz": "image t", "data/t.label.nii.gz": "label t"}
    assert run.seeds == {1}
    assert run.phantoms


def test_its_model_may_be_another_method(tmp_path: Path) -> None:
    FinishedRun(tmp_path / "one", result="net")
    assert read_run(tmp_path / "one", "one").result == "net"


def test_a_moved_run_is_the_same(tmp_path: Path) -> None:
    FinishedRun(tmp_path / "one")
    before = read_run(tmp_path / "one", "one")
    shutil.move(tmp_path / "one", tmp_path / "other")
    after = read_run(tmp_path / "other", "one")
    assert after.jobs == before.jobs
    assert after.tested == before.tested
    assert after.exists("results/one/exams/a.json").is_file()


def test_what_earlier_states_have_left_does_not_count(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "one")
    (run.folder / "records/train/liver.gone.json").write_text(
        (run.folder / "records/train/liver.net.json").read_text().replace("net", "gone")
    )
    (run.folder / "records/train/broken.json").write_text("{")
    (run.folder / "records/train/other.json").write_text("[]")
    jobs = read_run(run.folder, "one").jobs
    assert ("train", ("liver", "net")) in jobs
    assert ("train", ("liver", "gone")) not in jobs


@pytest.mark.parametrize("missing", ["tables/metrics.csv", "records/summarise.json"])
def test_an_unfinished_run_is_refused(tmp_path: Path, missing: str) -> None:
    run = FinishedRun(tmp_path / "one")
    (run.folder / missing).unlink()
    with pytest.raises(UserError, match="no finished run") as caught:
        read_run(run.folder, "one")
    assert missing in str(caught.value)
    with pytest.raises(UserError, match="no such folder"):
        read_run(tmp_path / "none", "none")


def test_an_edited_table_is_refused(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "one")
    with (run.folder / "tables/metrics.csv").open("a") as file:
        file.write("a,liver,better,clean,dice,1.0\n")
    with pytest.raises(UserError, match="not those that the run's last job wrote"):
        read_run(run.folder, "one")


def test_a_run_in_its_middle_is_refused(tmp_path: Path) -> None:
    """A network was trained again, and nothing of it scored yet."""
    run = FinishedRun(tmp_path / "one")
    run.change("train", "liver", "net", outputs={"results/one/models/liver/net.safetensors": "other weights"})
    with pytest.raises(UserError, match="two states") as caught:
        read_run(run.folder, "one")
    assert "evaluate" in str(caught.value)


def test_runs_have_the_shortest_names_that_tell_them_apart(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("x/one", "y/one", "y/two")]
    for folder in folders:
        FinishedRun(folder, {"fusion": dice(), "net": dice(1)})
    assert [run.name for run in read_runs(folders)] == ["x/one", "y/one", "y/two"]
    assert [run.name for run in read_runs(folders[1:])] == ["one", "two"]


def test_two_different_runs_are_needed(tmp_path: Path) -> None:
    run = FinishedRun(tmp_path / "one")
    with pytest.raises(UserError, match="two runs or more"):
        read_runs([run.folder])
    (tmp_path / "link").symlink_to(run.folder)
    with pytest.raises(UserError, match="one run twice"):
        read_runs([run.folder, tmp_path / "link"])


def test_records_are_read_as_jobs_write_them(tmp_path: Path) -> None:
    """One without a part that every record has is none."""
    run = FinishedRun(tmp_path / "one")
    path = run.folder / "records/summarise.json"
    path.write_text(json.dumps({"rule": "summarise"}))
    with pytest.raises(UserError, match="a record that is not whole"):
        read_run(run.folder, "one")
