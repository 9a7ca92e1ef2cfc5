"""Shared memory, through which processes hand the slices that they load to a training."""

import logging
from math import prod

from hepaflow.checks.check import NOTE, OK, Found
from hepaflow.names import Stage
from hepaflow.settings.workflow import Settings
from hepaflow.training.check import shown


def shared_memory(settings: Settings) -> Found:
    """Yield whether the mini-batches of the processes that load slices fit into it."""
    from hepaflow.training import loading  # torch takes seconds to import

    workers = settings.compute.workers
    if not workers:
        yield OK, "none is needed (compute.workers: 0)"
        return
    batch = max(
        _batch_bytes(settings, name, stage, loading.BYTES)
        for name in settings.networks
        for stage in settings.stages(name)
    )
    listening = _Listening()
    loading.log.addHandler(listening)
    try:
        fitting, _ = loading.fitting_workers(workers, batch)
    finally:
        loading.log.removeHandler(listening)
    if listening.told:
        yield NOTE, listening.told[0]
    else:
        yield OK, f"room for the {fitting} processes of a training that load slices (compute.workers)"


class _Listening(logging.Handler):
    """Keeps what a logger tells."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def _batch_bytes(settings: Settings, name: str, stage: Stage, each: int) -> int:
    channels, shape = shown(settings, stage, name)
    return (settings.stage_training(stage, name).batch_size + 1) * each * (channels + 1) * prod(shape)
