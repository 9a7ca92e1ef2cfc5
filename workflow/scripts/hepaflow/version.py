"""Which version of hepaflow this is: in a checkout as Git's tags say, elsewhere as it was packed.

The number is written nowhere else: `pyproject.toml` asks here, and so does all that states it. It is derived here
and not by a tool that builds packages, because a checkout runs without being installed, and moves on after it was.
"""

import importlib.metadata
import os
import re
import subprocess
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cache
from pathlib import Path

NAME = "hepaflow"
UNKNOWN = "0+unknown"
"""Number of a copy that says nothing of its version."""

ARCHIVED, PACKED = ".git_archival.txt", "PKG-INFO"
"""Files that tell it: `git archive` fills in the first, a source distribution has the second."""

_TAGS = "v[0-9]*"
_DESCRIBED = re.compile(r"v(?P<tag>\d[^-]*)(-(?P<after>\d+)-g[0-9a-f]+)?(?P<changed>-dirty)?")
_DIGITS = 12
"""Of a commit."""


@dataclass(frozen=True)
class Version:
    """A version.

    Attributes
    ----------
    number : str
        As PEP 440 wants it: `0.1.0` at the tag v0.1.0, `0.1.1.dev3+g0123456789ab` three commits later, and
        `0.0.dev3+g0123456789ab` where no tag is known. Local changes add `.changed`.
    commit : str
        Its first digits; empty where it is unknown, or needs no saying.
    changed : bool
        Whether files were changed since that commit.
    """

    number: str
    commit: str = ""
    changed: bool = False

    def in_words(self) -> str:
        """Return `hepaflow 0.1.0, commit 0123456789ab with changes`."""
        if not self.commit:
            return f"{NAME} {self.number}"
        changes = " with changes" if self.changed else ""
        return f"{NAME} {self.number.partition('+')[0]}, commit {self.commit}{changes}"


def version() -> str:
    """Return the number of this version."""
    return this_version().number


@cache
def this_version() -> Version:
    """Return the version of the package that this module is part of."""
    project = Path(__file__).parents[3]
    if (project / "workflow/scripts" / NAME).is_dir():
        return version_of(project) or Version(UNKNOWN)  # what is installed may be another version
    return _installed()


def version_of(project: Path) -> Version | None:
    """Return the version of the project in a folder: a checkout, an archive of one, a source distribution.

    Parameters
    ----------
    project : Path
        None of its parents counts, though one may be a checkout of something else.

    Returns
    -------
    Version or None
        None if it tells nothing.
    """
    return _packed(project / PACKED) or _checked_out(project) or _archived(project / ARCHIVED)


def _packed(file: Path) -> Version | None:
    if not file.is_file():
        return None
    number = HeaderParser().parsestr(file.read_text(encoding="utf-8"))["Version"]
    return Version(number) if number else None


def _checked_out(project: Path) -> Version | None:
    if not (project / ".git").exists():
        return None
    commit = _git(project, "log", "-1", "--format=%h", f"--abbrev={_DIGITS}")
    if not commit:
        return None
    told = _git(project, "describe", "--tags", f"--match={_TAGS}", "--always", "--dirty")
    commits = 0 if told.startswith("v") else int(_git(project, "rev-list", "--count", "HEAD") or 0)
    return _described(told, commit, commits)


def _archived(file: Path) -> Version | None:
    if not file.is_file():
        return None
    told = HeaderParser().parsestr(file.read_text(encoding="utf-8"))
    commit = told["commit"] or ""
    return None if "$" in commit or not commit else _described(told["describe"] or "", commit[:_DIGITS], 0)


def _described(told: str, commit: str, commits: int) -> Version:
    """Return the version from what `git describe` says; without a tag, from the number of all commits."""
    found = _DESCRIBED.fullmatch(told)
    changed = told.endswith("-dirty")
    if found and not found["after"] and not changed:
        return Version(found["tag"], commit)
    later = f"{_next(found['tag'])}.dev{found['after'] or 0}" if found else f"0.0.dev{commits}"
    return Version(f"{later}+g{commit}{'.changed' if changed else ''}", commit, changed)


def _next(number: str) -> str:
    """Return the number that follows: 0.1.1 after 0.1.0, 0.1.0rc2 after 0.1.0rc1."""
    return re.sub(r"\d+$", lambda last: str(int(last[0]) + 1), number)


def _git(project: Path, *arguments: str) -> str:
    """Return what Git says of a folder, whatever repository the caller is at work in; nothing where it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(project), "--no-optional-locks", *arguments]
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _installed() -> Version:
    try:
        return Version(importlib.metadata.version(NAME))
    except importlib.metadata.PackageNotFoundError:  # copied by hand
        return Version(UNKNOWN)
