"""The files of a folder and the folders below, through links as well; and what was not looked at."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.nifti_name import stem

HIDDEN, NO_IMAGE = "hidden, as other programs keep their notes", "no image"

_OTHER_FORMATS = (
    ".hdr", ".img", ".img.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh", ".mnc", ".nia", ".nii.bz2",
    ".nii.xz", ".nii.zst", ".nii.zip", ".dcm.gz", ".par", ".rec", ".tif", ".tiff", ".npy", ".npz", ".h5", ".hdf5",
)  # fmt: skip
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".7z", ".rar")
_NAMED = 3


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was not taken, and why."""

    place: Path
    reason: str


@dataclass(frozen=True)
class Walk:
    """What a folder holds.

    Attributes
    ----------
    files : tuple of Path
        Sorted; each once, by the first path that is no link.
    skipped : tuple of Skipped
        Hidden folders, links to nowhere or to what was looked at already, and what is no file.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def walk(folder: Path, *, all_or_nothing: bool = True) -> Walk:
    """Look for files in a folder and all below, linked ones among them; no folder is looked at twice.

    Parameters
    ----------
    folder : Path
    all_or_nothing : bool, optional
        Refuse folders that cannot be read, for exams may lie in them; otherwise they are skipped.

    Raises
    ------
    UserError
        If a folder cannot be read.
    """
    files: list[Path] = []
    links: list[Path] = []
    closed: list[OSError] = []
    passed: list[Skipped] = []
    seen, waiting = {_identity(folder)}, [folder]
    while waiting:
        told = _refuse if all_or_nothing else closed.append
        for parent, folders, names in os.walk(waiting.pop(0), onerror=told):
            below = [Path(parent, name) for name in sorted(folders)]
            passed += [Skipped(path, HIDDEN) for path in below if path.name.startswith(".")]
            below = [path for path in below if not path.name.startswith(".")]
            links += [path for path in below if os.path.islink(path)]
            own = [path for path in below if not os.path.islink(path) and _identity(path) not in seen]
            seen |= {_identity(path) for path in own}
            folders[:] = [path.name for path in own]
            files += [Path(parent, name) for name in names]
        while links and not waiting:  # behind all that is no link, which gives exams their names
            link = links.pop(0)
            if folder.resolve().is_relative_to(link.resolve()):
                passed.append(Skipped(link, "a link to a folder above"))
            elif _identity(link) in seen:
                passed.append(Skipped(link, "a link to a folder that is looked at already"))
            else:
                seen.add(_identity(link))
                waiting.append(link)
    passed += [Skipped(Path(one.filename), f"unreadable folder: {one.strerror}") for one in closed]
    taken = _once(files, passed)
    return Walk(tuple(sorted(taken)), tuple(sorted(passed, key=lambda one: one.place)))


def _once(files: Iterable[Path], passed: list[Skipped]) -> list[Path]:
    """Return what is a file, each once; a link behind what it leads to."""
    # The tests of os.path are False, and no error, where one has no right to look.
    taken: dict[str, Path] = {}
    for path in sorted(files, key=lambda one: (os.path.islink(one), one)):
        if not os.path.isfile(path):
            lost = os.path.islink(path) and not os.path.exists(path)
            passed.append(Skipped(path, "a link to nowhere" if lost else "no file"))
        elif os.path.realpath(path) in taken:
            passed.append(Skipped(path, "a link to a file that is taken already"))
        else:
            taken[os.path.realpath(path)] = path
    return list(taken.values())


def why_no_nifti(path: Path) -> str:
    """Return why a file, which is no DICOM, is not taken for an exam; empty if it is."""
    name = path.name.lower()
    if name.startswith("."):
        return HIDDEN
    if name.endswith(_OTHER_FORMATS):
        return "in a format that is not read: convert to .nii.gz"
    if stem(name) is not None:
        return ""
    return "an archive: unpack it, or name it itself" if name.endswith(_ARCHIVES) else NO_IMAGE


def counted(passed: Iterable[Skipped], root: Path) -> list[tuple[int, str]]:
    """Return what was skipped by reason: how many, and in words, with the first names below a folder."""
    places: dict[str, list[Path]] = {}
    for one in passed:
        places.setdefault(one.reason, []).append(one.place)
    return [(len(found), f"{reason} ({_listed(found, root)})") for reason, found in sorted(places.items())]


def _listed(places: list[Path], root: Path) -> str:
    names = [os.path.relpath(place, root) for place in places[:_NAMED]]
    shown = [name if name.isprintable() else name.encode("unicode_escape").decode() for name in names]
    return ", ".join(shown) + (", ..." if len(places) > _NAMED else "")


def _identity(folder: Path) -> object:
    """Return what tells a folder from others, by whatever path; its path where one has no right to look."""
    try:
        status = os.stat(folder)
    except OSError:
        return folder
    return status.st_dev, status.st_ino


def _refuse(error: OSError) -> None:
    raise UserError(
        f"a folder that cannot be read ({error.strerror})", file=error.filename, remedy="change its permissions"
    )
