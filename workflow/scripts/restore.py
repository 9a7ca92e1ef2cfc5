"""Write one method's segmentation of one exam on the exam's own grid."""

from pathlib import Path

from hepaflow.jobs.run import run
from hepaflow.masks import Masks
from hepaflow.restore import label_map, restore
from hepaflow.slices import SliceFile
from hepaflow.volume import read_grid, write_map


def work() -> None:
    exam = snakemake.wildcards.exam
    restored = []
    for stage in ("liver", "lesion"):
        slices = SliceFile(snakemake.input[f"{stage}_slices"])
        with Masks(snakemake.input[stage]) as masks:
            restored.append(restore(masks[exam], slices.box, slices.shape))
    grid = read_grid(Path(snakemake.input.image), exam=exam)
    write_map(Path(snakemake.output.segmentation), label_map(*restored), grid)


run(snakemake, work)
