"""Misspelt commands and options."""

import pytest

from hepaflow.system.parser import Parser, meant


def parser() -> Parser:
    made = Parser(prog="tool")
    made.add_argument("--version", action="store_true")
    commands = made.add_subparsers(metavar="COMMAND")
    one = commands.add_parser("summary")
    one.add_argument("folder")
    one.add_argument("--out")
    one.add_argument("--kind", choices=("fast", "slow"))
    commands.add_parser("schema")
    return made


@pytest.mark.parametrize(
    ("arguments", "usage", "told"),
    [
        (["sumary", "x"], "tool [-h]", "did you mean `summary`?"),
        (["summary", "x", "--outt=y"], "tool summary", "unrecognized arguments: --outt=y; did you mean `--out`?"),
        (["summary", "x", "--kind", "fats"], "tool summary", "did you mean `fast`?"),
        (["--verison"], "tool [-h]", "did you mean `--version`?"),
    ],
)
def test_what_was_meant_is_told(
    arguments: list[str], usage: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"usage: {usage}")
    assert said.rstrip().endswith(told)


@pytest.mark.parametrize("arguments", [["colour"], ["summary", "x", "--quick"], ["summary", "x", "y"]])
def test_nothing_is_guessed_where_nothing_is_alike(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(arguments)
    assert "did you mean" not in capsys.readouterr().err


def test_what_is_right_is_read() -> None:
    found = parser().parse_args(["summary", "x", "--out", "y"])
    assert (found.folder, found.out) == ("x", "y")


def test_the_likest_is_meant() -> None:
    assert meant("trainig", ["train", "training"]) == "did you mean `training`?"
    assert meant("", ["train"]) == ""
