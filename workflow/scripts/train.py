"""Train one network for one stage."""

from pathlib import Path
from typing import Any

from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings


def work() -> dict[str, Any]:
    from hepaflow.training.trainer import train_network  # torch takes seconds to import; the cache does without it

    computed = train_network(
        [Path(path) for path in snakemake.input.data],
        TrainSettings.model_validate_json(snakemake.params.settings),
        code=snakemake.params.code,
        start=Path(snakemake.input.start) if snakemake.input.start else None,
        output=Path(snakemake.output.weights),
        history=Path(snakemake.output.history),
        compute=ComputeSettings.model_validate_json(snakemake.params.compute),
        threads=snakemake.threads,
    )
    return {"computed": computed}


run(snakemake, work)
