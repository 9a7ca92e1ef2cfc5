"""The figures of a run: data in, a matplotlib figure out. What they share stands in `style`."""

import os

# Figures are written, never shown. Matplotlib refuses to start where the variable names a backend that is not
# installed, and every process that is started from a Jupyter notebook has it.
_backend = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib  # noqa: F401
finally:
    if _backend is not None:
        os.environ["MPLBACKEND"] = _backend
