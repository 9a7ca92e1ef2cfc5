"""Look at this machine and at what a run reads and writes, before hours are spent: a line for each check.

    python workflow/check.py [--configfile FILE ...] [--directory FOLDER]

Nothing is computed, and nothing is left behind. On a cluster, run it as trainings will run: on a node with a GPU.
"""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hepaflow.errors import UserError  # noqa: E402
from hepaflow.exams.sheet import ExamSheet, read_sheet  # noqa: E402
from hepaflow.files import sha256  # noqa: E402
from hepaflow.jobs.driver import Seen, check_gpus, driver_cards, oldest_driver  # noqa: E402
from hepaflow.methods.inputs import Inputs  # noqa: E402
from hepaflow.methods.thesis import plan_of  # noqa: E402
from hepaflow.names import STAGES  # noqa: E402
from hepaflow.networks.memory import training_gib  # noqa: E402
from hepaflow.settings.configuration import read_files  # noqa: E402
from hepaflow.settings.workflow import Settings, read_settings  # noqa: E402
from hepaflow.training.check import check_networks, shown  # noqa: E402
from hepaflow.words import counted  # noqa: E402

OK, NOTE, WRONG = "ok", "note", "wrong"

MB_OF_A_SLICE = 0.27
"""Preprocessed for both stages, of 256×256 (docs/slurm.md)."""
MB_OF_A_MAP = 0.026
"""Maps of both stages, for each slice and network."""
GB_OF_A_NETWORK = 2.0
"""Weights of both stages, in the model's file once more, and the states of trainings, for a large network."""


@dataclass(frozen=True)
class Check:
    """What was found.

    Attributes
    ----------
    state : {'ok', 'note', 'wrong'}
        A note is no fault, but worth knowing.
    what : str
    found : str
    """

    state: str
    what: str
    found: str

    def __str__(self) -> str:
        return f"  {self.state:5}  {self.what:13}  {self.found}"


def checks(settings: Settings) -> Iterator[Check]:
    """Yield every check of a run, in the folder in which Snakemake would run."""
    yield from _trying("settings", lambda: _settings(settings))
    exams: list[ExamSheet] = []
    yield from _trying("data", lambda: _data(settings, exams))
    yield from _trying("weights", lambda: _weights(settings))
    yield from _trying("GPU", lambda: _gpu(settings))
    for what, folder in _folders(settings).items():
        yield from _trying(what, lambda folder=folder: _writable(folder))
    yield from _trying("shared memory", lambda: _shared_memory(settings))
    if exams and settings.phantoms is None:
        yield from _trying("disk", lambda: _disk(settings, exams[0]))


def _trying(what: str, look: Callable[[], Iterator[tuple[str, str]]]) -> Iterator[Check]:
    """Yield what a check finds, each as state and words; a refusal is one more."""
    try:
        for state, found in look():
            yield Check(state, what, found)
    except (UserError, OSError) as error:
        yield Check(WRONG, what, "; ".join(line.strip() for line in str(error).splitlines()))


def _settings(settings: Settings) -> Iterator[tuple[str, str]]:
    check_networks(settings)
    networks = len(settings.networks)
    batches = sorted({settings.stage_training(stage, name).batch_size for name, stage in _trainings(settings)})
    yield (
        OK,
        f"{counted(networks * len(STAGES), 'training')} of {counted(networks, 'network')}, mini-batches of "
        f"{' or '.join(map(str, batches))} slices, {settings.precision}; results in {settings.results}",
    )


def _trainings(settings: Settings) -> Iterator[tuple[str, Any]]:
    return ((name, stage) for name in settings.networks for stage in STAGES)


def _data(settings: Settings, exams: list[ExamSheet]) -> Iterator[tuple[str, str]]:
    sheet = read_sheet(Path(settings.exams))
    Inputs(settings, plan_of(settings), sheet).check()
    exams.append(sheet)
    counts = ", ".join(f"{len(sheet.names(split))} {split}" for split in ("train", "test", "new"))
    made = "; phantoms, which the run makes" if settings.phantoms is not None else "; every file is there"
    yield OK, f"{settings.exams}: {counts}{made}"


def _weights(settings: Settings) -> Iterator[tuple[str, str]]:
    from hepaflow.networks.pretrained import imagenet_file  # torch takes seconds to import

    networks = [one.network for one in settings.networks.values()]
    wanted = sorted({network.arch for network in networks if network.weights == "imagenet"})
    files = [imagenet_file(arch) for arch in wanted]
    if broken := [file for file in files if file.is_file() and not _is_whole(file)]:
        yield WRONG, f"cut short or changed: {broken[0]}; remove it, then `hepaflow fetch`"
    if missing := [file for file in files if not file.is_file()]:
        yield (
            NOTE,
            f"{len(missing)} of {len(files)} files of ImageNet's weights are not there, such as {missing[0]}; "
            "`hepaflow fetch` gets them, or the first training does, where it has internet access",
        )
    if files and not broken and not missing:
        yield OK, f"{counted(len(files), 'file')} of ImageNet's weights in {files[0].parent}"
    if not files:
        yield OK, "none of ImageNet's are needed"


def _is_whole(file: Path) -> bool:
    """Return whether a file of torchvision's has the digest whose beginning ends its name."""
    return sha256(file).startswith(file.stem.rpartition("-")[2])


