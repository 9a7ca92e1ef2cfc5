"""pydicom behaves as its version does, whatever its developers' variable says."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("value", ["True", "nonsense"])
def test_pydicom_is_that_of_the_present(value: str) -> None:
    """With `True`, no pixel could be decoded; with anything else than a yes or no, the command ended."""
    code = "import hepaflow.dicom.reading, pydicom.config; print(pydicom.config._use_future)"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYDICOM_FUTURE": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == "False", ended.stderr
