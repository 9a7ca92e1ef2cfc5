"""GPUs, and whether a training fits into their memory."""

from dataclasses import dataclass

from hepaflow.checks.check import NOTE, OK, WRONG, Found
from hepaflow.networks.memory import training_gib
from hepaflow.settings.workflow import Settings
from hepaflow.words import counted

_UNUSED = "not used (compute.accelerator: cpu)"


@dataclass(frozen=True)
class Gpus:
    """The GPUs that torch can use.

    Attributes
    ----------
    names : tuple of str
    mib : tuple of int
        Their memory.
    driver : str
        Its version; empty where it is not known.
    torch, cuda : str
        Versions of torch, and of CUDA that it is built with.
    oldest : int
        The first series of drivers that runs this CUDA.
    """

    names: tuple[str, ...]
    mib: tuple[int, ...]
    driver: str
    torch: str
    cuda: str
    oldest: int


def gpu(settings: Settings, found: Gpus | None) -> Found:
    """Yield which GPUs there are, and whether they are as many as the settings want."""
    compute = settings.compute
    if compute.accelerator == "cpu":
        yield OK, _UNUSED
        return
    if found is None:
        yield (
            NOTE,
            "none here: networks would train on the CPU, which is for small runs. On a cluster, run this where "
            "trainings run: srun --partition=… --gres=gpu:1 hepaflow check",
        )
        return
    yield (
        OK,
        f"{', '.join(found.names)}; driver {found.driver or 'unknown'}, torch {found.torch} with CUDA "
        f"{found.cuda}, for drivers from {found.oldest} on",
    )
    if len(found.names) < compute.devices:
        yield WRONG, f"{len(found.names)} for each job, and compute.devices is {compute.devices}"


def gpu_memory(settings: Settings, found: Gpus | None) -> Found:
    """Yield whether the largest training fits into the smallest card."""
    if settings.compute.accelerator == "cpu":
        yield OK, _UNUSED
        return
    needs = {name: need for name in settings.networks if (need := _gib(settings, name)) is not None}
    others = len(settings.networks) - len(needs)
    unknown = f"; {counted(others, 'network')} not counted" if others else ""
    name = max(needs, key=needs.__getitem__, default="")
    needed = f"{name} needs {needs[name]:.1f} GiB at least ({settings.precision})" if needs else ""
    if found is None:
        yield NOTE, f"not known, as there is no GPU here{f'; {needed}{unknown}' if needs else ''}"
        return
    card = min(found.mib) / 1024
    if not needs:
        yield NOTE, f"{card:.0f} GiB; what these networks need is not known"
        return
    told = f"{needed}; the GPU has {card:.1f}{unknown}"
    if needs[name] <= card:
        yield OK, told
    else:
        yield WRONG, f"{told}: use `precision: bf16`, which needs about half, or more `compute.devices`"


def _gib(settings: Settings, name: str) -> float | None:
    """Return the memory that the larger training of a network takes on each card."""
    network = settings.networks[name].network
    needs = [
        training_gib(
            network,
            slices=-(-settings.stage_training(stage, name).batch_size // settings.compute.devices),
            size=settings.stage_size(stage, name),
            precision=settings.precision,
        )
        for stage in settings.stages(name)
    ]
    known = [need for need in needs if need is not None]
    return max(known) if known else None
