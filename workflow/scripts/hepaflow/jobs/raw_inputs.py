"""The inputs of a job that no job makes: what the plan says of them, compared with what the job finds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.jobs.contents import Contents


@dataclass(frozen=True)
class RawInputs:
    """What a plan says of the inputs of a job that no job makes.

    Attributes
    ----------
    paths : tuple of str
    contents : str
        Folder of their digests, see :class:`hepaflow.jobs.contents.Contents`; empty for none.
    moved : dict of str to str
        For files that lay elsewhere when the job first read them: that path, by which its settings know them, and
        where they lie now.
    """

    paths: tuple[str, ...] = ()
    contents: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str | None) -> "RawInputs":
        """Take them from a job's parameter; a job without it has none."""
        given = json.loads(text or "{}")
        return cls(**given | {"paths": tuple(given["paths"])}) if given else cls()

    def text(self) -> str:
        """Return them as a parameter."""
        return json.dumps(asdict(self))

    def placed(self, settings: str) -> str:
        """Return settings (JSON) with the paths of files where they lie now."""
        for known, path in self.moved.items():
            settings = settings.replace(json.dumps(known), json.dumps(path))
        return settings

    def known(self, path: str) -> str:
        """Return the path by which the job knows a file."""
        return next((known for known, place in self.moved.items() if place == path), path)

    def changed(self, recorded: Mapping[str, str]) -> list[str]:
        """Return which files have another content than a job's record tells; new ones are none of them."""
        kept = Contents(Path(self.contents))
        return [path for path in self.paths if path in recorded and kept.digest(path) != recorded[path]]

    def compare(self, digests: Mapping[str, str], *, exam: str = "") -> None:
        """Compare the content of the files with what the run was planned with, and note it where there was none.

        Parameters
        ----------
        digests : mapping of str to str
            SHA-256 of all inputs as they are now, by path.
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
                kept.note(path, digests[path])
            elif planned != digests[path]:
                raise UserError(
                    f"a file that was changed after this run was planned (SHA-256 {digests[path]})",
                    exam=exam,
                    file=path,
                    expected=f"one content from the plan to the last job (SHA-256 {planned})",
                    remedy="run Snakemake again: what was made from the earlier content is made anew",
                )
