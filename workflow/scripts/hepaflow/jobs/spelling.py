"""The spelling under which Snakemake knows a folder of results: that of the run which made them.

Snakemake keeps its notes by paths as text. A folder that was made as `./results/x`, or through a link, and is now
called `results/x` would have no notes: no change of settings would be noticed.
"""

import json
import os
from pathlib import Path

_RECORDS = {
    "html_report.json": "report.html",
    "provenance.json": "tables/provenance.csv",
    "survey/*.json": "exams/{name}.json",
}
"""Records of the last jobs of a run and of its first ones, and where in the results these jobs write."""


def known_spelling(results: str) -> str:
    """Return the path of a folder of results as its records spell it, if they mean this folder.

    Parameters
    ----------
    results : str

    Returns
    -------
    str
        `results` itself if there are no records, or they were written elsewhere.
    """
    made_as = made_at(results)
    same = os.path.exists(made_as) and os.path.samefile(made_as, results)
    return made_as if same else results


def made_at(results: str) -> str:
    """Return the path of the folder in which results were made, by their records; empty if there are none."""
    for pattern, place in _RECORDS.items():
        for record in (Path(results) / "records").glob(pattern):
            try:
                outputs = list(json.loads(record.read_bytes())["outputs"])
            except (OSError, ValueError, KeyError, TypeError):
                continue
            end = "/" + place.format(name=record.stem)
            if made := next((path.removesuffix(end) for path in outputs if path.endswith(end)), ""):
                return made
    return ""
