"""The files of the overview, which lie beside the folders of the exams."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hepaflow.errors import UserError
from hepaflow.segment.overview.page import MARK, overview_page
from hepaflow.segment.overview.results import Results, read_results
from hepaflow.segment.overview.tables import exam_table, lesion_table
from hepaflow.segment.result_folder import alone
from hepaflow.system.atomic import write_text

INDEX, EXAMS, LESIONS = FILES = ("index.html", "measurements.csv", "lesions.csv")

_BEGIN = 4096  # characters in which a file of ours shows what it is
_COLUMNS: Mapping[str, Sequence[str]] = {
    EXAMS: ("exam", "liver_ml", "tumour_burden_percent"),
    LESIONS: ("exam", "lesion", "diameter_mm"),
}
"""Some of the columns that tables of ours have, in whatever version."""


def check_overview(folder: Path) -> None:
    """Refuse a folder in which a file of somebody else's has the name of one of the overview, or cannot be read.

    Raises
    ------
    UserError
        If so.
    """
    for name in FILES:
        path = folder / name
        if not path.exists():
            continue
        try:
            is_ours = path.is_file() and _is_ours(name, _begin(path))
        except OSError as error:
            raise UserError(
                f"a file that cannot be read ({error.strerror}), where the overview of the results would be",
                file=path,
                expected="no such file, or the overview of an earlier command",
                remedy="change its permissions, or name another folder with --out",
            ) from None
        if not is_ours:
            raise UserError(
                "a file that is not hepaflow's, where the overview of the results would be",
                file=path,
                expected="no such file, or the overview of an earlier command",
                remedy="move it, or name another folder with --out",
            )


def _is_ours(name: str, text: str) -> bool:
    """Tell whether a file that begins so is one of ours."""
    if name not in _COLUMNS:
        return MARK in text
    head = text.split("\n")[0].split(",")
    return all(column in head for column in _COLUMNS[name])


def _begin(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_BEGIN)


def write_overview(folder: Path, failed: Mapping[str, str]) -> Results:
    """Write page and tables of all results in a folder, each as a whole; nothing where there is no result.

    Parameters
    ----------
    folder : Path
    failed : mapping of str to str
        Exams of which the command that is about to end has made no result, and why; without the patient.

    Returns
    -------
    Results
        What the folder holds.
    """
    with alone(folder):  # or the last to write could have read before another's results were there
        results = read_results(folder)
        if results.found:
            write_text(folder / INDEX, overview_page(results, failed))
            write_text(folder / EXAMS, exam_table(results.found))
            write_text(folder / LESIONS, lesion_table(results.found))
    return results
