"""The files of phantom exams. A user's exams may lie in the same folder: only phantoms are ever overwritten."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.jobs.digests import as_made, begun


class PhantomFiles:
    """The files that a run's phantom jobs write.

    Parameters
    ----------
    paths : mapping of str to sequence of str
        Image and label of each phantom exam.
    results : str
        Folder of the run's results, where records of the jobs are.
    """

    def __init__(self, paths: Mapping[str, Iterable[str]], results: str) -> None:
        self._paths, self._results = paths, results

    def check(self) -> None:
        """Check that files with a phantom's name are those of phantom jobs.

        Raises
        ------
        UserError
            If neither a note nor a record says that a phantom job made one of them.
        """
        for exam in self._paths:
            for path in self._there(exam):
                if not begun(Path(path), self._record(exam)):
                    raise _refusal(exam, path)

    def check_overwriting(self, exams: Iterable[str], digest: Callable[[str], str]) -> None:
        """Check that the phantom jobs of this run only overwrite phantoms that are as they were made.

        Parameters
        ----------
        exams : iterable of str
            Whose phantom jobs are to run.
        digest : callable
            Returns the SHA-256 of a file.

        Raises
        ------
        UserError
            If they would overwrite anything else, such as a phantom that a user has changed.
        """
        for exam in exams:
            for path in self._there(exam):
                if not os.path.isfile(path) or not as_made(Path(path), digest(path), self._record(exam)):
                    raise _refusal(exam, path)

    def _there(self, exam: str) -> list[str]:
        return [path for path in self._paths[exam] if os.path.lexists(path)]

    def _record(self, exam: str) -> Path:
        return Path(self._results) / "records" / "phantom" / f"{exam}.json"


def _refusal(exam: str, path: str) -> UserError:
    return UserError(
        "a file that no phantom job has made, where a phantom would be written",
        exam=exam,
        file=path,
        expected="phantom exams in a folder of their own",
        remedy="for exams of your own, set `phantoms: null`; for phantoms, set `data` to another folder. A "
        "phantom whose notes were lost, or that you changed and do not need, can be deleted: it is made again",
    )
