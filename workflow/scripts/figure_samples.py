"""Draw random test slices with the masks of every method for one structure."""

from pathlib import Path

from hepaflow.figures.montage import montage
from hepaflow.figures.samples import REFERENCE, draw_slices, find_slices, read_samples
from hepaflow.figures.style import save
from hepaflow.jobs.run import run
from hepaflow.settings.figures import FigureSamplesSettings
from hepaflow.volumes.labels import read_labels
from hepaflow.volumes.volume import read_grid


def work() -> None:
    structure = snakemake.wildcards.structure
    settings = FigureSamplesSettings.model_validate_json(snakemake.params.settings)
    exams = snakemake.params.exams
    images = dict(zip(exams, map(Path, snakemake.input.images), strict=True))
    labels = {exam: {REFERENCE: Path(path)} for exam, path in zip(exams, snakemake.input.labels, strict=True)}
    for path in map(Path, snakemake.input.segmentations):
        labels[path.name.removesuffix(".nii.gz")][path.parent.name] = path

    found = {}
    for exam in exams:
        reference, _ = read_labels(labels[exam][REFERENCE], exam=exam, image=read_grid(images[exam], exam=exam))
        found[exam] = find_slices(reference)
    drawn = draw_slices(found, structure, settings.samples.count, settings.samples.seed)
    samples = [
        sample
        for exam, indices in drawn.items()
        for sample in read_samples(exam, indices, structure, images[exam], labels[exam])
    ]
    save(
        montage(samples, structure, settings.window),
        snakemake.output.figure,
        title=f"Random test slices with the {structure} masks of every method",
    )


run(snakemake, work)
