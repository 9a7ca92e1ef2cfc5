"""The files in a folder and the folders below, linked ones included; and what was skipped."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.volumes.nifti_name import stem

HIDDEN, NO_IMAGE = "hidden, as notes of other programs are", "no image"

_OTHER_FORMATS = (
    ".hdr", ".img", ".img.gz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mgz", ".mgh", ".mnc", ".nia", ".nii.bz2",
    ".nii.xz", ".nii.zst", ".nii.zip", ".dcm.gz", ".par", ".rec", ".tif", ".tiff", ".npy", ".npz", ".h5", ".hdf5",
)  # fmt: skip
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".7z", ".rar")
_NAMED = 3


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was skipped, and why."""

    place: Path
    reason: str


@dataclass(frozen=True)
class Walk:
    """What a folder holds.

    Attributes
    ----------
    files : tuple of Path
        Sorted; each once, by its first path that is not a link, if it has one.
    skipped : tuple of Skipped
        Hidden folders, links that are broken or lead to what was found already, and what is not a file.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def walk(folder: Path, *, all_or_nothing: bool = True) -> Walk:
    """Find the files in a folder and all folders below, linked ones included; no folder is searched twice.

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
        on_error = _refuse if all_or_nothing else closed.append
        for parent, folders, names in os.walk(waiting.pop(0), onerror=on_error):
            below = [Path(parent, name) for name in sorted(folders)]
            passed += [Skipped(path, HIDDEN) for path in below if path.name.startswith(".")]
            below = [path for path in below if not path.name.startswith(".")]
            links += [path for path in below if os.path.islink(path)]
            own = [path for path in below if not os.path.islink(path) and _identity(path) not in seen]
            seen |= {_identity(path) for path in own}
            folders[:] = [path.name for path in own]
            files += [Path(parent, name) for name in names]
        while links and not waiting:  # after all that are no links, whose paths give exams their names
            link = links.pop(0)
            if folder.resolve().is_relative_to(link.resolve()):
                passed.append(Skipped(link, "a link to a folder above"))
            elif _identity(link) in seen:
                passed.append(Skipped(link, "a link to a folder that was searched already"))
            else:
                seen.add(_identity(link))
                waiting.append(link)
    passed += [Skipped(Path(one.filename), f"unreadable folder: {one.strerror}") for one in closed]
    taken = _once(files, passed)
    return Walk(tuple(sorted(taken)), tuple(sorted(passed, key=lambda one: one.place)))


def _once(files: Iterable[Path], passed: list[Skipped]) -> list[Path]:
    """Return those that are files, each once: by its own path rather than by a link."""
    # The tests of os.path return False, and raise nothing, where we have no right to look.
    taken: dict[str, Path] = {}
    for path in sorted(files, key=lambda one: (os.path.islink(one), one)):
        if not os.path.isfile(path):
            lost = os.path.islink(path) and not os.path.exists(path)
            passed.append(Skipped(path, "a broken link" if lost else "no file"))
        elif os.path.realpath(path) in taken:
            passed.append(Skipped(path, "a link to a file that was found already"))
        else:
            taken[os.path.realpath(path)] = path
    return list(taken.values())


def why_no_nifti(path: Path) -> str:
    """Return why a file that is not DICOM is not taken for an exam; empty if it is."""
    name = path.name.lower()
    if name.startswith("."):
        return HIDDEN
    if name.endswith(_OTHER_FORMATS):
        return "in a format that is not read: convert to .nii.gz"
    if stem(name) is not None:
        return ""
    return "an archive: unpack it, or name it itself" if name.endswith(_ARCHIVES) else NO_IMAGE


def counted(passed: Iterable[Skipped], root: Path) -> list[tuple[int, str]]:
    """Return, for each reason to skip something, how many were skipped, and the reason with the first names."""
    places: dict[str, list[Path]] = {}
    for one in passed:
        places.setdefault(one.reason, []).append(one.place)
    return [(len(found), f"{reason} ({_listed(found, root)})") for reason, found in sorted(places.items())]


def _listed(places: list[Path], root: Path) -> str:
    names = [os.path.relpath(place, root) for place in places[:_NAMED]]
    shown = [name if name.isprintable() else name.encode("unicode_escape").decode() for name in names]
    return ", ".join(shown) + (", ..." if len(places) > _NAMED else "")


def _identity(folder: Path) -> object:
    """Return what identifies a folder under any path; its path where we have no right to look."""
    try:
        status = os.stat(folder)
    except OSError:
        return folder
    return status.st_dev, status.st_ino


def _refuse(error: OSError) -> None:
    raise UserError(
        f"a folder that cannot be read ({error.strerror})", file=error.filename, remedy="change its permissions"
    )
