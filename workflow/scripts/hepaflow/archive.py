"""Exams that come packed in a zip."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath

from hepaflow.errors import UserError

SUFFIX = ".zip"


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip; refuse it as a whole if a member would land elsewhere than in the folder.

    Parameters
    ----------
    archive : Path
        File, `.zip`.
    folder : Path
        Folder to unpack into; it exists.

    Raises
    ------
    UserError
        If a member's path climbs out, is absolute or a link, or the archive is damaged, encrypted or larger than
        the disk.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = opened.infolist()
            for member in members:
                _check(member, archive)
            size, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
            if size >= free:
                raise UserError(
                    f"{size / 1e9:.1f} GB in the archive",
                    file=archive,
                    expected=f"at most the {free / 1e9:.1f} GB that are free in the folder for results",
                    remedy="name a folder on a larger disk, or unpack the archive yourself",
                )
            opened.extractall(folder, members)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The module raises the last two for what it cannot decompress and for what is encrypted.
        raise UserError(
            f"an archive that cannot be unpacked ({error})",
            file=archive,
            expected="a zip that is whole and not encrypted",
            remedy="copy it again, or unpack it yourself and name the folder",
        ) from None


def _check(member: zipfile.ZipInfo, archive: Path) -> None:
    """Refuse what the module would silently put elsewhere, or write as another thing than it is."""
    # `orig_filename` is what the archive says; `filename` has been cut at a zero and turned to slashes.
    for path in (PurePosixPath(member.orig_filename), PureWindowsPath(member.orig_filename)):
        if path.is_absolute() or path.drive or ".." in path.parts:
            reason = "with a path that leads out of its folder"
            break
    else:
        if not stat.S_ISLNK(member.external_attr >> 16):
            return
        reason = "that is a link"
    raise UserError(
        f"a member {reason}",
        file=archive,
        expected="an archive of files and folders below one folder",
        remedy="do not trust this archive; if you know its maker, pack the exam again",
    )
