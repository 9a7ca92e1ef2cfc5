"""matplotlib without the backend that another program has chosen.

Figures are written, never shown. Whatever starts from a Jupyter notebook inherits its backend as a variable, and
matplotlib, which MONAI imports as well, ends the process where that backend is not installed.
"""

import os

_BACKEND = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
finally:
    if _BACKEND is not None:
        os.environ["MPLBACKEND"] = _BACKEND

__all__ = ["matplotlib"]
