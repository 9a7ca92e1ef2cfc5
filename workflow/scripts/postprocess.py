"""Post-process the masks of one method for all exams of a split."""

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks, write_masks
from hepaflow.masks.postprocess import clean
from hepaflow.settings.postprocess import PostprocessSettings


def work() -> None:
    steps = PostprocessSettings.model_validate_json(snakemake.params.settings).postprocessing
    with Masks(snakemake.input.maps) as maps:
        write_masks(snakemake.output.masks, ((exam, clean(maps.map(exam), steps)) for exam in maps))


run(snakemake, work)