def _gpu(settings: Settings) -> Iterator[tuple[str, str]]:
    compute = settings.compute
    if compute.accelerator == "cpu":
        yield OK, "not used (compute.accelerator: cpu)"
        return
    seen = check_gpus(compute.accelerator)
    if seen is None:
        yield (
            NOTE,
            "none here: networks would train on the CPU, which is for small runs. On a cluster, run this where "
            "trainings run: srun --partition=… --gres=gpu:1 hepaflow check",
        )
        return
    drivers = ", ".join(dict.fromkeys(card.driver for card in driver_cards()))
    yield (
        OK,
        f"{', '.join(seen.names)}; driver {drivers or 'unknown'}, torch {seen.torch} with CUDA {seen.cuda}, for "
        f"drivers from {oldest_driver(seen.cuda)} on",
    )
    if len(seen.names) < compute.devices:
        yield WRONG, f"{len(seen.names)} for each job, and compute.devices is {compute.devices}"
    yield from _gpu_memory(settings, seen)


def _gpu_memory(settings: Settings, seen: Seen) -> Iterator[tuple[str, str]]:
    card = min(seen.mib) / 1024
    needs = {name: need for name in settings.networks if (need := _gib(settings, name)) is not None}
    others = len(settings.networks) - len(needs)
    unknown = f"; {counted(others, 'network')} not counted" if others else ""
    if not needs:
        yield NOTE, f"{card:.0f} GiB of memory; what these networks need is not known"
        return
    name = max(needs, key=needs.__getitem__)
    told = f"{name} needs {needs[name]:.1f} GiB at least ({settings.precision}); the card has {card:.1f}{unknown}"
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
        for stage in STAGES
    ]
    known = [need for need in needs if need is not None]
    return max(known) if known else None


def _folders(settings: Settings) -> dict[str, Path]:
    folders = {"results": Path(settings.results), "scratch": Path(tempfile.gettempdir())}
    return folders | ({"cache": Path(settings.cache)} if settings.cache else {})


def _writable(folder: Path) -> Iterator[tuple[str, str]]:
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        yield WRONG, f"{folder}: {place} cannot be written to ({error.strerror})"
        return
    yield (
        OK,
        f"{folder} can be written to" + ("" if place == folder.absolute() else f" (it will be made in {place})"),
    )


def _existing(folder: Path) -> Path:
    """Return a folder, or the nearest above it that exists."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _shared_memory(settings: Settings) -> Iterator[tuple[str, str]]:
    from hepaflow.training import loading  # torch takes seconds to import

    workers = settings.compute.workers
    if not workers:
        yield OK, "none is needed (compute.workers: 0)"
        return
    batch = max(_batch_bytes(settings, name, stage, loading.BYTES) for name, stage in _trainings(settings))
    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())
    loading.log.addHandler(handler)
    try:
        fitting, _ = loading.fitting_workers(workers, batch)
    finally:
        loading.log.removeHandler(handler)
    if told:
        yield NOTE, told[0]
    else:
        yield OK, f"room for the {fitting} processes of a training that load slices (compute.workers)"


def _batch_bytes(settings: Settings, name: str, stage: Any, each: int) -> int:
    channels, size = shown(settings, stage, name)
    return (settings.stage_training(stage, name).batch_size + 1) * each * (channels + 1) * size**2


def _disk(settings: Settings, exams: ExamSheet) -> Iterator[tuple[str, str]]:
    slices = _slices(settings, exams)
    place = _existing(Path(settings.results))
    free = shutil.disk_usage(place).free / 1e9
    if not slices:
        yield NOTE, f"{free:.0f} GB are free in {place}; what the run needs is not known"
        return
    networks, pixels = len(settings.networks), (settings.size / 256) ** 2
    need = slices * pixels * (MB_OF_A_SLICE + networks * MB_OF_A_MAP) / 1000 + networks * GB_OF_A_NETWORK
    run = f"{counted(slices, 'slice')} and {counted(networks, 'network')}"
    told = f"{free:.0f} GB are free in {place}; {run} take about {need:.0f}"
    if settings.cache:
        told += ", and the cache as much"
    if free >= need:
        yield OK, told
    else:  # some of it may be there already
        yield NOTE if Path(settings.results).is_dir() else WRONG, told


def _slices(settings: Settings, exams: ExamSheet) -> int:
    """Return the slices of all exams, from the headers of their images; those that do not tell count none."""
    import nibabel

    total = 0
    for name in exams.names():
        path = Path(settings.data, exams[name].image).expanduser()
        try:
            total += int(nibabel.load(path).shape[2])
        except (OSError, IndexError, nibabel.filebasedimages.ImageFileError):
            if path.is_dir():
                total += sum(1 for file in path.iterdir() if file.is_file())
    return total


def main(arguments: list[str] | None = None) -> int:
    """Print the checks; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        default=[Path("config/config.yaml")],
        help="configuration of the run (default: config/config.yaml)",
    )
    parser.add_argument("--directory", type=Path, default=ROOT, help="folder of the workflow")
    chosen = parser.parse_args(arguments)
    os.chdir(chosen.directory)
    try:
        settings = read_settings(read_files(chosen.configfile))
    except UserError as error:
        print(Check(WRONG, "settings", "; ".join(line.strip() for line in str(error).splitlines())))
        return 1
    found = []
    for check in checks(settings):
        print(check, flush=True)
        found.append(check)
    wrong = sum(one.state == WRONG for one in found)
    print(f"\n{wrong} of {len(found)} checks found something wrong." if wrong else "\nNothing is wrong.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
