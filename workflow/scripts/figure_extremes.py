"""Draw the worst, the median and the best exam of the fusion, or of the run's model, for one structure."""

from pathlib import Path

from hepaflow.evaluation.extremes import extremes
from hepaflow.evaluation.scores import read_scores
from hepaflow.figures.extremes import extremes_figure, fullest_slice
from hepaflow.figures.samples import REFERENCE, read_samples
from hepaflow.figures.style import save
from hepaflow.jobs.run import run
from hepaflow.settings.slices import WindowSettings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_grid


def work() -> None:
    structure, method = snakemake.wildcards.structure, snakemake.params.method
    given = (snakemake.input.images, snakemake.input.labels, snakemake.input.segmentations)
    files = {exam: tuple(map(Path, paths)) for exam, *paths in zip(snakemake.params.exams, *given, strict=True)}
    samples = {}
    for place, (exam, dice) in extremes(read_scores(*snakemake.input.metrics), structure, method).items():
        image, *labels = files[exam]
        grid = read_grid(image, exam=exam)
        reference, found = (read_labels(path, exam=exam, image=grid)[0] for path in labels)
        shown = fullest_slice(reference, found, structure)
        named = dict(zip((REFERENCE, method), labels, strict=True))
        samples[place] = (read_samples(exam, [shown], structure, image, named)[0], dice)
    save(
        extremes_figure(samples, structure, method, WindowSettings.model_validate_json(snakemake.params.settings)),
        snakemake.output.figure,
        title=f"Worst, median and best test exam by the Dice of the {structure}",
    )


run(snakemake, work)
