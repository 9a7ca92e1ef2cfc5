"""Pretrained weights: every layer but a new first one and the head, or a message that says what to do."""

import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import get_model, get_model_weights
from torchvision.models._api import WeightsEnum

from hepaflow.errors import UserError
from hepaflow.networks import pretrained
from hepaflow.networks.network import build_network
from hepaflow.networks.pretrained import imagenet_file, imagenet_weights, load_pretrained, read_weights
from hepaflow.settings.head import HeadSettings
from hepaflow.settings.network import HAS_BACKBONE, NetworkSettings

HEAD = HeadSettings(channels=8)
State = dict[str, Tensor]


def classifier_state(name: str) -> State:
    """Weights as torchvision's file holds them: of the whole classifier, each value its own."""
    net = get_model(name, weights=None, **({"init_weights": False} if "inception" in name else {}))
    generator = torch.Generator().manual_seed(7)
    return {
        key: torch.rand(value.shape, generator=generator) if value.is_floating_point() else value
        for key, value in net.state_dict().items()
    }


def old_names(state: State) -> State:
    """Name DenseNet's layers as torchvision's files of 2017 do."""
    return {
        re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", key): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


def build(name: str, weights: object) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_network(NetworkSettings(arch=name, weights=str(weights), head=HEAD))


def save_pth(state: State, file: Path) -> None:
    # torchvision's files are older than torch's present format.
    torch.save(state, file, _use_new_zipfile_serialization=False)


@pytest.fixture(scope="module")
def resnet() -> State:
    return classifier_state("resnet50")


@pytest.mark.parametrize(
    ("name", "suffix", "save"),
    [
        ("resnet50", ".safetensors", save_file),
        ("densenet121", ".safetensors", save_file),
        ("densenet121", ".pth", save_pth),
        ("inception_v3", ".pth", save_pth),
    ],
)
def test_weights_go_to_all_layers_but_the_first_and_the_head(
    name: str, suffix: str, save: Callable[[State, Path], None], tmp_path: Path
) -> None:
    state = classifier_state(name)
    file = tmp_path / f"weights{suffix}"
    save(old_names(state) if suffix == ".pth" else state, file)

    loaded, random = build(name, file), build(name, "none")
    fresh = random.state_dict()
    for key, value in loaded.state_dict().items():
        part, _, name_in_part = key.partition(".")
        if key.endswith("num_batches_tracked"):
            continue
        if part == "head" or name_in_part == loaded.backbone.FIRST:
            assert torch.equal(value, fresh[key]), key
        else:
            assert torch.equal(value, state[name_in_part]), key
    assert all(parameter.requires_grad for parameter in loaded.parameters())


@pytest.mark.parametrize(("channels", "kept"), [(3, True), (5, False)])
def test_the_first_convolution_is_pretrained_for_three_channels(
    resnet: State, tmp_path: Path, channels: int, kept: bool
) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(resnet, file)
    torch.manual_seed(0)
    network = build_network(NetworkSettings(arch="resnet50", weights=str(file), head=HEAD), channels)
    first = network.backbone.conv1.weight
    assert first.shape[1] == channels
    assert (first.shape == resnet["conv1.weight"].shape and torch.equal(first, resnet["conv1.weight"])) is kept
    assert torch.equal(network.backbone.layer1[0].conv1.weight, resnet["layer1.0.conv1.weight"])


def test_a_backbone_with_a_decoder_has_the_same_weights(resnet: State, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(resnet, file)
    settings = NetworkSettings(arch="resnet50", weights=str(file), decoder={"kind": "unet", "channels": [8] * 5})
    found = build_network(settings).backbone.state_dict()
    assert torch.equal(found["layer4.2.conv3.weight"], resnet["layer4.2.conv3.weight"])


def test_missing_unknown_and_misshapen_weights_are_listed(resnet: State, tmp_path: Path) -> None:
    state = dict(resnet)
    del state["layer4.2.conv3.weight"]
    state["layer5.weight"] = torch.zeros(1)
    state["bn1.bias"] = torch.zeros(3)
    file = tmp_path / "weights.safetensors"
    save_file(state, file)
    with pytest.raises(UserError) as error:
        build("resnet50", file)
    for told in (
        "1 missing: layer4.2.conv3.weight",
        "1 unknown: layer5.weight",
        "1 of another shape: bn1.bias (3,) for (64,)",
        str(file),
        "torchvision's resnet50",
    ):
        assert told in str(error.value)


def test_a_failed_load_changes_nothing(resnet: State, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file({key: value for key, value in resnet.items() if "layer4" not in key}, file)
    network = build("resnet50", "none")
    before = {key: value.clone() for key, value in network.backbone.state_dict().items()}
    with pytest.raises(UserError, match="layer4"):
        load_pretrained(network.backbone, str(file))
    assert all(torch.equal(value, before[key]) for key, value in network.backbone.state_dict().items())


def test_weights_of_another_architecture_are_refused_in_few_lines(resnet: State, tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(resnet, file)
    with pytest.raises(UserError, match="missing") as error:
        build("densenet121", file)
    assert len(str(error.value)) < 2000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no-such\.pth"):
        build("resnet50", tmp_path / "no-such.pth")


class Bomb:
    """Unpickling it would run code."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (eval, ("1/0",))


@pytest.mark.parametrize("content", [{"weight": Bomb()}, {"state_dict": {}}, {"epoch": 3}, [1, 2]])
def test_a_pickle_that_is_no_state_dict_is_refused_and_never_run(content: object, tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    torch.save(content, file)
    with pytest.raises(UserError, match=r"weights\.pth"):
        read_weights(file)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError, match="cannot be read"):
        read_weights(file)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no way out."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    return tmp_path


def test_imagenet_weights_that_cannot_be_fetched_say_which_file_to_put_where(hub: Path) -> None:
    with pytest.raises(UserError) as error:
        build("resnet152", "imagenet")
    text = str(error.value)
    assert str(hub / "checkpoints" / "resnet152-394f9c45.pth") in text
    assert "https://download.pytorch.org/models/resnet152-394f9c45.pth" in text
    assert "weights: none" in text
    assert "no route to host" in text


def test_a_server_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and says nothing."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(pretrained, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/weights.pth"
        monkeypatch.setattr(WeightsEnum, "get_state_dict", lambda self, **_: urllib.request.urlopen(url))
        with pytest.raises(UserError, match=r"cannot be fetched .*timed out"):
            imagenet_weights("resnet50")
    assert socket.getdefaulttimeout() is None


def test_imagenet_weights_that_are_in_place_are_used(hub: Path) -> None:
    state = old_names(classifier_state("densenet121"))
    file = imagenet_file("densenet121")
    assert file.parent == hub / "checkpoints"
    file.parent.mkdir()
    torch.save(state, file)
    found = build("densenet121", "imagenet").backbone.state_dict()
    assert torch.equal(found["features.norm5.weight"], state["features.norm5.weight"])
    last = "features.denseblock4.denselayer16.conv2.weight"
    assert torch.equal(found[last], state[last.replace("conv2", "conv.2")])


def test_a_download_is_checked_and_not_unpickled(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fetch(self: WeightsEnum, **options: Any) -> State:
        asked.update(options, url=self.url)
        return {"weight": torch.zeros(1)}

    monkeypatch.setattr(WeightsEnum, "get_state_dict", fetch)
    assert set(imagenet_weights("resnet50")) == {"weight"}
    assert asked["check_hash"]
    assert asked["weights_only"]
    assert asked["url"] == get_model_weights("resnet50")["IMAGENET1K_V1"].url  # not the newer V2


@pytest.mark.parametrize("name", [name for name, has in HAS_BACKBONE.items() if has])
def test_every_pretrained_architecture_has_weights_of_the_first_version(name: str) -> None:
    assert imagenet_file(name).suffix == ".pth"


def test_unet_cannot_be_built_with_pretrained_weights_past_the_settings() -> None:
    settings = NetworkSettings.model_construct(arch="unet", weights="imagenet", head=HEAD)
    with pytest.raises(UserError, match="weights: none"):
        build_network(settings)
