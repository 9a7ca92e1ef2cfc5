"""What the rules share: the run's settings and exams, and the functions that take wildcards."""

import hashlib
import json
import os
import re
import sys
import warnings
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from hepaflow.errors import UserError
from hepaflow.exams.lits17 import are_lits17
from hepaflow.exams.sheet import read_sheet
from hepaflow.jobs.environment import settle
from hepaflow.jobs.fingerprint import ALL, chosen_by, fingerprints, libraries
from hepaflow.jobs.gpus import cards
from hepaflow.jobs.phantom_files import PhantomFiles
from hepaflow.jobs.raw_inputs import RawInputs
from hepaflow.jobs.recipe import pinned, versions
from hepaflow.jobs.spelling import known_spelling, made_at
from hepaflow.methods.given_files import structures_of
from hepaflow.methods.inputs import Inputs, exams_in_words
from hepaflow.methods.job_settings import JobSettings, speed_of_jobs
from hepaflow.methods.plan import averages_of, joined_by, networks_of, votes_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.started import check_starts
from hepaflow.names import FUSION, SHOWS, STAGES, STRUCTURES
from hepaflow.settings.configuration import read_file, whole_groups
from hepaflow.settings.together import check_held_out, remarks
from hepaflow.settings.workflow import read_settings
from hepaflow.system.call import named
from hepaflow.training.check import check_networks

# Snakemake derives a job's `disk` from the sizes of its inputs, also of those that are not made yet, and then leaves a
# coroutine behind (github.com/snakemake/snakemake/issues/4280). Nothing follows from it.
warnings.filterwarnings("ignore", r"coroutine 'InputFiles\._predicated_size_files", RuntimeWarning)

DROPPED_VARIABLES = settle()
# Captions and the style of the report, and no copy that an editor left there.
CAPTIONS = sorted(
    os.path.relpath(path)
    for path in (CHECKOUT / "workflow" / "report").iterdir()
    if path.suffix in (".rst", ".css")
)
LICENCE = os.path.relpath(CHECKOUT / "LICENSE")


def cannot_start(error):
    """Return an error before the first job as one that Snakemake shows without a traceback."""
    if isinstance(error, OSError):
        error = UserError(error.strerror or str(error), file=error.filename or "")
    return WorkflowError(f"hepaflow cannot start{f' as the module {MODULE}' if MODULE else ''}:\n{error}")


def replaced_groups():
    """Return what a later configuration replaces as a whole: it is in the files alone, as Snakemake has merged them."""
    named = workflow.config_settings.configfiles
    files = [*workflow.configfiles[len(named) :], *named]  # those of the command line count last
    return whole_groups(*map(read_file, map(Path, files)), workflow.config_settings.config)


try:
    if config is workflow.modifier_stack[0].globals["config"]:  # else a module's own, which no file has
        config.update(replaced_groups())
    SETTINGS = read_settings(config)
    EXAMS = read_sheet(Path(shipped(SETTINGS.exams)), to_train=SETTINGS.learns_from_exams)
    PLAN = plan_of(SETTINGS)
    INPUTS = Inputs(SETTINGS, PLAN, EXAMS, parts=(LICENCE, *CAPTIONS))
    PHANTOMS = PhantomFiles(INPUTS.phantoms, SETTINGS.results)
    # Jobs of a queue read all this, too, but a file that another job needs is no reason for them to fail.
    if workflow.is_main_process:
        if workflow.check_envvars:  # all but `snakemake --lint`, which needs no data
            INPUTS.check()
            INPUTS.check_new()
        PHANTOMS.check()
        check_networks(SETTINGS)
        check_starts(PLAN)
    check_held_out(SETTINGS, len(EXAMS.names("train")))
except UserError as error:
    raise cannot_start(error) from None

RESULTS = known_spelling(SETTINGS.results)
for other in other_modules():
    if is_same(other["RESULTS"], RESULTS):
        refuse(
            f"results: {RESULTS}, as in the module {other['MODULE']}",
            "a folder for each module: two would write the same files",
            "set another `results` in the `config` of one of them",
        )
    if None not in (SETTINGS.phantoms, other["SETTINGS"].phantoms) and is_same(other["DATA"], SETTINGS.data):
        refuse(
            f"data: {SETTINGS.data}, where the module {other['MODULE']} makes phantoms",
            "a folder for the phantoms of each module",
            "set another `data` in the `config` of one of them",
        )
if workflow.is_main_process and made_at(RESULTS) not in ("", RESULTS):
    logger.warning(
        f"{RESULTS} was made as {made_at(RESULTS)}, and Snakemake has no notes on it under this name: changes of "
        "settings and code since then are not noticed. `make why` shows them."
    )
DATA = SETTINGS.data
JOB_SETTINGS = JobSettings(SETTINGS, PLAN)
METHODS = list(PLAN.methods)
VOTES = list(dict.fromkeys(method for method, _ in votes_of(PLAN)))
AVERAGES = list(dict.fromkeys(method for method, _ in averages_of(PLAN)))
NETWORKS = [method for method in METHODS if method not in (*VOTES, *AVERAGES)]
# Whose errors and disagreement the fusion is held against; nobody's in a run without backbones.
FUSED = list(
    dict.fromkeys(method for stage in PLAN.methods.get(FUSION, {}).values() for method in joined_by(stage))
)
# Whose scores stand for the run's: those of the fusion, or else of the run's model.
LEADING = FUSION if FUSED else SETTINGS.result
# Only of these does the thesis report figures.
LITS17 = SETTINGS.phantoms is None and are_lits17(EXAMS[exam].image for exam in EXAMS.names("train", "test"))
# Segmentations by others, and the structures that they have.
GIVEN = {name: structures_of(prediction) for name, prediction in SETTINGS.predictions.items()}
# The viewer shows the Dice of both structures for every method.
VIEWED = [*METHODS, *(name for name, structures in GIVEN.items() if set(structures) == set(STRUCTURES))]
PAGE_SUFFIXES = (".html", ".css", ".js")
ARCHITECTURES = {
    **{name: one.network.arch for name, one in SETTINGS.networks.items()},
    **dict(zip([*AVERAGES, *VOTES], [*AVERAGES, *VOTES])),
}

