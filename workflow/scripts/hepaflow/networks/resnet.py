"""ResNet and ResNeXt backbones (He et al. 2015, Xie et al. 2016; thesis 3.4.1, 3.4.2, 4.4.1, 4.4.2)."""

from torch import Tensor
from torchvision.models import get_model

from hepaflow.networks.backbone import CLASSIFIER_STRIDE, STRIDE, Backbone, take_channels

LAYERS = (
    "conv1",  # (b, channels, h, w) → (b, 64, h/2, w/2)
    "bn1",
    "relu",
    "maxpool",  # → (b, 64, h/4, w/4)
    "layer1",  # → (b, 256, h/4, w/4)
    "layer2",  # → (b, 512, h/8, w/8)
    "layer3",  # → (b, 1024, h/8, w/8), dilation 2 instead of stride 2; h/16 without dilation
    "layer4",  # → (b, 2048, h/8, w/8), dilation 4 instead of stride 2; h/32 without dilation
)
LEVELS = ("relu", "layer1", "layer2", "layer3", "layer4")
"""The last layer of each size, without dilation."""


class ResNet(Backbone):
    """A ResNet or ResNeXt of bottleneck blocks whose blocks 3 and 4 dilate instead of striding, if it is to be.

    Parameters
    ----------
    name : str
        torchvision's name: `resnet50`, `resnext101_32x8d` and so on.
    channels : int
        Channels of the input.
    stride : {8, 32}
        Input pixels a feature pixel: 8 with dilation (thesis 4.4), 32 as torchvision has it.
    """

    FIRST = "conv1.weight"
    REMOVED = ("fc.",)

    def __init__(self, name: str, channels: int = 1, stride: int = STRIDE) -> None:
        dilated = stride != CLASSIFIER_STRIDE
        # Without pretrained weights, blocks that begin as the identity learn far sooner (Goyal et al. 2017, 5.1).
        net = get_model(
            name, weights=None, zero_init_residual=True, replace_stride_with_dilation=[False, dilated, dilated]
        )
        super().__init__(name, channels, level_channels=(64, 256, 512, 1024, net.fc.in_features))
        take_channels(net.conv1, channels)
        for layer in LAYERS:
            self.add_module(layer, getattr(net, layer))

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to features (b, 2048, h/stride, w/stride)."""
        for layer in LAYERS:
            x = getattr(self, layer)(x)
        return x

    def levels(self, x: Tensor) -> list[Tensor]:
        """Map slices (b, channels, h, w) to five features (b, level_channels, ...), the finest first."""
        found = []
        for layer in LAYERS:
            x = getattr(self, layer)(x)
            if layer in LEVELS:
                found.append(x)
        return found
