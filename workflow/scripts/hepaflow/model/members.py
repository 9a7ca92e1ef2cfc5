"""What a bundled model holds, by the names of its members."""

from pathlib import Path

from hepaflow.methods.plan import networks_of, votes_of
from hepaflow.names import network_member
from hepaflow.networks.rounded import rounded_file
from hepaflow.settings.plan import Plan

MANIFEST, SETTINGS, PROVENANCE, CARD, LICENCE = (
    "manifest.json",
    "settings.json",
    "provenance.json",
    "model-card.md",
    "LICENSE",
)


def content_of(plan: Plan, name: str, file: Path) -> bytes:
    """Return what the member of this name holds: a file, with its weights rounded if the plan says so."""
    return rounded_file(file) if name in _rounded(plan) else file.read_bytes()


def _rounded(plan: Plan) -> set[str]:
    planned = {(network, stage): plan.methods[network][stage].network for network, stage in networks_of(plan)}
    return {
        network_member(stage, network)
        for (network, stage), settings in planned.items()
        if settings is not None and settings.weights
    }


def vote_member(stage: str, vote: str) -> str:
    """Return the name of the member that holds the weights of a vote."""
    return f"votes/{stage}/{vote}.json"


def vote_members(plan: Plan) -> list[str]:
    """Return the names of the members that hold the weights of votes."""
    return [vote_member(stage, vote) for vote, stage in votes_of(plan)]


def weight_members(plan: Plan) -> list[str]:
    """Return the names of the members that hold weights: the networks', earlier stages first, then the votes'."""
    return [*(network_member(stage, network) for network, stage in networks_of(plan)), *vote_members(plan)]
