"""The DeepLabV3 head (Chen et al. 2017; thesis 3.5), and a backbone that wears it (thesis 4.4)."""

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import ASPP

from hepaflow.networks.backbone import Backbone, check_size
from hepaflow.settings.head import HeadSettings


class DeepLabHead(nn.Sequential):
    """Atrous spatial pyramid pooling, then a 3×3 convolution, then one to a single channel (thesis 3.5).

    Maps features (b, in_channels, h, w) to logits (b, 1, h, w). Weights start as Kaiming proposes, biases at
    zero (thesis 4.6.1).

    Parameters
    ----------
    in_channels : int
        Number of the backbone's feature maps.
    settings : HeadSettings
        Rates, channels and dropout.

    Notes
    -----
    The image-level features are one value a map and sample, and are batch-normalised. So in training a batch
    needs two samples or more; torch raises a ValueError otherwise.
    """

    def __init__(self, in_channels: int, settings: HeadSettings) -> None:
        aspp = ASPP(in_channels, settings.rates, settings.channels)
        aspp.project[-1] = nn.Dropout(settings.dropout)
        super().__init__(
            aspp,  # (b, in_channels, h, w) → (b, channels, h, w)
            nn.Conv2d(settings.channels, settings.channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(settings.channels),
            nn.ReLU(),
            nn.Conv2d(settings.channels, 1, kernel_size=1),  # → (b, 1, h, w)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                # By the fan in: the last layer's fan out is one, and its logits would start in the tens.
                nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


class SegmentationNetwork(nn.Module):
    """A backbone, a DeepLabV3 head, and bilinear upsampling to the slices' size (thesis 3.5, 4.4).

    Parameters
    ----------
    backbone : Backbone
        Gives features (b, out_channels, h/8, w/8).
    head : HeadSettings
        What the head looks like.

    Notes
    -----
    On the CPU the upsampling's gradient is reproducible to the bit. On CUDA it is summed in no fixed order,
    unless `torch.use_deterministic_algorithms(True)` is set: then torch takes a slower route.
    """

    def __init__(self, backbone: Backbone, head: HeadSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = DeepLabHead(backbone.out_channels, head)

    def forward(self, x: Tensor) -> Tensor:
        """Map slices to logits.

        Parameters
        ----------
        x : Tensor of float, shape (b, channels, h, w)
            In [-1, 1]; channels are the backbone's; h and w are multiples of 8. In training, b is 2 or more (see
            :class:`DeepLabHead`).

        Returns
        -------
        Tensor of float32, shape (b, 1, h, w)
            Log-odds of being foreground, also under autocast.

        Raises
        ------
        ValueError
            If the slices have another number of channels or another size.
        """
        check_size(x, self.backbone.channels)
        features = self.backbone(x)  # (b, out_channels, h/8, w/8)
        logits = self.head(features).float()  # (b, 1, h/8, w/8)
        return functional.interpolate(logits, size=x.shape[-2:], mode="bilinear", align_corners=False)
