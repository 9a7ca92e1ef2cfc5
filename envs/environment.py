"""The conda environment of all jobs, with the versions of the lock: `make lock` writes it to environment.yaml.

Its packages are those of the lock, from the Python Package Index, so that results do not depend on how an
environment was made. Their digests are in requirements.txt alone: with `--sdm conda`, Snakemake notes the whole
text of environment.yaml with every file that a job makes.
"""

import re
from pathlib import Path

LOCK = Path(__file__).with_name("requirements.txt")
HEAD = """\
# Written by `make lock` from requirements.txt: the environment of all jobs with `snakemake --sdm conda`. By hand:
#     conda env create -f envs/environment.yaml
name: hepaflow
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - cxx-compiler # for compute.compile
  - pip:
"""


def environment(lock: str) -> str:
    """Return the text of the environment's file, with the pins of a lock file."""
    pins = re.findall(r"^([\w.-]+==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)
    return HEAD + "".join(f"      - {pin}\n" for pin in pins)


if __name__ == "__main__":
    print(environment(LOCK.read_text(encoding="utf-8")), end="")
