"""Settings of sampling: how an exam is shown to a network piece by piece, and put together again."""

from typing import Literal

from hepaflow.settings.base import SettingsModel


class Slices(SettingsModel):
    """One slice at a time (thesis 4.5)."""

    kind: Literal["slices"] = "slices"


Sampling = Slices
