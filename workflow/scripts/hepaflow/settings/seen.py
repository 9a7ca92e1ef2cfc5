"""Settings of what a model has seen."""

from hepaflow.settings.base import SettingsModel


class SeenSettings(SettingsModel):
    """What decides, besides exams, what a model has seen."""

    drawn: list[str]
    """Kinds of phantoms that are drawn in the place of training exams; none where there are exams."""
