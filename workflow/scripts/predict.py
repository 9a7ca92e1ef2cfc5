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
    from hepaflow.networks.network import build_network
    from hepaflow.networks.weights import load_weights
    from hepaflow.sampling.predictor import Predictor

    settings = PredictSettings.model_validate_json(snakemake.params.settings)
    compute = ComputeSettings.model_validate_json(snakemake.params.compute)
    network = build_network(settings.network)
    load_weights(network, snakemake.input.weights)
    fabric = make_fabric(settings.precision, compute, threads=snakemake.threads)
    predictor = Predictor(network, settings.sampling, fabric, compute, settings.flips or ())

    def maps():
        for path in map(Path, snakemake.input.data):
            logging.info("%s", path.stem)
            yield path.stem, predictor.map(SliceFile(path))

    write_maps(snakemake.output.maps, maps())


run(snakemake, work)
