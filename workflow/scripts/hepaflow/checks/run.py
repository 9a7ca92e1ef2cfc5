"""Everything that is looked at before a run."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from hepaflow.checks.check import NOTE, OK, Check, Found, refused, trying
from hepaflow.checks.gpu import Gpus, gpu, gpu_memory
from hepaflow.checks.places import disk, places, writable
from hepaflow.checks.shared_memory import shared_memory
from hepaflow.checks.weights import weights
from hepaflow.errors import UserError
from hepaflow.exams.sheet import ExamSheet, read_sheet
from hepaflow.methods.inputs import Inputs
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.sampling import Patches
from hepaflow.settings.workflow import Settings
from hepaflow.training.check import check_networks
from hepaflow.words import counted


def checks(settings: Settings, look: Callable[[str], Gpus | None], *, sheet: Path) -> Iterator[Check]:
    """Yield every check of a run, in the folder in which Snakemake would run, in the order of `CHECKS`.

    Parameters
    ----------
    settings : Settings
    look : callable
        Takes `compute.accelerator` and returns the GPUs; None where there is none. Raises UserError where torch
        cannot use them.
    sheet : Path
        The file of the exam sheet: the project's own are found from any folder.
    """
    yield from trying("settings", lambda: _settings(settings))
    exams: list[ExamSheet] = []
    yield from trying("exams", lambda: _exams(settings, sheet, exams))
    yield from trying("weights", lambda: weights(settings))
    yield from _gpus(settings, look)
    yield from trying("shared memory", lambda: shared_memory(settings))
    for what, folder in places(settings).items():
        yield from trying(what, partial(writable, folder))
    if not settings.cache:
        yield Check(OK, "cache", "none (`cache` is not set)")
    yield from trying("disk", lambda: disk(settings, exams[0] if exams else None))


def _settings(settings: Settings) -> Found:
    check_networks(settings)
    networks = settings.networks
    trainings = [settings.stage_training(stage, name) for name in networks for stage in settings.stages(name)]
    batches = sorted({training.batch_size for training in trainings})
    samplings = [settings.stage_sampling(stage, name) for name in networks for stage in settings.stages(name)]
    seen = {"patches" if isinstance(one, Patches) else "slices" for one in samplings}
    yield (
        OK,
        f"{counted(len(trainings), 'training')} of {counted(len(networks), 'network')}, "
        f"mini-batches of {' or '.join(map(str, batches))} {' or '.join(sorted(seen))}, {settings.precision}; "
        f"results in {settings.results}",
    )


def _exams(settings: Settings, path: Path, exams: list[ExamSheet]) -> Found:
    sheet = read_sheet(path, to_train=settings.learns_from_exams)
    inputs = Inputs(settings, plan_of(settings), sheet)
    inputs.check()
    inputs.check_new()
    exams.append(sheet)
    counts = ", ".join(f"{len(sheet.names(split))} {split}" for split in ("train", "test", "new"))
    made = "; phantoms, which the run makes" if settings.phantoms is not None else "; every file is there"
    yield OK, f"{settings.exams}: {counts}{made}"


def _gpus(settings: Settings, look: Callable[[str], Gpus | None]) -> Iterator[Check]:
    try:
        found = look(settings.compute.accelerator)
    except (UserError, OSError) as error:
        yield refused("GPU", error)
        yield Check(NOTE, "GPU memory", "not known, as torch cannot use the GPU")
        return
    yield from trying("GPU", lambda: gpu(settings, found))
    yield from trying("GPU memory", lambda: gpu_memory(settings, found))
