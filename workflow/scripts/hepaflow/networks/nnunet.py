"""U-Nets as nnU-Net builds them in 2-D: plain, and with a residual encoder (Isensee et al. 2021, 2024)."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, cat, nn

from hepaflow.networks.backbone import check_size
from hepaflow.networks.planning import Levels

SLOPE = 0.01
"""Of the leaky ReLU below zero."""

Level = Callable[[int, int, int, int], nn.Module]
"""Takes channels in, channels out, number of blocks and stride, and returns a level of an encoder."""


class NnUNet(nn.Module):
    """An encoder, a decoder with skips, and logits at several levels.

    A level of the decoder enlarges by a transposed 2×2 convolution, appends the encoder's features of its size,
    and convolves. All weights start as Kaiming proposes for a leaky ReLU, biases at zero.

    Parameters
    ----------
    encoder : Module
        Its elements are the levels; each but the first halves sides.
    channels : sequence of int
        Feature maps of each level.
    inputs : int
        Channels of the input.
    convolutions : int
        Convolutions of each level of the decoder.
    deep_supervision : bool
        Whether levels below the first have logits in training: all of the decoder but the coarsest, to whose
        logits nnU-Net gives no weight in the loss.
    """

    def __init__(
        self,
        encoder: nn.Sequential,
        channels: Sequence[int],
        *,
        inputs: int,
        convolutions: int,
        deep_supervision: bool,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.multiple = 2 ** (len(channels) - 1)
        self.encoder = encoder
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(below, own, kernel_size=2, stride=2) for own, below in pairwise(channels)
        )
        self.decoder = nn.ModuleList(convolved(2 * own, own, convolutions) for own in channels[:-1])
        supervised = max(1, len(channels) - 2) if deep_supervision else 1
        self.logits = nn.ModuleList(nn.Conv2d(own, 1, kernel_size=1) for own in channels[:supervised])
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, a=SLOPE)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Map slices to logits.

        Parameters
        ----------
        x : Tensor of float, shape (b, inputs, h, w)
            h and w are multiples of two to the number of halvings.

        Returns
        -------
        Tensor or list of Tensor, float32
            Logits (b, 1, h, w); in training with deep supervision a list of them, followed by (b, 1, h/2, w/2) and
            so on.

        Raises
        ------
        ValueError
            If the slices have another number of channels or another size.
        """
        check_size(x, self.inputs, self.multiple)
        skips = []
        for level in self.encoder:
            x = level(x)
            skips.append(x)
        logits: list[Tensor] = []
        for number in reversed(range(len(self.decoder))):
            x = self.decoder[number](cat((self.enlarge[number](x), skips[number]), dim=1))
            if number == 0 or (self.training and number < len(self.logits)):
                logits.insert(0, self.logits[number](x).float())
        return logits if self.training and len(self.logits) > 1 else logits[0]


def plain_unet(inputs: int, levels: Levels) -> NnUNet:
    """Return the plain U-Net: convolutions alone, two a level of the decoder.

    Parameters
    ----------
    inputs : int
        Channels of the input.
    levels : Levels
        Feature maps and convolutions of each level of the encoder.
    """
    channels, blocks, deep_supervision = levels
    encoder = _encoder(convolved(inputs, channels[0], blocks[0]), convolved, channels, blocks)
    return NnUNet(encoder, channels, inputs=inputs, convolutions=2, deep_supervision=deep_supervision)


def residual_unet(inputs: int, levels: Levels) -> NnUNet:
    """Return the U-Net with residual encoder: residual blocks behind a convolution, one convolution a level above.

    Parameters
    ----------
    inputs : int
        Channels of the input.
    levels : Levels
        Feature maps and residual blocks of each level of the encoder.
    """
    channels, blocks, deep_supervision = levels
    first = nn.Sequential(convolved(inputs, channels[0], 1), _residual(channels[0], channels[0], blocks[0], 1))
    encoder = _encoder(first, _residual, channels, blocks)
    network = NnUNet(encoder, channels, inputs=inputs, convolutions=1, deep_supervision=deep_supervision)
    for module in network.modules():
        if isinstance(module, ResidualBlock):  # begins as its shortcut
            nn.init.zeros_(module.last.weight)
    return network


def _encoder(first: nn.Module, level: Level, channels: Sequence[int], blocks: Sequence[int]) -> nn.Sequential:
    """Return the levels of an encoder, of which all but the first halve sides."""
    rest = (level(above, own, many, 2) for (above, own), many in zip(pairwise(channels), blocks[1:], strict=True))
    return nn.Sequential(first, *rest)


def convolved(inputs: int, outputs: int, many: int, stride: int = 1) -> nn.Sequential:
    """Return 3×3 convolutions, each with instance normalisation and leaky ReLU; the first has the stride."""
    steps: list[nn.Module] = []
    for number in range(many):
        steps += [
            nn.Conv2d(inputs if number == 0 else outputs, outputs, 3, stride if number == 0 else 1, padding=1),
            nn.InstanceNorm2d(outputs, affine=True),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
    return nn.Sequential(*steps)


def _residual(inputs: int, outputs: int, many: int, stride: int) -> nn.Sequential:
    first = ResidualBlock(inputs, outputs, stride)
    return nn.Sequential(first, *(ResidualBlock(outputs, outputs, 1) for _ in range(many - 1)))


class ResidualBlock(nn.Module):
    """Two convolutions around which a shortcut leads, which averages where sides are halved (He et al. 2019).

    Parameters
    ----------
    inputs, outputs : int
        Feature maps.
    stride : int
        Of the first convolution and the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = convolved(inputs, outputs, 1, stride)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.last = nn.InstanceNorm2d(outputs, affine=True)
        halving = [] if stride == 1 else [nn.AvgPool2d(stride)]
        projection = [nn.Conv2d(inputs, outputs, 1, bias=False), nn.InstanceNorm2d(outputs, affine=True)]
        self.shortcut = nn.Sequential(*halving, *([] if inputs == outputs else projection))
        self.activation = nn.LeakyReLU(SLOPE, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (b, inputs, h, w) to (b, outputs, h/stride, w/stride)."""
        changed: Tensor = self.last(self.second(self.first(x)))
        activated: Tensor = self.activation(changed + self.shortcut(x))
        return activated
