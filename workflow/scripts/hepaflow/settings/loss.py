"""Settings of the loss: the name of one, or one with settings of its own, or a sum of such."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from hepaflow.settings.base import SettingsModel


class LossTerm(SettingsModel):
    """What every loss has that can be a term of a sum."""

    factor: float | None = Field(default=None, gt=0)
    """Factor on the loss; null for 1."""


class CrossEntropy(LossTerm):
    """Binary cross-entropy, a mean over all pixels."""

    kind: Literal["bce"]
    positive_weight: float | None = Field(default=None, gt=0)
    """Weight of pixels of the structure; the others have 1; null for 1."""


class OverlapTerm(LossTerm):
    """What losses have that compare a structure as a whole."""

    per: Literal["sample"] | None = None
    """What has a coefficient of its own: each `sample`, which is a slice, slab or patch, and the loss is their
    mean, so that a small lesion counts beside a large one (Isensee et al. 2021: in 3-D); null for the
    mini-batch."""


class SoftDice(OverlapTerm):
    """One minus the soft Dice coefficient of a mini-batch (Milletari et al. 2016)."""

    kind: Literal["dice"]


class ComponentDice(LossTerm):
    """One minus the soft Dice coefficient of a connected component, a mean over all in a mini-batch.

    So a small lesion counts as much as a large one, also beside it (Kofler et al. 2023). Each component has all
    that is nearer to it than to the others of its sample (Jaus et al. 2025).
    """

    kind: Literal["component_dice"]


class Tversky(OverlapTerm):
    """One minus the soft Tversky index of a mini-batch (Salehi et al. 2017); half and half is soft Dice."""

    kind: Literal["tversky"]
    alpha: float = Field(default=0.3, ge=0, le=10)
    """Weight of false positives (Salehi et al. 2017: best with 0.3)."""
    beta: float = Field(default=0.7, ge=0, le=10)
    """Weight of false negatives (Salehi et al. 2017: best with 0.7)."""

    @model_validator(mode="after")
    def _some_mistake_counts(self) -> "Tversky":
        if not self.alpha and not self.beta:
            raise ValueError("alpha and beta are both 0, so no mistake would cost anything; one above 0")
        return self


class Focal(LossTerm):
    """Cross-entropy in which pixels that are clearly right count less (Lin et al. 2017), a mean over all."""

    kind: Literal["focal"]
    gamma: float = Field(default=2.0, ge=0, le=10)
    """Power of the probability of the wrong answer, by which a pixel counts (Lin et al. 2017: best with 2)."""
    alpha: float | None = Field(default=None, gt=0, lt=1)
    """Weight of pixels of the structure, beside one minus it of the others (Lin et al. 2017: best with 0.25); null
    for 1 of all."""


LossName = Literal["bce", "dice", "bce+dice"]
"""Losses that need no settings."""

AnyTerm = Annotated[CrossEntropy | SoftDice | ComponentDice | Tversky | Focal, Field(discriminator="kind")]


def _form(given: Any) -> str:
    """Return in which form a loss is given. In brackets, as no key is: messages leave them out of its place."""
    if isinstance(given, list | tuple) and given:  # an empty one is no loss
        return "(sum)"
    return "(term)" if isinstance(given, dict | LossTerm) else "(name)"


Loss = Annotated[
    Annotated[LossName, Tag("(name)")]
    | Annotated[AnyTerm, Tag("(term)")]
    | Annotated[tuple[AnyTerm, ...], Field(strict=False), Tag("(sum)")],
    Discriminator(_form),
]
