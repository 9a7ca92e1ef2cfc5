"""Networks of which only building them tells whether they work."""

from functools import partial

from hepaflow.errors import UserError
from hepaflow.names import STAGES
from hepaflow.settings.workflow import Settings


def check_networks(settings: Settings) -> None:
    """Try the networks of MONAI that the settings name, on slices of the sizes that they see.

    Nothing is imported for settings without such a network; with one, torch and MONAI are, which takes seconds.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    UserError
        If a network cannot be built, or gives no logits of the slices' size.
    """
    for name, method in settings.networks.items():
        if method.network.monai is None:
            continue

        from hepaflow.networks.from_monai import check

        key = f"backbones.{name}" if name in settings.backbones else f"methods.{name}.network"
        try:
            for size in sorted({settings.stage_size(stage, name) for stage in STAGES}):
                check(method.network.monai, channels=1, size=size)
        except UserError as error:
            raise error.reworded(partial(_of_run, key)) from error


def _of_run(key: str, text: str) -> str:
    """Name the key of the run's settings."""
    return text.replace("`monai.", f"`{key}.monai.")
