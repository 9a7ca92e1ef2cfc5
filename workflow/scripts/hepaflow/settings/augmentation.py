"""Settings of the random changes to training slices and patches; the thesis makes none (4.5).

What is said of a slice holds for a patch: its slices are moved all alike, and sides, shares and angles are those
of rows and columns. Only noise, blur and cut-out have three dimensions there.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from hepaflow.settings.base import SettingsModel


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"the smallest value ({ends[0]:g}) must not be above the largest ({ends[1]:g})")
    return ends


Angle = Annotated[float, Field(ge=-180, le=180)]
Factor = Annotated[float, Field(ge=0.1, le=10)]
Deviation = Annotated[float, Field(ge=0, le=1)]
Offset = Annotated[float, Field(ge=-1, le=1)]
Side = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0.1, le=1)]
Sigma = Annotated[float, Field(ge=0, le=32)]

Angles = Annotated[tuple[Angle, Angle], Field(strict=False), AfterValidator(_ascending)]
Factors = Annotated[tuple[Factor, Factor], Field(strict=False), AfterValidator(_ascending)]
Deviations = Annotated[tuple[Deviation, Deviation], Field(strict=False), AfterValidator(_ascending)]
Offsets = Annotated[tuple[Offset, Offset], Field(strict=False), AfterValidator(_ascending)]
Sides = Annotated[tuple[Side, Side], Field(strict=False), AfterValidator(_ascending)]
Shares = Annotated[tuple[Share, Share], Field(strict=False), AfterValidator(_ascending)]
Sigmas = Annotated[tuple[Sigma, Sigma], Field(strict=False), AfterValidator(_ascending)]

UNFOLDED = 0.4
"""Largest displacement of a control point, in spacings. In two dimensions a cubic B-spline folds nowhere if it is
below 0.48 (Choi and Lee 2000)."""


class _Change(SettingsModel):
    """A change that a slice has with a probability; pairs are the smallest and the largest value."""

    probability: float = Field(gt=0, le=1)
    """Probability with which a slice is changed; drawn again in every epoch."""


class Flip(_Change):
    """Image and mask are mirrored."""

    kind: Literal["flip"]
    direction: Literal["horizontal", "vertical", "axial"]
    """Whether columns (`horizontal`), rows (`vertical`) or, of patches, slices (`axial`) change their order."""


class Rotate(_Change):
    """Image and mask are rotated about the slice's centre."""

    kind: Literal["rotate"]
    degrees: Angles
    """Angle, drawn evenly; above zero counterclockwise."""


class Scale(_Change):
    """Image and mask are enlarged or shrunk about the slice's centre."""

    kind: Literal["scale"]
    factors: Factors
    """Factor on lengths, drawn evenly; above one enlarges."""


class Brightness(_Change):
    """The image's pixels, from 0 to 1 at the ends of the window, are multiplied by one factor."""

    kind: Literal["brightness"]
    factors: Factors
    """Factor, drawn evenly."""


class Noise(_Change):
    """Gaussian noise is added to the image's pixels, which range from 0 to 1, the limits of the window."""

    kind: Literal["noise"]
    standard_deviation: Deviations
    """Standard deviation of the noise, drawn evenly."""


class Elastic(SettingsModel):
    """A smooth random field of displacements: a cubic B-spline over control points (Rueckert et al. 1999)."""

    spacing: float = Field(default=0.25, ge=0.05, le=1)
    """Distance between control points, as a share of the side; larger is smoother."""
    displacement: Sides
    """Largest displacement of a control point along rows and along columns, a share of the side, drawn evenly.

    Each point has one of its own, drawn evenly between none and this, either way.
    """

    @model_validator(mode="after")
    def _unfolded(self) -> "Elastic":
        largest, limit = self.displacement[1], UNFOLDED * self.spacing
        if largest > limit + 1e-9:
            raise ValueError(
                f"the largest displacement ({largest:g}) must not be above {limit:g}, {UNFOLDED:g} of the spacing "
                f"({self.spacing:g}): beyond it a slice could fold over itself"
            )
        return self


class Spatial(_Change):
    """Image and mask are moved in several ways and interpolated once, as nnU-Net does (Isensee et al. 2021).

    In this order: a part is enlarged to the full slice, which is rotated, scaled, shifted and deformed.
    What is null is not done.
    """

    kind: Literal["spatial"]
    part_probability: float = Field(default=1, gt=0, le=1)
    """Probability of each transformation below, in a slice that is changed."""
    crop: Shares | None = None
    """Side of a part at a random position that is enlarged to the full slice, as a share, drawn evenly."""
    degrees: Angles | None = None
    """Angle about the centre, drawn evenly; above zero counterclockwise."""
    factors: Factors | None = None
    """Factor on lengths, drawn evenly; above one enlarges."""
    shift: Offsets | None = None
    """Shift down and to the right, each drawn evenly, a share of the side; below zero up and to the left."""
    elastic: Elastic | None = None
    """Elastic deformation."""

    @model_validator(mode="after")
    def _does_something(self) -> "Spatial":
        if not any((self.crop, self.degrees, self.factors, self.shift, self.elastic)):
            raise ValueError("at least one of crop, degrees, factors, shift and elastic is needed")
        return self


class Contrast(_Change):
    """The difference of each pixel from the image's mean is multiplied by one factor."""

    kind: Literal["contrast"]
    factors: Factors
    """Factor, drawn evenly; above one is more contrast."""
    keep_range: bool = False
    """Whether pixels are clamped to the image's original range (Isensee et al. 2021: true)."""


class Gamma(_Change):
    """The image's pixels, from 0 to 1 at the ends of the window, are raised to a power."""

    kind: Literal["gamma"]
    exponents: Factors
    """Power, drawn evenly; above one darkens."""
    inverted: bool = False
    """Whether 1 minus the pixel is raised instead; then above one brightens (Isensee et al. 2021: both)."""
    keep_statistics: bool = False
    """Whether mean and standard deviation are restored (Isensee et al. 2021: true)."""


class Blur(_Change):
    """The image is smoothed with a Gaussian."""

    kind: Literal["blur"]
    sigma: Sigmas
    """Standard deviation of the Gaussian in pixels, drawn evenly."""


class LowResolution(_Change):
    """The image is downsampled and upsampled again, linearly."""

    kind: Literal["low_resolution"]
    factors: Shares
    """Factor of the downsampling along rows and columns, drawn evenly."""


class CutOut(_Change):
    """Rectangles of the image are set to its mean; the mask stays (DeVries and Taylor 2017)."""

    kind: Literal["cut_out"]
    count: int = Field(default=1, ge=1, le=32)
    """Rectangles; they may overlap."""
    sides: Sides
    """Height and width of each, shares of the slice's, each drawn evenly; at least a pixel."""


Augmentation = Annotated[
    Flip | Rotate | Scale | Spatial | Brightness | Contrast | Gamma | Noise | Blur | LowResolution | CutOut,
    Field(discriminator="kind"),
]