# On one machine, networks share out its GPUs (or the one CPU); a cluster's queue has its own count. Not in a profile:
# a limit there would hold on clusters, too, for `profiles/default` is always loaded. A plan needs no cards, and does
# not wait for a driver that does not answer.
if (
    workflow.is_main_process
    and not workflow.output_settings.dryrun
    and workflow.nodes is None
    and "gpu" not in workflow.global_resources
    and SETTINGS.compute.accelerator != "cpu"
):
    try:
        workflow.register_resource("gpu", max(1, len(cards())))
    except UserError as error:
        logger.warning(f"One job at a time gets a GPU.\n{error}")
        workflow.register_resource("gpu", 1)

if workflow.is_main_process:
    for remark in remarks(SETTINGS):
        logger.warning(f"{MODULE}: {remark}" if MODULE else remark)


wildcard_constraints:
    exam="|".join(map(re.escape, EXAMS.names())),
    stage="|".join(SHOWS),
    structure="|".join(STRUCTURES),
    data="|".join(PLAN.data),
    network="|".join(NETWORKS),
    vote="|".join(VOTES) or "(?!)",
    average="|".join(AVERAGES) or "(?!)",
    method="|".join(METHODS),
    given="|".join(GIVEN) or "(?!)",
    split="train|test",


# Parameters: what a result depends on. All are functions of wildcards alone, or Snakemake would not compare them.


def settings_of(reader, *names):
    """Return, as a parameter, what a rule reads of the settings, for these of its wildcards; canonical JSON."""
    return lambda wildcards: JOB_SETTINGS.of(reader, *(getattr(wildcards, name) for name in names)).canonical()


def code_of(script, *names, settings=None):
    """Return the fingerprints of a script and all that it imports, as a parameter; canonical JSON.

    Of architectures, losses and the like, those alone count that the settings of the jobs name: of the rule of the
    script's name, or named by `settings`, for these wildcards.
    """
    return _by_entries(lambda chosen: fingerprints(SCRIPTS / f"{script}.py", chosen), settings or script, names)


def libraries_of(script, *names, settings=None):
    """Return the versions of the libraries that a script computes with, as a parameter; nothing by default."""
    if not SETTINGS.count_libraries:
        return lambda wildcards: ""
    found = (
        versions if not (IN_CONDA or IN_CONTAINER) else partial(pinned, environment=Path(ENVIRONMENT).read_text())
    )
    return _by_entries(
        lambda chosen: found(libraries(SCRIPTS / f"{script}.py", chosen)), settings or script, names
    )


def _by_entries(take, reader, names):
    @cache
    def taken(chosen):
        try:
            return json.dumps(take(chosen), sort_keys=True, separators=(",", ":"))
        except UserError as error:
            raise WorkflowError(str(error)) from None

    @cache
    def chosen(*values):
        read = getattr(JOB_SETTINGS, reader, None)
        return chosen_by(read(*values).as_json()) if callable(read) else ALL

    return lambda wildcards: taken(chosen(*(getattr(wildcards, name) for name in names)))


def page_of(*folders):
    """Return, as a parameter, a digest of the files of a web page, which lie beside the package's modules."""
    places = [SCRIPTS / "hepaflow" / folder for folder in folders]
    files = [path for place in places for path in sorted(place.iterdir()) if path.suffix in PAGE_SUFFIXES]
    digest = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()
    return lambda wildcards: digest[:16]


def neighbours_of(wildcards):
    """Return, as a parameter, the test exams before and after one; None before the first and after the last."""
    exams = [None, *EXAMS.names("test"), None]
    place = exams.index(wildcards.exam)
    return {"previous": exams[place - 1], "next": exams[place + 1]}


# Labels of the report, which sorts by them.


if MODULE:
    mark_for_report = report

    def report(path, category=None, **options):
        """Mark a result for the report: that of another workflow has the results of each module apart."""
        return mark_for_report(path, category=f"{MODULE}: {category}", **options)


def of_the(name, **labels):
    """Return the labels of an entry that belongs to a structure or a stage: the wildcard of this name, with its place."""

    def numbered(wildcards):
        value = getattr(wildcards, name)
        return labels | {name: f"{dict(structure=STRUCTURES, stage=STAGES_OF_RUN)[name].index(value) + 1} {value}"}

    return numbered


def title_of(label):
    """Return the title of a page: the label of its entry without its place."""
    place, _, words = label.partition(" ")
    return words[:1].upper() + words[1:]


# Parameters that no result depends on. Taking `threads` keeps Snakemake from comparing them.


def compute(wildcards, threads):
    """Return the settings of speed, as what computes reads them."""
    return speed_of_jobs(SETTINGS.compute).canonical()


def accelerator(wildcards, threads):
    """Return whether a job that gets a GPU may, must or may not use it."""
    return SETTINGS.compute.accelerator


def cache_folder(wildcards, threads):
    """Return the folder of the shared cache, if the settings name one."""
    return SETTINGS.cache or ""
