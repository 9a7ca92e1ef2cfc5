"""Whether a file is at fault that could not be read, or the machine."""

import errno
import re
from pathlib import Path

_NAMES = (
    "EACCES EPERM EIO ESTALE EMFILE ENFILE ENOMEM EAGAIN EBUSY EINTR EDEADLK ENOLCK ETIMEDOUT ENOTCONN "
    "ECONNRESET ECONNREFUSED EHOSTDOWN EHOSTUNREACH ENETDOWN ENETUNREACH EREMOTEIO ENODEV ENXIO"
)
_NUMBERS = {getattr(errno, name) for name in _NAMES.split() if hasattr(errno, name)}
"""Of rights, disks, network folders, memory and open files. Wrong contents have numbers, too: EINVAL, where a
damaged archive names a place before its beginning."""
_OF_RUST = re.compile(r"\(os error (\d+)\)")
_NO_MEMORY = ("can't allocate memory", "out of memory")

_LOOK = (
    "leave the file as it is, for it may be sound; look at its rights, the disk or network folder that holds it, "
    "free memory and the limit of open files (`ulimit -n`), and try again"
)


def remedy(error: object, otherwise: str) -> str:
    """Return what to do about a file that could not be read.

    To delete it, or to copy it again, is right where its content is wrong. It loses days of training where a right
    is missing, a network folder does not answer, or memory or open files have run out.

    Parameters
    ----------
    error : object
        What was raised, or the reason in words.
    otherwise : str
        What to do where the content is wrong.
    """
    return _LOOK if of_the_machine(error) else otherwise


def check_opens(path: Path | str) -> None:
    """Raise the system's own error where a file cannot be opened.

    nibabel and safetensors say of every such file that it does not exist.
    """
    with open(path, "rb"):
        pass


def of_the_machine(error: object) -> bool:
    """Return whether an error says nothing about the content of a file.

    Libraries raise OSErrors of their own, without a number, for wrong contents (a bad gzip member); those in Rust
    give the system's number in words.
    """
    if isinstance(error, OSError):
        told = _OF_RUST.search(str(error))
        number = int(told[1]) if told else error.errno
        return number in _NUMBERS
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)
    )
