"""Variables of the calling shell that must not reach the jobs, and modules with which it replaces others."""

import os
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

DROPPED = {
    # Only the settings decide on precision and reproducibility.
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "CUBLAS_WORKSPACE_CONFIG",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE",
    # A job starts the processes of its other devices itself. In a shell that is one of several that work together
    # (torchrun, a pod of Kubernetes), it would take itself for one of them and wait for the others.
    *("RANK", "LOCAL_RANK", "GROUP_RANK", "NODE_RANK", "GLOBAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    *("MASTER_ADDR", "MASTER_PORT", "STANDALONE_PORT", "LT_CLI_USED"),
    # Python of the jobs: one that reads the terminal at its end never ends.
    "PYTHONINSPECT",
    "PYTHONOPTIMIZE",
    "PYTHONWARNINGS",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONDEVMODE",
}
"""Variables that would change results, or how jobs run and end."""

KEPT = (
    "ATEN_CPU_CAPABILITY",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "OMP_DYNAMIC",
    "OMP_THREAD_LIMIT",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Variables that choose instructions or threads. Results differ by rounding, as between two processors; a user who
sets them wants that, and records say so."""

LIBRARIES = {
    *("PIL", "lightning_fabric", "matplotlib", "monai", "nibabel", "numpy", "pandas", "pydantic", "pydicom"),
    *("safetensors", "scipy", "skimage", "snakemake", "torch", "torchvision", "yaml"),
}


def settle(environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Adapt an environment to what jobs need; return the variables that were dropped, as NAME=VALUE."""
    dropped = sorted(f"{name}={environment.pop(name)}" for name in DROPPED & environment.keys())
    environment["PYTHONUTF8"] = "1"  # text is UTF-8 in every locale
    return dropped


def kept(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that are set and choose instructions or threads."""
    return {name: environment[name] for name in KEPT if name in environment}


def shadowed(folders: Iterable[str]) -> list[str]:
    """Return modules in folders of PYTHONPATH that replace those of Python or of the environment.

    Returns
    -------
    list of str
        "folder: numpy, statistics"
    """
    found = []
    for folder in filter(None, folders):
        try:
            names = {path.stem for path in Path(folder).iterdir() if path.suffix in ("", ".py", ".so")}
        except OSError:
            continue
        if instead := sorted(names & (LIBRARIES | sys.stdlib_module_names)):
            found.append(f"{folder}: {', '.join(instead)}")
    return found
