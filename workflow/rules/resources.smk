"""What a job may take of the machine or the cluster, what goes first, and where jobs run."""

import os
from pathlib import Path

from hepaflow.jobs.limits import drawing_minutes, time_limit, training_minutes

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
