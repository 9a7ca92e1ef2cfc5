"""Draw one network's masks of all exams of a split."""

import logging
from pathlib import Path

from hepaflow.compute import make_fabric
from hepaflow.inference import Predictor
from hepaflow.logs import log_to
from hepaflow.masks import write_masks
from hepaflow.networks.network import build_network
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.training import PredictSettings
from hepaflow.slices import SliceFile
from hepaflow.weights import load_weights

log_to(snakemake.log[0])
settings = PredictSettings.model_validate_json(snakemake.params.settings)
compute = ComputeSettings.model_validate_json(snakemake.params.compute)
network = build_network(settings.network)
load_weights(network, snakemake.input.weights)
predictor = Predictor(network, make_fabric(settings.precision, compute, threads=snakemake.threads), compute)


def masks():
    """Predict exam after exam."""
    for path in map(Path, snakemake.input.slices):
        logging.info("%s", path.stem)
        yield path.stem, predictor.masks(SliceFile(path))


write_masks(snakemake.output[0], masks())
