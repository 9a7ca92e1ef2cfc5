"""Settings of the learning rate's schedule, where it is to be another than the thesis'."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel

WarmUp = Annotated[float, Field(gt=0, lt=1)]
"""The learning rate of the n-th of N such mini-batches is n / N of what it is without (Goyal et al. 2017)."""


class Exponential(SettingsModel):
    """The learning rate is multiplied by a factor after every epoch."""

    kind: Literal["exponential"]
    factor: float = Field(gt=0, le=1)
    """Factor on the learning rate of the epoch before."""


class Poly(SettingsModel):
    """The learning rate falls to zero as a power of the share of epochs that is left (Chen et al. 2017)."""

    kind: Literal["poly"]
    power: float = Field(default=0.9, gt=0, le=10)
    """The power (Chen et al. 2017; by epochs as Isensee et al. 2021 have it)."""
    warm_up: WarmUp | None = None
    """Share of all mini-batches over which the learning rate rises linearly; null for none."""


class Cosine(SettingsModel):
    """The learning rate falls along half a wave of a cosine, by mini-batches (Loshchilov and Hutter 2017)."""

    kind: Literal["cosine"]
    to_factor: float = Field(default=0.0, ge=0, le=1)
    """Factor on the learning rate after the last mini-batch."""
    warm_up: WarmUp | None = None
    """Share of all mini-batches over which the learning rate rises linearly; null for none."""


class OneCycle(SettingsModel):
    """The learning rate rises to its full value and falls again, by mini-batches (Smith and Topin 2019).

    Both ways are half a wave of a cosine, and the defaults are those of torch.
    """

    kind: Literal["one_cycle"]
    warm_up: float = Field(default=0.3, ge=0, lt=1)
    """Share of all mini-batches in which it rises."""
    from_factor: float = Field(default=0.04, gt=0, le=1)
    """Factor on the learning rate at the first mini-batch."""
    to_factor: float = Field(default=4e-6, gt=0, le=1)
    """Factor on the learning rate at the last mini-batch."""


Schedule = Annotated[Exponential | Poly | OneCycle | Cosine, Field(discriminator="kind")]
