"""`make why`: what it says of a run that is under way, and of results whose notes were lost."""

import argparse
import fcntl
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import prune
import pytest
import why

from hepaflow.errors import UserError
from hepaflow.jobs.alone import is_held, lock_of
from hepaflow.jobs.digests import write_notes
from hepaflow.system.call import DEMO_LOCK, Call, note_call


def planned(rule: str, *, of: str = "a", **other: object) -> why.Planned:
    """Return a job that has nothing to tell but what is given."""
    record = f"results/mine/records/{rule}/{of}.json"
    usual = dict.fromkeys(("reasons", "note", "forgotten", "inputs"), ()) | {"runs": False, "products": (record,)}
    given: dict[str, Any] = usual | other
    return why.Planned(rule, {"exam": of}, record=record, **given)


def chosen(*configfiles: str, config: tuple[str, ...] = ()) -> argparse.Namespace:
    return argparse.Namespace(configfile=[*configfiles], config=[*config], remove=True)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_a_run_makes_at_this_moment_is_named_first_and_is_not_unfinished() -> None:
    making = planned("train", runs=True, being_made=True, unfinished=("models/a",))
    told = "\n".join(why._of_a_run([making, planned("fuse")]))
    assert told.startswith("A run is going on in this folder.")
    assert "Being made: train a." in told
    assert "not finished" not in told
    begun = planned("train", of="b", unfinished=("models/b",))
    assert "1 file begun and not finished" in "\n".join(why._of_a_run([making, begun]))


def test_a_demo_that_is_going_on_is_told_by_its_lock() -> None:
    assert list(why._of_a_run([planned("fuse")])) == []
    with Path(DEMO_LOCK).open("w") as lock:
        assert list(why._of_a_run([planned("fuse")])) == []
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert next(why._of_a_run([planned("fuse")])).startswith("A run is going on")


def test_a_lock_that_may_be_of_a_killed_run_is_not_taken_for_a_run() -> None:
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.output.lock").touch()
    told = "\n".join(why._of_a_run([planned("fuse")]))
    assert "or one was killed" in told
    assert "A run is going on" not in told


def test_a_job_that_runs_is_known_by_the_lock_of_its_record() -> None:
    record = Path("records/train.json")
    lock = lock_of(record)
    assert not is_held(lock)
    code = "import sys; from pathlib import Path; from hepaflow.jobs.alone import keep_others_out as k;"
    code += f"Path({str(record.parent)!r}).mkdir(); k(Path({str(record)!r})); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as job:
        assert job.stdout
        assert job.stdout.readline() == "held\n"
        assert is_held(lock)
        job.communicate("\n", timeout=60)
    assert lock.exists()
    assert not is_held(lock)


def test_lost_notes_come_with_the_command_that_runs_those_jobs() -> None:
    assert list(why._forgotten([planned("fuse")], chosen("mine.yaml"))) == []
    few = [planned("fuse", forgotten=("setting seed: 1 → 2",)), planned("train")]
    told = "\n".join(why._forgotten(few, chosen("config/demo.yaml", "mine.yaml")))
    assert "fuse: 1 job (a)\n    setting seed: 1 → 2\n" in told
    assert "\n\n  snakemake --cores all --configfile config/demo.yaml mine.yaml --forcerun " in told
    assert told.rstrip().endswith(" results/mine/records/fuse/a.json")
    many = [planned("train", of=str(number), forgotten=("code: x",)) for number in range(why.MANY + 1)]
    told = "\n".join(why._forgotten(many, chosen()))
    assert "with all other jobs of these rules" in told
    assert told.rstrip().endswith("\n\n  snakemake --cores all --forcerun train")


def test_a_command_has_the_keys_that_were_given() -> None:
    one = planned("fuse", forgotten=("code: x",))
    told = "\n".join(why._forgotten([one], chosen("mine.yaml", config=("exams=a.tsv", "data=my folder"))))
    assert "snakemake --cores all --configfile mine.yaml --config exams=a.tsv 'data=my folder' --forcerun " in told


RUN = Call("results/mine", ("config/open.yaml", "own.yaml"), ("exams", "data"))
KEYS = ("exams=mine.tsv", "data=folder")


def as_planned(monkeypatch: pytest.MonkeyPatch, given: argparse.Namespace) -> Path:
    """Have the tools plan a run of a single job, and return a file that no job of it makes."""
    note_call(RUN)
    jobs = [planned("html_report", products=("results/mine/records/html_report.json",))]
    for tool in (why, prune):
        monkeypatch.setattr(tool, "chosen_plan", lambda parser: (given, jobs))
    other = Path("results/mine/exams/mine.json")
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    write_notes({other: sha256(b"{}").hexdigest()})
    return other


@pytest.mark.parametrize("config", [(), ("exams=mine.tsv",)])
def test_results_of_another_configuration_are_told_first_and_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], config: tuple[str, ...]
) -> None:
    given = chosen(*RUN.configfiles, config=config)
    other = as_planned(monkeypatch, given)
    why.main()
    told = capsys.readouterr().out
    assert told.startswith("results/mine was last made with another configuration: `snakemake --cores all ")
    assert "with the --config of that run (exams, data)" in told.splitlines()[0]
    with pytest.raises(UserError, match="--config") as refused:
        prune.main()
    assert "results/mine/logs/call.json" in str(refused.value)
    assert other.exists()
    capsys.readouterr()
    given.remove = False
    prune.main()
    assert capsys.readouterr().out.startswith("results/mine was last made with another configuration: ")


def test_results_of_the_same_configuration_are_pruned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = as_planned(monkeypatch, chosen(*RUN.configfiles, config=KEYS))
    why.main()
    assert "another configuration" not in capsys.readouterr().out
    prune.main()
    assert not other.exists()


def test_keys_are_read_as_snakemake_reads_them() -> None:
    assert why._keys(["exams=mine.tsv", "seed=1"]) == {"exams": "mine.tsv", "seed": 1}
    with pytest.raises(UserError, match="KEY=VALUE"):
        why._keys(["exams", "mine.tsv"])
