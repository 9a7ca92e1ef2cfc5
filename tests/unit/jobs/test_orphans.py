"""Which jobs of a queue an earlier Snakemake has left behind."""

from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs.orphans import end_orphans, note_run, noted_run, of_other_runs, orphans

RUN = "hepaflow_0f3c1d52-6a0e-4a86-9d0e-0c1c7a3b1f11"
OTHER = "hepaflow_0f3c1d52-6a0e-4a86-9d0e-0c1c7a3b1f12"


def test_jobs_of_this_folder_and_run_are_found(tmp_path: Path) -> None:
    link = tmp_path.with_name(f"{tmp_path.name}-link")
    link.symlink_to(tmp_path)
    queue = "".join(
        "\t".join(line) + "\n"
        for line in [
            ("1", RUN, str(tmp_path), "rule_train"),
            ("2", RUN, str(tmp_path.parent), "rule_train"),  # another clone
            ("3", "hepaflow_notebook", str(tmp_path), "(null)"),  # the user's own
            ("4", "sbatch", str(tmp_path), "snakemake itself"),
            ("5_[1-4]", RUN, str(link), "rule_survey"),
            ("6", OTHER, str(tmp_path), "rule_train"),  # with other results
            ("7", OTHER, str(tmp_path), "rule_predict"),
        ]
    )
    assert orphans(queue, tmp_path, RUN) == {"1": "rule_train", "5_[1-4]": "rule_survey"}
    assert of_other_runs(queue, tmp_path, RUN) == {OTHER: 2}
    assert orphans(queue, tmp_path, "") == {}  # of an earlier version, which noted no name
    assert of_other_runs(queue, tmp_path, "") == {RUN: 2, OTHER: 2}
    assert orphans("", tmp_path, RUN) == of_other_runs("", tmp_path, RUN) == {}


def test_the_name_of_a_run_is_noted_with_its_results(tmp_path: Path) -> None:
    assert noted_run(tmp_path / "results") == ""
    note_run(tmp_path / "results", RUN)
    note_run(tmp_path / "results", OTHER)
    assert noted_run(tmp_path / "results") == OTHER


def write_tool(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_they_are_cancelled_once_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    note_run(here / "results", RUN)
    left = tmp_path / "left"
    left.write_text("xx")
    write_tool(
        tmp_path / "squeue",
        f"[ -s {left} ] && printf '7\\t{RUN}\\t{here}\\trule_train\\n'; "
        f'read rest < {left}; printf %s "${{rest#x}}" > {left}; exit 0',
    )
    write_tool(tmp_path / "scancel", f'echo "$@" >> {tmp_path}/cancelled')
    monkeypatch.setenv("PATH", str(tmp_path))
    end_orphans(here, here / "results")
    assert (tmp_path / "cancelled").read_text() == "7\n"
    assert left.read_text() == ""


def test_a_queue_that_does_not_answer_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tool(tmp_path / "squeue", "echo 'cannot contact the controller' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="cannot contact the controller"):
        end_orphans(tmp_path, tmp_path / "results")


def test_without_slurm_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    end_orphans(tmp_path, tmp_path / "results")


def test_jobs_of_other_runs_are_left_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_tool(tmp_path / "squeue", f"printf '7\\t{RUN}\\t{tmp_path}\\trule_train\\n'")
    write_tool(tmp_path / "scancel", f"echo > {tmp_path}/cancelled")
    monkeypatch.setenv("PATH", str(tmp_path))
    end_orphans(tmp_path, tmp_path / "results")
    assert not (tmp_path / "cancelled").exists()
    assert "1 job of another run in this folder" in caplog.text
    assert f"`scancel --name {RUN}`" in caplog.text


@pytest.mark.parametrize("tool", ["squeue", "scancel"])
def test_a_queue_that_hangs_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    write_tool(tmp_path / "squeue", f"printf '7\\t{RUN}\\t{tmp_path}\\trule_train\\n'")
    note_run(tmp_path / "results", RUN)
    write_tool(tmp_path / tool, "exec /bin/sleep 60")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("hepaflow.jobs.orphans._ANSWER", 0.5)
    with pytest.raises(UserError, match=f"`{tool}` failed: no answer within"):
        end_orphans(tmp_path, tmp_path / "results")


@pytest.mark.parametrize("line", ["", "garbage", "7", "8\tname", "slurm_load_jobs: warning\t\t"])
def test_what_is_no_job_is_skipped(tmp_path: Path, line: str) -> None:
    assert orphans(f"{line}\n9\t{RUN}\t{tmp_path}\ta\tb\n", tmp_path, RUN) == {"9": "a\tb"}
