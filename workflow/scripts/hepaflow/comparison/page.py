"""The page of a comparison: one file that needs no network."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from hepaflow.comparison.conclusion import Conclusion
from hepaflow.comparison.costs import Cost
from hepaflow.comparison.differences import CODE, DATA, METHOD, SETTING, VERSION, Difference
from hepaflow.comparison.exams import SharedExams
from hepaflow.comparison.pairs import Pair
from hepaflow.comparison.pictures import differences_picture, heading_of, title_of
from hepaflow.comparison.run import Run
from hepaflow.comparison.scores import ASKED, MEAN, METRICS, QUESTION, Scores
from hepaflow.tables.scores import interval
from hepaflow.web.template import page
from hepaflow.words import counted, duration, number, signed

DRAWN = ("dice", "assd_mm", "hd95_mm")
"""Metrics with a figure; the first stands by the question."""

_DASH = "–"
_ARROWS = {1: " ↑", -1: " ↓", 0: ""}
_HEADS = {
    SETTING: "Settings",
    METHOD: "Methods",
    DATA: "Data",
    CODE: "Code",
    VERSION: "Versions and machines",
}
_WHERE = {SETTING: "jobs", METHOD: "networks, or jobs", DATA: "", CODE: "jobs", VERSION: "jobs"}
_CLOSED = 12
"""Rows above which a table opens at a click."""


def comparison_page(
    runs: Sequence[Run],
    pairs: Sequence[Pair],
    shared: SharedExams,
    scores: Scores,
    found: Sequence[Difference],
    costs: Mapping[str, Cost],
    conclusion: Conclusion,
    files: Mapping[str, str],
) -> str:
    """Return the page of a comparison, as HTML.

    Parameters
    ----------
    runs : sequence of Run
        The first is the one that others are held against.
    pairs : sequence of Pair
    shared : SharedExams
    scores : Scores
    found : sequence of Difference
    costs : mapping of str to Cost
        By run.
    conclusion : Conclusion
    files : mapping of str to str
        What lies beside the page: names, and what each is.
    """
    parts = {
        "title": " and ".join(run.name for run in runs),
        "about": _about(runs, shared),
        "found": _items(conclusion.found),
        "limits": _items(conclusion.limits),
        "differences": "\n".join(_differences(runs, found)),
        "dice": _question(runs, scores.comparisons),
        "dice_figure": differences_picture(runs, pairs, scores, QUESTION),
        "reading": _reading(runs),
        "metrics": "\n".join(_metrics(runs, pairs, scores)),
        "exams": "\n".join(_exams(runs, pairs, shared, scores.values)),
        "costs": _costs(runs, costs),
        "files": "\n".join(
            f"    <dt>{html.escape(name)}</dt><dd>{html.escape(what)}</dd>" for name, what in files.items()
        ),
    }
    return page("comparison", "page.html", **parts)


def _about(runs: Sequence[Run], shared: SharedExams) -> str:
    count = len(shared.compared)
    others = " and ".join(run.name for run in runs[1:])
    phantoms = ", phantoms" if all(run.phantoms for run in runs) else ""
    return f"{others} held against {runs[0].name} · {counted(count, 'test exam')}{phantoms}"


def _items(sentences: Iterable[str]) -> str:
    return "\n".join(f"    <li>{html.escape(one)}</li>" for one in sentences)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table of escaped cells, in a frame that scrolls sideways on its own."""
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    named = f' class="{kind}"' if kind else ""
    frame = '<div class="scroll" tabindex="0" role="region" aria-label="Table">'
    return f"  {frame}<table{named}><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"


def _folded(title: str, inner: str) -> str:
    return f"  <details><summary>{html.escape(title)}</summary>\n{inner}\n  </details>"


def _differences(runs: Sequence[Run], found: Sequence[Difference]) -> Iterable[str]:
    for run in runs[1:]:
        if len(runs) > 2:
            yield f"  <h3>{html.escape(f'{runs[0].name} → {run.name}')}</h3>"
        same = []
        for kind, title in _HEADS.items():
            own = [one for one in found if one.run == run.name and one.kind == kind]
            if not own:
                same.append(title.lower())
                continue
            table = _table((title, _WHERE[kind]), [(one.what, one.jobs) for one in own], "words")
            folds = len(own) > _CLOSED
            yield _folded(f"{title}: {counted(len(own), 'difference')}", table) if folds else table
        if same:
            yield f"  <p>No difference: {', '.join(same)}.</p>"


def _question(runs: Sequence[Run], comparisons: pd.DataFrame) -> str:
    """Return the table of what the comparison is made for."""
    before = ("structure", "method", "exams")
    counts = ("higher", "equal", "lower")
    rows = [
        (
            heading_of(row["structure"]),
            " → ".join(dict.fromkeys((row["method"], row["other_method"]))),
            str(row["exams"]),
            *_numbers(runs, row),
            *(f"{row[name]:.0f}" for name in counts),
        )
        for row in comparisons[comparisons["family"] == ASKED].to_dict("records")
    ]
    return _table((*before, *_sides(runs), *counts), rows, "methods")


