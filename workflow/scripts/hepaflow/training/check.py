"""Networks of which only building them tells whether they work."""

from functools import partial

from hepaflow.errors import UserError
from hepaflow.names import Stage
from hepaflow.sampling.registry import SAMPLINGS
from hepaflow.settings.workflow import Settings


def check_networks(settings: Settings) -> None:
    """Try the networks of MONAI that the settings name, on pieces as they see them.

    Nothing is imported for settings without such a network; with one, torch and MONAI are, which takes seconds.

    Parameters
    ----------
    settings : Settings

    Raises
    ------
    UserError
        If a network cannot be built, or gives no logits of the pieces' size; or if several devices are to train
        it, and would not compute what one does.
    """
    for name, method in settings.networks.items():
        if method.network.monai is None:
            continue

        from hepaflow.networks.from_monai import check
        from hepaflow.training.alike import check_alike

        key = f"backbones.{name}" if name in settings.backbones else f"methods.{name}.network"
        try:
            for channels, shape in sorted({shown(settings, stage, name) for stage in settings.stages(name)}):
                check(method.network.monai, channels=channels, shape=shape)
                if settings.compute.devices > 1:
                    check_alike(method.network.monai, channels=channels, shape=shape)
        except UserError as error:
            raise error.reworded(partial(_of_run, key)) from error


def shown(settings: Settings, stage: Stage, name: str) -> tuple[int, tuple[int, ...]]:
    """Return channels and shape of the pieces that a network sees."""
    chosen = settings.stage_sampling(stage, name)
    sampling = SAMPLINGS[chosen.kind](chosen)
    return sampling.channels + settings.sees_region(stage, name), sampling.shape(settings.stage_size(stage, name))


def _of_run(key: str, text: str) -> str:
    """Name the key of the run's settings."""
    return text.replace("`monai.", f"`{key}.monai.")
