"""By what a result and an exam are known to belong together: a digest, made with a key of the folder for results.

Without the key nobody can try out UIDs or files until the digest of a result fits, and so learn whose it is.
"""

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from hepaflow import files
from hepaflow.dicom.values import text
from hepaflow.segment.choice import series_meant
from hepaflow.segment.result_folder import alone
from hepaflow.segment.source import Source
from hepaflow.system.atomic import write_text

KEY = ".hepaflow-key"
"""Name of the file of the key, beside the results."""


def fingerprint(source: Source) -> str:
    """Return a digest of an exam without a key, which is not to be written; empty where its file cannot be read.

    Of a DICOM series the UIDs of its images count, which are at hand, and the patient's number, because careless
    programs give all patients the same UIDs. A NIfTI file has none: all of its content counts, so that the exam is
    known under any path, and told from one of the same size. To read it takes less time than to read the exam.
    """
    if source.series:
        headers = [header for one in series_meant(source) for header in one.headers]
        images = sorted(f"{text(header, 'SOPInstanceUID')} {text(header, 'PatientID')}" for header in headers)
        return sha256("\n".join(images).encode(errors="surrogatepass")).hexdigest()
    try:
        status = source.place.stat()
        return _of_content(source.place, status.st_size, status.st_mtime_ns)
    except OSError:
        return ""


def fingerprint_of_content(source: Source) -> str:
    """Return the same of all that an exam's files hold: if it is the same, nothing in them has changed."""
    files_of_it = [path for one in series_meant(source) for path in one.files] or [source.place]
    try:
        states = [(path, path.stat()) for path in files_of_it]
        digests = sorted(_of_content(path, state.st_size, state.st_mtime_ns) for path, state in states)
    except OSError:
        return ""
    return sha256("\n".join(digests).encode()).hexdigest()


@cache
def _of_content(path: Path, size: int, changed: int) -> str:
    return files.sha256(path)


def keyed(fingerprint: str, key: bytes) -> str:
    """Return the digest that a result keeps; empty where there is no fingerprint, or no key."""
    return hmac.digest(key, fingerprint.encode(), "sha256").hex() if fingerprint and key else ""


def read_key(out: Path) -> bytes:
    """Return the key of a folder for results; empty where it has none that can be read."""
    try:
        return bytes.fromhex((out / KEY).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return b""


def make_key(out: Path) -> bytes:
    """Return the key of a folder for results, made where there is none; empty where that is not possible."""
    with suppress(OSError), alone(out):
        if not os.path.lexists(out / KEY):
            write_text(out / KEY, secrets.token_hex(32))
    return read_key(out)
