"""The four backbones as section 4.4 of the thesis changes them."""

import functools

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.resnet import Bottleneck

from hepaflow.networks.backbone import CLASSIFIER_STRIDE, RGB, STRIDE, Backbone, check_size, take_channels
from hepaflow.networks.densenet import DenseNet
from hepaflow.networks.inception import Inception
from hepaflow.networks.network import build_network
from hepaflow.networks.resnet import ResNet
from hepaflow.settings.network import HAS_BACKBONE, NetworkSettings

# Where other work keeps the cores busy, a second thread waits more than it helps: minutes instead of seconds.
torch.set_num_threads(1)

BACKBONES = [name for name, has in HAS_BACKBONE.items() if has]
THESIS = {"resnet152": 2048, "resnext101_32x8d": 2048, "densenet201": 1920, "inception_v3": 2048}
SMALL = ["resnet50", "resnext50_32x4d", "densenet121", "inception_v3"]


@functools.cache
def on_meta(name: str) -> Backbone:
    """Build a backbone that has shapes and no values."""
    with torch.device("meta"):
        return build_network(NetworkSettings(arch=name, weights="none")).backbone


@pytest.mark.parametrize(("name", "channels"), THESIS.items())
def test_thesis_backbones_give_32_by_32_features(name: str, channels: int) -> None:
    """Values, not only shapes: once, at the thesis' size."""
    torch.manual_seed(0)
    network = build_network(NetworkSettings(arch=name, weights="none"))
    x = torch.rand(1, 1, 256, 256) * 2 - 1
    with torch.no_grad():
        features = network.backbone.eval()(x)
    assert features.shape == (1, channels, 32, 32)
    assert network.backbone.out_channels == channels
    assert features.isfinite().all()
    assert features.min() >= 0  # behind a ReLU
    assert features.std() > 0


@pytest.mark.parametrize("name", BACKBONES)
def test_features_are_an_eighth_of_every_allowed_size(name: str) -> None:
    backbone = on_meta(name)
    for side in (8, 96, 256):
        features = backbone(torch.empty(2, 1, side, side + STRIDE, device="meta"))
        assert features.shape == (2, backbone.out_channels, side // 8, side // 8 + 1)


@pytest.mark.parametrize("name", BACKBONES)
def test_parameters_are_torchvisions_less_classifier_and_two_input_channels(name: str) -> None:
    with torch.device("meta"):
        classifier = get_model(name, weights=None, **({"init_weights": False} if "inception" in name else {}))
    backbone = on_meta(name)
    expected = {
        key: tuple(value.shape)
        for key, value in classifier.state_dict().items()
        if not key.startswith(("fc.", "classifier.", "AuxLogits."))
    }
    out, _, *kernel = expected[backbone.FIRST]
    expected[backbone.FIRST] = (out, 1, *kernel)
    assert {key: tuple(value.shape) for key, value in backbone.state_dict().items()} == expected

    removed = [getattr(classifier, part, None) for part in ("fc", "classifier", "AuxLogits")]
    count = sum(p.numel() for p in classifier.parameters())
    count -= sum(p.numel() for part in removed if part is not None for p in part.parameters())
    count -= out * 2 * kernel[0] * kernel[1]
    assert sum(p.numel() for p in backbone.parameters()) == count


def test_resnet_dilates_instead_of_striding_in_blocks_3_and_4() -> None:
    resnet = on_meta("resnet50")
    assert [block.conv2.stride for block in (resnet.layer3[0], resnet.layer4[0])] == [(1, 1)] * 2
    assert [block.conv2.dilation for block in (resnet.layer3[-1], resnet.layer4[-1])] == [(2, 2), (4, 4)]
    assert resnet.layer2[0].conv2.stride == (2, 2)


def test_densenet_pools_in_the_first_transition_alone() -> None:
    features = on_meta("densenet121").features
    assert isinstance(features.transition1.pool, nn.AvgPool2d)
    assert isinstance(features.transition2.pool, nn.Identity)
    assert isinstance(features.transition3.pool, nn.Identity)


def test_inception_has_no_max_pool_layers_and_no_auxiliary_output() -> None:
    inception = on_meta("inception_v3")
    assert not any(isinstance(module, nn.MaxPool2d) for module in inception.modules())
    assert not any(name.startswith("AuxLogits") for name in inception.state_dict())
    assert not hasattr(inception, "transform_input")


def test_inception_blocks_compute_what_torchvisions_do_away_from_the_border() -> None:
    """Padding changes the border alone: inside, the reductions agree with torchvision's, one pixel later."""
    torch.manual_seed(0)
    ours = Inception("inception_v3").eval()
    theirs = get_model("inception_v3", weights=None, init_weights=False).eval()
    for name, channels in (("Mixed_6a", 288), ("Mixed_7a", 768)):
        block, original = getattr(ours, name), getattr(theirs, name)
        original.load_state_dict(block.state_dict())
        x = torch.rand(1, channels, 32, 32)
        with torch.no_grad():
            # An unpadded window starts at pixel 0, a padded one at -1: shift the input by one.
            inner, outer = original(x[:, :, 1:, 1:]), block(x)
        assert outer.shape[-2:] == (16, 16)
        torch.testing.assert_close(outer[:, :, 4:12, 4:12], inner[:, :, 3:11, 3:11], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SMALL)
def test_first_convolution_takes_one_channel_and_is_random(name: str) -> None:
    torch.manual_seed(0)
    backbone = build_network(NetworkSettings(arch=name, weights="none")).backbone
    first: Tensor = backbone.state_dict()[backbone.FIRST]
    assert first.shape[1] == 1
    fan_out = first.shape[0] * first.shape[2] * first.shape[3]
    assert first.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.15)


