"""Names that results, tables and pages share, each list defined once."""

from collections.abc import Mapping
from typing import Literal

STRUCTURES = ("liver", "lesion")
"""What is labelled, segmented and scored."""

Stage = Literal["coarse", "liver", "lesion"]
SHOWS: Mapping[Stage, Stage] = {"coarse": "liver", "liver": "liver", "lesion": "lesion"}
"""Every stage that a method may have, earlier ones first, and the structure that it shows. A coarse one is a first
look at the liver in the whole exam."""
STAGES: tuple[Stage, ...] = ("liver", "lesion")
"""Steps of the thesis' cascade: a network of the second sees the volume of interest that the first finds."""

FUSION = "fusion"
"""The method that fuses the masks of the networks."""

PROCESSINGS = {"raw": "without post-processing", "clean": "with post-processing"}
GIVEN = "given"
"""Processing of another system's segmentations: as they are."""


def network_member(stage: str, network: str) -> str:
    """Return the name that a network has in a bundled model."""
    return f"networks/{stage}/{network}.safetensors"
