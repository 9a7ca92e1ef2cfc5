"""A job from beginning to end, without Snakemake: a script, its inputs, its record, the cache."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from snakemake.iocontainers import Namedlist

from hepaflow.errors import UserError
from hepaflow.jobs.digests import as_made, begun, checked
from hepaflow.jobs.fingerprint import fingerprints
from hepaflow.jobs.raw_inputs import RawInputs
from hepaflow.jobs.run import run
from hepaflow.version import version

SCRIPT = "import json\nimport numpy\nfrom hepaflow.errors import UserError\n"


class Folder:
    """A rule `double` that doubles a number in a file, in a folder of its own."""

    def __init__(self, folder: Path, cache: Path | None) -> None:
        self.folder, self.cache = folder, cache
        (folder / "scripts/hepaflow").mkdir(parents=True)
        (folder / "scripts/double.py").write_text(SCRIPT)
        (folder / "scripts/hepaflow/__init__.py").touch()
        (folder / "scripts/hepaflow/errors.py").write_text("UserError = 1\n")
        (folder / "number.txt").write_text("21")
        self.computed = 0
        self.gpus = 0

    def job(self, **params: Any) -> Any:
        code = json.dumps(fingerprints(self.folder / "scripts/double.py"))
        given = {"settings": '{"factor":2}', "code": code, "libraries": "", "cache": str(self.cache or "")}
        return SimpleNamespace(
            rule="double",
            scriptdir=str(self.folder / "scripts"),
            wildcards=Namedlist(fromdict={"exam": "one"}),
            input=Namedlist(
                fromdict={
                    "number": str(self.folder / "number.txt"),
                }
            ),
            output=Namedlist(
                fromdict={"result": str(self.folder / "result.txt"), "record": str(self.folder / "record.json")}
            ),
            params=Namedlist(fromdict=given | params),
            log=[str(self.folder / "job.log")],
            threads=1,
            resources=Namedlist(fromdict={"gpu": self.gpus}),
        )

    def run(self, **params: Any) -> dict[str, Any]:
        """Run the job as Snakemake does, without what an earlier one made; return its record."""
        for name in ("result.txt", "record.json"):
            (self.folder / name).unlink(missing_ok=True)
        job = self.job(**params)

        def work() -> None:
            self.computed += 1
            number = int(Path(job.input.number).read_text())
            Path(job.output.result).write_text(str(number * json.loads(job.params.settings)["factor"]))

        run(job, work)
        record: dict[str, Any] = json.loads((self.folder / "record.json").read_text())
        return record

    @property
    def result(self) -> str:
        return (self.folder / "result.txt").read_text()


@pytest.fixture(autouse=True)
def package_beside_the_script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders of these tests hold a package of one module, which is not the one that runs."""
    if "another_package" not in request.node.name:
        monkeypatch.setattr("hepaflow.jobs.run._check_package", lambda scripts: None)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A job sets up the log of its process."""
    root, hook = logging.getLogger(), sys.excepthook
    before = root.handlers[:]
    yield
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers, sys.excepthook = before, hook
    logging.captureWarnings(False)


@pytest.fixture
def one(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "one", tmp_path / "cache")


@pytest.fixture
def other(tmp_path: Path) -> Folder:
    """The same project, elsewhere on the machine."""
    return Folder(tmp_path / "elsewhere", tmp_path / "cache")


def test_a_record_says_what_a_result_was_made_from(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "plain", None)
    record = folder.run()
    assert folder.result == "42"
    assert (record["rule"], record["wildcards"]) == ("double", {"exam": "one"})
    assert record["settings"] == {"factor": 2}
    assert record["code"] == fingerprints(folder.folder / "scripts/double.py")
    assert record["inputs"] == {str(folder.folder / "number.txt"): sha256(b"21").hexdigest()}
    assert record["outputs"] == {str(folder.folder / "result.txt"): sha256(b"42").hexdigest()}
    assert record["versions"].keys() == {"python", "numpy"}
    assert record["hepaflow"] == version()
    assert record["restored"] is None
    assert record["device"]
    assert record["seconds"] >= 0
    assert record["peak_memory_mib"] > 0


def test_a_raw_input_that_changed_since_the_plan_ends_the_job(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "plain", None)
    raw = RawInputs((str(folder.folder / "number.txt"),), str(tmp_path / "kept")).text()
    assert "raw" not in folder.run(raw=raw)["settings"]
    (folder.folder / "number.txt").write_text("22")
    with pytest.raises(UserError, match="changed after this run was planned"):
        folder.run(raw=raw)
    assert folder.computed == 1


def test_what_a_job_that_died_has_left_is_its_own(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "plain", None)
    job, result = folder.job(), folder.folder / "result.txt"

    def die() -> None:
        result.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(job, die)
    assert begun(result, tmp_path / "no record")
    assert as_made(result, "any digest", tmp_path / "no record")
    folder.run()
    assert as_made(result, sha256(b"42").hexdigest(), tmp_path / "no record")
    assert not as_made(result, sha256(b"half").hexdigest(), tmp_path / "no record")


def test_the_memory_of_a_job_is_its_own() -> None:
    """Not that of the process which started it, as the kernel's resource usage has it."""
    code = "from hepaflow.jobs.run import peak_memory; print(peak_memory())"
    ballast = bytearray(600 << 20)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(ballast) >> 20 == 600
    assert 5 < int(done.stdout) < 300


