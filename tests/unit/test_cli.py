"""The command `hepaflow`; indexing is tested with the exam sheets."""

import json
from pathlib import Path

import pytest

from hepaflow.cli import main
from hepaflow.settings.workflow import Settings


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


def test_summary_of_an_unfinished_run_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert "snakemake --cores all" in told
    assert "Traceback" not in told


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
