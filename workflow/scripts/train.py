"""Train one network for one stage."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import TrainSettings


def work() -> None:
    from hepaflow.training import train_network  # torch takes seconds to import; the cache does without it

    train_network(
        [Path(path) for path in snakemake.input.slices],
        TrainSettings.model_validate_json(snakemake.params.settings),
        code=snakemake.params.code,
        start=Path(snakemake.input.start) if snakemake.input.start else None,
        output=Path(snakemake.output.weights),
        history=Path(snakemake.output.history),
        compute=ComputeSettings.model_validate_json(snakemake.params.compute),
        threads=snakemake.threads,
    )


run(snakemake, work)
