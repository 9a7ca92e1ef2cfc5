"""ResNet and ResNeXt backbones (He et al. 2015, Xie et al. 2016; thesis 3.4.1, 3.4.2, 4.4.1, 4.4.2)."""

from torch import Tensor
from torchvision.models import get_model

from hepaflow.networks.backbone import Backbone, take_one_channel

LAYERS = (
    "conv1",  # (b, 1, h, w) → (b, 64, h/2, w/2)
    "bn1",
    "relu",
    "maxpool",  # → (b, 64, h/4, w/4)
    "layer1",  # → (b, 256, h/4, w/4)
    "layer2",  # → (b, 512, h/8, w/8)
    "layer3",  # → (b, 1024, h/8, w/8), dilation 2 instead of stride 2
    "layer4",  # → (b, 2048, h/8, w/8), dilation 4 instead of stride 2
)


class ResNet(Backbone):
    """A ResNet or ResNeXt of bottleneck blocks whose blocks 3 and 4 dilate instead of striding.

    Parameters
    ----------
    name : str
        torchvision's name: `resnet50`, `resnext101_32x8d` and so on.
    """

    FIRST = "conv1.weight"
    REMOVED = ("fc.",)

    def __init__(self, name: str) -> None:
        # Without pretrained weights, blocks that begin as the identity learn far sooner (Goyal et al. 2017, 5.1).
        net = get_model(
            name, weights=None, zero_init_residual=True, replace_stride_with_dilation=[False, True, True]
        )
        super().__init__(name, out_channels=net.fc.in_features)
        take_one_channel(net.conv1)
        for layer in LAYERS:
            self.add_module(layer, getattr(net, layer))

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, 1, h, w) to features (b, 2048, h/8, w/8)."""
        for layer in LAYERS:
            x = getattr(self, layer)(x)
        return x
