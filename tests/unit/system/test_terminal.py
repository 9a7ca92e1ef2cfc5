"""Commands in terminals of every kind."""

import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.system.terminal import run_command, without_warnings

COMMAND = [sys.executable, "-c", "import sys; from hepaflow.cli import main; sys.exit(main())"]


def finished_run(folder: Path) -> Path:
    (folder / "tables").mkdir()
    for name in ("liver", "lesion", "fusion_weights"):
        (folder / f"tables/{name}.csv").write_text("method,95 % interval\nfusion,–\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=str,
)
def test_characters_that_a_terminal_lacks_are_escaped(tmp_path: Path, environment: dict[str, str]) -> None:
    ended = subprocess.run(
        [*COMMAND, "summary", str(finished_run(tmp_path))],
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert rb"fusion  \u2013" in ended.stdout


def test_a_reader_that_leaves_is_no_error() -> None:
    process = subprocess.Popen([*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGPIPE
    assert said == b""


def test_mistakes_and_interruptions_are_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def mistaken() -> int:
        raise UserError("nothing", remedy="something")

    def stopped() -> int:
        raise KeyboardInterrupt

    assert run_command(lambda: None) == 0
    assert run_command(lambda: 3) == 3
    assert run_command(mistaken) == 1
    assert run_command(stopped) == 130
    assert run_command(lambda: print(Path("/nowhere/at/all").read_text())) == 1
    assert capsys.readouterr().err == (
        "hepaflow: error\nfound: nothing\nwhat to do: something\nhepaflow: stopped\n"
        "hepaflow: error\nfile: /nowhere/at/all\nfound: No such file or directory\n"
        "expected: a file or folder that can be read, or written\n"
        "what to do: correct the path, or make room where it leads\n"
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "a table that was cut short"),
        (b"method,a,b\nfusion,0.9", "a table that was cut short"),
        (b"method,a\nfusion,\xe9\n", "no table ("),
    ],
)
def test_half_a_table_is_not_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, found: str
) -> None:
    table = finished_run(tmp_path) / "tables/lesion.csv"
    table.write_bytes(content)
    assert main(["summary", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"file: {table}\nfound: {found}" in said
    assert "what to do: " in said


@pytest.mark.parametrize("asked_for", [False, True])
def test_warnings_of_libraries_are_shown_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked_for: bool
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(sys, "warnoptions", ["default"] if asked_for else [])
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: shown.append(str(message)))
    last, library = logging.lastResort, logging.getLogger("a library")
    monkeypatch.setattr(library, "level", logging.INFO)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with without_warnings():
            assert (logging.lastResort is last) == asked_for
            assert library.isEnabledFor(logging.WARNING)
            assert library.isEnabledFor(logging.INFO) == asked_for
            warnings.warn("within", stacklevel=1)
        warnings.warn("after", stacklevel=1)
    assert shown == (["within"] if asked_for else []) + ["after"]
    assert logging.lastResort is last
    assert library.isEnabledFor(logging.INFO)
