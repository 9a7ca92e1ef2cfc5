"""Post-process the masks of one method for all exams of a split."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.file import Masks, write_clean
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import read_region, to_restore
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.settings.postprocess import PostprocessSettings


def work() -> None:
    settings = PostprocessSettings.model_validate_json(snakemake.params.settings)
    given = snakemake.input.region_data, snakemake.input.data  # nothing, unless a step looks at the region
    grids = {Path(own).stem: (around, own) for around, own in zip(*given, strict=True)}

    def found(exam, map_):
        region = None
        if exam in grids:
            region = read_region(snakemake.input.region, exam, *map(SliceFile, grids[exam]))
        return to_restore(map_, clean(map_, settings.postprocessing, region), settings.restore)

    with Masks(snakemake.input.maps) as maps:
        write_clean(snakemake.output.masks, ((exam, found(exam, maps.map(exam))) for exam in maps))


run(snakemake, work)
