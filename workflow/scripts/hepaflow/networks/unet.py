"""A 2-D U-Net (Ronneberger et al. 2015): the architecture that is no ImageNet backbone."""

from hepaflow.system.plain_matplotlib import matplotlib  # noqa: F401 (MONAI imports it, too)

# isort: split
from monai.networks.nets.unet import UNet as MonaiUNet
from torch import Tensor, nn

from hepaflow.networks.backbone import check_size


class UNet(nn.Module):
    """MONAI's U-Net with residual units, four levels, and batch normalisation as in the other networks.

    The thesis does not use it; it shows what an architecture needs that has neither ImageNet weights nor a
    DeepLabV3 head.

    Parameters
    ----------
    channels : int
        Channels of the input.
    """

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.channels = channels
        self.model = MonaiUNet(
            spatial_dims=2,
            in_channels=channels,
            out_channels=1,
            channels=(32, 64, 128, 256),
            strides=(2, 2, 2),
            num_res_units=2,
            norm="batch",
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to float32 logits (b, 1, h, w)."""
        check_size(x, self.channels)
        logits: Tensor = self.model(x)  # (b, 1, h, w)
        return logits.float()
