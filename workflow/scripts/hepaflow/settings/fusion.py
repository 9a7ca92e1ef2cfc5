"""Settings of the fusion of the networks' masks."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel


class SgdSettings(SettingsModel):
    """The thesis' optimiser of the fusion weights (thesis 4.6.2); only for the solver `sgd`."""

    learning_rate: float = Field(default=10, gt=0)
    """Learning rate (thesis 4.6.2)."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum (thesis 4.6.2)."""
    epochs: int = Field(default=5, ge=1)
    """Passes over the training exams' masks (thesis 4.6.2)."""
    batch_size: int = Field(default=32, ge=1)
    """Slices in a mini-batch (not stated; as for the networks)."""


class FusionSettings(SettingsModel):
    """How the fusion weights are found (thesis 3.6, 4.6.2)."""

    solver: Literal["sgd", "newton"] = "sgd"
    """`sgd` takes the thesis' own steps (thesis 4.6.2); `newton` minimises the same loss to convergence."""
    sgd: SgdSettings = SgdSettings()


class FitFusionSettings(SettingsModel):
    """What the fusion weights depend on, besides the masks."""

    solver: FusionSettings
    of: Annotated[tuple[str, ...], Field(min_length=1, max_length=12, strict=False)]
    """The methods that are fused."""
    seed: int
