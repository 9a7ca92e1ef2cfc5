"""Write one method's segmentation of one exam on the exam's own grid."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks.restore import read_restored
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.system.atomic import replacing
from hepaflow.volumes.labels import label_map
from hepaflow.volumes.volume import read_grid, write_map


def work() -> None:
    exam = snakemake.wildcards.exam
    pairs = zip(snakemake.input.masks, snakemake.input.grids, strict=True)  # in the order of STRUCTURES
    restored = [read_restored(masks, exam, SliceFile(grid)) for masks, grid in pairs]
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    with replacing(snakemake.output.segmentation) as partial:
        write_map(partial, label_map(*restored), grid)


run(snakemake, work)
