"""Where and how fast networks run: devices, precision, determinism."""

import os
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment

from hepaflow.errors import UserError
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import Precision


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
        Not yet launched. Deterministic algorithms are asked for wherever there is one.

    Raises
    ------
    UserError
        If there are fewer GPUs than devices.
    """
    gpu = compute.accelerator == "auto" and torch.cuda.is_available()
    if gpu and devices > torch.cuda.device_count():
        raise UserError(
            f"{torch.cuda.device_count()} GPU(s) for this job",
            expected=f"{devices}, as the setting `compute.devices` has it",
            remedy=f"set `compute: {{devices: {torch.cuda.device_count()}}}`, or use a machine with more",
        )
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not deterministic
    torch.use_deterministic_algorithms(True, warn_only=gpu)
    if threads:
        torch.set_num_threads(max(1, threads // devices))
    return Fabric(
        accelerator="cuda" if gpu else "cpu",
        devices=devices,
        strategy="auto" if devices == 1 else "ddp",
        precision="bf16-mixed" if precision == "bf16" else "32-true",
        # A job is one process, and starts the others itself: in a SLURM job too, whose variables say otherwise.
        plugins=LightningEnvironment(),
    )


def prepare(network: torch.nn.Module, compute: ComputeSettings) -> Any:
    """Lay a network out in memory, and compile it, as the settings ask for; its results stay the same."""
    if compute.channels_last:
        network = network.to(memory_format=torch.channels_last)
    return torch.compile(network) if compute.compile else network
