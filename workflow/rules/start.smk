"""What is done before the first job, and after the last."""

import importlib.util
import os
import re
import sys
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.enums import RerunTrigger

from hepaflow.errors import UserError
from hepaflow.jobs.driver import check_gpus, look_apart
from hepaflow.jobs.environment import shadowed
from hepaflow.jobs.fingerprint import libraries
from hepaflow.jobs.limits import retries
from hepaflow.jobs.orphans import claim, end_orphans, note_run
from hepaflow.jobs.planned import RUN, digests_of, note_plan
from hepaflow.jobs.raw_inputs import RawInputs
from hepaflow.jobs.recipe import Recipe
from hepaflow.jobs.states import remove_states
from hepaflow.methods.inputs import check_times
from hepaflow.system.call import Call, named, note_call

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


def take_over_the_queue():
    """Be the only one with these results in SLURM's queue: cancel jobs that a Snakemake which died has left."""
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