FANS = {"resnet50": "out", "resnext50_32x4d": "out", "densenet121": "in", "inception_v3": "out"}
"""By which of its sides each family's convolutions are scaled."""


@pytest.mark.parametrize("name", SMALL)
def test_weights_from_scratch_are_kaimings_and_normalisation_is_neutral(name: str) -> None:
    """But for the last normalisation of a residual block, which is zero: it begins as the identity."""
    torch.manual_seed(0)
    backbone = build_network(NetworkSettings(arch=name, weights="none")).backbone
    last = {module.bn3 for module in backbone.modules() if isinstance(module, Bottleneck)}
    assert bool(last) == name.startswith("resne")
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == (module not in last)).all()
            assert (module.bias == 0).all()
        elif isinstance(module, nn.Conv2d) and module.weight.numel() > 20_000:
            fan = {"in": module.weight[0].numel(), "out": module.weight[:, 0].numel()}[FANS[name]]
            scaled = module.weight.detach() * (fan / 2) ** 0.5
            assert scaled.std().item() == pytest.approx(1, rel=0.05)
            assert scaled.pow(4).mean().item() == pytest.approx(3, rel=0.15)  # normal; 1.8 if it were uniform
            assert scaled.mean().item() == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("channels", [1, 5])
def test_take_channels_keeps_everything_but_the_input_channels(channels: int) -> None:
    conv = nn.Conv2d(3, 8, kernel_size=5, stride=2, padding=2, bias=False)
    take_channels(conv, channels)
    assert conv.in_channels == channels
    assert conv.weight.shape == (8, channels, 5, 5)
    assert conv(torch.rand(1, channels, 16, 16)).shape == (1, 8, 8, 8)


def test_the_first_convolution_stays_for_three_channels_and_nothing_is_drawn() -> None:
    conv = nn.Conv2d(3, 8, kernel_size=5)
    weight, state = conv.weight, torch.get_rng_state()
    take_channels(conv, RGB)
    assert conv.weight is weight
    assert torch.equal(torch.get_rng_state(), state)


def undilated(name: str, channels: int = 1) -> Backbone:
    family = {"resn": ResNet, "dens": DenseNet, "ince": Inception}[name[:4]]
    return family(name, channels, CLASSIFIER_STRIDE)


@pytest.mark.parametrize("name", SMALL)
def test_levels_halve_and_the_last_are_the_features(name: str) -> None:
    torch.manual_seed(0)
    backbone = undilated(name).eval()
    x = torch.rand(1, 1, 64, 96)
    with torch.no_grad():
        levels = backbone.levels(x)
        assert torch.equal(levels[-1], backbone(x))
    assert [tuple(level.shape) for level in levels] == [
        (1, channels, 32 >> number, 48 >> number) for number, channels in enumerate(backbone.level_channels)
    ]


@pytest.mark.parametrize("name", ["resnet50", "densenet121"])
def test_features_of_stride_32_are_torchvisions(name: str) -> None:
    torch.manual_seed(0)
    classifier, backbone = get_model(name, weights=None).eval(), undilated(name, RGB).eval()
    backbone.load_state_dict(classifier.state_dict(), strict=False)
    seen = []
    last = classifier.layer4 if name == "resnet50" else classifier.features
    last.register_forward_hook(lambda *found: seen.append(found[-1].relu()))  # a DenseNet's ReLU is no layer
    x = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        classifier(x)
        assert torch.equal(backbone(x), seen[0])


@pytest.mark.parametrize("shape", [(1, 3, 64, 64), (1, 1, 64, 63), (1, 1, 60, 64), (1, 64, 64)])
def test_a_size_that_is_not_allowed_is_named(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of 8") as error:
        check_size(torch.empty(shape))
    assert str(shape) in str(error.value)


def test_allowed_sizes_pass() -> None:
    check_size(torch.empty(1, 1, 8, 200))


def test_the_base_class_has_no_features() -> None:
    with pytest.raises(NotImplementedError):
        Backbone("nothing", 1, (1,))(torch.empty(1, 1, 8, 8))


@pytest.mark.parametrize(("family", "name"), [(ResNet, "resnet50"), (DenseNet, "densenet121")])
def test_families_keep_torchvisions_name(family: type[ResNet | DenseNet], name: str) -> None:
    with torch.device("meta"):
        assert family(name).name == name
