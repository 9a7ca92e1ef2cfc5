"""A result is one process's, appears as a whole, and replaces another at once; what was killed leaves nothing."""

import errno
import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.segment.result_folder import (
    MEASUREMENTS,
    as_a_whole,
    aside,
    check_free,
    claimed,
    digest_in,
    digests_in,
    remove_remains,
)
from hepaflow.system.destination import make_folder

NAMES = {"result"}


def _write(folder: Path, content: str, *, overwrite: bool = False) -> None:
    with as_a_whole(folder, NAMES, overwrite=overwrite) as partial:
        (partial / "result").write_text(content)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _in_a_process(work: Callable[[], None]) -> int:
    """Do something in a process that is killed afterwards, without putting away; return its exit status."""
    child = os.fork()
    if not child:
        try:
            work()
        except UserError:
            os._exit(3)
        except BaseException:
            os._exit(4)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_result_is_there_as_a_whole(tmp_path: Path) -> None:
    with as_a_whole(tmp_path / "exam", NAMES, overwrite=False) as partial:
        assert not (tmp_path / "exam").exists()
        (partial / "result").write_text("new")
    assert _names(tmp_path) == ["exam"]
    assert (tmp_path / "exam/result").read_text() == "new"
    assert (tmp_path / "exam").stat().st_mode & 0o777 == 0o777 & ~_umask()


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a power cut would leave a result of empty files."""
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(file: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{file}").rpartition("/")[2])
        fsync(file)

    def noted_rename(path: Path, target: Path) -> Path:
        done.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    with as_a_whole(tmp_path / "exam", {"result", "overlay"}, overwrite=False) as partial:
        (partial / "result").touch()
        (partial / "overlay").mkdir()
        (partial / "overlay/1.dcm").touch()
    assert done == ["result", partial.name, "1.dcm", "overlay", "rename"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_earlier_result_is_never_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever step fails, there is one result: the earlier one or the new one."""
    rename, steps = Path.rename, [0]

    def failing(at: int) -> Callable[[Path, Path], Path]:
        def step(path: Path, target: Path) -> Path:
            steps[0] += 1
            if steps[0] == at:
                raise OSError(errno.EIO, "Input/output error")
            return rename(path, target)

        return step

    for at in (1, 2, 99):
        folder = tmp_path / str(at) / "exam"
        _write(folder, "old")
        steps[0] = 0
        monkeypatch.setattr(Path, "rename", failing(at))
        if at < 99:
            with pytest.raises(OSError, match="Input/output"):
                _write(folder, "new", overwrite=True)
        else:
            _write(folder, "new", overwrite=True)
        monkeypatch.undo()
        assert (folder / "result").read_text() == ("new" if at == 99 else "old")
        assert _names(folder.parent) == ["exam"]
    assert steps[0] == 2, "an exchange has two steps"


def test_one_killed_in_an_exchange_gets_its_earlier_result_back(tmp_path: Path) -> None:
    _write(tmp_path / "exam", "old")

    def killed() -> None:
        rename = Path.rename

        def last(path: Path, target: Path) -> Path:
            if target.name == "exam" and "earlier" not in str(target):
                os._exit(9)
            return rename(path, target)

        Path.rename = last  # type: ignore[method-assign,assignment]
        _write(tmp_path / "exam", "new", overwrite=True)

    assert _in_a_process(killed) == 9
    assert "exam" not in _names(tmp_path)
    assert remove_remains(tmp_path) == 2
    assert _names(tmp_path) == ["exam"]
    assert (tmp_path / "exam/result").read_text() == "old"


def test_remains_of_the_dead_are_removed_and_the_living_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".hepaflow-mine").mkdir()
    (tmp_path / "exam").mkdir()

    def killed() -> None:
        with aside(tmp_path, "unpacked") as folder, claimed(tmp_path / "other"):
            (folder / "patient.dcm").write_text("secret")
            os._exit(0)

    assert _in_a_process(killed) == 0
    with aside(tmp_path, "unpacked") as mine:
        assert mine.stat().st_mode & 0o777 == 0o700, "patients' data that others can read"
        assert remove_remains(tmp_path) == 1
        assert _names(tmp_path) == sorted([".hepaflow-mine", mine.name, "exam"])
    assert _names(tmp_path) == [".hepaflow-mine", "exam"]


