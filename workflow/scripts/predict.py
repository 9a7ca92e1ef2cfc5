"""Draw one network's maps of all exams of a split."""

import logging
from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.file import write_maps
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import PredictSettings


def work() -> None:
    from hepaflow.networks.compute import make_fabric  # torch takes seconds to import; the cache does without it
    from hepaflow.sampling.predictor import trained

    settings = PredictSettings.model_validate_json(snakemake.params.settings)
    compute = ComputeSettings.model_validate_json(snakemake.params.compute)
    fabric = make_fabric(settings.precision, compute, threads=snakemake.threads)
    predictor = trained(settings, Path(snakemake.input.weights), fabric, compute)

    def maps():
        for path in map(Path, snakemake.input.data):
            logging.info("%s", path.stem)
            yield path.stem, predictor.map(SliceFile(path))

    write_maps(snakemake.output.maps, maps())


run(snakemake, work)
