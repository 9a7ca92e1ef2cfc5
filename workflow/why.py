"""Say what the next run would compute, and why: which settings, code and inputs changed since each stage ran.

    python workflow/why.py [--configfile FILE ...] [--config KEY=VALUE ...] [--directory FOLDER]

Nothing is run, and nothing is written but digests of files that were read for it.
"""

import argparse
import contextlib
import fcntl
import io
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from snakemake.api import SnakemakeApi
from snakemake.cli import parse_config
from snakemake.settings.enums import RerunTrigger
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from hepaflow.errors import UserError  # noqa: E402
from hepaflow.jobs.alone import is_held, lock_of  # noqa: E402
from hepaflow.jobs.explanation import (  # noqa: E402
    MAKING,
    causes,
    configuration_changes,
    counts,
    few,
    grouped,
    in_keys,
    library_changes,
    recipe_changes,
)
from hepaflow.jobs.fingerprint import libraries  # noqa: E402
from hepaflow.jobs.leftovers import Leftover, leftovers  # noqa: E402
from hepaflow.jobs.machine import fault_of  # noqa: E402
from hepaflow.jobs.raw_inputs import RawInputs  # noqa: E402
from hepaflow.jobs.recipe import Recipe, versions  # noqa: E402
from hepaflow.settings.configuration import check_file  # noqa: E402
from hepaflow.system.call import DEMO_LOCK, Call, named, noted_call  # noqa: E402
from hepaflow.system.terminal import command_name, run_command  # noqa: E402
from hepaflow.words import counted  # noqa: E402

MANY = 12
"""Changes that are listed first, before the jobs."""


@dataclass(frozen=True)
class Planned:
    """A job of the workflow as Snakemake plans it.

    Attributes
    ----------
    rule : str
    wildcards : dict of str to str
    runs : bool
        Whether the next run would run it.
    reasons : tuple of str
        Why, in words.
    note : tuple of str
        What has changed but does not count: versions of libraries.
    forgotten : tuple of str
        What has changed although Snakemake would not run the job, as it has lost its notes on it.
    inputs : tuple of str
        Paths of its inputs.
    products : tuple of str
        Paths of its outputs and logs.
    unfinished : tuple of str
        Paths of outputs that a run has begun and not finished: it was interrupted, or is under way.
    record : str
        Path of its record.
    being_made : bool
        Whether a run does it at this moment.
    configuration : tuple of str
        Of the job that compares the configuration: which of its keys have changed.
    """

    rule: str
    wildcards: dict[str, str]
    runs: bool
    reasons: tuple[str, ...]
    note: tuple[str, ...]
    forgotten: tuple[str, ...]
    inputs: tuple[str, ...]
    products: tuple[str, ...]
    unfinished: tuple[str, ...] = ()
    record: str = ""
    being_made: bool = False
    configuration: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        """Which of its rule's jobs it is."""
        return " ".join(self.wildcards.values())


def plan(folder: Path, *configfiles: str, config: Mapping[str, Any] | None = None) -> list[Planned]:
    """Plan a workflow as `snakemake --dry-run` does, and explain every job of hepaflow.

    Parameters
    ----------
    folder : Path
        Where Snakemake works. Its Snakefile counts, which may have hepaflow as a module; without one, hepaflow's.
    *configfiles : str
        Where several set the same key, the last one counts; if there are none, it is `config/config.yaml`.
    config : mapping, optional
        Keys that count more than those of all files.

    Raises
    ------
    SystemExit
        If Snakemake cannot plan it; with its message.
    """
    profile = yaml.safe_load(_of(folder, "profiles/default/config.yaml").read_text(encoding="utf-8"))
    triggers = frozenset(RerunTrigger.parse_choice(name) for name in profile["rerun-triggers"])
    said = io.StringIO()  # what Snakemake itself says of a dry-run is longer and less clear
    settings = OutputSettings(dryrun=True)
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said), SnakemakeApi(settings) as api:
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(config=config or {}, configfiles=[*map(Path, configfiles)]),
                snakefile=_of(folder, "Snakefile", "workflow/Snakefile"),
                workdir=folder,
            )
            by_content = profile["max-checksum-file-size"]
            dag = workflow.dag(
                DAGSettings(
                    rerun_triggers=triggers,
                    max_checksum_file_size=by_content,
                    force_incomplete=True,  # else nothing is planned where a run is under way or was killed
                )
            )
            dag.execute_workflow(executor="dryrun")
            return list(_explained(workflow._workflow.dag))
        except Exception as error:
            if fault := fault_of(error):  # such as a folder of another user
                raise SystemExit(f"the workflow cannot be planned in {folder}:\n{fault}") from None
            said.seek(0)
            said.truncate()
            api.print_exception(error)
            raise SystemExit(said.getvalue().strip()) from None


