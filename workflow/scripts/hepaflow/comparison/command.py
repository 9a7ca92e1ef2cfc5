"""The work of `hepaflow compare`."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from hepaflow.comparison.conclusion import Conclusion, conclude
from hepaflow.comparison.costs import Cost, cost_of
from hepaflow.comparison.differences import Difference, differences
from hepaflow.comparison.exams import SharedExams, shared_exams
from hepaflow.comparison.page import comparison_page
from hepaflow.comparison.pairs import Pair, pairs_of
from hepaflow.comparison.run import Run, read_runs
from hepaflow.comparison.scores import Scores, compare_scores
from hepaflow.evaluation.scores import write_scores
from hepaflow.system.atomic import write_text
from hepaflow.system.destination import check_earlier, make_folder
from hepaflow.words import counted

PAGE, COMPARISONS, VALUES, EVERYTHING = "comparison.html", "comparison.csv", "exams.csv", "comparison.json"
_FILES = {
    COMPARISONS: "every comparison: a row for two runs, a structure, a metric and a statistic",
    VALUES: "every value: a row for an exam, a run, a structure and a metric, and its difference to the first run",
    EVERYTHING: "all of this page, for programs",
}


def compare_runs(
    folders: Sequence[Path],
    out: Path,
    *,
    methods: Sequence[str] = (),
    overwrite: bool = False,
    say: Callable[[str], None],
) -> None:
    """Compare finished runs: write a page, tables and JSON, and say what was found.

    Parameters
    ----------
    folders : sequence of Path
        Of results; others are held against the first.
    out : Path
        Folder of the comparison.
    methods : sequence of str, optional
        As for `pairs_of`.
    overwrite : bool, optional
        Replace an earlier comparison.
    say : callable
        Takes each line.

    Raises
    ------
    UserError
        If one is no finished run, they have no exam in common or one of other content, there is no such method, or
        an earlier comparison in the folder.
    """
    check_earlier(out, (PAGE, *_FILES), overwrite=overwrite)
    runs = read_runs(folders)
    shared = shared_exams(runs)
    pairs = pairs_of(runs, methods)
    make_folder(out)
    scores = compare_scores(runs, pairs, shared.compared)
    found = differences(runs)
    costs = {run.name: cost_of(run) for run in runs}
    conclusion = conclude(runs, shared, scores, found)
    write_scores(scores.comparisons, out / COMPARISONS)
    write_scores(scores.values, out / VALUES)
    everything = _everything(runs, pairs, shared, scores, found, costs, conclusion)
    write_text(out / EVERYTHING, json.dumps(everything, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    page = comparison_page(runs, pairs, shared, scores, found, costs, conclusion, _FILES)
    write_text(out / PAGE, page)
    for line in _lines(runs, shared, found, conclusion):
        say(line)
    say(f"\n{out / PAGE}")


def _lines(
    runs: Sequence[Run], shared: SharedExams, found: Sequence[Difference], conclusion: Conclusion
) -> Iterator[str]:
    others, count = ", ".join(run.name for run in runs[1:]), len(shared.compared)
    yield f"{others} beside {runs[0].name}: {counted(count, 'test exam')}"
    for name, exams in shared.left_out.items():
        if exams:
            yield f"  not compared, as not all runs have scored them: {', '.join(exams)} ({name})"
    for run in runs[1:]:
        yield f"\n{runs[0].name} → {run.name}"
        own = [one for one in found if one.run == run.name]
        yield from (f"  {one.kind} {one.what}" + (f"  [{one.jobs}]" if one.jobs else "") for one in own)
        if not own:
            yield "  no difference in settings, methods, code, versions and data"
    yield ""
    yield from conclusion.found
    yield from (f"- {limit}" for limit in conclusion.limits)


def _everything(
    runs: Sequence[Run],
    pairs: Sequence[Pair],
    shared: SharedExams,
    scores: Scores,
    found: Sequence[Difference],
    costs: dict[str, Cost],
    conclusion: Conclusion,
) -> dict[str, Any]:
    return {
        "runs": {
            run.name: {
                "result": run.result,
                "methods": run.methods,
                "seeds": sorted(run.seeds),
                "phantoms": run.phantoms,
                "trained_on": sorted(run.trained_on),
                "cost": asdict(costs[run.name]),
            }
            for run in runs
        },
        "exams": asdict(shared),
        "pairs": [asdict(pair) for pair in pairs],
        "differences": [asdict(one) for one in found],
        "comparisons": _rows(scores.comparisons),
        "conclusion": asdict(conclusion),
    }


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table for JSON, which has no NaN."""
    return [
        {str(key): value for key, value in row.items()}
        for row in table.astype(object).where(table.notna(), None).to_dict("records")
    ]
