"""Fit the weights with which one stage fuses its networks' masks."""

from pathlib import Path

from scipy import sparse

from hepaflow.fusion import count_votes, fit_fusion
from hepaflow.jobs.run import run
from hepaflow.masks import Masks
from hepaflow.settings.fusion import FitFusionSettings
from hepaflow.slices import SliceFile


def work() -> None:
    settings = FitFusionSettings.model_validate_json(snakemake.params.settings)
    votes = [Masks(path) for path in snakemake.input.masks]
    counts = [
        count_votes([masks[path.stem] for masks in votes], SliceFile(path).mask())
        for path in map(Path, snakemake.input.slices)
    ]
    fit_fusion(sparse.vstack(counts, format="csr"), settings).save(snakemake.output.fusion)


run(snakemake, work)