def _of(folder: Path, *names: str) -> Path:
    """Return the first file of these names that is in a folder; if none is, that of hepaflow."""
    return next((folder / name for name in names if (folder / name).is_file()), ROOT / names[0])


def _explained(dag: Any) -> Iterator[Planned]:
    running = set(dag.needrun_jobs(exclude_finished=False))
    for job in sorted(dag.jobs, key=lambda job: (-_following(dag, job), job.rule.name, str(job.wildcards))):
        scripts = job.rule.module_globals.get("SCRIPTS")
        if scripts is None or "record" not in job.output.keys():  # noqa: SIM118 (not a dict)
            continue
        recipe = Recipe.of(Path(job.rule.script).stem, dict(job.wildcards_dict), dict(job.params.items()))
        record = _record(Path(job.output.record))
        raw = RawInputs.of(job.params.get("raw"))
        record = raw.as_now(record) if record else None
        other = raw.changed(record["inputs"]) if record else []
        changes = [*recipe_changes(record, recipe), *_changed_files(other)] if record else []
        runs = job in running
        begun = dag.workflow.async_run(dag.workflow.persistence.incomplete(job))
        being_made = runs and is_held(lock_of(Path(job.output.record)))
        yield Planned(
            job.rule.name,
            recipe.wildcards,
            runs,
            tuple(_reasons(dag, job, record, changes, set(raw.paths), begun, being_made)) if runs else (),
            tuple(library_changes(record, _installed(scripts, recipe)) if record and not recipe.libraries else ()),
            () if runs else tuple(changes),
            tuple(map(str, job.input)),
            (*map(str, job.output), *map(str, job.log)),
            tuple(map(str, begun)),
            str(job.output.record),
            being_made,
            tuple(_of_the_configuration(record, recipe)) if record else (),
        )


def _of_the_configuration(record: dict[str, Any], recipe: Recipe) -> list[str]:
    """Return which keys of the configuration have changed, of the job that compares it with the thesis'."""
    if recipe.rule != "table_configuration":
        return []
    return configuration_changes(record["settings"].get("run", {}), recipe.settings["run"])


def _following(dag: Any, job: Any) -> int:
    """Return how many jobs follow from a job; those that come first have most."""
    return sum(1 for _ in dag.bfs(dag.depending, job))


def _installed(scripts: Path, recipe: Recipe) -> dict[str, str]:
    return versions(libraries(scripts / f"{recipe.rule}.py", recipe.chosen))


