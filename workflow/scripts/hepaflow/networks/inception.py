"""InceptionV3 backbone (Szegedy et al. 2015; thesis 3.4.4, 4.4.4)."""

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import get_model
from torchvision.models.inception import (
    BasicConv2d,
    InceptionA,
    InceptionAux,
    InceptionB,
    InceptionC,
    InceptionD,
    InceptionE,
)

from hepaflow.networks.backbone import CLASSIFIER_STRIDE, STRIDE, Backbone, take_channels

LAYERS = (
    "Conv2d_1a_3x3",  # (b, channels, h, w) → (b, 32, h/2, w/2)
    "Conv2d_2a_3x3",  # → (b, 32, h/2, w/2)
    "Conv2d_2b_3x3",  # → (b, 64, h/2, w/2); here torchvision has its first max-pool
    "Conv2d_3b_1x1",  # → (b, 80, h/2, w/2)
    "Conv2d_4a_3x3",  # → (b, 192, h/2, w/2); here torchvision has its second max-pool
    "Mixed_5b",  # → (b, 256, h/2, w/2)
    "Mixed_5c",  # → (b, 288, h/2, w/2)
    "Mixed_5d",  # → (b, 288, h/2, w/2)
    "Mixed_6a",  # → (b, 768, h/4, w/4)
    "Mixed_6b",
    "Mixed_6c",
    "Mixed_6d",
    "Mixed_6e",  # → (b, 768, h/4, w/4); here torchvision has its auxiliary output
    "Mixed_7a",  # → (b, 1280, h/8, w/8)
    "Mixed_7b",  # → (b, 2048, h/8, w/8)
    "Mixed_7c",  # → (b, 2048, h/8, w/8)
)
POOLED = ("Conv2d_2b_3x3", "Conv2d_4a_3x3")
"""The layers behind which torchvision has its max-pools."""
LEVELS = (*POOLED, "Mixed_5d", "Mixed_6e", "Mixed_7c")
"""The last layer of each size, with the max-pools."""


class PaddedInceptionB(InceptionB):  # type: ignore[misc]
    """The first reduction block, with a max-pool that halves exactly."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        # x: (b, 288, h, w)
        return [
            self.branch3x3(x),  # (b, 384, h/2, w/2)
            self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x))),  # (b, 96, h/2, w/2)
            functional.max_pool2d(x, kernel_size=3, stride=2, padding=1),  # (b, 288, h/2, w/2)
        ]


class PaddedInceptionD(InceptionD):  # type: ignore[misc]
    """The second reduction block, with a max-pool that halves exactly."""

    def _forward(self, x: Tensor) -> list[Tensor]:
        # x: (b, 768, h, w)
        branch7x7 = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))  # (b, 192, h, w)
        return [
            self.branch3x3_2(self.branch3x3_1(x)),  # (b, 320, h/2, w/2)
            self.branch7x7x3_4(branch7x7),  # (b, 192, h/2, w/2)
            functional.max_pool2d(x, kernel_size=3, stride=2, padding=1),  # (b, 768, h/2, w/2)
        ]


class Inception(Backbone):
    """InceptionV3 without the stem's max-pools and the auxiliary output, padded to a stride of exactly 8.

    The thesis states 32×32 features for 256×256 slices. Without the two max-pools, the convolutions and pools
    that torchvision leaves unpadded would make it 30×30: they are padded by one pixel here. With a stride of 32,
    the max-pools are there, and padded as well.

    Parameters
    ----------
    name : str
        torchvision's name: `inception_v3`.
    channels : int
        Channels of the input.
    stride : {8, 32}
        Input pixels a feature pixel: 8 without max-pools (thesis 4.4), 32 with them.
    """

    FIRST = "Conv2d_1a_3x3.conv.weight"
    REMOVED = ("AuxLogits.", "fc.")

    def __init__(self, name: str, channels: int = 1, stride: int = STRIDE) -> None:
        blocks = [
            BasicConv2d,
            InceptionA,
            PaddedInceptionB,
            InceptionC,
            PaddedInceptionD,
            InceptionE,
            InceptionAux,
        ]
        net = get_model(name, weights=None, aux_logits=False, init_weights=False, inception_blocks=blocks)
        super().__init__(name, channels, level_channels=(64, 192, 288, 768, net.fc.in_features))
        self.pooled = POOLED if stride == CLASSIFIER_STRIDE else ()
        for layer in LAYERS:
            self.add_module(layer, getattr(net, layer))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # torchvision would draw from a fixed width here; Kaiming's suits training from scratch.
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.kernel_size == (3, 3):
                    module.padding = (1, 1)
        take_channels(net.Conv2d_1a_3x3.conv, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to features (b, 2048, h/stride, w/stride)."""
        for layer in LAYERS:
            x = self._pool(getattr(self, layer)(x), layer)
        return x

    def levels(self, x: Tensor) -> list[Tensor]:
        """Map slices (b, channels, h, w) to five features (b, level_channels, ...), the finest first."""
        found = []
        for layer in LAYERS:
            x = getattr(self, layer)(x)
            if layer in LEVELS:
                found.append(x)
            x = self._pool(x, layer)
        return found

    def _pool(self, x: Tensor, layer: str) -> Tensor:
        """Halve what comes out of a layer, where there is a max-pool behind it."""
        return functional.max_pool2d(x, kernel_size=3, stride=2, padding=1) if layer in self.pooled else x
