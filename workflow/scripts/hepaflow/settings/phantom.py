"""What the synthetic exams of the demo look like."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hepaflow.settings.base import SettingsModel

Length = Annotated[float, Field(gt=0, le=1000)]
Thickness = Annotated[float, Field(ge=0.5, le=1000)]
"""From where even four slices show enough of the liver for a lesion's centre."""
FieldOfView = Annotated[float, Field(ge=10, le=1000)]
"""From where the spacing of 512 pixels is not rounded to nothing."""


class PhantomSettings(SettingsModel):
    """How synthetic CT exams are generated. Pairs are the smallest and the largest value."""

    seed: int = Field(default=17, ge=0)
    """Seed; together with the exam's name it fixes every voxel."""

    anatomy: Literal["abdomen", "trunk"] = "abdomen"
    """What is drawn: the upper abdomen, or the trunk from the thighs to the neck, more varied than in nature."""

    size: int = Field(default=128, ge=32, le=512)
    """Rows and columns of a slice, in voxels."""

    slices: tuple[Annotated[int, Field(ge=4)], Annotated[int, Field(le=400)]] = (22, 30)
    """Number of axial slices."""

    slice_thickness: tuple[Thickness, Thickness] = (5.0, 8.0)
    """Distance of neighbouring slices, in mm; 0.5 at least. Exams with few slices get thicker ones."""

    field_of_view: tuple[FieldOfView, FieldOfView] = (312.0, 358.0)
    """Side of the square slice, in mm; 10 at least. The patient of the upper abdomen fills it, so it scales the
    patient, too; that of the trunk may be cut off by it."""

    noise: float = Field(default=10.0, ge=0, le=100)
    """Standard deviation of the image noise, in HU; in a trunk anything from a third of it to three times it."""

    max_lesions: int = Field(default=5, ge=0, le=20)
    """Largest number of lesions in one liver."""

    lesion_radius: tuple[Length, Length] = (5.0, 25.0)
    """Mean radius of a lesion, in mm. Small ones are rarer than in patients, so that the demo can learn."""

    lesion_free: float = Field(default=0.125, ge=0, le=1)
    """Probability that an exam has no lesion."""

    @model_validator(mode="after")
    def _pairs_ascend(self) -> Self:
        """Refuse a pair whose first value is above its second."""
        for key in ("slices", "slice_thickness", "field_of_view", "lesion_radius"):
            low, high = getattr(self, key)
            if low > high:
                raise ValueError(f"{key} is [{low}, {high}]: write the smaller value first")
        return self
