"""What a bundled model holds, by the names of its members."""

from collections.abc import Collection

from hepaflow.names import STAGES

MANIFEST, SETTINGS, PROVENANCE, CARD, LICENCE = (
    "manifest.json",
    "settings.json",
    "provenance.json",
    "model-card.md",
    "LICENSE",
)


def network_member(stage: str, backbone: str) -> str:
    """Return the name of the member that holds a network."""
    return f"networks/{stage}/{backbone}.safetensors"


def fusion_member(stage: str) -> str:
    """Return the name of the member that holds a stage's fusion weights."""
    return f"fusion/{stage}.json"


def weight_members(backbones: Collection[str]) -> list[str]:
    """Return the names of the members that hold weights: the networks', the liver's first, then the fusions'."""
    return [*(network_member(stage, name) for stage in STAGES for name in backbones), *map(fusion_member, STAGES)]
