"""Write one method's segmentation of one exam on the exam's own grid."""

from pathlib import Path

from hepaflow.logs import log_to
from hepaflow.masks import Masks
from hepaflow.restore import label_map, restore
from hepaflow.slices import SliceFile
from hepaflow.volume import read_grid, write_labels

log_to(snakemake.log[0])
exam = snakemake.wildcards.exam
restored = []
for stage in ("liver", "lesion"):
    slices = SliceFile(snakemake.input[f"{stage}_slices"])
    with Masks(snakemake.input[stage]) as masks:
        restored.append(restore(masks[exam], slices.box, slices.shape))
grid = read_grid(Path(snakemake.input.image), exam=exam)
write_labels(Path(snakemake.output[0]), label_map(*restored), grid)