@pytest.mark.parametrize("accelerator", ["auto", "gpu"])
def test_a_job_with_a_gpu_that_torch_cannot_use_ends_before_it_computes(
    accelerator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(wanted: str) -> None:
        asked.append(wanted)
        raise UserError("GPUs of which torch sees none")

    module = import_module("hepaflow.jobs.run")
    monkeypatch.setattr(module, "claim_gpus", lambda _: [])
    monkeypatch.setattr(module, "check_gpus", refuse)
    folder = Folder(tmp_path / "plain", None)
    folder.run(accelerator=accelerator)  # a job without a GPU asks nothing
    folder.gpus = 1
    with pytest.raises(UserError, match="sees none"):
        folder.run(accelerator=accelerator)
    assert (asked, folder.computed) == ([accelerator], 1)
    monkeypatch.setattr(module, "check_gpus", asked.append)
    assert folder.run(accelerator=accelerator)["settings"] == {"factor": 2}


def test_waiting_for_a_gpu_or_another_process_is_no_time_of_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    module = import_module("hepaflow.jobs.run")
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=time.time_ns))

    def taking(seconds: float) -> Any:
        return lambda *_: now.append(now.pop() + seconds)

    monkeypatch.setattr(module, "keep_others_out", taking(100))
    monkeypatch.setattr(module, "claim_gpus", taking(5000))
    monkeypatch.setattr(module, "check_gpus", taking(2))
    folder = Folder(tmp_path / "plain", None)
    folder.gpus = 1
    assert folder.run()["seconds"] == 2


def test_without_a_cache_a_job_computes_each_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "plain", None)
    folder.run()
    folder.run()
    assert folder.computed == 2


def test_the_same_job_is_restored(one: Folder) -> None:
    first = one.run()
    again = one.run()
    assert one.computed == 1
    assert one.result == "42"
    assert again["restored"] is not None
    assert {key: again[key] for key in ("began", "seconds", "versions", "outputs")} == {
        key: first[key] for key in ("began", "seconds", "versions", "outputs")
    }


def test_another_clone_finds_it_and_records_its_own_paths(one: Folder, other: Folder) -> None:
    one.run()
    record = other.run()
    assert other.computed == 0
    assert other.result == "42"
    assert list(record["inputs"]) == [str(other.folder / "number.txt")]
    assert list(record["outputs"]) == [str(other.folder / "result.txt")]


def test_setting_a_value_back_restores(one: Folder) -> None:
    one.run()
    one.run(settings='{"factor":3}')
    assert one.result == "63"
    one.run()
    assert one.result == "42"
    assert one.computed == 2


def test_speed_is_in_no_key(one: Folder) -> None:
    one.run(compute='{"workers":1}')
    one.run(compute='{"workers":8}')
    assert one.computed == 1


def test_an_edited_module_is_never_a_stale_hit(one: Folder) -> None:
    one.run()
    (one.folder / "scripts/hepaflow/errors.py").write_text("UserError = 22\n")
    assert one.run()["restored"] is None
    assert one.computed == 2


def test_another_input_of_the_same_name_computes(one: Folder) -> None:
    one.run()
    (one.folder / "number.txt").write_text("4")
    one.run()
    assert one.result == "8"


