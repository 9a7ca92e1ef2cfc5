"""Fit the weights with which one stage fuses the masks of several methods."""

from pathlib import Path

from scipy import sparse

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks
from hepaflow.masks.fusion import count_votes, fit_fusion
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.fusion import FitFusionSettings


def work() -> None:
    settings = FitFusionSettings.model_validate_json(snakemake.params.settings)
    votes = [Masks(path) for path in snakemake.input.maps]
    counts = [
        count_votes([masks[path.stem] for masks in votes], SliceFile(path).mask())
        for path in map(Path, snakemake.input.data)
    ]
    fit_fusion(sparse.vstack(counts, format="csr"), settings).save(snakemake.output.fusion)


run(snakemake, work)
