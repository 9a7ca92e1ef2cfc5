"""How Snakemake is called for a run, and what an unfinished one is told to be gone on with."""

import json
from pathlib import Path

import pytest

from hepaflow.system.call import DEFAULT, DEMO, NOTE, Call, going_on, named, note_call

ROOT = Path(__file__).parents[3]


def test_the_demo_is_what_make_demo_runs() -> None:
    assert (ROOT / DEMO).is_file()
    assert Call("results/demo", (DEMO,)).command() == "make demo"
    for other in (
        Call("r", (DEMO, "mine.yaml")),
        Call("r", (DEMO,), keys=("seed",)),
        Call("r", (DEMO,), profile="slurm"),
    ):
        assert other.command().startswith("snakemake --")
    assert Call("r", (DEMO,)).command("--unlock") == f"snakemake --cores all --configfile {DEMO} --unlock"


@pytest.mark.parametrize(
    ("call", "command"),
    [
        (Call("r"), "snakemake --cores all"),
        (Call("r", ("a b.yaml", "c.yaml")), "snakemake --cores all --configfile 'a b.yaml' c.yaml"),
        (Call("r", ("c.yaml",), profile="slurm"), "snakemake --profile slurm --configfile c.yaml"),
        (Call("r", snakefile="/else/Snakefile"), "snakemake --cores all --snakefile /else/Snakefile"),
    ],
)
def test_a_call_is_a_command_that_can_be_typed(call: Call, command: str) -> None:
    assert call.command() == command


def test_a_note_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = Path("results/mine")
    note_call(Call(str(results), ("mine.yaml",), keys=("seed", "size")))
    assert json.loads((results / NOTE).read_text())["configfiles"] == ["mine.yaml"]
    command = "`snakemake --cores all --configfile mine.yaml` with the --config of that run (seed, size)"
    assert going_on(results) == command
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert going_on(tmp_path / results) == f"{command} in {tmp_path}"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Call("", ("a.yaml", "b.yaml"), ("exams", "data")), True),
        (Call("", ("./a.yaml", "b.yaml"), ("data", "exams"), profile="slurm"), True),
        (Call("", ("a.yaml", "b.yaml")), False),
        (Call("", ("a.yaml", "b.yaml"), ("data",)), False),
        (Call("", ("b.yaml", "a.yaml"), ("data", "exams")), False),
        (Call("", (), ("data", "exams")), False),
    ],
)
def test_files_and_keys_make_a_configuration(other: Call, *, same: bool) -> None:
    assert Call("r", ("a.yaml", "b.yaml"), ("data", "exams")).configured_as(other) == same


def test_a_call_that_adds_to_another_leaves_nothing_of_it_out() -> None:
    noted = Call("r", ("a.yaml",), ("data",))
    assert Call("r", ("a.yaml", "b.yaml"), ("data", "seed")).adds_to(noted)
    assert not Call("r", ("b.yaml",), ("data",)).adds_to(noted)
    assert not Call("r", ("a.yaml", "b.yaml")).adds_to(noted)
    assert not Call("r").adds_to(noted)


def test_the_default_configuration_can_be_named() -> None:
    assert Call("r").configured_as(Call("r", (DEFAULT,)))


def test_results_that_were_moved_name_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    note_call(Call("results/mine"))
    (tmp_path / "results/mine").rename(tmp_path / "kept")
    assert going_on(tmp_path / "kept") == "`snakemake --cores all`"


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"results": "r", "unknown": 1}'])
def test_without_a_note_no_configuration_is_made_up(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / NOTE).parent.mkdir()
        (tmp_path / NOTE).write_text(content)
    assert going_on(tmp_path).startswith("`snakemake --cores all --configfile FILE`, with FILE")


def test_paths_are_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert named(["config/a.yaml", tmp_path / "b.yaml", "/c.yaml"]) == ("config/a.yaml", "b.yaml", "/c.yaml")
