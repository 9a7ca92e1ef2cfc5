"""A backbone with the decoder of a U-Net (Ronneberger et al. 2015), in place of the thesis' head."""

from hepaflow.system.plain_matplotlib import matplotlib  # noqa: F401 (MONAI imports it, too)

# isort: split
from monai.networks.nets.flexible_unet import UNetDecoder as MonaiDecoder
from torch import Tensor, nn

from hepaflow.networks.backbone import CLASSIFIER_STRIDE, Backbone, check_size
from hepaflow.settings.decoder import UNetDecoder


class UNetOnBackbone(nn.Module):
    """A backbone of stride 32, and MONAI's decoder of five levels up to the slices' size.

    A level enlarges by the nearest pixel, appends the backbone's features of its size, and convolves twice, with
    batch normalisation and ReLU. No features of a backbone have the slices' size, so the last level appends
    nothing. Weights of decoder and logits start as in the thesis' head.

    Parameters
    ----------
    backbone : Backbone
        Gives five features, of 1/2 to 1/32 of the slices' sides.
    settings : UNetDecoder
        Number of feature maps of the levels.
    """

    def __init__(self, backbone: Backbone, settings: UNetDecoder) -> None:
        super().__init__()
        self.backbone = backbone
        self.decoder = MonaiDecoder(
            spatial_dims=2,
            encoder_channels=(backbone.channels, *backbone.level_channels),
            decoder_channels=settings.channels,
            act=("relu", {"inplace": True}),
            norm="batch",
            dropout=0.0,
            bias=False,
            upsample="nontrainable",
            pre_conv=None,
            interp_mode="nearest",
            align_corners=None,
            is_pad=False,
        )
        self.logits = nn.Conv2d(settings.channels[-1], 1, kernel_size=3, padding=1)
        for module in (*self.decoder.modules(), self.logits):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to float32 logits (b, 1, h, w); h and w are multiples of 32.

        Raises
        ------
        ValueError
            If the slices have another number of channels or another size.
        """
        check_size(x, self.backbone.channels, CLASSIFIER_STRIDE)
        levels = self.backbone.levels(x)  # h/2, h/4, h/8, h/16, h/32
        decoded = self.decoder([x, *levels])  # (b, channels[-1], h, w)
        logits: Tensor = self.logits(decoded)  # (b, 1, h, w)
        return logits.float()