def _record(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(found, dict) and all(isinstance(found.get(part), dict) for part in _PARTS_OF_A_RECORD)
    return found if whole else None


_PARTS_OF_A_RECORD = ("settings", "code", "libraries", "versions", "inputs", "outputs")


def _changed_files(files: Collection[str]) -> list[str]:
    return [f"changed: {_paths(files)}"] if files else []


def _reasons(
    dag: Any,
    job: Any,
    record: dict[str, Any] | None,
    changes: list[str],
    raw: set[str],
    begun: list[Any],
    being_made: bool,
) -> Iterator[str]:
    reason = dag.reason(job)
    if being_made:
        yield MAKING
        return
    if begun:
        yield "begun and not finished"
    if record is None:
        if not begun:
            yield "not made yet"
        return
    yield from changes
    missing = set(map(str, reason.missing_output))
    lost = missing & record["outputs"].keys()
    if gone := [path for path in lost if not Path(path).exists()]:
        yield f"deleted: {_paths(gone)}"
    if lost and not gone:  # a job has ended since Snakemake looked
        yield "made meanwhile, by a run that is under way"
    if new := missing - record["outputs"].keys():
        yield f"makes more: {_paths(new)}"
    before, now = set(record["inputs"]), set(map(str, job.input))
    if now - before:
        yield f"reads more: {_paths(now - before)}"
    if before - now:
        yield f"no longer reads: {_paths(before - now)}"
    made_anew = reason.updated_input_run & (now & before)
    files = (reason.updated_input - reason.updated_input_run) & (now & before) - raw
    yield from _changed_files(files)
    if made_anew:
        rules = {
            maker.rule.name for maker, files in dag.dependencies[job].items() if made_anew & set(map(str, files))
        }
        yield f"follows from: {few(sorted(rules))}"


def _paths(paths: Any) -> str:
    names = sorted(map(str, paths))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _of_a_run(jobs: list[Planned]) -> Iterator[str]:
    """Yield lines on a run that is under way, and on files that one has begun and not finished."""
    making = [job for job in jobs if job.being_made]
    if making or _demo_runs():
        yield "A run is going on in this folder. What it has yet to do is told as what the next run would do."
        yield f"Being made: {few([f'{job.rule} {job.what}'.strip() for job in making])}.\n" if making else ""
    elif any(Path(".snakemake/locks").glob("*")):
        yield "Snakemake's lock is on this folder: a run is under way, or one was killed. After a killed one,"
        yield "`make demo` goes on by itself; any other run does after `snakemake --unlock`.\n"
    paths = [path for job in jobs if not job.being_made for path in job.unfinished]
    if paths:
        count = counted(len(paths), "file")
        yield f"{count} begun and not finished, by a run that was interrupted or is under way:\n"
        yield from (f"  {path}" for path in paths[:MANY])
        if len(paths) > MANY:
            yield f"  and {len(paths) - MANY} more"
        yield "\nThe next run makes them again (`rerun-incomplete` of the profile); nothing is to be cleaned up.\n"


def _demo_runs() -> bool:
    """Return whether `make demo` runs in this folder."""
    try:
        with open(DEMO_LOCK, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there never was a demo
        return False
    return False


def _forgotten(jobs: list[Planned], chosen: argparse.Namespace) -> Iterator[str]:
    """Yield lines on jobs that should run and would not, and the command that runs them."""
    if not (those := [job for job in jobs if job.forgotten]):
        return
    yield "Made with other settings, code or inputs than now, but Snakemake has lost its notes on them"
    yield "(.snakemake was not moved with the results), so it would not run them:\n"
    yield from grouped((job.rule, job.what, job.forgotten) for job in those)
    named = [job.record for job in those] if len(those) <= MANY else sorted({job.rule for job in those})
    call = command(chosen, "--forcerun", *named)
    yield f"\nThis runs them{'' if len(those) <= MANY else ', with all other jobs of these rules'}:\n\n  {call}\n"


def left_over(jobs: list[Planned]) -> list[Leftover]:
    """Find what earlier runs have left in the results of a plan that was made in the working folder."""
    used = {path for job in jobs for path in (*job.inputs, *job.products)}
    return [one for results in _results(jobs) for one in leftovers(results, used)]


def _results(jobs: list[Planned]) -> list[Path]:
    """Return the folders of results: of one run, or of each module."""
    records = {Path(path) for job in jobs for path in job.products}
    return sorted(record.parents[1] for record in records if record.match("records/html_report.json"))


def made_otherwise(jobs: list[Planned], chosen: argparse.Namespace) -> dict[Path, Call]:
    """Return the results that were last made with other files or keys of the configuration than are chosen."""
    calls = {results: noted_call(results) for results in _results(jobs)}
    own = _own_call(chosen)
    return {results: call for results, call in calls.items() if call and not own.configured_as(call)}


def _own_call(chosen: argparse.Namespace) -> Call:
    return Call("", tuple(chosen.configfile), tuple(parse_config(chosen.config)))


def of_another_configuration(jobs: list[Planned], chosen: argparse.Namespace) -> Iterator[str]:
    """Yield lines on results that were last made with files or keys of the configuration that are not chosen.

    Nothing is said of files or keys that come in: what follows from them is what is asked for.
    """
    for results, call in made_otherwise(jobs, chosen).items():
        if _own_call(chosen).adds_to(call):
            continue
        yield f"{results} was last made with another configuration: {call.in_words(results)}."
        yield "What follows is about the one that is given here.\n"


def command(chosen: argparse.Namespace, *more: str) -> str:
    """Return how Snakemake is called for what is chosen."""
    config = ["--config", *chosen.config] if chosen.config else []
    return Call("", tuple(chosen.configfile)).command(*config, *more)


def chosen_plan(parser: argparse.ArgumentParser) -> tuple[argparse.Namespace, list[Planned]]:
    """Read the command line, plan the run that it names, and change to its folder; return both."""
    parser.add_argument(
        "--configfile",
        nargs="+",
        action="extend",
        default=[],
        help="configuration of the run (default: config/config.yaml)",
    )
    parser.add_argument(
        "--config",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="keys of the configuration, as for snakemake: they count more than those of the files",
    )
    parser.add_argument(
        "--directory", type=Path, default=ROOT, help="where Snakemake works (default: this project)"
    )
    chosen = parser.parse_args()
    try:
        for path in chosen.configfile:  # Snakemake would end with a traceback if one is not in UTF-8
            check_file(Path(path))
        config = _keys(chosen.config)
    except UserError as error:
        raise SystemExit(f"hepaflow cannot start:\n{error}") from None
    folder = chosen.directory.resolve()
    jobs = plan(folder, *chosen.configfile, config=config)
    files = [Path(path).absolute() for path in chosen.configfile]
    os.chdir(folder)
    chosen.configfile = list(named(files))
    return chosen, jobs


def _keys(given: list[str]) -> dict[str, Any]:
    try:
        keys: dict[str, Any] = parse_config(given)
    except ValueError:
        raise UserError(
            f"--config {' '.join(given)}",
            expected="KEY=VALUE, as for snakemake",
            remedy="write each key as `seed=1`, without spaces around the `=`",
        ) from None
    return keys


def main() -> None:
    """Print the plan in words."""
    chosen, jobs = chosen_plan(argparse.ArgumentParser(description=__doc__.partition("\n")[0]))
    for line in (*of_another_configuration(jobs, chosen), *_of_a_run(jobs)):
        print(line)
    for line in _forgotten(jobs, chosen):
        print(line)
    running = [job for job in jobs if job.runs]
    if not running:
        those = "all others" if any(job.forgotten for job in jobs) else f"all {counted(len(jobs), 'job')}"
        print(f"Nothing would run: {those} are up to date.")
    else:
        configured = [key for job in jobs for key in job.configuration]
        reasons = [in_keys(job.reasons, configured) for job in running]
        print(f"{len(running)} of {counted(len(jobs), 'job')} would run: {counts(reasons)}.\n")
        if changes := causes(reasons):
            more = f"\n  and {counted(len(changes) - MANY, 'other change')}" if len(changes) > MANY else ""
            print("What has changed:\n\n  " + "\n  ".join(changes[:MANY]) + f"{more}\n\nJob by job:\n")
        print("\n".join(grouped((job.rule, job.what, why) for job, why in zip(running, reasons, strict=True))))
    if noted := [job for job in jobs if job.note and not job.runs]:
        print("\nComputed with other versions of libraries, which does not count (count_libraries: false):\n")
        print("\n".join(grouped((job.rule, job.what, job.note) for job in noted)))
    if found := left_over(jobs):
        print(
            "\nLeft over from exams, backbones or methods that the run no longer has: "
            f"{counted(len(found), 'file')}, such as {found[0].path}.\n"
            f"`{command_name()} prune`, with the same configuration, lists them."
        )


if __name__ == "__main__":
    sys.exit(run_command(main))
