"""Networks of MONAI in the settings: names and arguments are held against its source."""

import inspect
import re
from typing import Any

import pytest
from monai.networks import nets
from pydantic import ValidationError

from hepaflow.settings import monai as module
from hepaflow.settings.monai import MonaiNetwork
from hepaflow.settings.network import NetworkSettings

UNET = {"channels": [8, 16], "strides": [2]}


def test_a_network_of_the_manual_is_read() -> None:
    read = NetworkSettings(arch="monai", monai={"name": "UNet", "arguments": UNET | {"act": None}})
    assert NetworkSettings.model_validate_json(read.canonical()) == read


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("UNett", {}, "there is no network 'UNett' in MONAI; there are AHNet, .*BasicUNet, .*UNet"),
        ("UNet", UNET | {"stride": 2}, "MONAI's UNet has no argument 'stride'; there are .*'channels'.*'strides'"),
        ("UNet", UNET | {"spatial_dims": 2, "out_channels": 2}, "'out_channels', 'spatial_dims' .* are filled in"),
        ("UNet", {"channels": [8, 16]}, "MONAI's UNet lacks the argument 'strides'"),
        ("FlexibleUNet", {"backbone": "resnet18", "pretrained": True}, "'pretrained' would make .* load weights"),
        ("ResNetFeatures", {}, "no argument for the channels of its input, or of its output"),
    ],
)
def test_what_monai_does_not_know_is_told(name: str, arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MonaiNetwork(name=name, arguments=arguments)


def test_arguments_are_those_that_python_sees() -> None:
    folder = module._folder()
    assert folder is not None
    for name in module._networks(folder):
        parameters = inspect.signature(getattr(nets, name)).parameters.values()
        named = [one for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD]
        needed = {one.name for one in named if one.default is inspect.Parameter.empty}
        optional = {one.name for one in named} - needed
        found = module._arguments(folder, name)
        assert found is not None
        assert (found[0], found[1] - {"**"}) == (needed, optional), name


def test_arguments_that_load_weights_are_known() -> None:
    folder = module._folder()
    assert folder is not None
    for name in module._exported(folder):
        needed, optional = module._arguments(folder, name) or (set(), set())
        if len(module._filled(needed | optional) - {module.DIMENSIONS}) == 2:
            found = {one for one in needed | optional if re.match("pretrain|.*weights|.*url|.*repo|.*load", one)}
            assert found <= {*module.LOADING}, name


def test_weights_may_be_said_to_be_random() -> None:
    assert MonaiNetwork(name="FlexibleUNet", arguments={"backbone": "resnet18", "pretrained": False})


def test_another_name_of_a_class_is_a_name() -> None:
    assert MonaiNetwork(name="Unet", arguments=UNET).name == "Unet"


def test_without_monai_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    assert MonaiNetwork(name="UNett").name == "UNett"
