"""DenseNet backbones (Huang et al. 2016; thesis 3.4.3, 4.4.3)."""

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import get_model

from hepaflow.networks.backbone import CLASSIFIER_STRIDE, STRIDE, Backbone, take_channels

TRANSITIONS = ("transition1", "transition2", "transition3")


class DenseNet(Backbone):
    """A DenseNet whose second and third transitions do not pool, if it is to be.

    Parameters
    ----------
    name : str
        torchvision's name: `densenet121`, `densenet161`, `densenet169`, `densenet201`.
    channels : int
        Channels of the input.
    stride : {8, 32}
        Input pixels a feature pixel: 8 without the two pools (thesis 4.4), 32 as torchvision has it.
    """

    FIRST = "features.conv0.weight"
    REMOVED = ("classifier.",)

    def __init__(self, name: str, channels: int = 1, stride: int = STRIDE) -> None:
        net = get_model(name, weights=None)
        norms = (net.features.norm0, *(getattr(net.features, name).norm for name in TRANSITIONS))
        super().__init__(
            name, channels, level_channels=(*(norm.num_features for norm in norms), net.classifier.in_features)
        )
        self.features = net.features
        take_channels(self.features.conv0, channels)
        if stride != CLASSIFIER_STRIDE:
            self.features.transition2.pool = nn.Identity()
            self.features.transition3.pool = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, channels, h, w) to features (b, out_channels, h/stride, w/stride)."""
        # conv0 and pool0 leave h/4, transition1 leaves h/8, and so it stays up to the last layer, norm5, or each
        # further transition halves it, up to h/32.
        features: Tensor = self.features(x)  # (b, out_channels, h/stride, w/stride)
        return functional.relu(features, inplace=True)

    def levels(self, x: Tensor) -> list[Tensor]:
        """Map slices (b, channels, h, w) to five features (b, level_channels, ...), the finest first.

        Each is what a layer that halves takes, behind normalisation and ReLU; the last is what `forward` gives.
        """
        found = []
        for name, layer in self.features.named_children():
            if name in TRANSITIONS:
                found.append(layer.relu(layer.norm(x)))
                x = layer.pool(layer.conv(found[-1]))
            else:
                x = layer(x)
            if name == "relu0":
                found.append(x)
        return [*found, functional.relu(x, inplace=True)]
