"""Which version of hepaflow runs: that of the checkout, and its commit."""

import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
        return ""
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
