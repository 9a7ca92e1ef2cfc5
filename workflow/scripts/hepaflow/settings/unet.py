"""What a U-Net of nnU-Net's kind looks like (Isensee et al. 2021)."""

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from hepaflow.settings.base import SettingsModel

PerLevel = Annotated[tuple[PositiveInt, ...], Field(min_length=2, max_length=9, strict=False)]


class UNetSettings(SettingsModel):
    """Levels of a U-Net, the first at the slice's size, each further one at half of the size before."""

    channels: PerLevel | None = None
    """Feature maps of each level; null as nnU-Net plans them: 32, doubled up to 512, halving sides down to 4."""
    blocks: PerLevel | None = None
    """Convolutions, or residual blocks, of each level of the encoder; null for 2 each, or 1, 3, 4, then 6 each."""
    deep_supervision: bool = True
    """Whether coarser levels also give logits in training."""

    @model_validator(mode="after")
    def _one_entry_a_level(self) -> Self:
        if self.blocks and not self.channels:
            raise ValueError("blocks without channels; give both, or neither to have them planned")
        if self.blocks and self.channels and len(self.blocks) != len(self.channels):
            raise ValueError(
                f"blocks for {len(self.blocks)} levels, and channels for {len(self.channels)}; one of each a level"
            )
        return self
