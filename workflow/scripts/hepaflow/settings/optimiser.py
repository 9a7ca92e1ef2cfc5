"""Settings of the optimiser, where it is to be another than the thesis'."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel

Beta = Annotated[float, Field(ge=0, lt=1)]


class SGD(SettingsModel):
    """Stochastic gradient descent with the training's `momentum` (Sutskever et al. 2013), as torch has it."""

    kind: Literal["sgd"]
    weight_decay: float = Field(default=0.0, ge=0, lt=1)
    """Factor on the weights that is added to their gradient (L2 penalty)."""
    nesterov: bool = False
    """Whether the momentum is Nesterov's, which looks a step ahead."""


class AdamW(SettingsModel):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019); `momentum` does not count."""

    kind: Literal["adamw"]
    weight_decay: float = Field(default=0.01, ge=0, lt=1)
    """Share of the weights that a step subtracts, times the learning rate (torch's default)."""
    betas: Annotated[tuple[Beta, Beta], Field(strict=False)] = (0.9, 0.999)
    """Decay of the running means of the gradient and of its square (Kingma and Ba 2015)."""


Optimiser = Annotated[SGD | AdamW, Field(discriminator="kind")]
