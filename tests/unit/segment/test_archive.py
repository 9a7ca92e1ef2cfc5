"""An archive is unpacked as a whole below its folder, whatever made it, or refused."""

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hepaflow.errors import UserError
from hepaflow.segment.archive import is_archive, unpack


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


def _tar(path: Path, *members: tuple[str, bytes | None], mode: str = "w", **fields: Any) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            for field, value in fields.items():
                setattr(info, field, value)
            info.size = len(content or b"")
            archive.addfile(info, io.BytesIO(content or b""))
    return path


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_comes_out_as_it_went_in(tmp_path: Path, mode: str) -> None:
    archive = _tar(tmp_path / "a.tar", ("./one/two.dcm", b"12"), ("three", b"3"), mode=mode)
    assert is_archive(archive)
    folder = _target(tmp_path)
    unpack(archive, folder)
    assert _files(folder) == {"one/two.dcm": b"12", "three": b"3"}


@pytest.mark.parametrize("name", ["../climbed", "a/../../climbed", "/climbed", "a\\..\\..\\climbed"])
def test_a_member_of_a_tar_that_climbs_out_is_refused(tmp_path: Path, name: str) -> None:
    folder = _target(tmp_path)
    with pytest.raises(UserError, match="leads out of its folder"):
        unpack(_tar(tmp_path / "a.tar", ("good", b""), (name, b"bad")), folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.FIFOTYPE, "a device"),
        (tarfile.CHRTYPE, "a device"),
    ],
)
def test_a_member_of_a_tar_that_is_no_file_is_refused(tmp_path: Path, kind: bytes, told: str) -> None:
    archive = _tar(tmp_path / "a.tar", ("x", None), type=kind, linkname="/etc/passwd")
    with pytest.raises(UserError, match=f"a member that is {told}"):
        unpack(archive, _target(tmp_path))


def _raw_zip(path: Path, members: dict[bytes, bytes]) -> Path:
    """Write a zip whose names are these bytes, as programs of other systems write them."""
    stand_ins = {f"{number:0{len(name)}d}": name for number, name in enumerate(members)}
    with zipfile.ZipFile(path, "w") as archive:
        for stand_in, name in stand_ins.items():
            archive.writestr(zipfile.ZipInfo(stand_in), members[name])
    content = path.read_bytes()
    for stand_in, name in stand_ins.items():
        content = content.replace(stand_in.encode(), name)
    path.write_bytes(content)
    return path


def test_folders_of_windows_are_folders(tmp_path: Path) -> None:
    folder = _target(tmp_path)
    unpack(_zip(tmp_path / "a.zip", **{"CT\\": b"", "CT\\one\\1.dcm": b"1", "CT\\two\\1.dcm": b"2"}), folder)
    assert _files(folder) == {"CT/one/1.dcm": b"1", "CT/two/1.dcm": b"2"}


def test_what_a_mac_adds_is_left_out(tmp_path: Path) -> None:
    names = ("CT/1.dcm", "__MACOSX/CT/._1.dcm", "CT/.DS_Store", "CT/._1.dcm")
    folder = _target(tmp_path)
    unpack(_zip(tmp_path / "a.zip", **dict.fromkeys(names, b"1")), folder)
    assert _files(folder) == {"CT/1.dcm": b"1"}


@pytest.mark.parametrize("charset", ["utf-8", "cp437", "gb18030", "shift_jis", "euc_kr", "latin-1"])
def test_names_in_any_character_set_are_unpacked(tmp_path: Path, charset: str) -> None:
    name = {"cp437": "Jörg", "latin-1": "Jörg"}.get(charset, "김" if charset == "euc_kr" else "山田")
    folder = _target(tmp_path)
    unpack(_raw_zip(tmp_path / "a.zip", {f"{name}/1.dcm".encode(charset): b"1", b"two/2.dcm": b"2"}), folder)
    assert sorted(_files(folder).values()) == [b"1", b"2"]
    assert ("utf-8" in charset or charset == "cp437") == (f"{name}/1.dcm" in _files(folder))


def test_names_too_long_for_a_disk_are_shortened(tmp_path: Path) -> None:
    folder = _target(tmp_path)
    names = [f"{'山' * 90}{end}.nii.gz" for end in "ab"]
    unpack(_zip(tmp_path / "a.zip", **dict.fromkeys(names, b"1")), folder)
    assert len(_files(folder)) == 2
    assert all(name.endswith(".nii.gz") for name in _files(folder))


def test_a_zip_of_more_than_four_gigabytes_has_another_form(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, archive.open("big", "w", force_zip64=True) as member:
        member.write(b"in zip64")
    folder = _target(tmp_path)
    unpack(tmp_path / "a.zip", folder)
    assert _files(folder) == {"big": b"in zip64"}


def test_a_bomb_is_refused_where_it_lies_about_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out counts, too, not only what the archive promises."""
    folder, archive = _target(tmp_path), _zip(tmp_path / "a.zip", one=bytes(3000), two=bytes(3000))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5000}))
    monkeypatch.setattr("hepaflow.segment.archive.sum", lambda _: 1, raising=False)
    with pytest.raises(UserError, match="GB in the archive"):
        unpack(archive, folder)
    assert sum(map(len, _files(folder).values())) <= 5000


@pytest.mark.parametrize(
    ("start", "name", "told"),
    [
        (b"7z\xbc\xaf\x27\x1c", "a.7z", "a 7z archive(.|\n)*7z x"),
        (b"Rar!\x1a\x07\x01\x00", "a.rar", "a RAR archive(.|\n)*unrar x"),
        (b"\x28\xb5\x2f\xfd", "a.tar.zst", "a zstd archive(.|\n)*tar --zstd -xf"),
        (b"7z\xbc\xaf\x27\x1c", "a.zip", "a 7z archive"),
        (b"PK\x03\x04", "a.zip.001", "one part of several(.|\n)*put the parts together"),
    ],
)
def test_what_is_not_read_is_told_with_what_reads_it(tmp_path: Path, start: bytes, name: str, told: str) -> None:
    (tmp_path / name).write_bytes(start + bytes(500))
    assert is_archive(tmp_path / name)
    with pytest.raises(UserError, match=told):
        unpack(tmp_path / name, _target(tmp_path))


def test_one_of_several_volumes_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.z01").touch()
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + bytes(500))
    with pytest.raises(UserError, match="one part of several"):
        unpack(tmp_path / "a.zip", _target(tmp_path))


def test_no_member_is_named(tmp_path: Path) -> None:
    """They are called after patients."""
    archive = _zip(tmp_path / "a.zip", Zebulon=b"content of the one member")
    content = bytearray(archive.read_bytes())
    content[content.index(b"content")] ^= 1
    archive.write_bytes(content)
    with pytest.raises(UserError) as damaged:
        unpack(archive, _target(tmp_path))
    assert "Zebulon" not in str(damaged.value)
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(marker) + offset] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match="with its password") as encrypted:
        unpack(archive, tmp_path / "out")
    assert "Zebulon" not in str(encrypted.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.nii.gz", gzip.compress(b"x", mtime=0)),
        ("B.NII.GZ", gzip.compress(b"x", mtime=0)),
        ("a.dcm", bytes(128) + b"DICM" + bytes(900)),
        ("notes", b"text" * 300),
    ],
)
def test_exams_are_no_archives(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert not is_archive(tmp_path / name)
    assert not is_archive(tmp_path)


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
