"""Where and how fast networks run: devices, precision, determinism."""

import logging
import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn

from hepaflow.errors import UserError
from hepaflow.networks.normalisation import channels_innermost, normalises_instances
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision


def on_gpu(compute: ComputeSettings) -> bool:
    """Return whether networks run on a GPU: where there is one, unless the settings keep to the CPU."""
    return compute.accelerator == "auto" and torch.cuda.is_available()


def memory_format(network: nn.Module, compute: ComputeSettings, dimensions: int = 2) -> torch.memory_format:
    """Return how the settings want a network and its input laid out in memory.

    Unless they say otherwise: channels innermost on the CPU, to predict and to train networks with instance
    normalisation (docs/speed.md).

    Parameters
    ----------
    network : Module
        As it is about to be used, in training mode or not.
    compute : ComputeSettings
    dimensions : int, optional
        Of the pieces that the network sees: 2 or 3.
    """
    faster = not on_gpu(compute) and (not network.training or normalises_instances(network))
    last = faster if compute.channels_last == "auto" else compute.channels_last
    innermost = {2: torch.channels_last, 3: torch.channels_last_3d}
    return innermost[dimensions] if last else torch.contiguous_format


def make_fabric(
    precision: Precision, compute: ComputeSettings, *, devices: int = 1, threads: int | None = None
) -> Fabric:
    """Set up devices and arithmetic: GPUs where there are any and the settings allow them, else the CPU.

    Parameters
    ----------
    precision : {'fp32', 'tf32', 'bf16'}
        Part of the recipe: results differ between them.
    compute : ComputeSettings
    devices : int
        Devices that work together.
    threads : int, optional
        Threads on the CPU, of all devices' processes together.

    Returns
    -------
    Fabric
        Not yet launched. Deterministic algorithms are asked for wherever there is one. For bf16 on a processor
        without instructions for it, where it is slower than fp32, a warning is logged.

    Raises
    ------
    UserError
        If there are fewer GPUs than devices.
    """
    gpu = on_gpu(compute)
    if gpu and devices > torch.cuda.device_count():
        raise UserError(
            f"{torch.cuda.device_count()} GPU(s) for this job",
            expected=f"{devices}, as the setting `compute.devices` has it",
            remedy=f"set `compute: {{devices: {torch.cuda.device_count()}}}`, or use a machine with more",
        )
    if precision == "bf16" and not gpu and has_bf16_instructions() is False:
        logging.warning("bf16 on a processor without instructions for it is slower than fp32")
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True, warn_only=gpu)
    # Else torch fills memory that is written next anyway: up to 5 % of a training step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if threads:
        torch.set_num_threads(max(1, threads // devices))
    return Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=devices,
        strategy="auto" if devices == 1 else _data_parallel(),
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        # A job is one process, and starts the others itself: in a SLURM job too, whose variables say otherwise.
        plugins=LightningEnvironment(),
    )


def _data_parallel() -> DDPStrategy:
    """Return how several devices train one network: each adds up the gradients in the same order at every step."""
    # torch else regroups the gradients after the first step of a process, and sums of three or more numbers in
    # another order differ: a training that was resumed would be another.
    return DDPStrategy(find_unused_parameters=True)


def arithmetic(compute: ComputeSettings, device: torch.device) -> dict[str, Any]:
    """Return what changes the last bits of a training, and is no setting of its result.

    Parameters
    ----------
    compute : ComputeSettings
    device : torch.device
        Where the network is trained.
    """
    told: dict[str, Any] = {
        "devices": compute.devices,
        "channels_last": compute.channels_last,
        "compile": compute.compile,
        "torch": torch.__version__,
    }
    if device.type == "cuda":
        return {"on": torch.cuda.get_device_name(device), **told}
    return {"on": f"CPU ({torch.backends.cpu.get_cpu_capability()})", "threads": torch.get_num_threads(), **told}


def has_bf16_instructions() -> bool | None:
    """Return whether the processor has instructions for bf16, as Linux tells it; None where it tells nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # elsewhere than on Linux
        return None
    flags = next(
        (line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), None
    )
    return None if flags is None else not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)


GPU_PIXELS = 64 * 256**2
"""Pixels that a network on a GPU predicts at once."""

CPU_PIXELS = 2 * 256**2
"""Pixels that a network on the CPU predicts at once. Of more, what it computes no longer stays in the caches, and
every layer asks the system for memory anew: up to twice as slow (docs/benchmarks.md)."""


def prediction_batch(compute: ComputeSettings, pixels: int) -> int:
    """Return how many slices or patches a network sees at once when it predicts.

    Parameters
    ----------
    compute : ComputeSettings
    pixels : int
        Of a slice or patch.
    """
    if compute.predict_batch_size != "auto":
        return compute.predict_batch_size
    return max(1, (GPU_PIXELS if on_gpu(compute) else CPU_PIXELS) // pixels)


SLICE_MIB = 265
"""Memory of a slice of 256×256 in the network that needs most for it, without gradients."""


def fitting_batch(compute: ComputeSettings, pixels: int) -> ComputeSettings:
    """Return settings with as many pieces in a batch of predictions as half of the free memory has room for.

    Where all have room, it is `prediction_batch`. Batches of another size can change the last bits of a network's
    logits.

    Parameters
    ----------
    compute : ComputeSettings
    pixels : int
        Of a slice or patch.
    """
    if on_gpu(compute):
        free: float = torch.cuda.mem_get_info()[0]
    else:
        free = _available_memory()
    room = int(free / 2 / (SLICE_MIB * 2**20 * pixels / 256**2))
    return compute.model_copy(update={"predict_batch_size": max(1, min(room, prediction_batch(compute, pixels)))})


def _available_memory() -> float:
    """Return the bytes of main memory that are free or could be; in a SLURM job, no more than it may take."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # elsewhere than on Linux: half of what there is
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2
    return min(free, float(os.environ.get("SLURM_MEM_PER_NODE", "inf")) * 2**20)


def prepare(network: nn.Module, compute: ComputeSettings, dimensions: int = 2) -> Any:
    """Lay a network out in memory for what it is about to do, and compile it, as the settings ask for.

    Its results stay the same but for rounding. It is changed in place.
    """
    layout = memory_format(network, compute, dimensions)
    if layout is not torch.contiguous_format and not on_gpu(compute):
        channels_innermost(network)
    network = network.to(memory_format=layout)
    return torch.compile(network) if compute.compile else network
