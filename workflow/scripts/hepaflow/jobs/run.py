"""A job of the workflow from beginning to end: log, check of code and inputs, cache, work, record."""

import json
import logging
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hepaflow.errors import UserError
from hepaflow.files import sha256
from hepaflow.garbage import collect_seldom
from hepaflow.jobs.alone import keep_others_out
from hepaflow.jobs.cache import Cache, cache_key
from hepaflow.jobs.digests import begin_notes, checked, write_notes
from hepaflow.jobs.driver import check_gpus
from hepaflow.jobs.environment import kept
from hepaflow.jobs.fingerprint import fingerprints, libraries
from hepaflow.jobs.gpus import claim_gpus
from hepaflow.jobs.logs import log_to
from hepaflow.jobs.planned import check_plan, digests_of
from hepaflow.jobs.raw_inputs import RawInputs
from hepaflow.jobs.recipe import Recipe, versions
from hepaflow.settings.changes import changed_names
from hepaflow.version import version

log = logging.getLogger(__name__)

RECORD = "record"
"""Name of the output that holds a job's record."""


def run(job: Any, work: Callable[[], object]) -> None:
    """Do a job's work, or take its result from the cache, and write down what it was made from.

    Parameters
    ----------
    job : object
        What Snakemake hands to a script: rule, wildcards, input, output, params, log, threads, resources,
        scriptdir. Its output `record` is written here, all others by `work`. A parameter `cache` names the folder
        of the cache, and `accelerator` says whether a job that gets a GPU may, must or may not use it.
    work : callable
        A function of the script. May return a mapping of further items for the record.

    Raises
    ------
    UserError
        If this package is not the one beside the script, what the job uses is not what its run was planned with
        (code, an input that no job makes, libraries that count; of a job in SLURM's queue, also its settings and
        names of inputs), an input is not what its job made, another process makes the same result, or torch cannot
        use the job's GPU.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0":  # of several processes of a job, the first does the rest
        log_to(job.log[0])
        work()
        return
    log_to(job.log[0], [*job.output, *filter(None, [job.params.get("cache")])])
    _check_package(Path(job.scriptdir))
    keep_others_out(Path(job.output[RECORD]))
    began, clock = datetime.now(UTC), time.monotonic()
    script = _script(job, work)
    recipe = Recipe.of(script.stem, job.wildcards, dict(job.params.items()))
    exam = dict(job.wildcards).get("exam", "")
    check_plan(Path(job.output[RECORD]), digests_of(recipe, job.input), exam=exam)
    _check_code(recipe.code, fingerprints(script, recipe.chosen))
    here = versions(libraries(script, recipe.chosen))
    if recipe.libraries:
        _check_libraries(recipe.libraries, here)
    reading = time.time_ns()
    inputs = {str(path): checked(Path(path), exam=exam) for path in job.input}
    RawInputs.of(job.params.get("raw")).compare(inputs, since=reading, exam=exam)
    outputs = _outputs(job.output)
    folder = job.params.get("cache")
    cache = Cache(Path(folder)) if folder else None
    key = cache_key(recipe, [(Path(path).name, digest) for path, digest in inputs.items()])
    record = cache.restore(key, outputs) if cache else None
    if record:
        log.info("restored from the cache: computed on %s in %.0f s", record["began"], record["seconds"])
        record["restored"] = began.isoformat(timespec="seconds")
    else:
        wanted = int(job.resources.get("gpu", 0))
        waiting = time.monotonic()
        claim_gpus(wanted)
        clock += time.monotonic() - waiting  # the time of the job before it, which has the GPU
        if wanted:
            check_gpus(job.params.get("accelerator", "auto"))
        collect_seldom()
        begin_notes(outputs.values())
        noted = work()
        record = recipe.as_dict() | {
            "began": began.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 3),
            "peak_memory_mib": peak_memory(),
            "restored": None,
            "device": _device(),
            "threads": job.threads,
            "environment": kept(),
            "compute": json.loads(job.params.get("compute") or "{}"),
            "hepaflow": version(),
            "versions": {"python": platform.python_version()} | here,
            **(noted if isinstance(noted, Mapping) else {}),
        }
    digests = {name: sha256(path) for name, path in outputs.items()}
    record["inputs"] = inputs
    record["outputs"] = {str(outputs[name]): digest for name, digest in digests.items()}
    own = Path(job.output[RECORD])
    own.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    write_notes({outputs[name]: digest for name, digest in digests.items()} | {own: sha256(own)})
    if cache and not record["restored"]:
        cache.store(key, outputs, digests, record)


def _check_package(scripts: Path, package: Path = Path(__file__).parents[1]) -> None:
    """See that the package is the one beside the script: an environment can put another one before it."""
    own = scripts / package.name
    if own.is_dir() and not own.samefile(package):
        raise UserError(
            f"the package in {package}",
            expected=f"the one of this workflow's checkout, {own}",
            remedy="remove what puts the other one first: a PYTHONPATH in the container, say",
        )


def _script(job: Any, work: Callable[[], object]) -> Path:
    """Return a job's script, which `work` is of; its rule has the same name, or another one in a module."""
    folder = Path(job.scriptdir)
    of_work = folder / Path(getattr(work, "__globals__", {}).get("__file__", "")).name
    return of_work if of_work.is_file() else folder / f"{job.rule}.py"


def _check_code(planned: Mapping[str, str], found: Mapping[str, str]) -> None:
    if changed := changed_names(planned, found):
        raise UserError(
            f"code that was edited after this run was planned: {', '.join(changed)}",
            expected="one state of the code from the plan to the last job",
            remedy="run Snakemake again; what is finished is kept, and what the edit touches is made again",
        )


def _check_libraries(planned: Mapping[str, str], found: Mapping[str, str]) -> None:
    """See that versions that count are those of this environment: a plan knows another one by its pins alone."""
    if changed := changed_names(planned, found):
        raise UserError(
            "other versions of libraries than this run was planned with: "
            + ", ".join(f"{name} {found.get(name, 'missing')} ({planned.get(name, 'none')})" for name in changed),
            expected="those in brackets, as `count_libraries` makes them count",
            remedy="build the conda environment or the container again from this checkout's envs, or set "
            "`count_libraries: false`",
        )


def _outputs(output: Any) -> dict[str, Path]:
    """Return the outputs that `work` writes, by name."""
    return {name: Path(path) for name, path in output.items() if name != RECORD}


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)
    except (OSError, StopIteration):  # not on Linux, where this would count the parent's memory, too
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _device() -> str:
    """Return what the job computed on."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return str(torch.cuda.get_device_name())
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