def test_other_libraries_count_only_where_the_settings_make_them(
    one: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.run()
    for number, computed in (("1", 2), ("2", 3), ("1", 3)):
        monkeypatch.setattr("hepaflow.jobs.run.versions", lambda _, number=number: {"numpy": number})
        one.run(libraries=json.dumps({"numpy": number}))
        assert one.computed == computed


def test_versions_that_count_are_those_of_the_jobs_own_environment(one: Folder) -> None:
    """As a plan knows another environment than its own, a container's say, by its pins alone."""
    with pytest.raises(UserError) as told:
        one.run(libraries='{"numpy":"0.1"}')
    assert f"numpy {np.__version__} (0.1)" in str(told.value)
    assert "envs" in str(told.value)
    assert one.computed == 0


def test_a_damaged_entry_computes(one: Folder, tmp_path: Path) -> None:
    one.run()
    (entry,) = (tmp_path / "cache").glob("*/*/result")
    entry.write_text("43")
    assert one.run()["restored"] is None
    assert one.result == "42"
    assert one.run()["restored"] is not None


def test_a_job_that_fails_leaves_no_record_and_no_entry(one: Folder, tmp_path: Path) -> None:
    (one.folder / "number.txt").write_text("many")
    with pytest.raises(ValueError, match="many"):
        one.run()
    assert not (one.folder / "record.json").exists()
    assert not (tmp_path / "cache").exists()


def test_code_that_was_edited_after_the_plan_stops_the_job(one: Folder) -> None:
    planned = one.job()
    (one.folder / "scripts/hepaflow/errors.py").write_text("UserError = 3\n")
    with pytest.raises(
        UserError, match=r"after this run was planned: hepaflow\.errors\n(.*\n)*what to do: run Snakemake"
    ):
        run(planned, lambda: pytest.fail("the job went on"))


@pytest.mark.parametrize("damage", [b"4", b"43", b"42 and more"], ids=["cut", "changed", "longer"])
def test_what_a_job_made_is_used_as_it_was_made_or_not_at_all(tmp_path: Path, damage: bytes) -> None:
    first = Folder(tmp_path / "first", None)
    first.run()
    second = Folder(tmp_path / "second", None)
    job = second.job()
    job.input = Namedlist(fromdict={"number": str(first.folder / "result.txt")})
    run(job, lambda: Path(job.output.result).write_text("84"))
    (first.folder / "result.txt").write_bytes(damage)
    with pytest.raises(UserError, match=r"exam: one\nfile: .*first/result\.txt\nfound: .* damaged") as caught:
        run(job, lambda: pytest.fail("the job went on"))
    assert sha256(b"42").hexdigest() in str(caught.value)
    first.run()  # makes the file anew
    run(job, lambda: Path(job.output.result).write_text("84"))


def test_a_record_is_watched_like_any_output(one: Folder) -> None:
    one.run()
    (one.folder / "record.json").write_text("{}")
    with pytest.raises(UserError, match=r"record\.json"):
        checked(one.folder / "record.json")


def test_an_input_that_is_gone_is_told(one: Folder) -> None:
    (one.folder / "number.txt").unlink()
    with pytest.raises(UserError, match="deleted after this run was planned"):
        one.run()


def test_one_of_several_processes_keeps_the_books(one: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    done = []
    run(one.job(), lambda: done.append(1))
    assert done
    assert not (one.folder / "record.json").exists()


@pytest.mark.parametrize("error", [UserError("a mistake"), OSError(28, "No space left"), KeyError(1)])
def test_an_error_on_another_device_has_no_traceback_but_where_nobody_expected_it(
    one: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")

    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        run(one.job(), work)
    sys.excepthook(type(error), caught.value, caught.tb)
    shown = capsys.readouterr().err
    assert ("Traceback" in shown) == isinstance(error, KeyError)
    assert ("hepaflow cannot go on, on device 2:\nfound: " in shown) != isinstance(error, KeyError)
    assert not (one.folder / "job.log").exists()


def test_what_the_work_returns_stands_in_the_record(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "one", None)
    job = folder.job()

    def work() -> dict[str, Any]:
        Path(job.output.result).write_text("42")
        return {"computed": [{"devices": 2}, {"devices": 1}]}

    run(job, work)
    record = json.loads((folder.folder / "record.json").read_text())
    assert record["computed"] == [{"devices": 2}, {"devices": 1}]
    assert "computed" not in folder.run()


# A script's own package and name, wherever its workflow runs.


def test_a_script_that_would_compute_with_another_package_ends(tmp_path: Path) -> None:
    folder = Folder(tmp_path, None)
    with pytest.raises(UserError) as refused:
        folder.run()
    assert str(tmp_path / "scripts/hepaflow") in str(refused.value)
    assert "PYTHONPATH" in str(refused.value)
    assert folder.computed == 0


def test_a_rule_of_another_name_runs_as_the_one_of_its_script(tmp_path: Path) -> None:
    folder = Folder(tmp_path, None)
    job = folder.job()
    job.rule = "liver_double"

    def work() -> None:
        Path(job.output.result).write_text("42")

    of_script = FunctionType(
        work.__code__, {**globals(), "__file__": str(tmp_path / "scripts/double.py")}, closure=work.__closure__
    )
    run(job, of_script)
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["rule"] == "double"
    assert record["code"] == json.loads(job.params.code)
