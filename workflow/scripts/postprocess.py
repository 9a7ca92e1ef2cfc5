"""Post-process the masks of one method for all exams of a split."""

from pydantic import TypeAdapter

from hepaflow.logs import log_to
from hepaflow.masks import Masks, write_masks
from hepaflow.postprocess import clean
from hepaflow.settings.postprocess import LesionPostprocessing, LiverPostprocessing

log_to(snakemake.log[0])
settings = TypeAdapter(LiverPostprocessing | LesionPostprocessing).validate_json(snakemake.params.settings)
with Masks(snakemake.input[0]) as masks:
    write_masks(snakemake.output[0], ((exam, clean(mask, settings)) for exam, mask in masks.items()))
