"""A finished run, read from its folder: its scores, and the records of the jobs that they follow from."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hepaflow.errors import UserError
from hepaflow.evaluation.scores import final, read_scores
from hepaflow.files import sha256
from hepaflow.names import FUSION
from hepaflow.system.call import going_on

Record = Mapping[str, Any]
"""What a job was made from, as it wrote it down (`records/` of a run's results)."""
Job = tuple[str, tuple[str, ...]]
"""A rule, and the values of its wildcards."""

_PARTS = ("rule", "wildcards", "settings", "code", "versions", "inputs", "outputs", "seconds", "peak_memory_mib")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    name : str
        Tells it from the runs beside it: its folder's name, with as many folders above as that takes.
    folder : Path
    place : str
        Its folder as its records have it, from which paths in them lead.
    scores : DataFrame
        Of the test exams, by the masks that methods end with: exam, structure, method, processing, metric, value.
    jobs : dict of Job to Record
        Those that the scores follow from. What earlier states of the run have left is not among them.
    result : str
        The method that is the run's model.
    """

    name: str
    folder: Path
    place: str
    scores: pd.DataFrame
    jobs: dict[Job, Record]
    result: str

    @property
    def methods(self) -> list[str]:
        """All methods with scores, in the order of the tables."""
        return list(self.scores["method"].unique())

    @cached_property
    def tested(self) -> dict[str, dict[str, str]]:
        """For each test exam, what it was scored on: digests of its image and label map, by path."""
        exams: dict[str, dict[str, str]] = {}
        for record in self.of("evaluate", "evaluate_given"):
            own = {path: digest for path, digest in record["inputs"].items() if not self.made(path)}
            exams.setdefault(record["wildcards"]["exam"], {}).update(own)
        return {exam: exams.get(exam, {}) for exam in self.scores["exam"].unique()}

    @cached_property
    def trained_on(self) -> dict[str, dict[str, str]]:
        """For each training exam, the digests of its image and label map, by path."""
        data = {path for record in self.of("train") for path in record["inputs"]}
        return {
            record["wildcards"]["exam"]: {
                path: digest for path, digest in record["inputs"].items() if not self.made(path)
            }
            for record in self.of("preprocess")
            if data & record["outputs"].keys()
        }

    @property
    def phantoms(self) -> bool:
        """Whether hepaflow has drawn its exams."""
        return bool(self.of("phantom"))

    @property
    def seeds(self) -> set[int]:
        """Seeds of its trainings."""
        return {record["settings"]["seed"] for record in self.of("train") if "seed" in record["settings"]}

    def of(self, *rules: str) -> list[Record]:
        """Return the records of some rules."""
        return [record for (rule, _), record in self.jobs.items() if rule in rules]

    def made(self, path: str) -> bool:
        """Tell whether a job of the run made a file, by its path in records."""
        return path.startswith(f"{self.place}/")

    def exists(self, path: str) -> Path:
        """Return where a file of the results is now, by its path in records."""
        return self.folder / path.removeprefix(f"{self.place}/")


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Read finished runs, each under a name of its own.

    Raises
    ------
    UserError
        If there are fewer than two, one is there twice, or one is no finished run.
    """
    if len(folders) < 2:
        raise UserError(
            f"{len(folders)} run", expected="two runs or more", remedy="name the folders of their results"
        )
    resolved = [folder.resolve() for folder in folders]
    for folder, place in zip(folders, resolved, strict=True):
        if resolved.count(place) > 1:
            raise UserError(
                "one run twice", file=folder, expected="different runs", remedy="name each folder once"
            )
    return [read_run(folder, name) for folder, name in zip(folders, _names(resolved), strict=True)]


def _names(folders: Sequence[Path]) -> list[str]:
    """Return the shortest ends of paths that tell each from the others."""
    for parts in range(1, max(len(folder.parts) for folder in folders) + 1):
        names = ["/".join(folder.parts[-parts:]).lstrip("/") for folder in folders]
        if len(set(names)) == len(names):
            break
    return names


def read_run(folder: Path, name: str) -> Run:
    """Read a finished run.

    Raises
    ------
    UserError
        If there are no scores or no records of them, or results of one job are not what another took for its own:
        then a run is in its middle, or files were changed.
    """
    summary = folder / "records" / "summarise.json"
    table = folder / "tables" / "metrics.csv"
    if not table.is_file() or not summary.is_file():
        missing = summary if table.is_file() else table
        raise UserError(
            "no finished run" if folder.is_dir() else "no such folder",
            file=missing if folder.is_dir() else folder,
            expected="a folder with the results of a finished run, such as results/demo",
            remedy=_finish(folder),
        )
    records = {path: _record(path) for path in sorted((folder / "records").rglob("*.json"))}
    last = records[summary]
    if last is None:
        raise UserError("a record that is not whole", file=summary, remedy=_finish(folder))
    written = next(path for path in last["outputs"] if path.endswith("tables/metrics.csv"))
    if sha256(table) != last["outputs"][written]:
        raise UserError(
            "scores that are not those that the run's last job wrote",
            file=table,
            expected="tables of a finished run, as they were written",
            remedy=f"remove the file, and {_finish(folder)}",
        )
    place = written.removesuffix("/tables/metrics.csv")
    jobs = {_job(record): record for record in _followed(last, [one for one in records.values() if one], folder)}
    bundle = records.get(folder / "records" / "bundle.json")
    result = (bundle["settings"].get("result") if bundle else None) or FUSION
    scores = final(read_scores(table)).reset_index(drop=True)
    return Run(name, folder, place, scores, jobs, result)


def _finish(folder: Path) -> str:
    return f"let the run finish first ({going_on(folder)}), and name its folder of results"


def _record(path: Path) -> Record | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and all(part in found for part in _PARTS) else None


def _job(record: Record) -> Job:
    return record["rule"], tuple(record["wildcards"].values())


def _followed(last: Record, records: Iterable[Record], folder: Path) -> Iterator[Record]:
    """Yield a record, and those of all jobs that its inputs follow from.

    Raises
    ------
    UserError
        If a job has read another file than the job that made it says.
    """
    makers = {path: record for record in records for path in record["outputs"]}
    waiting, seen = [last], {_job(last)}
    while waiting:
        record = waiting.pop()
        yield record
        for path, digest in record["inputs"].items():
            maker = makers.get(path)
            if maker is None:
                continue
            if maker["outputs"][path] != digest:
                rule, values = _job(record)
                raise UserError(
                    f"two states of a run: {' '.join((rule, *values))} read another {path} than there is now",
                    file=folder,
                    expected="a run that has ended, so that its scores are those of its networks",
                    remedy=_finish(folder),
                )
            if _job(maker) not in seen:
                seen.add(_job(maker))
                waiting.append(maker)
