"""SAR-U-Net: residual blocks, squeeze and excitation, and atrous pyramids (Wang et al. 2021)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from hepaflow.networks.backbone import check_size

CHANNELS = (64, 128, 256, 512, 1024)
"""Feature maps of the encoder's four levels, and of the pyramid below them."""
RATES = (6, 12, 18)
"""Dilations of a pyramid's parallel convolutions."""
REDUCTION = 16
"""Feature maps for each hidden value of squeeze and excitation."""
MULTIPLE = 2 ** (len(CHANNELS) - 1)


class SarUNet(nn.Module):
    """The network as the authors' code has it, without the logits that it leaves unused.

    Convolutions of the pyramids start as Kaiming proposes, all else as torch has it.

    Parameters
    ----------
    channels : int
        Channels of the input.
    outputs : int
        Channels of the output. The authors have two, of a softmax; one structure needs one.
    widths : tuple of int
        Feature maps of the levels.
    """

    def __init__(self, channels: int = 1, outputs: int = 1, widths: tuple[int, ...] = CHANNELS) -> None:
        super().__init__()
        self.channels = channels
        *levels, bottom = widths
        self.encoder = nn.ModuleList(
            nn.Sequential(Residual(above, own), SqueezeExcitation(own))
            for above, own in pairwise([channels, *levels])
        )
        self.pool = nn.MaxPool2d(2)
        self.bottom = AtrousPyramid(levels[-1], bottom)
        self.decoder = nn.ModuleList(Residual(own + below, own) for own, below in pairwise(widths))
        self.top = AtrousPyramid(levels[0], levels[0])
        self.logits = nn.Conv2d(levels[0], outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to float32 logits (b, outputs, h, w); h and w are multiples of 16."""
        check_size(x, self.channels, MULTIPLE)
        skips = []
        for level in self.encoder:
            skips.append(level(x))
            x = self.pool(skips[-1])
        x = self.bottom(x)  # (b, 1024, h/16, w/16)
        for level, skip in reversed(list(zip(self.decoder, skips, strict=True))):
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = level(torch.cat((skip, x), dim=1))
        logits: Tensor = self.logits(self.top(x))
        return logits.float()


class Residual(nn.Module):
    """Two convolutions with batch normalisation and ReLU, to which a shortcut is added; nothing behind the sum.

    Parameters
    ----------
    inputs, outputs : int
        Feature maps.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolved = nn.Sequential(
            *(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
            *(nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)),
        )
        fitting = [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.shortcut = nn.Sequential(*([] if inputs == outputs else fitting))

    def forward(self, x: Tensor) -> Tensor:
        """Map features (b, inputs, h, w) to (b, outputs, h, w)."""
        total: Tensor = self.convolved(x) + self.shortcut(x)
        return total


class SqueezeExcitation(nn.Module):
    """Weighs feature maps by what their means say of one another (Hu et al. 2018).

    Parameters
    ----------
    channels : int
        Feature maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.weights = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(),
            nn.Linear(hidden, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map features (b, channels, h, w) to weighted ones."""
        weights: Tensor = self.weights(x.mean(dim=(2, 3)))  # (b, channels)
        return x * weights[..., None, None]


class AtrousPyramid(nn.Module):
    """Three dilated convolutions side by side, each with ReLU and then batch normalisation, and one of 1×1 behind.

    Parameters
    ----------
    inputs, outputs : int
        Feature maps; each of the three has as many as the output.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=rate, dilation=rate),
                nn.ReLU(inplace=True),
                nn.BatchNorm2d(outputs),
            )
            for rate in RATES
        )
        self.project = nn.Conv2d(len(RATES) * outputs, outputs, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (b, inputs, h, w) to (b, outputs, h, w)."""
        projected: Tensor = self.project(torch.cat([branch(x) for branch in self.branches], dim=1))
        return projected
