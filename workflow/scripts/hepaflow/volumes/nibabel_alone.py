"""nibabel without pydicom, which it imports for DICOM of its own: a fifth of the time in which a job starts."""

import sys

_ABSENT = "pydicom" not in sys.modules
if _ABSENT:
    sys.modules["pydicom"] = None  # type: ignore[assignment]  # as if it were not installed
try:
    import nibabel as nib
finally:
    if _ABSENT:
        del sys.modules["pydicom"]

__all__ = ["nib"]
