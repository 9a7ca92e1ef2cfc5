"""Files by their content: digests, and copies that tell them."""

import hashlib
import os
from pathlib import Path

_CHUNK = 1 << 22


def sha256(path: Path | str) -> str:
    """Return the SHA-256 digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> str:
    """Copy a file's content, and return the SHA-256 digest of what was written."""
    digest = hashlib.sha256()
    with open(source, "rb") as reading, open(target, "wb") as writing:
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return digest.hexdigest()
