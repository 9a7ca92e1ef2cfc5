"""`make why`: what it says of a run that is under way, and of results whose notes were lost."""

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import why

from hepaflow.jobs.alone import is_held, lock_of
from hepaflow.system.call import DEMO_LOCK


def planned(rule: str, *, of: str = "a", **other: object) -> why.Planned:
    """Return a job that has nothing to tell but what is given."""
    record = f"results/mine/records/{rule}/{of}.json"
    usual = dict.fromkeys(("reasons", "note", "forgotten", "inputs"), ()) | {"runs": False, "products": (record,)}
    given: dict[str, Any] = usual | other
    return why.Planned(rule, {"exam": of}, record=record, **given)


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
    assert list(why._forgotten([planned("fuse")], ["mine.yaml"])) == []
    few = [planned("fuse", forgotten=("setting seed: 1 → 2",)), planned("train")]
    told = "\n".join(why._forgotten(few, ["config/demo.yaml", "mine.yaml"]))
    assert "fuse: 1 job (a)\n    setting seed: 1 → 2\n" in told
    assert "\n\n  snakemake --cores all --configfile config/demo.yaml mine.yaml --forcerun " in told
    assert told.rstrip().endswith(" results/mine/records/fuse/a.json")
    many = [planned("train", of=str(number), forgotten=("code: x",)) for number in range(why.MANY + 1)]
    told = "\n".join(why._forgotten(many, []))
    assert "with all other jobs of these rules" in told
    assert told.rstrip().endswith("\n\n  snakemake --cores all --forcerun train")
