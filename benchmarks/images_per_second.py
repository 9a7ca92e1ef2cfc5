"""Measure how many slices a second the configured networks train on and segment, and the memory that takes.

    python benchmarks/images_per_second.py                          the thesis' networks, as on a cluster's GPU
    python benchmarks/images_per_second.py --configfile mine.yaml --precision bf16 --batch 16

Prints a CSV row for each network, precision and mode as soon as it is measured. Each is measured in a process of
its own, on random slices: reading them from disk is not part of it. On a GPU `gib` is what torch allocated at most
on the card, on the CPU the process' largest resident memory.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import yaml

from hepaflow.errors import UserError
from hepaflow.jobs.driver import Seen, check_gpus, look, look_apart
from hepaflow.jobs.run import peak_memory
from hepaflow.methods.job_settings import JobSettings, speed_of_jobs
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.compute import ComputeSettings, RunComputeSettings
from hepaflow.settings.training import Precision, TrainSettings
from hepaflow.settings.workflow import read_settings

MODES = ("train", "predict")
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")


@dataclass(frozen=True)
class Measured:
    """A row of the table."""

    network: str
    arch: str
    mode: str
    precision: str
    size: int
    batch: int
    steps: int
    images_per_second: float
    gib: float
    device: str


def measure(
    name: str, settings: TrainSettings, mode: str, size: int, batch: int, steps: int, compute: ComputeSettings
) -> Measured:
    """Time some steps of one network, after some that are not timed.

    Parameters
    ----------
    name : str
        The network's name in the configuration.
    settings : TrainSettings
        Its architecture, its loss and the precision.
    mode : {'train', 'predict'}
        A step of SGD on a batch, or the masks of one.
    size, batch : int
        Pixels along a side, and slices at once.
    steps : int
        Steps that are timed; half as many go before.
    compute : ComputeSettings
    """
    import torch  # after the parent has started this process, which needs none

    from hepaflow.networks.compute import make_fabric, memory_format, prepare
    from hepaflow.networks.network import build_network
    from hepaflow.training.losses import criterion_of

    fabric = make_fabric(settings.precision, compute)
    network = prepare(build_network(settings.network).train(mode == "train"), compute)
    images = torch.rand(batch, 1, size, size, device=fabric.device) * 2 - 1
    masks = (images > 0).float()
    images = images.to(memory_format=memory_format(network, compute))
    if mode == "train":
        sgd = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=settings.training.momentum)
        model, optimizer = fabric.setup(network, sgd)
        criterion = criterion_of(settings.training.loss)

        def step() -> None:
            loss = criterion(model(images), masks)
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
    else:
        model = fabric.setup_module(network)

        @torch.inference_mode()
        def step() -> None:
            (model(images) > 0).cpu()

    def seconds(count: int) -> float:
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(count):
            step()
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    seconds(steps // 2)
    took = seconds(steps)
    on_gpu = fabric.device.type == "cuda"
    return Measured(
        name,
        settings.network.arch,
        mode,
        settings.precision,
        size,
        batch,
        steps,
        round(batch * steps / took, 3),
        round(torch.cuda.max_memory_allocated() / 2**30 if on_gpu else peak_memory() / 2**10, 2),
        torch.cuda.get_device_name() if on_gpu else f"CPU, {torch.get_num_threads()} threads",
    )


def compute_here(chosen: RunComputeSettings, looking: Callable[[], Seen] = look) -> ComputeSettings:
    """Return a run's settings of speed as what computes reads them.

    Parameters
    ----------
    chosen : RunComputeSettings
    looking : callable, optional
        `hepaflow.jobs.driver.look`, or `look_apart` for a process that stays without torch.

    Raises
    ------
    UserError
        If there must be a GPU (`gpu`) and there is none, or torch cannot use the one that there is.
    """
    check_gpus(chosen.accelerator, looking=looking)
    return speed_of_jobs(chosen)


def main(arguments: list[str] | None = None) -> int:
    """Measure what the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, help="configuration (default: the thesis')")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help="some of its networks (default: all)")
    parser.add_argument("--precision", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    parser.add_argument("--mode", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--batch", type=int, help="slices at once (default: the configuration's)")
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed (default: %(default)s)")
    parser.add_argument("--one", help=argparse.SUPPRESS)  # what one of our own processes measures
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings(yaml.safe_load(chosen.configfile.read_text()) if chosen.configfile else {})
        compute = compute_here(settings.compute, look if chosen.one else look_apart)
    except UserError as error:
        parser.error(str(error))

    jobs = JobSettings(settings, plan_of(settings))

    def one(name: str, precision: Precision, mode: str) -> Measured:
        untrained = jobs.predict("liver", name).network  # nothing to fetch
        recipe = jobs.train("liver", name).model_copy(update={"network": untrained, "precision": precision})
        from hepaflow.networks.compute import prediction_batch  # see above

        training = mode == "train"
        batch = recipe.training.batch_size if training else prediction_batch(compute, settings.size**2)
        return measure(name, recipe, mode, settings.size, chosen.batch or batch, chosen.steps, compute)

    if chosen.one:
        print(json.dumps(asdict(one(*chosen.one.split("/")))))
        return 0
    if unknown := set(chosen.networks or ()) - settings.networks.keys():
        parser.error(f"no such network: {', '.join(sorted(unknown))}; there are {', '.join(settings.networks)}")
    table = csv.DictWriter(sys.stdout, [field.name for field in fields(Measured)], lineterminator="\n")
    table.writeheader()
    failed = 0
    for name in chosen.networks or settings.networks:
        for precision in chosen.precision:
            for mode in chosen.mode:
                again = sys.argv[1:] if arguments is None else arguments
                command = [sys.executable, __file__, *again, "--one", f"{name}/{precision}/{mode}"]
                ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
                if ended.returncode:  # it has said why: too little memory, most likely
                    print(f"{name}, {precision}, {mode}: not measured", file=sys.stderr)
                    failed += 1
                    continue
                table.writerow(json.loads(ended.stdout.splitlines()[-1]))
                sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
