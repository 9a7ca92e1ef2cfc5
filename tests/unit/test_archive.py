"""A zip is unpacked as a whole below its folder, or refused."""

import stat
import zipfile
from pathlib import Path

import pytest

from hepaflow.archive import unpack
from hepaflow.errors import UserError


def _zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _target(folder: Path) -> Path:
    (folder / "out" / "inner").mkdir(parents=True)
    return folder / "out" / "inner"


def test_members_come_out_as_they_went_in(tmp_path: Path) -> None:
    folder = _target(tmp_path)
    unpack(_zip(tmp_path / "a.zip", **{"one/two.dcm": b"12", "..three": b"3"}), folder)
    assert {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == {
        "one/two.dcm": b"12",
        "..three": b"3",
    }


@pytest.mark.parametrize(
    "name",
    ["../climbed", "a/../../climbed", "/climbed", "a\\..\\..\\climbed", "C:\\climbed", "\\\\host\\share\\x"],
)
def test_a_member_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    folder = _target(tmp_path)
    with pytest.raises(UserError, match="leads out of its folder"):
        unpack(_zip(tmp_path / "a.zip", good=b"", **{name: b"bad"}), folder)
    assert not list(folder.iterdir()), "something was unpacked"
    assert not list(tmp_path.rglob("climbed"))


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder, link = _target(tmp_path), zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc")
        archive.writestr("link/passwd", "bad")
    with pytest.raises(UserError, match="that is a link"):
        unpack(tmp_path / "a.zip", folder)
    assert not list(folder.iterdir())


def test_one_larger_than_the_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, archive = _target(tmp_path), _zip(tmp_path / "a.zip", large=bytes(5000))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 4999}))
    with pytest.raises(UserError, match="GB in the archive"):
        unpack(archive, folder)


@pytest.mark.parametrize("damage", ["no zip", "cut", "changed", "encrypted"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    archive = _zip(tmp_path / "a.zip", one=b"content of the one member")
    content = bytearray(archive.read_bytes())
    if damage == "no zip":
        content = bytearray(b"not at all")
    elif damage == "cut":
        content = content[:-10]
    elif damage == "changed":
        content[content.index(b"content")] ^= 1  # the checksum tells
    else:
        for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            content[content.index(marker) + offset] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match="cannot be unpacked"):
        unpack(archive, _target(tmp_path))
