"""The U-Net of 2015, with convolutions that pad nothing (Ronneberger et al. 2015)."""

import torch
from torch import Tensor, nn

from hepaflow.networks.backbone import check_size

LEVELS = 5
"""Levels of the encoder; each but the first is entered by a 2×2 max-pool."""
FIRST_CHANNELS = 64
"""Feature maps of the first level; each further one has twice as many."""
LOST = 4 * ((3 << (LEVELS - 1)) - 2)
"""Pixels that an output has fewer than its input, along each axis: 184.

Two 3×3 convolutions take four pixels of their level, in the encoder's and the decoder's; the lowest level has one
such pair. A pixel of level n, from 0, is 2ⁿ pixels of the input: 4·(2·(1 + 2 + 4 + 8) + 16).
"""
MULTIPLE = 1 << (LEVELS - 1)
DROPOUT = 0.5
"""Dropout behind the encoder, as the paper has it without its probability."""


class UNet2015(nn.Module):
    """The U-Net as published, on slices whose missing surroundings are mirrored.

    Weights are normal, with a standard deviation of √(2 / N) for N incoming values of a neuron, as published;
    biases start at zero.

    Parameters
    ----------
    channels : int
        Channels of the input.
    outputs : int
        Channels of the output. The paper has two, of a softmax over background and cell; one structure needs one.
    first_channels : int
        Feature maps of the first level.
    """

    def __init__(self, channels: int = 1, outputs: int = 1, first_channels: int = FIRST_CHANNELS) -> None:
        super().__init__()
        self.channels = channels
        widths = [first_channels * 2**level for level in range(LEVELS)]
        self.encoder = nn.ModuleList(_convolved(*pair) for pair in zip([channels, *widths], widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(DROPOUT)
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(2 * own, own, 2, stride=2) for own in widths[:-1])
        self.decoder = nn.ModuleList(_convolved(2 * own, own) for own in widths[:-1])
        self.logits = nn.Conv2d(widths[0], outputs, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                # Patches that a transposed convolution makes do not overlap: one pixel of each channel comes in.
                pixels = module.weight[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
                nn.init.normal_(module.weight, std=(2 / (module.in_channels * pixels)) ** 0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to float32 logits (b, outputs, h, w); h and w are multiples of 8."""
        check_size(x, self.channels)
        height, width = x.shape[-2:]
        x = mirrored(x, valid_size(height), valid_size(width))
        skips = []
        for level in self.encoder[:-1]:
            skips.append(level(x))
            x = self.pool(skips[-1])
        x = self.dropout(self.encoder[-1](x))
        for enlarge, decode, skip in reversed(list(zip(self.enlarge, self.decoder, skips, strict=True))):
            x = enlarge(x)
            x = decode(torch.cat((cropped(skip, *x.shape[-2:]), x), dim=1))
        logits: Tensor = self.logits(x)
        return cropped(logits, height, width).float()


def _convolved(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3), nn.ReLU(inplace=True), nn.Conv2d(outputs, outputs, 3), nn.ReLU(inplace=True)
    )


def valid_size(side: int) -> int:
    """Return the smallest side of an input that all pools halve exactly, and whose output has a side at least.

    Examples
    --------
    >>> valid_size(388), valid_size(256)
    (572, 444)
    """
    # The lowest level of n pixels belongs to an input of 16·n + 4·(1 + 2 + 4 + 8) pixels.
    above = 4 * (MULTIPLE - 1)
    return above + -(-(side + LOST - above) // MULTIPLE) * MULTIPLE


def mirrored(x: Tensor, height: int, width: int) -> Tensor:
    """Continue slices on all sides by their mirror images, as often as it takes.

    Parameters
    ----------
    x : Tensor, shape (b, c, h, w)
    height, width : int
        Sides of the result, an even number of pixels more than h and w.
    """
    return x[:, :, _reflected(x.shape[-2], height, x.device)][..., _reflected(x.shape[-1], width, x.device)]


def _reflected(side: int, wanted: int, device: torch.device) -> Tensor:
    """Return which of a row's pixels each pixel of the longer row shows; the mirror is the last pixel itself."""
    period = 2 * (side - 1)
    place = (torch.arange(wanted, device=device) - (wanted - side) // 2) % period
    return torch.minimum(place, period - place)


def cropped(x: Tensor, height: int, width: int) -> Tensor:
    """Return the middle of slices (b, c, h, w)."""
    top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
    return x[..., top : top + height, left : left + width]
