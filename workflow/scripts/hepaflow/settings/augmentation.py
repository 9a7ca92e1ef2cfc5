"""Settings of the random changes to training slices; the thesis makes none (4.5)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hepaflow.settings.base import SettingsModel


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"the smallest value ({ends[0]:g}) must not be above the largest ({ends[1]:g})")
    return ends


Angle = Annotated[float, Field(ge=-180, le=180)]
Factor = Annotated[float, Field(ge=0.1, le=10)]
Deviation = Annotated[float, Field(ge=0, le=1)]


class _Change(SettingsModel):
    """A change that a slice has with a probability; pairs are the smallest and the largest value."""

    probability: float = Field(gt=0, le=1)
    """Probability with which a slice is changed, in every epoch anew."""


class Flip(_Change):
    """Image and mask are mirrored."""

    kind: Literal["flip"]
    direction: Literal["horizontal", "vertical"]
    """Whether columns (`horizontal`) or rows (`vertical`) change their order."""


class Rotate(_Change):
    """Image and mask are turned about the slice's centre."""

    kind: Literal["rotate"]
    degrees: Annotated[tuple[Angle, Angle], Field(strict=False), AfterValidator(_ascending)]
    """Angle, drawn evenly; above zero counterclockwise."""


class Scale(_Change):
    """Image and mask are enlarged or shrunk about the slice's centre."""

    kind: Literal["scale"]
    factors: Annotated[tuple[Factor, Factor], Field(strict=False), AfterValidator(_ascending)]
    """Factor on lengths, drawn evenly; above one enlarges."""


class Brightness(_Change):
    """The image's pixels, from 0 to 1 at the ends of the window, are multiplied by one factor."""

    kind: Literal["brightness"]
    factors: Annotated[tuple[Factor, Factor], Field(strict=False), AfterValidator(_ascending)]
    """Factor, drawn evenly."""


class Noise(_Change):
    """Normal noise is added to the image's pixels, from 0 to 1 at the ends of the window."""

    kind: Literal["noise"]
    standard_deviation: Annotated[tuple[Deviation, Deviation], Field(strict=False), AfterValidator(_ascending)]
    """Standard deviation of the noise, drawn evenly."""


Augmentation = Annotated[Flip | Rotate | Scale | Brightness | Noise, Field(discriminator="kind")]
