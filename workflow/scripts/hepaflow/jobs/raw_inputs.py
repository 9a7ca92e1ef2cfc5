"""The inputs of a job that no job makes: what the plan knows of them, compared with what the job finds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hepaflow.errors import UserError
from hepaflow.jobs.contents import Contents


class ComparedAs(str):
    """A parameter of a rule that Snakemake compares as if it were another text, which `repr` returns.

    Parameters
    ----------
    text : str
        What the job gets.
    compared : str
        What Snakemake compares with its note on the job's last run.
    """

    compared: str

    def __new__(cls, text: str, compared: str) -> "ComparedAs":  # noqa: D102
        made = super().__new__(cls, text)
        made.compared = compared
        return made

    def __repr__(self) -> str:
        return repr(self.compared)

    def __reduce__(self) -> tuple[type["ComparedAs"], tuple[str, str]]:  # how it reaches the job
        return ComparedAs, (str(self), self.compared)


@dataclass(frozen=True)
class RawInputs:
    """What a plan knows of the inputs of a job that no job makes.

    Attributes
    ----------
    paths : tuple of str
    contents : str
        Folder of their digests, see :class:`hepaflow.jobs.contents.Contents`; empty for none.
    """

    paths: tuple[str, ...] = ()
    contents: str = ""

    @classmethod
    def of(cls, text: str | None) -> "RawInputs":
        """Take them from a job's parameter; a job without it has none."""
        given = json.loads(text or "{}")
        return cls(**given | {"paths": tuple(given["paths"])}) if given else cls()

    def text(self) -> str:
        """Return them as a parameter."""
        return json.dumps(asdict(self))

    def changed(self, recorded: Mapping[str, str]) -> list[str]:
        """Return the files whose content is not what a job's record says; new files are not among them."""
        kept = Contents(Path(self.contents))
        return [path for path in self.paths if path in recorded and kept.digest(path) != recorded[path]]

    def as_now(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a job's record with the present paths of files that were moved, as their content shows."""
        kept, recorded = Contents(Path(self.contents)), record["inputs"]
        came = {kept.digest(path): path for path in self.paths if path not in recorded}
        moved = {old: came[digest] for old, digest in recorded.items() if old not in self.paths and digest in came}
        settings = json.dumps(record["settings"])
        for old, path in moved.items():
            settings = settings.replace(json.dumps(old), json.dumps(path))
        inputs = {moved.get(path, path): digest for path, digest in recorded.items()}
        return {**record, "settings": json.loads(settings), "inputs": inputs}

    def compare(self, digests: Mapping[str, str], *, since: int, exam: str = "") -> None:
        """Compare the content of the files with that of the plan; note it if the plan did not need it.

        Parameters
        ----------
        digests : mapping of str to str
            SHA-256 of all inputs as they are now, by path.
        since : int
            When the first of them was read, in nanoseconds (`time.time_ns`).
        exam : str, optional
            Name of the exam, for the error message.

        Raises
        ------
        UserError
            If one has changed: jobs of one run would work on different files.
        """
        kept = Contents(Path(self.contents))
        for path in self.paths:
            if not (planned := kept.noted(path)):
                kept.note(path, digests[path], since)
            elif planned != digests[path]:
                raise UserError(
                    f"a file that was changed after this run was planned (SHA-256 {digests[path]})",
                    exam=exam,
                    file=path,
                    expected=f"the same content from the plan to the last job (SHA-256 {planned})",
                    remedy="run Snakemake again: what was made from the earlier content is made again",
                )
