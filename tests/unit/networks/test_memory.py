"""What a training takes of a card."""

import re
from pathlib import Path

import pytest

from hepaflow.networks.memory import COUNTED, training_gib
from hepaflow.settings.network import BackboneWeights
from hepaflow.settings.workflow import Settings

THESIS = {one.network.arch: one.network for one in Settings().networks.values()}


@pytest.mark.parametrize("arch", COUNTED)
def test_a_mini_batch_of_the_thesis_is_as_counted(arch: str) -> None:
    assert training_gib(THESIS[arch], slices=32, size=256, precision="fp32") == pytest.approx(COUNTED[arch][1])
    assert training_gib(THESIS[arch], slices=32, size=256, precision="tf32") == pytest.approx(COUNTED[arch][1])


def test_the_networks_of_the_thesis_are_those_of_the_manual() -> None:
    manual = (Path(__file__).parents[3] / "docs/slurm.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [\w ×]+ \| ([\d.]+) M \|.*\| ([\d.]+) GiB \|$", manual, re.MULTILINE)
    assert COUNTED.keys() == THESIS.keys()
    assert [(weights / 1e6, gib) for weights, gib in COUNTED.values()] == [
        (pytest.approx(float(weights)), float(gib)) for weights, gib in rows
    ]


def test_it_grows_with_the_pixels_and_bf16_keeps_half() -> None:
    network = THESIS["resnet152"]

    def gib(slices: int, size: int = 256, precision: str = "fp32") -> float:
        return training_gib(network, slices=slices, size=size, precision=precision)  # type: ignore[arg-type, return-value]

    fixed = 2 * gib(16) - gib(32)
    assert fixed == pytest.approx(74.3e6 * 12 / 2**30)
    assert gib(8, 512) == pytest.approx(gib(32))
    assert gib(32, precision="bf16") == pytest.approx(gib(16))


def test_of_other_networks_nothing_is_known() -> None:
    for network in (
        BackboneWeights(arch="unet", weights="none"),
        BackboneWeights(arch="resnet50", weights="none"),
    ):
        assert training_gib(network, slices=32, size=256, precision="fp32") is None
