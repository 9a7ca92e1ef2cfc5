"""Settings of the pages that tell of a run."""

from typing import Annotated, Any

from pydantic import Field

from hepaflow.settings.base import SettingsModel
from hepaflow.settings.plan import Plan
from hepaflow.settings.training import Precision


class SummarySettings(SettingsModel):
    """What the summary tells of a run's settings."""

    size: int
    """Rows and columns of the networks' input, in pixels."""
    seed: int
    """Seed of everything random."""
    precision: Precision
    """Arithmetic of the trainings."""
    phantoms: bool
    """Whether the exams are phantoms."""
    inputs: dict[str, str] | None = None
    """What networks see, in words, by method: of those that see something else; null where there are none."""


class ComparedSettings(SettingsModel):
    """A run's configuration and the thesis', by the path of each key; without places and speed."""

    run: dict[str, Any]
    """Values of this run."""
    thesis: dict[str, Any]
    """Values of the thesis: the defaults."""


class DescribedPlan(SettingsModel):
    """The plan of a run, and what others give."""

    plan: Plan
    given: dict[str, Annotated[tuple[str, ...], Field(strict=False)]]
    """The structures that other systems have segmented, by the system's name."""
