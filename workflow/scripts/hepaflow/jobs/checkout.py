"""The project's folder: which version of hepaflow runs, and which of its files a run reads."""

import os
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

COMMIT = ".commit"
"""File in a folder that was unpacked from a commit (`workflow/rules/checkout.smk`): the commit."""

_NAME = "hepaflow"


def version_of(checkout: Path) -> str:
    """Return the version of a checkout in words: `hepaflow 0.1.0, commit 0123456789ab`.

    Parameters
    ----------
    checkout : Path
        Its folder. What it does not tell is left out: an archive or a copy has no commit.
    """
    words = " ".join(filter(None, [_NAME, _number(checkout)]))
    return ", ".join(filter(None, [words, _commit(checkout)]))


def here_or_in(checkout: Path, path: str) -> str:
    """Return a path in the working folder; where nothing is there, but in the checkout, that one.

    Parameters
    ----------
    checkout : Path
    path : str
        Of a configuration or an exam sheet, say, which the project brings along and a user can have, too.

    Returns
    -------
    str
        `path` as it is, or the checkout's, relative to the working folder.
    """
    own = os.path.relpath(checkout / path)
    return path if os.path.exists(os.path.expanduser(path)) or not os.path.exists(own) else own


def _number(checkout: Path) -> str:
    try:
        project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        return version(_NAME)
    except PackageNotFoundError:
        return ""


def _commit(checkout: Path) -> str:
    """Return the commit; nothing where the folder is none of Git's, though one above it may be."""
    if not (checkout / ".git").exists():
        noted = checkout / COMMIT
        return f"commit {noted.read_text(encoding='utf-8')[:12]}" if noted.is_file() else ""
    commit = _git(checkout, "rev-parse", "--short=12", "HEAD")
    changed = _git(checkout, "status", "--porcelain", "--untracked-files=no")
    return f"commit {commit}{' with changes' if changed else ''}" if commit else ""


def _git(checkout: Path, *arguments: str) -> str:
    try:
        ended = subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""
