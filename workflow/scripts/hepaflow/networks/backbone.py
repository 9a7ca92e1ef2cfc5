"""What every backbone promises to the head, the decoder and the loader of pretrained weights."""

from typing import ClassVar

from torch import Tensor, nn

STRIDE = 8
"""Input pixels a feature pixel, along each axis: 256×256 slices give 32×32 features (thesis 4.4)."""

CLASSIFIER_STRIDE = 32
"""The same of torchvision's classifiers, which stride where the thesis' backbones dilate or do not pool."""

RGB = 3
"""Channels of an input that the first convolution of torchvision's classifiers fits."""


class Backbone(nn.Module):
    """The convolutional part of a torchvision classifier.

    Its parameters and buffers carry torchvision's names, so that torchvision's weights fit.

    Parameters
    ----------
    name : str
        torchvision's name of the classifier.
    channels : int
        Channels of the input. Where they are three, the first convolution is torchvision's own, with its
        pretrained weights; for another number it is a new one.
    level_channels : tuple of int
        Number of feature maps at each of the five sizes that a classifier of stride 32 goes through.
    """

    FIRST: ClassVar[str]
    """Name of the first convolution's weight, which no pretrained weight fits where the convolution is new."""

    REMOVED: ClassVar[tuple[str, ...]]
    """Prefixes of the weights of the classifier's layers which a backbone does without."""

    def __init__(self, name: str, channels: int, level_channels: tuple[int, ...]) -> None:
        super().__init__()
        self.name = name
        self.channels = channels
        self.level_channels = level_channels
        self.out_channels = level_channels[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to features (b, out_channels, h/stride, w/stride)."""
        raise NotImplementedError

    def levels(self, x: Tensor) -> list[Tensor]:
        """Map slices (b, channels, h, w) to five features (b, level_channels, ...), the finest first.

        With a stride of 32, their sides are 1/2, 1/4, 1/8, 1/16 and 1/32 of the slices'.
        """
        raise NotImplementedError


def check_size(x: Tensor, channels: int = 1, multiple: int = STRIDE) -> None:
    """Refuse what is no batch of slices of these channels whose sides are multiples of so many pixels.

    Raises
    ------
    ValueError
        Naming the shape that was found.
    """
    if x.ndim != 4 or x.shape[1] != channels or x.shape[2] % multiple or x.shape[3] % multiple:
        raise ValueError(
            f"found slices of shape {tuple(x.shape)}, expected (batch, {channels}, height, width) with a height "
            f"and a width that are multiples of {multiple}"
        )


def take_channels(conv: nn.Conv2d, channels: int) -> None:
    """Make a classifier's first convolution take so many channels, with new random weights (thesis 4.4, 4.6.1).

    They are drawn as in a ResNet: normal, scaled by the fan out (He et al. 2015). Where the channels are three,
    the convolution stays as it is.
    """
    if channels == RGB:
        return
    conv.in_channels = channels
    conv.weight = nn.Parameter(conv.weight.new_empty(conv.out_channels, channels, *conv.kernel_size))
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
