"""The segmentation head and the network it makes."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hepaflow.networks.backbone import Backbone
from hepaflow.networks.deeplab import DeepLabHead, SegmentationNetwork
from hepaflow.settings.head import HeadSettings

SMALL = HeadSettings(channels=8)


class Shrink(Backbone):
    """A backbone of one layer: the mean of every 8×8 pixels, four times."""

    def __init__(self) -> None:
        super().__init__("shrink", 1, (4,))

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 8).expand(-1, 4, -1, -1)


def test_defaults_are_the_thesis() -> None:
    settings = HeadSettings()
    assert (settings.rates, settings.channels, settings.dropout) == ((4, 8, 12), 256, 0.5)


@pytest.mark.parametrize("wrong", [{"rates": ()}, {"rates": (0,)}, {"channels": 0}, {"dropout": 1}, {"rate": 1}])
def test_settings_that_make_no_head_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        HeadSettings.model_validate(wrong)


def test_head_has_the_layers_of_section_3_5() -> None:
    with torch.device("meta"):
        head = DeepLabHead(2048, HeadSettings())
    convs = [module for module in head.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.dilation[0] for conv in convs if conv.kernel_size == (3, 3)] == [4, 8, 12, 1]
    assert [module.p for module in head.modules() if isinstance(module, nn.Dropout)] == [0.5]
    # 1×1, three 3×3, image level, projection of the five, 3×3, and the last layer with its bias
    weights = 2048 * 256 * (1 + 3 * 9 + 1) + 5 * 256 * 256 + 9 * 256 * 256 + 256 + 1
    normalisations = 2 * 256 * (5 + 1 + 1)
    assert sum(p.numel() for p in head.parameters()) == weights + normalisations


def test_head_follows_its_settings() -> None:
    head = DeepLabHead(4, HeadSettings(rates=(2, 5), channels=6, dropout=0.25))
    convs = [module for module in head.modules() if isinstance(module, nn.Conv2d)]
    assert [conv.dilation[0] for conv in convs if conv.kernel_size == (3, 3)] == [2, 5, 1]
    assert {conv.out_channels for conv in convs} == {6, 1}
    assert next(module.p for module in head.modules() if isinstance(module, nn.Dropout)) == 0.25


def test_head_starts_with_kaimings_weights_and_no_bias() -> None:
    torch.manual_seed(0)
    head = DeepLabHead(64, HeadSettings())
    for module in head.modules():
        if isinstance(module, nn.Conv2d):
            fan_in = module.weight[0].numel()
            assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.15)
    assert head[-1].bias is not None
    assert (head[-1].bias == 0).all()


def test_image_level_features_reach_every_pixel() -> None:
    """With rates too wide to reach, a change in one corner is seen in the other."""
    torch.manual_seed(0)
    head = DeepLabHead(4, SMALL).eval()
    x = torch.rand(1, 4, 32, 32)
    changed = x.clone()
    changed[0, :, 0, 0] += 100
    with torch.no_grad():
        assert (head(x) != head(changed))[0, 0, 31, 31]


def test_logits_are_upsampled_bilinearly_about_pixel_centres() -> None:
    """A ramp, averaged over 8×8 pixels, comes back as the same ramp, but for the half block at the border."""
    network = SegmentationNetwork(Shrink(), SMALL)
    network.head = nn.Identity()
    rows, columns = torch.arange(64.0), torch.arange(40.0)
    x = (3 * rows[:, None] - 2 * columns)[None, None]
    logits = network(x)
    assert logits.shape == (1, 4, 64, 40)
    torch.testing.assert_close(logits[:, :1, 4:-4, 4:-4], x[:, :, 4:-4, 4:-4])


def test_logits_are_float32_under_autocast() -> None:
    network = SegmentationNetwork(Shrink(), SMALL)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(torch.rand(2, 1, 64, 64)).dtype == torch.float32


def test_a_batch_of_one_is_refused_in_training_and_fine_in_evaluation() -> None:
    network = SegmentationNetwork(Shrink(), SMALL)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        network(torch.rand(1, 1, 64, 64))
    assert network.eval()(torch.rand(1, 1, 64, 64)).shape == (1, 1, 64, 64)


def test_slices_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        SegmentationNetwork(Shrink(), SMALL)(torch.rand(2, 1, 60, 64))