def _sides(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return the heads of `_numbers`."""
    names = (runs[0].name, runs[1].name) if len(runs) == 2 else ("run", runs[0].name, "its own")
    return (*names, "difference", "95 % interval", "p", "corrected p")


def _numbers(runs: Sequence[Run], row: Mapping[Any, Any]) -> Iterable[str]:
    """Return what a comparison found, in cells; a line for each run beside the first, however many there are."""
    if len(runs) > 2:
        yield row["other_run"]
    yield from (_number(row["value"]), _number(row["other_value"]), _signed(row["difference"]))
    yield interval(row["low"], row["high"], 4)
    yield from (_chance(row["wilcoxon_p"]), _chance(row["holm_p"]))


def _reading(runs: Sequence[Run]) -> str:
    return (
        f"Means over exams, of {runs[0].name} and beside it; their difference with its 95 % interval; p, and p "
        "corrected for all tests but those above. ↑ more is better, ↓ less is better."
    )


def _metrics(runs: Sequence[Run], pairs: Sequence[Pair], scores: Scores) -> Iterable[str]:
    for place, pair in enumerate(pairs):
        own = scores.comparisons[scores.comparisons["pair"] == pair.name]
        tables = [
            f"  <h3>{html.escape(heading_of(structure))}</h3>\n{_metric_table(runs, table)}"
            for structure, table in own.groupby("structure", sort=False)
        ]
        title = title_of(pair)
        if place:
            yield _folded(title, "\n".join(tables))
            continue
        yield f"  <h3>{html.escape(title)}</h3>"
        yield from tables
        yield from (differences_picture(runs, pairs, scores, metric) for metric in DRAWN if metric != QUESTION)


def _metric_table(runs: Sequence[Run], own: pd.DataFrame) -> str:
    rows = []
    for _, those in own.groupby(["metric", "statistic"], sort=False):
        for row in those.to_dict("records"):
            metric = METRICS[row["metric"]]
            left = f" ({counted(row['exams'], 'exam')})" if row["undefined"] else ""
            how = left if row["statistic"] == MEAN else ", all exams as one"
            rows.append((f"{metric.title}{_ARROWS[metric.better]}{how}", *_numbers(runs, row)))
    return _table(("metric", *_sides(runs)), rows)


def _exams(runs: Sequence[Run], pairs: Sequence[Pair], shared: SharedExams, values: pd.DataFrame) -> Iterable[str]:
    """Yield the Dice of every exam; other metrics are in the file beside the page."""
    pair = pairs[0]
    own = values[(values["pair"] == pair.name) & (values["metric"] == QUESTION)]
    for structure, table in own.groupby("structure", sort=False):
        value = table.pivot(index="exam", columns="run", values="value")
        difference = table.pivot(index="exam", columns="run", values="difference")
        heads = ["exam", runs[0].name]
        for run in runs[1:]:
            heads += [run.name, "difference"]
        rows = [
            [exam, _number(value[runs[0].name][exam])]
            + [
                cell
                for run in runs[1:]
                for cell in (_number(value[run.name][exam]), _signed(difference[run.name][exam]))
            ]
            for exam in shared.compared
        ]
        title = f"{heading_of(structure)}: Dice, {title_of(pair)}"
        inner = _table(heads, rows)
        yield _folded(title, inner) if len(rows) > 2 * _CLOSED else f"  <h3>{html.escape(title)}</h3>\n{inner}"
    for run in runs:
        if others := shared.left_out[run.name]:
            listed = ", ".join(others)
            note = html.escape(f"Not compared, as not all runs have scored them: {listed} ({run.name})")
            yield f"  <p>{note}</p>"


def _costs(runs: Sequence[Run], costs: Mapping[str, Cost]) -> str:
    heads = (
        "run",
        "networks",
        "training",
        "longest",
        "prediction",
        "all jobs",
        "memory of a training",
        "of any job",
        "from the cache",
        "trained on",
    )
    rows = []
    for run in runs:
        cost = costs[run.name]
        rows.append(
            (
                run.name,
                str(cost.networks),
                *map(_time, (cost.training_hours, cost.longest_hours, cost.prediction_hours, cost.hours)),
                *map(_memory, (cost.training_memory_mib, cost.memory_mib)),
                f"{cost.restored} of {counted(cost.jobs, 'job')}",
                ", ".join(cost.devices) or _DASH,
            )
        )
    note = (
        "Times of what the scores follow from, summed up over jobs, whether they ran side by side or not; of jobs "
        "that came from the shared cache, when they were computed. Memory is that of the processor."
    )
    return f'{_table(heads, rows)}\n  <p class="note">{note}</p>'


def _time(hours: float) -> str:
    return duration(3600 * hours)


def _memory(mib: int | None) -> str:
    return _DASH if mib is None else f"{mib / 1024:.1f} GiB"


def _number(value: Any) -> str:
    if pd.isna(value):
        return _DASH
    return number(value, 4 if abs(value) < 10 else 1)


def _signed(value: Any) -> str:
    if pd.isna(value):
        return _DASH
    return signed(value, 4 if abs(value) < 10 else 1)


def _chance(value: Any) -> str:
    return _DASH if pd.isna(value) else f"{value:.3g}"
