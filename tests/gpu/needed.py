"""The packages that the measurements need; asked before anything runs, and importing none of them."""

from importlib.util import find_spec

NEEDED = (
    "PIL",
    "lightning_fabric",
    "matplotlib",
    "monai",
    "numpy",
    "pydantic",
    "safetensors",
    "scipy",
    "torch",
    "torchvision",
    "yaml",
)
"""Names by which they are imported. A test compares them with what the code imports."""


def missing() -> list[str]:
    """Return those of `NEEDED` that are not installed."""
    return [name for name in NEEDED if find_spec(name) is None]
