"""Post-process the masks of one method for all exams of a split."""

from pydantic import TypeAdapter

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks, write_masks
from hepaflow.masks.postprocess import clean
from hepaflow.settings.postprocess import LesionPostprocessing, LiverPostprocessing


def work() -> None:
    settings = TypeAdapter(LiverPostprocessing | LesionPostprocessing).validate_json(snakemake.params.settings)
    with Masks(snakemake.input.masks) as masks:
        write_masks(snakemake.output.masks, ((exam, clean(mask, settings)) for exam, mask in masks.items()))


run(snakemake, work)
