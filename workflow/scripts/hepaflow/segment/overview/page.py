"""The page of all results in a folder: one file that needs no network and no script."""

import base64
import html
import re
from collections.abc import Collection, Mapping
from urllib.parse import quote

from hepaflow.model.origin import NOTICE
from hepaflow.segment.overview.results import Result, Results
from hepaflow.segment.report.numbers import percent_in_html, sentence, volume_in_html
from hepaflow.version import version
from hepaflow.web.template import page
from hepaflow.words import counted, number

MARK = '<meta name="generator" content="hepaflow segment">'
"""By which the page is known as one of ours."""

UNREAD = "Missing here and in the tables: results that cannot be read. Segment these exams again with --overwrite"


def overview_page(results: Results, failed: Mapping[str, str]) -> str:
    """Return the page, as HTML.

    Parameters
    ----------
    results : Results
    failed : mapping of str to str
        Exams that have no result, and why.
    """
    found = results.found
    models = {(one.model, one.origin): one for one in found}
    parts = {
        "mark": MARK,
        "title": counted(len(found), "segmented exam"),
        "models": "\n".join(f"  {_model(one, len(models) > 1)}" for one in models.values()),
        "notice": NOTICE,
        "rows": "\n".join(_row(one, len(models) > 1) for one in found),
        "failed": _failed(failed, {one.name for one in found}) + _listed(UNREAD, results.unread),
        "made": f"Made by hepaflow {version()}.",
    }
    return page("segment/overview", "page.html", **parts)


def _model(result: Result, several: bool) -> str:
    name = f"Model {result.model}" if several and result.model else "Model"
    alarming = " phantoms" if result.of_simple_phantoms else ""
    return f'<p class="origin{alarming}">{html.escape(f"{name}: {result.origin}")}.</p>'


def _row(result: Result, several: bool) -> str:
    shown = _picture(result)
    name = html.escape(result.name)
    if result.page:
        address = f"{quote(result.name)}/{quote(result.page)}"
        shown, name = f'<a href="{address}" tabindex="-1">{shown}</a>', f'<a href="{address}">{name}</a>'
    if several and result.model:
        name += f"<small>model {html.escape(result.model)}</small>"
    longest = result.longest_mm
    cells = [
        ("Liver", volume_in_html(result.at("liver_ml"), result.at("liver_voxels"))),
        ("Lesions", str(len(result.at("lesions")))),
        ("Volume of lesions", volume_in_html(result.at("lesion_ml"), result.at("lesion_voxels"))),
        ("Longest diameter", "–" if longest is None else f"{number(longest, 0)} <small>mm</small>"),
        ("Tumour burden", percent_in_html(result.at("tumour_burden_percent"))),
    ]
    numbers = "".join(f'<td data-label="{label}"><span>{value}</span></td>' for label, value in cells)
    notes = "".join(f"<li>{html.escape(sentence(one))}</li>" for one in result.notes)
    noted = f'<td class="notes"><ul>{notes}</ul></td>' if notes else '<td class="notes none"></td>'
    return f'<tr><td class="picture">{shown}</td><th scope="row">{name}</th>{numbers}{noted}</tr>'


def _picture(result: Result) -> str:
    if not result.picture:
        return ""
    source = f"data:image/webp;base64,{base64.b64encode(result.picture).decode('ascii')}"
    return f'<img src="{source}" alt="Slice of {html.escape(result.name)}">'


def _failed(failed: Mapping[str, str], done: Collection[str]) -> str:
    """List what the last command has not segmented: apart, those of which an earlier result stands above."""
    kept = {name: why for name, why in failed.items() if name in done}
    others = {name: why for name, why in failed.items() if name not in done}
    return _listed("Not segmented by the last command", others) + _listed(
        "Not segmented again by the last command: the rows above show earlier results", kept
    )


def _with_code(text: str) -> str:
    """Set off what messages have in backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", text)


def _listed(title: str, failed: Mapping[str, str]) -> str:
    if not failed:
        return ""
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{_with_code(html.escape(why))}</dd>" for name, why in failed.items()
    )
    return f'<section class="failed"><h2>{title}</h2><dl>{rows}</dl></section>'
