"""Inputs that the user provides and no rule makes; `INPUTS` lists them and checks them before any job starts."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

from snakemake.io import IOFile, ancient, sourcecache_entry

from hepaflow.jobs.contents import Contents
from hepaflow.jobs.known import known
from hepaflow.jobs.raw_inputs import ComparedAs, RawInputs
from hepaflow.methods.learned_from import started_from

CONTENTS_FOLDER = f"{RESULTS}/.contents"
CONTENTS = Contents(Path(CONTENTS_FOLDER))
RAW = {}
"""For each rule, the functions that find those of its inputs that no rule makes."""


def raw(rule, find):
    """Return the input function for files that no rule makes; `find` names them.

    A job runs again if their content differs from that of its last run, whatever their times: if it is the same,
    Snakemake ignores their times; if it differs, they get a name that Snakemake takes for another input
    (`hepaflow.jobs.known`). Phantoms, which a rule makes, are left to Snakemake.
    """
    RAW.setdefault(rule, []).append(find)

    def files(wildcards):
        found = find(wildcards)
        return (
            _as_known(rule, wildcards, found)
            if isinstance(found, str)
            else [_as_known(rule, wildcards, path) for path in found]
        )

    return files


def raw_of(rule):
    """Return, as a parameter, which inputs of a rule's jobs no rule makes, and where their digests are kept."""
    return lambda wildcards, threads: RawInputs(tuple(_known_by(rule, wildcards)), CONTENTS_FOLDER).text()


def training_settings(wildcards):
    """Return, as a parameter, a training's settings; moved weights are compared by their first path."""
    settings = JOB_SETTINGS.train(wildcards.stage, wildcards.network)
    path = pretrained_of(wildcards)
    first = _known_by("train", wildcards)[path].path if path else path
    if first == path:
        return settings.canonical()
    network = settings.network.model_copy(update={"weights": first})
    return ComparedAs(settings.canonical(), settings.model_copy(update={"network": network}).canonical())


# What Snakemake compares: the names and contents of a job's last run, and those of now.


def _as_known(rule, wildcards, path):
    found = _known_by(rule, wildcards).get(path)
    if found is None or not workflow.is_main_process:  # only the plan compares
        return path
    marked = ancient(path) if found.same else path
    return sourcecache_entry(marked, found.name) if found.name != path else marked


def _known_by(rule, wildcards):
    return _known(rule, tuple(wildcards.items()))


@cache
def _known(rule, values):
    wildcards = SimpleNamespace(**dict(values))
    found = [find(wildcards) for find in RAW[rule]]
    paths = [path for one in found for path in ([one] if isinstance(one, str) else one)]
    job = [rule, *filter(None, [".".join(value for _, value in values)])]
    names, digests = _noted(f"{RESULTS}/records/{'/'.join(job)}.json")
    digests = {path: digest for path, digest in digests.items() if path not in INPUTS.made}
    if workflow.is_main_process:
        for path in paths:
            _forget_if_changed(path)
    return known([path for path in paths if path not in INPUTS.made], names, digests, _digest)


@cache
def _forget_if_changed(path):
    CONTENTS.forget_if_changed(path)


def _digest(path):
    """Return the digest of a file; in a job, the one that its run was planned with."""
    if not workflow.is_main_process and (noted := CONTENTS.noted(path)):
        return noted
    try:
        return CONTENTS.digest(path)
    except OSError as error:
        raise cannot_start(error) from None


def _noted(record):
    """Return what Snakemake noted on a job's last run: names and digests of its inputs outside the results."""
    noted = workflow.persistence and workflow.persistence.metadata(IOFile(record))
    if not noted:
        return [], {}
    own = f"{RESULTS}/"
    names = [str(name) for name in noted.input or [] if not str(name).startswith(own)]
    digests = {
        path: checksum.removeprefix("sha256:")
        for path, checksum in (noted.input_checksums or {}).items()
        if not path.startswith(own)
    }
    return names, digests


# Where they are.


def image_of(wildcards):
    """Return the CT volume of an exam."""
    return INPUTS.image(wildcards.exam)


def place_of(wildcards, threads):
    """Return, as a parameter that no result depends on, where an exam's CT volume is."""
    return image_of(wildcards)


def images_of(wildcards):
    """Return the files of an exam that may be a folder with a DICOM series."""
    return INPUTS.images(wildcards.exam)


def label_of(wildcards):
    """Return the label map of an exam, if it has one."""
    return INPUTS.label(wildcards.exam) or []


def training_label_of(wildcards):
    """Return the label map of a training exam; nothing for others, whose reference must stay unknown."""
    return label_of(wildcards) if EXAMS[wildcards.exam].split == "train" else []


def test_images_of(wildcards):
    """Return the CT volumes of the test exams."""
    return [INPUTS.image(exam) for exam in EXAMS.names("test")]


def test_labels_of(wildcards):
    """Return the label maps of the test exams."""
    return [INPUTS.label(exam) for exam in EXAMS.names("test")]


def pretrained_of(wildcards):
    """Return the file of weights that a network starts from, if the settings name one."""
    return INPUTS.weights(wildcards.stage, wildcards.network) or []


def started_models(wildcards):
    """Return the models whose weights networks of the run's model start from."""
    return started_from(PLAN, JOB_SETTINGS.bundle())


def prediction_of(wildcards):
    """Return another system's segmentation of an exam."""
    return INPUTS.prediction(wildcards.given, wildcards.exam)


def licence_of(wildcards):
    """Return the licence of the code, which goes into a model's bundle."""
    return LICENCE


def card_of(wildcards):
    """Return the text that the model's card ends with, if the settings name one."""
    return INPUTS.card or []


def captions_of(wildcards):
    """Return the captions of the report."""
    return CAPTIONS


def captions_of_tables(wildcards):
    """Return the captions of tables, which stand on their pages."""
    return [path for path in CAPTIONS if Path(path).name.startswith("table_")]
