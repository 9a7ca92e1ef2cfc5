"""Make one phantom exam: a synthetic CT of the upper abdomen with its reference labels."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.phantoms.rendering import write_phantom
from hepaflow.settings.phantom import PhantomSettings


def work() -> None:
    write_phantom(
        snakemake.wildcards.exam,
        PhantomSettings.model_validate_json(snakemake.params.settings),
        Path(snakemake.output.image),
        Path(snakemake.output.label),
    )


run(snakemake, work)
