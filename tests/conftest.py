"""What all tests share."""

import os

# Tests run side by side, one thread each; this must be set before NumPy and torch are imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
