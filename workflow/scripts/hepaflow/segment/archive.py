"""Exams that come packed: zip and tar archives, made on any system."""

import hashlib
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from hepaflow.errors import UserError
from hepaflow.volumes.nifti_name import stem

_NOT_READ = {
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!\x1a\x07": ("a RAR archive", "unrar x"),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", "tar --zstd -xf"),
}
"""How archives begin that are not unpacked here: what they are, and what unpacks them."""

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_PART = re.compile(r"\.(z\d\d|\d{3}|part\d+\.rar)$", re.IGNORECASE)
_ENDING = re.compile(r"(\.tar)?\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz|zst|7z|rar)$", re.IGNORECASE)

_OF_A_MAC = ("__MACOSX", ".DS_Store")
_LONGEST_NAME = 200  # bytes; file systems end at 255, encrypted ones earlier
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Member:
    """A file or folder in an archive."""

    path: str
    is_folder: bool
    size: int
    odd: str
    """What it is, if neither a file nor a folder."""
    open: Callable[[], IO[bytes] | None]


def is_archive(place: Path) -> bool:
    """Tell whether a file is an archive, by its content; also one that `unpack` refuses.

    Raises
    ------
    UserError
        If it is there, but cannot be read.
    """
    if not place.is_file() or stem(place.name) is not None:
        return False
    try:
        with place.open("rb") as file:
            start = file.read(132)
        if start[128:] == b"DICM":
            return False
        return (
            start.startswith((*_ZIP, *_NOT_READ)) or bool(_ENDING.search(place.name)) or tarfile.is_tarfile(place)
        )
    except OSError as error:
        raise UserError(
            f"a file that cannot be read ({error.strerror})", file=place, remedy="change its permissions"
        ) from None


def name_of(place: Path) -> str:
    """Return the name of an archive without its endings.

    Examples
    --------
    >>> name_of(Path("/data/exam.1.tar.gz")), name_of(Path("exam.ZIP"))
    ('exam.1', 'exam')
    """
    return _ENDING.sub("", place.name) or place.name


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive; refuse it as a whole if a member would land elsewhere than in the folder.

    Parameters
    ----------
    archive : Path
        Zip or tar, the latter also compressed.
    folder : Path
        Folder to unpack into; it exists.

    Raises
    ------
    UserError
        If a member's path climbs out, is absolute, a link or a device, or the archive is of another kind, one part
        of several, damaged, encrypted or larger than the disk.
    """
    try:
        with _opened(archive) as members:
            for member in members:
                _check(member, archive)
            free = shutil.disk_usage(folder).free
            _check_size(sum(member.size for member in members), free, archive)
            for member in members:
                free -= _write(member, folder, free, archive)
    except (
        zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError,
        RuntimeError, UnicodeError,
    ) as error:  # fmt: skip
        # The modules raise some of these for what they cannot decompress and for what is encrypted.
        raise _refused(archive, error) from None


def _refused(archive: Path, error: Exception) -> UserError:
    remedy = "copy it again, or unpack it yourself and name the folder"
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
    reason = re.sub(r"""(['"]).*\1""", "a member", reason)  # whose name may be a patient's
    if _PART.search(archive.name) or "multiple disks" in reason or _other_parts(archive):
        reason, remedy = "one part of several", "put the parts together and unpack them yourself; name the folder"
    elif "encrypted" in reason or "password" in reason:
        remedy = "unpack it with its password, and name the folder"
    return UserError(
        f"an archive that cannot be unpacked ({reason})",
        file=archive,
        expected="a zip or a tar that is whole and not encrypted",
        remedy=remedy,
    )


def _other_parts(archive: Path) -> bool:
    return any(archive.with_suffix(ending).exists() for ending in (".z01", ".Z01"))


@contextmanager
def _opened(archive: Path) -> Iterator[list[_Member]]:
    with archive.open("rb") as file:
        start = file.read(8)
    for sign, (kind, command) in _NOT_READ.items():
        if start.startswith(sign):
            raise UserError(
                f"{kind}, which hepaflow does not read",
                file=archive,
                expected="a zip or a tar",
                remedy=f"unpack it yourself, for instance with `{command} FILE`, and name the folder",
            )
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            yield [_of_tar(tar, info) for info in tar.getmembers()]
        return
    with zipfile.ZipFile(archive) as opened:
        yield [_of_zip(opened, info) for info in opened.infolist()]


def _of_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> _Member:
    odd = "" if info.isfile() or info.isdir() else "a link" if info.issym() or info.islnk() else "a device"
    return _Member(info.name, info.isdir(), info.size, odd, lambda: tar.extractfile(info))


def _of_zip(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    odd = "" if kind in (0, stat.S_IFREG, stat.S_IFDIR) else "a link" if kind == stat.S_IFLNK else "a device"
    # What the archive says: `filename` has been cut at a zero.
    name = info.orig_filename
    if not info.flag_bits & 0x800:  # "of an old PC"; but Macs and others write UTF-8
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    # Windows' own programs part folders by backslashes, against the standard.
    return _Member(name, info.is_dir() or name.endswith("\\"), info.file_size, odd, lambda: opened.open(info))


def _check(member: _Member, archive: Path) -> None:
    """Refuse what would land elsewhere, or is another thing than a file."""
    for path in (PurePosixPath(member.path), PureWindowsPath(member.path)):
        if path.is_absolute() or path.drive or ".." in path.parts:
            reason = "with a path that leads out of its folder"
            break
    else:
        if not member.odd:
            return
        reason = f"that is {member.odd}"
    raise UserError(
        f"a member {reason}",
        file=archive,
        expected="an archive of files and folders below one folder",
        remedy="do not trust this archive; if you know its maker, pack the exam again",
    )


def _check_size(size: int, free: int, archive: Path) -> None:
    if size >= free:
        raise UserError(
            f"{size / 1e9:.1f} GB in the archive",
            file=archive,
            expected=f"at most the {free / 1e9:.1f} GB that are free in the folder for results",
            remedy="name a folder on a larger disk, or unpack the archive yourself",
        )


def _write(member: _Member, folder: Path, free: int, archive: Path) -> int:
    """Write a member, and return its bytes; the sizes that an archive states may be false."""
    parts = [one for one in re.split(r"[/\\]", member.path.split("\0")[0]) if one not in ("", ".")]
    if not parts or parts[0] in _OF_A_MAC or parts[-1] in _OF_A_MAC or parts[-1].startswith("._"):
        return 0
    path = folder.joinpath(*map(_shortened, parts))
    if member.is_folder:
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    written, content = 0, member.open()
    if content is None:
        return 0
    with content, path.open("wb") as file:
        while chunk := content.read(_CHUNK):
            written += len(chunk)
            _check_size(written, free, archive)
            file.write(chunk)
    return written


def _shortened(name: str) -> str:
    """Return a name that file systems take; what it is called decides nothing about a DICOM file."""
    encoded = name.encode(errors="surrogateescape")
    if len(encoded) <= _LONGEST_NAME:
        return name
    start, end = encoded[: _LONGEST_NAME // 2], "".join(Path(name).suffixes[-2:])[-20:]
    return start.decode(errors="ignore") + "-" + hashlib.sha256(encoded).hexdigest()[:16] + end
