"""Settings of the average of a network's weights over the steps of its training."""

from typing import Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel


class EMA(SettingsModel):
    """Exponential moving average (Polyak and Juditsky 1992; exponential as Tarvainen and Valpola 2017 have it)."""

    kind: Literal["ema"]
    decay: float = Field(default=0.999, gt=0, lt=1)
    """Share of the average that a step keeps (Tarvainen and Valpola 2017: 0.999)."""


Average = EMA
