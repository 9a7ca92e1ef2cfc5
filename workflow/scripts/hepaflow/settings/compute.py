"""Settings of speed."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel


class _Speed(SettingsModel):
    """How fast a result comes: a change of these reruns nothing, though last bits may differ."""

    devices: int = Field(default=1, ge=1)
    """GPUs (or CPU processes) that train one network together."""
    workers: int = Field(default=4, ge=0)
    """Processes that load slices beside the training process; 0 loads them in it."""
    channels_last: Literal["auto"] | bool = "auto"
    """Store images with their channels innermost; `auto` predicts so on the CPU, where it is much faster."""
    compile: bool = False
    """Compile the networks with `torch.compile`; minutes at the start, faster afterwards."""
    predict_batch_size: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Slices that a network sees at once when it predicts; `auto` is 64 on a GPU, two of 256×256 on the CPU."""


class ComputeSettings(_Speed):
    """How fast a result comes, as what computes reads it."""

    accelerator: Literal["auto", "cpu"] = "auto"
    """`auto` uses a GPU where torch sees one; `cpu` keeps to the CPU."""


class RunComputeSettings(_Speed):
    """How fast a result comes: a change of these reruns nothing, though last bits may differ."""

    accelerator: Literal["auto", "gpu", "cpu"] = "auto"
    """`auto` uses a GPU where there is one, and stops where torch cannot use it; `gpu` stops where there is none,
    too; `cpu` keeps to the CPU, where several networks train side by side."""
