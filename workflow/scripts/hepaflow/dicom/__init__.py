"""DICOM in and out: a CT series becomes a volume, a result becomes objects of the same study (thesis 4.10)."""

import os

os.environ.pop("PYDICOM_FUTURE", None)  # pydicom would do without what its present version decodes pixels with