def test_one_process_has_an_exam(tmp_path: Path) -> None:
    with claimed(tmp_path / "Exam"):
        for name, status in (("Exam", 3), ("exam", 3), ("other", 0)):

            def claim(name: str = name) -> None:
                with claimed(tmp_path / name):
                    pass

            assert _in_a_process(claim) == status
    assert _in_a_process(claim) == 0
    assert _names(tmp_path) == []


def test_a_result_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "exam"

    def late() -> None:
        with as_a_whole(folder, NAMES, overwrite=False) as partial:
            (partial / "result").write_text("mine")
            _write(folder, "of the other")

    with pytest.raises(UserError, match="an earlier result"):
        late()
    assert (folder / "result").read_text() == "of the other"
    assert _names(tmp_path) == ["exam"]


@pytest.mark.parametrize(
    ("earlier", "digest", "refused"),
    [
        ("aa", "aa", ""),
        ("aa", "bb", "the result of another exam"),
        ("aa", "", ""),  # of a job of the workflow, which knows its exams by their names
        ("", "bb", ""),  # of an earlier version
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_the_result_of_another_exam_is_never_replaced(
    tmp_path: Path, earlier: str, digest: str, refused: str, overwrite: bool
) -> None:
    path = tmp_path / "exam" / MEASUREMENTS
    path.parent.mkdir()
    path.write_text(json.dumps({"source": {"digest": earlier} if earlier else {}}))
    refused = refused or ("" if overwrite else "an earlier result")
    with pytest.raises(UserError, match=refused) if refused else nullcontext():
        check_free(path.parent, {MEASUREMENTS}, overwrite=overwrite, digest=digest)


def test_one_that_appears_meanwhile_is_not_replaced_either(tmp_path: Path) -> None:
    folder = tmp_path / "exam"

    def late() -> None:
        with as_a_whole(folder, {MEASUREMENTS}, overwrite=True, digest="aa"):
            folder.mkdir()
            (folder / MEASUREMENTS).write_text('{"source": {"digest": "bb"}}')

    with pytest.raises(UserError, match="the result of another exam"):
        late()
    assert digest_in(folder) == "bb"


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"source": 1}', '{"source": {"kind": "NIfTI"}}'])
def test_a_result_that_tells_no_digest_has_none(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "exam").mkdir()
    (tmp_path / ".hidden").mkdir()
    if content is not None:
        (tmp_path / "exam" / MEASUREMENTS).write_text(content)
    assert digests_in(tmp_path) == {"exam": ""}
    assert digests_in(tmp_path / "none") == {}


@pytest.mark.parametrize("name", [".DS_Store", "._report.html", "Thumbs.db", "desktop.ini"])
def test_what_file_managers_leave_goes_with_the_earlier_result(tmp_path: Path, name: str) -> None:
    _write(tmp_path / "exam", "first")
    (tmp_path / "exam" / name).touch()
    with pytest.raises(UserError, match="an earlier result"):
        _write(tmp_path / "exam", "second")
    _write(tmp_path / "exam", "second", overwrite=True)
    assert _names(tmp_path / "exam") == ["result"]


def test_a_folder_that_was_only_looked_at_is_empty(tmp_path: Path) -> None:
    (tmp_path / "exam").mkdir()
    (tmp_path / "exam/.DS_Store").touch()
    _write(tmp_path / "exam", "first")
    assert _names(tmp_path / "exam") == ["result"]


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_file_is_no_place_for_results(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"no folder to write to \(a file\)"):
        make_folder(tmp_path / "file" / ("x" if place == "below a file" else ""))


def test_a_disk_that_cannot_be_written_to_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (errno.EROFS, errno.ENOSPC, errno.EACCES):

        def fails(number: int = number, **_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr("tempfile.TemporaryFile", fails)
        with pytest.raises(UserError, match=os.strerror(number)):
            make_folder(tmp_path)
