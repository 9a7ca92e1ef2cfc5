"""The rules of the workflow, and which of them take what others make: drawn from Snakemake's own rule graph.

`python docs/rulegraph.py` plans the demo, in which every usual rule has jobs, and draws
docs/images/rulegraph.svg.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("images") / "rulegraph.svg"
COMMAND = ("--rulegraph", "--configfile", "config/demo.yaml", "--quiet")

OF_EVERYTHING = {
    "pages_of_run, pages_of_structure, summary": "of all tables and figures",
    "provenance": "of the records of all jobs",
    "html_report": "of all tables, figures, pages and viewers",
}
"""Rules that take what almost every rule makes: their arrows would hide the others."""
TARGET = "all"

WIDTH, BOX, HEIGHT = 1240, 142, 28
"""Of the picture, and of a rule in it, in pixels."""
FLOOR = 68
"""From a row to the next, in pixels."""
MOST = 8
"""Rules in a row."""

_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 font-family="sans-serif" font-size="14" text-anchor="middle">
<title>Rules of the workflow: an arrow leads from a rule to one that takes what it makes</title>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">
<path d="M0 0 8 4 0 8z" fill="#8a8a8a"/></marker><marker id="again" viewBox="0 0 8 8" refX="7" refY="4"
 markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="#b3541e"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
"""


def defined() -> list[str]:
    """Return the names of all rules in the order in which the Snakefile has them."""
    files = re.findall(r'/(\w+\.smk)"', (ROOT / "workflow/Snakefile").read_text(encoding="utf-8"))
    texts = [(ROOT / "workflow/rules" / name).read_text(encoding="utf-8") for name in files]
    return [rule for text in texts for rule in re.findall(r"^ *rule (\w+):", text, re.MULTILINE)]


def planned(folder: Path = ROOT) -> str:
    """Return the rule graph of the demo as Snakemake writes it, in the language of Graphviz."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(folder / "Snakefile"), *COMMAND]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def graph_of(dot: str) -> nx.DiGraph:
    """Return the rules and what follows from what, without the target."""
    names = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)', dot, re.MULTILINE))
    graph = nx.DiGraph(
        (names[one], names[other]) for one, other in re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE)
    )
    graph.remove_node(TARGET)
    return graph


def drawn(graph: nx.DiGraph) -> str:
    """Return the picture as SVG: what follows stands below, and arrows that go back are for the next stage."""
    order = {rule: number for number, rule in enumerate(defined())}
    apart = {rule for rules in OF_EVERYTHING for rule in rules.split(", ")}
    others = graph.subgraph(graph.nodes - apart)
    forward = nx.DiGraph()
    forward.add_nodes_from(sorted(others, key=order.__getitem__))
    forward.add_edges_from(sorted((one, other) for one, other in others.edges if order[one] < order[other]))
    back = sorted((one, other) for one, other in others.edges if order[one] > order[other])
    rows = _rows(forward, order)
    places = {
        rule: (round(WIDTH / len(row) * (column + 0.5)), 24 + FLOOR * number)
        for number, row in enumerate(rows)
        for column, rule in enumerate(row)
    }
    lines = [_arrow(places[one], places[other]) for one, other in sorted(nx.transitive_reduction(forward).edges)]
    again = [_back(places[one], places[other]) for one, other in back]
    top = 24 + FLOOR * len(rows)
    right = max(x for x, _ in places.values()) + BOX // 2
    note = f'<text x="{right}" y="28" fill="#b3541e" text-anchor="end">dashed: for the next method or stage</text>'
    bars = [_bar(rule, what, top + 40 * number) for number, (rule, what) in enumerate(OF_EVERYTHING.items())]
    return "\n".join(
        [
            _HEAD.format(width=WIDTH, height=top + 40 * len(bars) - 8).rstrip(),
            '<g fill="none" stroke="#8a8a8a">',
            *lines,
            '</g>\n<g fill="none" stroke="#b3541e" stroke-dasharray="5 3">',
            *again,
            f'</g>\n{note}\n<g fill="#eef3f8" stroke="#33658a">',
            *[_box(rule, *place) for rule, place in places.items()],
            *bars,
            "</g>\n</svg>\n",
        ]
    )


def _rows(graph: nx.DiGraph, order: dict[str, int]) -> list[list[str]]:
    """Return the rules row by row: each below all that it follows from, and near them."""
    rows: list[list[str]] = []
    level: dict[str, int] = {}
    alone = list(nx.isolates(graph))
    for rule in nx.lexicographical_topological_sort(
        graph.subgraph(graph.nodes - set(alone)), key=order.__getitem__
    ):
        row = 1 + max((level[before] for before in graph.predecessors(rule)), default=-1)
        while row < len(rows) and len(rows[row]) == MOST:
            row += 1
        rows += [[] for _ in range(row + 1 - len(rows))]
        rows[row].append(rule)
        level[rule] = row
    for _ in range(8):  # towards the middle of what stands above, and then of what stands below
        for row in rows[1:]:
            _sort(row, graph.predecessors, rows)
        for row in rows[-2::-1]:
            _sort(row, graph.successors, rows)
    rows[-1] += alone
    return rows


def _sort(row: list[str], neighbours: Callable[[str], Iterable[str]], rows: list[list[str]]) -> None:
    at = {rule: (column + 0.5) / len(one) for one in rows for column, rule in enumerate(one)}

    def middle(rule: str) -> float:
        places = [at[other] for other in neighbours(rule)]
        return sum(places) / len(places) if places else at[rule]

    row.sort(key=lambda rule: (round(middle(rule), 6), at[rule]))


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    bend = FLOOR // 2
    return (
        f'<path d="M{x} {y + HEIGHT // 2} C{x} {y + bend} {to_x} {to_y - bend} {to_x} {to_y - HEIGHT // 2 - 2}" '
        'marker-end="url(#tip)"/>'
    )


def _back(start: tuple[int, int], end: tuple[int, int]) -> str:
    (x, y), (to_x, to_y) = start, end
    x, to_x = x + BOX // 2, to_x + BOX // 2
    far = max(x, to_x) + 60
    return f'<path d="M{x} {y} C{far} {y} {far} {to_y} {to_x + 3} {to_y}" marker-end="url(#again)"/>'


def _box(rule: str, x: int, y: int) -> str:
    return (
        f'<rect x="{x - BOX // 2}" y="{y - HEIGHT // 2}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{x}" y="{y + 5}" fill="#222222" stroke="none">{rule}</text>'
    )


def _bar(rule: str, what: str, y: int) -> str:
    return (
        f'<rect x="24" y="{y - HEIGHT // 2}" width="{WIDTH - 48}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{WIDTH // 2}" y="{y + 5}" fill="#222222" stroke="none">{rule}: {what}</text>'
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(graph_of(planned())), encoding="utf-8")
