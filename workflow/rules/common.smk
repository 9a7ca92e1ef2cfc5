"""What the rules share: the run's settings and exams, and the functions that take wildcards."""

import hashlib
import importlib.util
import json
import os
import re
import sys
import warnings
from functools import cache, partial
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.settings.enums import RerunTrigger

from hepaflow.settings.configuration import read_file, whole_groups
from hepaflow.errors import UserError
from hepaflow.exams.lits17 import are_lits17
from hepaflow.exams.sheet import read_sheet
from hepaflow.jobs.fingerprint import ALL, chosen_by, fingerprints, libraries
from hepaflow.methods.given_files import structures_of
from hepaflow.methods.inputs import Inputs, check_times, exams_in_words
from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.plan import averages_of, joined_by, networks_of, votes_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model.started import check_starts
from hepaflow.names import FUSION, SHOWS, STAGES, STRUCTURES
from hepaflow.jobs.environment import settle, shadowed
from hepaflow.jobs.driver import check_gpus, look_apart
from hepaflow.jobs.gpus import cards
from hepaflow.jobs.limits import drawing_minutes, retries, time_limit, training_minutes
from hepaflow.jobs.orphans import claim, end_orphans, note_run
from hepaflow.jobs.phantom_files import PhantomFiles
from hepaflow.jobs.planned import RUN, digests_of, note_plan
from hepaflow.jobs.raw_inputs import RawInputs
from hepaflow.jobs.recipe import Recipe, pinned, versions
from hepaflow.jobs.spelling import known_spelling, made_at
from hepaflow.jobs.states import remove_states
from hepaflow.settings.together import check_held_out, remarks
from hepaflow.settings.workflow import read_settings
from hepaflow.system.call import Call, named, note_call
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
    """Return the settings of speed, as what computes reads them: that a GPU must be there, jobs have seen before."""
    on = "cpu" if SETTINGS.compute.accelerator == "cpu" else "auto"
    return SETTINGS.compute.model_copy(update={"accelerator": on}).canonical()


def accelerator(wildcards, threads):
    """Return whether a job that gets a GPU may, must or may not use it."""
    return SETTINGS.compute.accelerator


def cache_folder(wildcards, threads):
    """Return the folder of the shared cache, if the settings name one."""
    return SETTINGS.cache or ""


# Resources.


# What a job may take of a cluster. Memory as measured (docs/slurm.md) with half as much again, for one whole exam in
# memory at a time; each further attempt may take as much more.


def gpus(devices=1):
    """Return, as a resource, the GPUs of a job; none where the settings keep to the CPU."""
    return lambda wildcards: 0 if SETTINGS.compute.accelerator == "cpu" else devices


def growing(amount, most=None):
    """Return, as a resource, an amount that grows with every attempt, up to so many times."""
    return lambda wildcards, attempt: amount * min(attempt, most or attempt)


