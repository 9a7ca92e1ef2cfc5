"""What every network is, and what its training cost."""

from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import safe_open

_NO_PARAMETERS = ("running_mean", "running_var", "num_batches_tracked")
"""Last parts of the names of tensors that are counted while training, and not learned."""


def count_parameters(weights: Path | str) -> int:
    """Return how many numbers of a network were learned; only the header of the file is read.

    Parameters
    ----------
    weights : Path or str
        Weights as a training writes them, safetensors.
    """
    with safe_open(weights, framework="numpy") as file:
        learned = [name for name in file.keys() if name.rpartition(".")[2] not in _NO_PARAMETERS]  # noqa: SIM118
        return sum(prod(file.get_slice(name).get_shape()) for name in learned)


def network_table(trainings: Iterable[tuple[Mapping[str, Any], Path | str, Path | str]]) -> pd.DataFrame:
    """Return what was trained, how, and at what cost: a row for a network of a stage.

    Parameters
    ----------
    trainings : iterable of (record, weights, history)
        The record of a training, its weights and the table of its epochs.

    Returns
    -------
    DataFrame
        Hours are those of all epochs, also where a training was interrupted and went on. The memory is that of
        the process, in GiB; what a GPU holds is not recorded.
    """
    return pd.DataFrame([_row(*training) for training in trainings])


def _row(record: Mapping[str, Any], weights: Path | str, history: Path | str) -> dict[str, Any]:
    settings = record["settings"]
    training = settings["training"]
    epochs = pd.read_csv(history)
    return {
        "stage": record["wildcards"]["stage"],
        "network": record["wildcards"]["network"],
        "architecture": settings["network"]["arch"],
        "parameters, millions": round(count_parameters(weights) / 1e6, 2),
        "epochs": len(epochs),
        "loss": _loss(training["loss"]),
        "batch size": training["batch_size"],
        "last loss": None if epochs.empty else epochs["loss"].iloc[-1],
        "training, hours": epochs["seconds"].sum() / 3600,
        "peak memory, GiB": round(record["peak_memory_mib"] / 1024, 2),
        "computed on": record["device"],
        "began": record["began"],
        "from the cache": "yes" if record["restored"] else "",
    }


def _loss(loss: Any) -> str:
    """Return a loss in words: its name, or the kinds that are added."""
    if isinstance(loss, str):
        return loss
    return " + ".join(one["kind"] for one in (loss if isinstance(loss, list) else [loss]))
