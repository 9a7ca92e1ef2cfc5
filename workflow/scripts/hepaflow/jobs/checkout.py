"""The project's folder: which of its files a run reads."""

import os
from pathlib import Path


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
