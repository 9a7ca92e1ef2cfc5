"""Settings of speed."""

from typing import Annotated, Literal

from pydantic import Field

from hepaflow.settings.base import SettingsModel


class _Speed(SettingsModel):
    """Speed: changing these makes nothing run again, though results can differ by rounding."""

    devices: int = Field(default=1, ge=1)
    """GPUs (or CPU processes) that train one network together."""
    workers: int = Field(default=4, ge=0)
    """Processes that load slices; 0 loads them in the training process."""
    channels_last: Literal["auto"] | bool = "auto"
    """Memory layout with channels innermost; `auto` only where that is faster on the CPU: for prediction, and to
    train networks with instance normalisation."""
    compile: bool = False
    """Compile the networks with `torch.compile`; minutes at the start, faster afterwards."""
    predict_batch_size: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    """Slices that a network predicts at once; `auto` is 64 on a GPU, two of 256×256 on the CPU."""


class ComputeSettings(_Speed):
    """How fast a result comes, as what computes reads it."""

    accelerator: Literal["auto", "cpu"] = "auto"
    """`auto` uses a GPU if torch sees one; `cpu` uses only the CPU."""


class RunComputeSettings(_Speed):
    """Speed: changing these makes nothing run again, though results can differ by rounding."""

    accelerator: Literal["auto", "gpu", "cpu"] = "auto"
    """`auto` uses a GPU if there is one, and stops if torch cannot use it; `gpu` also stops if there is none;
    `cpu` uses only the CPU, where several networks train in parallel."""
