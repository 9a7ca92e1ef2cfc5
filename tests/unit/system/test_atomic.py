"""Files that are whole or not there: after an error, a signal, and with several writers at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from hepaflow.evaluation.scores import write_scores
from hepaflow.figures.style import save
from hepaflow.system.atomic import replacing, write_text
from hepaflow.tables.files import write_table
from hepaflow.tables.scores import write_statistics


def test_the_new_file_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    write_text(target, "old\n")
    with replacing(target) as partial:
        assert partial.name == target.name
        partial.write_text("new\n")
        assert target.read_text() == "old\n"
    assert target.read_text() == "new\n"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("before", [None, "old\n"])
def test_after_an_error_it_is_as_it_was(tmp_path: Path, before: str | None) -> None:
    target = tmp_path / "table.csv"
    if before:
        target.write_text(before)
    with pytest.raises(KeyError), replacing(target) as partial:  # noqa: PT012
        partial.write_text("ne")
        raise KeyError
    assert [path.read_text() for path in tmp_path.iterdir()] == ([before] if before else [])


def test_text_is_utf_8_with_its_own_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "0.1 – 0.2\r\nλ\n")
    assert (tmp_path / "text").read_bytes() == "0.1 – 0.2\r\nλ\n".encode()


def test_rights_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "whole", "")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere/real.csv")
    write_text(tmp_path / "link.csv", "new\n")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "elsewhere/real.csv").read_text() == "new\n"


def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    write_text("/dev/null", "gone")
    assert Path("/dev/null").is_char_device()
    command = "from hepaflow.system.atomic import write_text; write_text('/dev/stdout', 'seen')"
    assert subprocess.run([sys.executable, "-c", command], capture_output=True, text=True).stdout == "seen"


def test_several_writers_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    with replacing(target) as first, replacing(target) as second:
        first.write_text("first\n")
        second.write_text("second\n")
        assert first != second
    assert target.read_text() == "first\n"  # it was the last to finish
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_process_that_is_ended_leaves_no_part_under_the_name(tmp_path: Path, ended_by: int) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old\n")
    command = (
        "import time; from hepaflow.system.atomic import replacing\n"
        f"with replacing({str(target)!r}) as partial:\n"
        "    partial.write_text('half'); print('half', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    process.send_signal(ended_by)
    process.wait(30)
    assert target.read_text() == "old\n"


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path) -> None:
    for name, age in (("old", 100_000), ("new", 100)):
        folder = tmp_path / f".unfinished-{name}"
        folder.mkdir()
        (folder / "table.csv").write_text("half")
        os.utime(folder, (time.time() - age,) * 2)
    write_text(tmp_path / "table.csv", "whole\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".unfinished-new", "table.csv"]


def _full(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_what_people_read_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables, scores, statistics and figures, where the disk is full before the last byte is kept."""
    table = pd.DataFrame({"exam": ["a"], "value": [0.5]})
    summary = pd.DataFrame(columns=["structure", "method", "processing", "metric", "statistic", "value"])
    writers = {
        "table.csv": lambda path: write_table(table, path),
        "scores.csv": lambda path: write_scores(table, path),
        "metrics.json": lambda path: write_statistics(summary, path),
        "figure.svg": lambda path: save(Figure(), path, title="t"),
    }
    monkeypatch.setattr(os, "fsync", _full)
    for name, write in writers.items():
        (tmp_path / name).write_text("old\n")
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path / name)
        assert (tmp_path / name).read_text() == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(writers)
