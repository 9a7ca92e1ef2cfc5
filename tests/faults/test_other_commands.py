"""Commands of hepaflow beside `segment` and `index`, given what they cannot use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cases import REFUSED, Case, Table, Tell, ids, neutral

SCRIPTS = Path(__file__).parents[2] / "workflow/scripts"


def table(content: bytes) -> object:
    def do(folder: Path) -> list[str]:
        (folder / "tables").mkdir()
        (folder / "tables/liver.csv").write_bytes(content)
        return ["summary", str(folder)]

    return do


def no_text(folder: Path) -> list[str]:
    (folder / "mine.yaml").write_bytes(b"\xff\xfe")
    return ["fetch", "--configfile", str(folder / "mine.yaml")]


FULL = Case(
    "`hepaflow schema` to a full disk",
    REFUSED,
    ("No space left on device",),
    lambda folder: ["schema"],
    mended="a traceback",
)
OTHER_COMMANDS = Table(
    "Other commands",
    "`hepaflow summary`, `fetch`, `plan` and `schema`.",
    (
        Case(
            "`hepaflow summary` of a folder without tables",
            REFUSED,
            ("let the run finish first",),
            lambda folder: ["summary", str(folder)],
        ),
        Case("`hepaflow summary` of an empty table", REFUSED, ("cut short",), table(b""), mended="an empty table"),
        Case("`hepaflow summary` of a cut table", REFUSED, ("cut",), table(b"a,b\nc\n"), mended="a traceback"),
        Case(
            "`hepaflow summary` of a table that is no text",
            REFUSED,
            ("no table", "liver.csv"),
            table(b"\xff\xfe"),
            mended="a traceback",
        ),
        Case(
            "`hepaflow fetch` of a configuration that is no text",
            REFUSED,
            ("a configuration that is not in UTF-8", "mine.yaml"),
            no_text,
            mended="a traceback",
        ),
        Case(
            "`hepaflow plan` of a configuration that is no text",
            REFUSED,
            ("a configuration that is not in UTF-8", "mine.yaml"),
            lambda folder: ["plan", *no_text(folder)[1:]],
        ),
        FULL,
    ),
)


@pytest.mark.parametrize("case", OTHER_COMMANDS.cases, ids=ids)
def test_command(case: Case, tmp_path: Path, tell: Tell) -> None:
    arguments = case.do(tmp_path)
    code = "import sys; from hepaflow.cli import main; sys.exit(main(sys.argv[1:]))"
    with open("/dev/full" if case is FULL else os.devnull, "w") as out:
        ended = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    tell(case, neutral(ended.stderr, tmp_path))
