"""Networks of MONAI by name."""

from typing import Any

import pytest
import torch
from monai.networks import nets
from monai.utils.module import OptionalImportError

from hepaflow.errors import UserError
from hepaflow.networks import from_monai
from hepaflow.networks.from_monai import FromMonai, check
from hepaflow.networks.network import build_network
from hepaflow.settings import monai as settings
from hepaflow.settings.monai import MonaiNetwork
from hepaflow.settings.network import NetworkSettings

torch.set_num_threads(1)

UNET: dict[str, Any] = {"channels": [4, 8], "strides": [2], "norm": ["instance", {"affine": True}]}
DYNUNET: dict[str, Any] = {
    **{"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2], "filters": [4, 4, 8]},
}


def named(name: str, **arguments: Any) -> MonaiNetwork:
    return MonaiNetwork(name=name, arguments=arguments)


def test_a_network_is_monais_own() -> None:
    torch.manual_seed(0)
    ours = build_network(NetworkSettings(arch="monai", monai=named("UNet", **UNET)), channels=3)
    torch.manual_seed(0)
    theirs = nets.UNet(2, 3, 1, channels=(4, 8), strides=(2,), norm=("instance", {"affine": True}))
    x = torch.rand(2, 3, 16, 24)
    assert torch.equal(ours(x), theirs(x))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("UNet", UNET),
        ("BasicUNet", {"features": [4] * 6}),
        ("BasicUNetPlusPlus", {"features": [4] * 6}),
        ("SegResNetDS", {"init_filters": 4, "blocks_down": [1, 1, 1], "dsdepth": 2}),
        ("DynUNet", DYNUNET),
    ],
)
def test_networks_of_many_kinds_pass(name: str, arguments: dict[str, Any]) -> None:
    check(named(name, **arguments), channels=1, shape=(32, 32))
    network = FromMonai(named(name, **arguments))
    logits = network(torch.rand(2, 1, 32, 32))
    assert (len(logits) == 2 and not isinstance(logits, torch.Tensor)) is (name == "SegResNetDS")
    assert network.eval()(torch.rand(2, 1, 32, 32)).shape == (2, 1, 32, 32)


def test_a_network_is_monais_own_in_three_dimensions() -> None:
    torch.manual_seed(0)
    ours = build_network(NetworkSettings(arch="monai", monai=named("UNet", **UNET), dimensions=3))
    torch.manual_seed(0)
    theirs = nets.UNet(3, 1, 1, channels=(4, 8), strides=(2,), norm=("instance", {"affine": True}))
    x = torch.rand(2, 1, 6, 8, 10)
    assert torch.equal(ours(x), theirs(x))
    for wrong in (torch.rand(2, 1, 8, 8), torch.rand(2, 2, 8, 8, 8)):
        with pytest.raises(ValueError, match=r"expected \(batch, 1, slices, rows, columns\)"):
            ours(wrong)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("UNet", UNET),
        ("SegResNetDS", {"init_filters": 4, "blocks_down": [1, 1, 1], "dsdepth": 2}),
        ("DynUNet", DYNUNET | {"strides": [1, [1, 2, 2], 2], "upsample_kernel_size": [[1, 2, 2], 2]}),
    ],
)
def test_networks_of_many_kinds_take_patches(name: str, arguments: dict[str, Any]) -> None:
    check(named(name, **arguments), channels=1, shape=(8, 16, 24))
    found = FromMonai(named(name, **arguments), 1, 3).eval()(torch.rand(1, 1, 8, 16, 24))
    assert found.shape == (1, 1, 8, 16, 24)
    assert found.dtype == torch.float32


def test_a_patch_that_cannot_be_halved_as_often_is_refused() -> None:
    with pytest.raises(UserError, match=r"fails on patches of 6×10×10 voxels|of two patches of 6×10×10 voxels"):
        check(named("UNet", channels=[4, 8, 8], strides=[2, 2]), channels=1, shape=(6, 10, 10))


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("UNet", {"channels": [4, 8], "strides": []}, "cannot build UNet with the arguments {'channels'"),
        ("UNet", {"channels": [4, 8], "strides": [2], "norm": "no"}, r"cannot build UNet .*NO"),
        ("UNet", {"channels": [4, 8], "strides": [3]}, r"fails on slices of 32 pixels|makes \(2, 1, \d+"),
        (
            "DynUNet",
            DYNUNET | {"deep_supervision": True},
            r"makes \(2, 1, 32, 32\), in training \(2, 2, 1, 32, 32\)",
        ),
        ("DenseNet121", {"init_features": 4, "growth_rate": 4, "block_config": [1, 1]}, r"makes \(2, 1\) of two"),
    ],
)
def test_what_gives_no_logits_of_the_slices_size_is_refused(
    name: str, arguments: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        check(named(name, **arguments), channels=1, shape=(32, 32))


def test_what_decides_how_a_network_is_built_is_what_settings_are_checked_by() -> None:
    for name in ("DIMENSIONS", "INPUTS", "OUTPUTS", "PRETRAINED"):
        assert getattr(from_monai, name) == getattr(settings, name)


def test_no_weights_are_downloaded_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which MONAI does for the networks of this class, unless it is told not to."""
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: pytest.fail("a download"))
    monkeypatch.setattr("monai.networks.nets.efficientnet._load_state_dict", lambda *_: pytest.fail("a download"))
    assert FromMonai(named("EfficientNetBN", model_name="efficientnet-b0"), channels=3).channels == 3


@pytest.mark.parametrize("when", ["__init__", "forward"])
def test_a_package_that_monai_needs_is_named(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OptionalImportError("from einops import rearrange (No module named 'einops').\n\nFor details")

    monkeypatch.setattr(nets.UNet, when, fail)
    with pytest.raises(UserError, match=r"not installed .*No module named 'einops'") as caught:
        check(named("UNet", **UNET), channels=1, shape=(32, 32))
    assert "install it" in str(caught.value)
    assert "arguments" not in str(caught.value)
