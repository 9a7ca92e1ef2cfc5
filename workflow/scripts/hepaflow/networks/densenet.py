"""DenseNet backbones (Huang et al. 2016; thesis 3.4.3, 4.4.3)."""

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import get_model

from hepaflow.networks.backbone import Backbone, take_one_channel


class DenseNet(Backbone):
    """A DenseNet whose second and third transitions do not pool.

    Parameters
    ----------
    name : str
        torchvision's name: `densenet121`, `densenet161`, `densenet169`, `densenet201`.
    """

    FIRST = "features.conv0.weight"
    REMOVED = ("classifier.",)

    def __init__(self, name: str) -> None:
        net = get_model(name, weights=None)
        super().__init__(name, out_channels=net.classifier.in_features)
        self.features = net.features
        take_one_channel(self.features.conv0)
        self.features.transition2.pool = nn.Identity()
        self.features.transition3.pool = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map slices (b, 1, h, w) to features (b, out_channels, h/8, w/8)."""
        # conv0 and pool0 leave h/4, transition1 leaves h/8, and so it stays up to the last layer, norm5.
        features: Tensor = self.features(x)  # (b, out_channels, h/8, w/8)
        return functional.relu(features, inplace=True)
