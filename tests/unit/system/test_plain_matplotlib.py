"""A backend that another program has chosen ends no figure and no network."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["figures.dice", "networks.unet"])
def test_a_backend_that_is_not_installed_does_not_matter(module: str) -> None:
    backend = "module://matplotlib_inline.backend_inline"
    code = f"import os, hepaflow.{module}; print(os.environ['MPLBACKEND'])"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"MPLBACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == backend
