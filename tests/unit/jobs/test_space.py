"""Which file system has no space left: on real ones."""

import subprocess
from pathlib import Path

import pytest

from hepaflow.jobs.space import places_without_space


def test_places_with_room_are_not_told(tmp_path: Path) -> None:
    assert places_without_space([tmp_path, tmp_path / "none", Path("/proc")]) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("size=1m,nr_inodes=9", "{0}: 0 of 1 MiB free"),
        ("size=8m,nr_inodes=1", "{0}: no more files (inodes), 8 of 8 MiB"),
    ],
    ids=["bytes", "names"],
)
def test_a_full_file_system_is_told_once(tmp_path: Path, options: str, expected: str) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        if "size=1m" in options:
            (folder / "filler").write_bytes(bytes(900 << 10))
        (told,) = places_without_space([tmp_path, folder / "none/at/all", folder])
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
    assert told.startswith(expected.format(folder))
