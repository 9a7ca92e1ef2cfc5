"""The command `hepaflow`; indexing is tested with the exam sheets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hepaflow import cli
from hepaflow.cli import main
from hepaflow.settings.workflow import Settings
from hepaflow.system.call import DEMO, Call, note_call
from hepaflow.system.terminal import command_name
from hepaflow.version import version

ROOT = Path(__file__).parents[2]


def test_schema_is_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == Settings.model_json_schema()


def test_summary_prints_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    for name in ("liver", "lesion", "fusion_weights"):
        (tables / f"{name}.csv").write_text(f"method,{name}\nfusion,0.9567\n")
    assert main(["summary", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("fusion  0.9567") == 3
    assert printed.index("liver") < printed.index("lesion") < printed.index("fusion_weights")


@pytest.mark.parametrize("command", [["summary"], ["compare", "RUN"]])
def test_what_is_said_of_an_unfinished_run_goes_on_with_that_run(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    calls = {"mine.yaml": "snakemake --cores all --configfile mine.yaml", DEMO: "make demo"}
    for configuration, call in calls.items():
        note_call(Call("results/mine", (configuration,)))
        arguments = [command[0], "results/mine", *command[1:]]
        assert main([*arguments, *(["--out", "compared"] if len(command) > 1 else [])]) == 1
        told = capsys.readouterr().err
        assert f"`{call}`" in told
        assert "Traceback" not in told


def test_plan_says_what_a_configuration_computes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet, mine = tmp_path / "exams.tsv", tmp_path / "mine.yaml"
    sheet.write_text(
        "exam\timage\tlabel\tsplit\na\ta.nii\ta.l.nii\ttrain\nb\tb.nii\tb.l.nii\ttest\nc\tc.nii\t\tnew\n"
    )
    mine.write_text(
        f"exams: {sheet}\nresults: results/mine\nbackbones: {{plain: {{arch: unet, weights: none}}}}\n"
        "predictions: {theirs: {folder: elsewhere, liver: [1], lesion: []}}"
    )
    assert main(["plan", "--configfile", str(mine)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("results/mine: exams 1 to train, 1 to test, 1 to segment (")
    assert "vote of plain" in printed
    assert printed.endswith("  theirs\n    liver  ← as another system gives it\n")


def test_plan_takes_several_configurations(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    files = [f"config/{name}.yaml" for name in ("config", "methods/unet2015")]
    assert main(["plan", "--configfile", *files]) == 0
    printed = capsys.readouterr().out
    assert "  densenet201\n" in printed
    assert "  unet2015\n    liver   ← unet2015 on liver" in printed


def test_alone_it_prints_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("usage: hepaflow ")
    for command in ("index", "segment", "check", "why", "prune", "summary"):
        assert f"\n    {command} " in printed


def test_versions_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    assert main(["--version"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"hepaflow {version()} (torch {torch.__version__.partition('+')[0]}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["sumary", "x"], "did you mean `summary`?"),
        (["plan", "--configfle", "x"], "did you mean `--configfile`?"),
        (["segment", "x", "--model", "m", "--out", "o", "--presicion", "bf16"], "did you mean `--precision`?"),
    ],
)
def test_what_is_misspelt_is_told_with_what_was_meant(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


TOOL = "import os, sys; print(sys.argv[1:]); sys.exit(3)"


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["check"], []),
        (["why", "--configfile", "a.yaml", "b.yaml"], ["--configfile", "{here}/a.yaml", "{here}/b.yaml"]),
        (
            ["check", "--configfile", "a.yaml", "--configfile", "b.yaml"],
            ["--configfile", "{here}/a.yaml", "{here}/b.yaml"],
        ),
        (["prune", "--remove"], ["--remove"]),
        (["prune", "--config", "exams=a.tsv", "data=b"], ["--config", "exams=a.tsv", "data=b"]),
        (["why", "--config", "seed=1"], ["--config", "seed=1"]),
        (["why", "--directory", "elsewhere"], ["--directory", "elsewhere"]),
    ],
)
def test_tools_of_the_workflow_are_commands(
    arguments: list[str],
    passed: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "workflow/scripts/hepaflow/cli.py"))
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    told = capfd.readouterr().err
    assert "hepaflow without its workflow" in told
    assert "make setup" in told
    (tmp_path / "workflow").mkdir()
    (tmp_path / f"workflow/{arguments[0]}.py").write_text(TOOL)
    assert main(arguments) == 3
    assert capfd.readouterr().out.strip() == str([text.format(here=tmp_path) for text in passed])


def test_every_tool_of_the_workflow_is_a_command_but_that_of_make() -> None:
    assert {path.stem for path in (ROOT / "workflow").glob("*.py")} == {*cli._TOOLS, "demo"}


def test_an_index_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        (tmp_path / f"volume-{number}.nii").touch()
        (tmp_path / f"segmentation-{number}.nii").touch()
    sheet = tmp_path / "new/folder/exams.tsv"
    arguments = ["index", str(tmp_path), "--test", "1", "--sheet", str(sheet)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"\n  data: {tmp_path}\n  exams: {sheet}\n" in printed
    assert printed.endswith(f"  {command_name()} check --configfile mine.yaml\n")
    assert sheet.read_text().startswith("exam\timage")
    sheet.write_text("mine")
    assert main(arguments) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert sheet.read_text() == "mine"


def test_fetch_gets_what_the_configuration_starts_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("hepaflow.networks.pretrained.imagenet_weights", fetched.append)
    assert main(["fetch"]) == 0
    assert fetched == ["densenet201", "inception_v3", "resnet152", "resnext101_32x8d"]
    assert "resnet152-394f9c45.pth" in capsys.readouterr().out
    fetched.clear()
    mine = tmp_path / "mine.yaml"
    mine.write_text("backbones: {a: {arch: resnet50, weights: imagenet}, b: {arch: resnet101, weights: none}}")
    assert main(["fetch", "--configfile", str(mine)]) == 0
    assert fetched == ["resnet50"]
    mine.write_text("backbones: {a: {arch: unet, weights: none}}")
    assert main(["fetch", "--configfile", str(mine)]) == 0
    assert "no network" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["a: [", None])
def test_fetch_names_a_configuration_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None
) -> None:
    mine = tmp_path / "mine.yaml"
    if text is not None:
        mine.write_text(text)
    assert main(["fetch", "--configfile", str(mine)]) == 1
    assert f"file: {mine}" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"a,b\nc\n", b"\xff\xfe", None])
def test_summary_tells_a_damaged_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    table = tmp_path / "tables/liver.csv"
    table.parent.mkdir()
    if content is None:
        table.mkdir()
    else:
        table.write_bytes(content)
    assert main(["summary", str(tmp_path)]) == 1
    assert f"file: {table}" in capsys.readouterr().err


def test_fetch_tells_a_configuration_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe")
    assert main(["fetch", "--configfile", str(tmp_path / "mine.yaml")]) == 1
    assert f"file: {tmp_path / 'mine.yaml'}" in capsys.readouterr().err


@pytest.mark.parametrize("where", ["/dev/full", "a closed pipe"])
def test_output_that_goes_nowhere_ends_without_traceback(where: str) -> None:
    code = "import sys; from hepaflow.cli import main; sys.exit(main(['schema']))"
    with subprocess.Popen(["sleep", "0"], stdin=subprocess.PIPE) as closed, open("/dev/full", "w") as full:
        closed.wait()
        ended = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full if where == "/dev/full" else closed.stdin,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == (1 if where == "/dev/full" else 141)
    assert "Traceback" not in ended.stderr
    assert ("No space left on device" in ended.stderr) == (where == "/dev/full")