def phantom_memory(wildcards, attempt):
    """Return the memory of a phantom exam: about 150 bytes a voxel, as it is drawn in one piece."""
    phantoms = JOB_SETTINGS.phantom()
    voxels = phantoms.size**2 * phantoms.slices[1]
    return (2000 + 200 * voxels // 10**6) * attempt


def training_limit(wildcards, attempt):
    """Return the time limit of a training."""
    return time_limit(training_time(wildcards.stage, wildcards.network), attempt)


def training_time(stage, network):
    """Return the minutes that a training may take as a whole, in as many attempts as it needs."""
    training = JOB_SETTINGS.train(stage, network).training
    if training.drawn is not None:
        return drawing_minutes(training.epochs * training.batches_per_epoch * training.batch_size)
    return training_minutes(len(EXAMS.names("train")), training.epochs)


# What goes first, of the jobs that could start: what others wait for, and the long before the short. From 100, surveys,
# over 50, fusing, to 0, what nothing but the report waits for.


def priority_of_exam(training):
    """Return, as a priority, that of a job of one exam: trainings wait for those of all training exams."""
    return lambda wildcards: training if EXAMS[wildcards.exam].split == "train" else 0


# Where jobs run.


def give_rules_their_environment():
    """Have jobs run in the conda environment of the lock, if Snakemake is asked to make one; a container has all.

    Rules do not name it themselves: Snakemake would then note it with each of their files, also where it is not used.
    """
    if not IN_CONDA:
        return
    for one in own_rules():
        if one.script and one.conda_env is None:  # else a workflow that has this as a module names another
            one.conda_env = os.path.abspath(ENVIRONMENT)
    # Or jobs would not get PYTHONPATH, which has the package of this checkout first.
    workflow.deployment_settings.conda_not_block_search_path_envvars = True


def show_container_the_checkout():
    """Have a container see the checkout where it is not below the working folder, which is all that it sees."""
    bind = f" --bind {CHECKOUT.absolute()}"
    settings = workflow.deployment_settings
    if IN_CONTAINER and bind not in settings.apptainer_args and not CHECKOUT.absolute().is_relative_to(Path.cwd()):
        settings.apptainer_args += bind


show_container_the_checkout()


# Before the first job.


def call_with_the_main_workflow(*handlers):
    """Have the main workflow's handlers (`onstart`, `onsuccess`) call this module's, which Snakemake does not call.

    Those that the main workflow registers later do so, too.
    """
    for name in handlers:
        own, before, register = globals()[name], getattr(workflow, f"_{name}"), getattr(workflow, name)
        setattr(workflow, f"_{name}", _one_after_the_other(own, before))
        setattr(workflow, name, _registering(own, register))


def _one_after_the_other(own, handler):
    def both(log):
        own()
        handler(log)

    return both


def _registering(own, register):
    def registered(handler):
        register(_one_after_the_other(own, handler) if workflow.modifier.is_main_snakefile() else handler)

    return registered


def script_of(named):
    """Return the name of a rule's script: that of the rule itself, which has another one in a module."""
    return Path(named.script).stem if named.script else ""


def own_rules(script=None):
    """Return the rules of this workflow, and of no other module; all, or those of one script."""
    mine = [one for one in workflow.rules if one.module_globals is globals()]
    return [one for one in mine if script in (None, script_of(one))]


def own_jobs(script=None):
    """Return the jobs of `own_rules` that are to run."""
    mine = own_rules(script)
    return [job for job in workflow.dag.needrun_jobs() if job.rule in mine]


def warn_of_the_environment():
    """Warn of variables of the calling shell that jobs do not get, and of modules that replace libraries."""
    if not FIRST:
        return
    if DROPPED_VARIABLES:
        logger.warning(f"Not passed on to the jobs, which they would disturb: {', '.join(DROPPED_VARIABLES)}")
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    for instead in shadowed(folder for folder in folders if folder != str(SCRIPTS)):
        logger.warning(f"PYTHONPATH replaces installed modules, in {instead}. Unset it to be sure.")
    if RerunTrigger.CODE in workflow.rerun_triggers:
        logger.warning(
            "Without hepaflow's profile, Snakemake runs jobs again that it need not: copy "
            f"{os.path.relpath(CHECKOUT / 'profiles')} here, or name one with --workflow-profile."
        )


def see_that_jobs_find_their_libraries():
    """Refuse to start if the container is not there, or Snakemake's own environment lacks what jobs import."""
    if IN_CONTAINER:
        if any(job.rule.container_img == IMAGE for job in own_jobs()) and not os.path.exists(IMAGE):
            refuse(
                f"no {IMAGE}",
                "the container in which jobs are to run",
                f"build it, in {CHECKOUT}: `apptainer build envs/hepaflow.sif envs/hepaflow.def`",
            )
    if IN_CONTAINER or IN_CONDA:
        return
    scripts = {
        (script_of(job.rule), Recipe.of("", {}, dict(job.params.items())).chosen)
        for job in own_jobs()
        if "code" in job.params.keys()
    }
    needed = {name for script, chosen in scripts for name in libraries(SCRIPTS / f"{script}.py", chosen)}
    if missing := sorted(name for name in needed if importlib.util.find_spec(name) is None):
        refuse(
            f"no {', '.join(missing)} in {sys.prefix}, where Snakemake runs",
            "the libraries with which jobs compute",
            f"install them there (`pip install {CHECKOUT}`), or run jobs in a conda environment or a container of their "
            "own (docs/module.md)",
        )


def keep_what_is_no_phantom():
    """Refuse to start if a phantom job would overwrite a file that no phantom job made."""
    exams = [job.wildcards.exam for job in own_jobs("phantom")]
    _before_the_first_job(lambda: PHANTOMS.check_overwriting(exams, CONTENTS.digest))


def read_no_file_of_the_future():
    """Refuse to start if inputs are of the future: Snakemake would take results for older, and remove them."""
    raw = [RawInputs.of(job.params.get("raw")) for job in own_jobs()]
    _before_the_first_job(lambda: check_times(path for one in raw for path in one.paths))


def see_that_torch_sees_the_gpus():
    """Refuse to start where jobs on this machine would get a GPU that torch cannot use."""
    here = workflow.executor_plugin.common_settings.local_exec and not (IN_CONTAINER or IN_CONDA)
    if here and any(job.resources.get("gpu") for job in own_jobs()):
        _before_the_first_job(lambda: check_gpus(SETTINGS.compute.accelerator, looking=look_apart))


def let_trainings_go_on():
    """Have a queue take trainings that reached their time limit again, as often as the longest needs."""
    if not workflow.executor_plugin.common_settings.local_exec:
        longest = max(training_time(stage, network) for network, stage in TRAINED)
        for training in own_rules("train"):
            training.restart_times = retries(workflow.execution_settings.retries, longest)


def end_orphans_of_these_results():
    """Cancel jobs in SLURM's queue that a Snakemake which died left, as this one submits them again."""
    if run := name_in_the_queue():
        _before_the_first_job(lambda: claim(Path(RESULTS)))
        _before_the_first_job(lambda: end_orphans(Path.cwd(), Path(RESULTS)))
        _before_the_first_job(lambda: note_run(Path(RESULTS), run))


def note_the_plan_for_the_queue():
    """Write down what jobs are planned with: those in SLURM's queue read configuration, sheet and code again."""
    if run := name_in_the_queue():
        planned = {}
        for job in own_jobs():
            if "code" in job.params.keys():
                recipe = Recipe.of(script_of(job.rule), job.wildcards, dict(job.params.items()))
                planned[str(job.output.record)] = digests_of(recipe, job.input)
        _before_the_first_job(lambda: note_plan(Path(RESULTS), run, planned))
        os.environ[RUN] = run  # jobs are submitted with this process' variables


def name_in_the_queue():
    """Return the name that SLURM's queue shows for all jobs of this run; empty with another executor."""
    slurm = workflow.executor_plugin.name == "slurm"
    return workflow.scheduler._executor.run_uuid if slurm else ""  # there is no public name for it


def note_how_this_run_is_called():
    """Write down how Snakemake is called, so that whoever finds this run unfinished is told how it goes on."""
    usual = [Path(name).absolute() for name in ("Snakefile", "workflow/Snakefile")]
    given = re.search(r"(?<= )--profile[ =](\S+)", " ".join(sys.argv))
    call = Call(
        results=RESULTS,
        configfiles=named(workflow.config_settings.configfiles),
        keys=tuple(workflow.config_settings.config),
        snakefile="" if Path(workflow.main_snakefile) in usual else named([workflow.main_snakefile])[0],
        profile=given[1] if given else "",
    )
    _before_the_first_job(lambda: note_call(call))


def _before_the_first_job(do):
    try:
        do()
    except (UserError, OSError) as error:
        raise cannot_start(error) from None


# After the last job.


def remove_states_of_finished_trainings():
    """Remove the states of this run's trainings, now that Snakemake has registered all of their weights."""
    mine = own_rules("train")
    remove_states(Path(str(job.output.weights)) for job in workflow.dag.jobs if job.rule in mine)
