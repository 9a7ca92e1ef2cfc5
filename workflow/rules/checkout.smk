"""Where the files of this workflow are: in a run of its own, and as a module of another workflow.

Those of the project count from its checkout, those of the user from the folder in which Snakemake works.
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod
from snakemake.sourcecache import HostingProviderFile, LocalGitFile, LocalSourceFile

MODULE = workflow.modifier.namespace
"""Name that another workflow gives this one; none in a run of its own."""
PARTS = (
    ".git_archival.txt",
    "LICENSE",
    "README.md",
    "Snakefile",
    "config",
    "envs",
    "profiles",
    "pyproject.toml",
    "workflow",
)
"""What a run, or an installation, reads of the project."""


def refuse(found, expected, remedy):
    """Stop before the first job, without a traceback."""
    told = f"found: {found}\nexpected: {expected}\nwhat to do: {remedy}"
    raise WorkflowError(f"hepaflow cannot start{f' as the module {MODULE}' if MODULE else ''}:\n{told}")


def checkout_of(rules):
    """Return the folder of the project, from that of its rules as Snakemake knows it."""
    if isinstance(rules, LocalSourceFile):
        return Path(rules.path).parents[1]
    if isinstance(rules, HostingProviderFile):  # github(...), gitlab(...)
        return unpacked(rules.hosted_repo.repo_clone, rules.ref)
    if isinstance(rules, LocalGitFile):  # gitfile(...)
        return unpacked(rules.repo_path, rules.ref)
    refuse(
        f"rules from {rules}",
        "a folder, or a Git repository: the package beside the rules is needed, too",
        "name the Snakefile of a clone, or write it as github(...), gitlab(...) or gitfile(...)",
    )


def unpacked(repository, ref):
    """Return a folder with the files of a commit: Snakemake reads rules from a repository, Python no package."""

    def git(*arguments):
        ended = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
        if ended.returncode:
            refuse(
                f"{repository}, of which git says: {ended.stderr.decode(errors='replace').strip()}",
                f"a Git repository of hepaflow with {ref}",
                "clone hepaflow, and name the Snakefile of the clone in the module",
            )
        return ended.stdout

    commit = git("rev-parse", "--verify", f"{ref}^{{commit}}").decode().strip()
    folder = Path(".snakemake", "hepaflow", commit).absolute()
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
            whole = Path(partial, "whole")
            with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", commit, *PARTS))) as archive:
                archive.extraction_filter = getattr(tarfile, "data_filter", None)
                archive.extractall(whole)
            try:
                whole.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was faster
                    raise
    return folder


CHECKOUT = checkout_of(workflow.current_basedir)
RULES = "rules" if isinstance(workflow.current_basedir, LocalSourceFile) else str(CHECKOUT / "workflow" / "rules")
SCRIPTS = CHECKOUT / "workflow" / "scripts"


def other_modules():
    """Return the names in every other module of this workflow that is hepaflow, too."""
    spaces = {id(one.module_globals): one.module_globals for one in workflow.rules}
    return [one for one in spaces.values() if "CHECKOUT" in one and one["MODULE"] != MODULE]


def is_same(path, other):
    """Return whether two paths mean the same place, whether or not something is there."""
    return os.path.realpath(os.path.expanduser(path)) == os.path.realpath(os.path.expanduser(other))


def check_module():
    """Refuse what a module statement cannot have."""
    for other in other_modules():
        if not is_same(other["CHECKOUT"], CHECKOUT):
            refuse(
                f"{CHECKOUT}, beside {other['CHECKOUT']} of the module {other['MODULE']}",
                "one checkout of hepaflow in a workflow: Python can import one package of a name",
                "name the same `snakefile` in both modules; or run the other version by a `snakemake` of its own, "
                "and take what it writes into `results`",
            )
    modifier = workflow.modifier.path_modifier
    while modifier is not None:
        if modifier.prefix or modifier.modifies_prefixes:
            refuse(
                "a module with `prefix` or `replace_prefix`",
                "paths as the configuration gives them, which jobs record and compare",
                "leave it out, and set `results` and `data` in the module's `config`",
            )
        modifier = modifier.inner_modifier


def put_own_package_first():
    """Have this checkout's package imported, here and in every job, even where another version is installed."""
    in_jobs = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    for folders in (sys.path, in_jobs):
        if str(SCRIPTS) not in folders[:1]:
            folders.insert(0, str(SCRIPTS))
    os.environ.update(PYTHONPATH=os.pathsep.join(in_jobs))


FIRST = not other_modules()
check_module()
put_own_package_first()

from hepaflow.jobs.checkout import here_or_in


def shipped(path):
    """Return a path in the working folder; where nothing is there, but in the checkout, that one."""
    return here_or_in(CHECKOUT, path)


# Where jobs run unless in Snakemake's own environment. Both are made from envs/requirements.txt.
IMAGE = shipped("envs/hepaflow.sif")
ENVIRONMENT = shipped("envs/environment.yaml")
IN_CONTAINER = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
IN_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method and not IN_CONTAINER
