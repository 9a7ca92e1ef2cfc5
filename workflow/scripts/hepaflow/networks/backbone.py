"""What every backbone promises to the head and to the loader of pretrained weights."""

from typing import ClassVar

from torch import Tensor, nn

STRIDE = 8
"""Input pixels a feature pixel, along each axis: 256×256 slices give 32×32 features (thesis 4.4)."""


class Backbone(nn.Module):
    """The convolutional part of a torchvision classifier, for slices of one channel.

    Its parameters and buffers carry torchvision's names, so that torchvision's weights fit.

    Parameters
    ----------
    name : str
        torchvision's name of the classifier.
    out_channels : int
        Number of feature maps.
    """

    FIRST: ClassVar[str]
    """Name of the replaced first convolution's weight, which no pretrained weight fits."""

    REMOVED: ClassVar[tuple[str, ...]]
    """Prefixes of the weights of the classifier's layers which a backbone does without."""

    def __init__(self, name: str, out_channels: int) -> None:
        super().__init__()
        self.name = name
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, 1, h, w) to features (b, out_channels, h/8, w/8)."""
        raise NotImplementedError


def check_size(x: Tensor) -> None:
    """Refuse what is no batch of one-channel slices whose sides are multiples of 8 pixels.

    Raises
    ------
    ValueError
        Naming the shape that was found.
    """
    if x.ndim != 4 or x.shape[1] != 1 or x.shape[2] % STRIDE or x.shape[3] % STRIDE:
        raise ValueError(
            f"found slices of shape {tuple(x.shape)}, expected (batch, 1, height, width) with a height and a "
            f"width that are multiples of {STRIDE}"
        )


def take_one_channel(conv: nn.Conv2d) -> None:
    """Make a convolution take one input channel, with new random weights (thesis 4.4, 4.6.1).

    They are drawn as in a ResNet: normal, scaled by the fan out (He et al. 2015).
    """
    conv.in_channels = 1
    conv.weight = nn.Parameter(conv.weight.new_empty(conv.out_channels, 1, *conv.kernel_size))
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
