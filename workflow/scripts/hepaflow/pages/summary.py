"""The summary of a run: one page with what was run, on what, how well, and at what cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from hepaflow.evaluation.extremes import extremes
from hepaflow.names import FUSION, STRUCTURES
from hepaflow.pages.pictures import Picture
from hepaflow.pages.shown import Shown
from hepaflow.pages.table import LIMIT
from hepaflow.settings.pages import SummarySettings
from hepaflow.tables.configuration import DIFFERS
from hepaflow.tables.scores import INTERVAL
from hepaflow.tables.thesis import DICE
from hepaflow.web.template import file, page
from hepaflow.words import IN_WORDS, counted, duration, heading

_MEAN = "with post-processing"


@dataclass(frozen=True)
class Facts:
    """What no table of a run holds.

    Attributes
    ----------
    settings : SummarySettings
    leading : str
        Whose scores stand for the run's: the fusion, or the method that is its model.
    data : str
        What it was trained and tested on, in words.
    exams : sequence of str
        Test exams, each of which has a viewer.
    lits17 : bool
        Whether they are LiTS17's, of which the thesis reports its figures.
    made : str
        The version that made the page.
    """

    settings: SummarySettings
    leading: str
    data: str
    exams: Sequence[str]
    lits17: bool
    made: str


@dataclass(frozen=True)
class Structure:
    """What the page tells of one structure."""

    name: str
    title: str
    result: str
    thesis: str
    dice: Shown
    figure: Picture
    extremes: list[dict[str, str]]


def summary_pages(
    facts: Facts,
    tables: Mapping[str, pd.DataFrame],
    metrics: pd.DataFrame,
    figures: Mapping[str, bytes],
    limit: int = LIMIT,
) -> tuple[str, str]:
    """Return the summary of a run, as HTML pages that need nothing else.

    Parameters
    ----------
    facts : Facts
    tables : mapping of str to DataFrame
        Tables of the run as text (`shown.read_table`), by the names of their files: `liver`, `lesion`,
        `plan`, `networks`, `configuration`, `exams` and `provenance`; `fusion_weights` where there is a fusion.
    metrics : DataFrame
        Tidy scores of every exam.
    figures : mapping of str to bytes
        Figures of the run, SVG, by the names of their files.
    limit : int, optional
        Bytes that the second page may have.

    Returns
    -------
    full : str
    embedded : str
        The same, without slices where they do not fit into the limit.
    """
    parts = {
        "facts": _facts(facts, tables),
        "phantoms": facts.settings.phantoms,
        "lits17": facts.lits17,
        "leading": "the fusion" if facts.leading == FUSION else facts.leading,
        "structures": [_structure(name, facts.leading, tables, metrics, figures) for name in STRUCTURES],
        "amounts": _pictures(figures, _AMOUNTS),
        "weights": Shown.of(tables["fusion_weights"]) if "fusion_weights" in tables else None,
        "weights_figures": _pictures(figures, [name for name in ("fusion_weights",) if name in figures]),
        "networks": Shown.of(_networks(tables["networks"])),
        "curves": _pictures(figures, [f"training.{name}" for name in STRUCTURES]),
        "differences": Shown.of(_different(tables["configuration"])),
        "settings": counted(len(tables["configuration"]), "setting"),
        "plan": Shown.of(tables["plan"]),
        "warnings": tables["exams"][tables["exams"]["warnings"] != ""].to_dict("records"),
        "exams": list(facts.exams),
        "script": file("pages", "page.js"),
    }
    slices = {name: _pictures(figures, [f"{name}.{one}" for one in STRUCTURES]) for name in _SLICES}
    full = page("pages", "summary.html", **parts, **slices, left_out=[])
    embedded, left_out = full, []
    for name in _SLICES:
        if len(embedded.encode()) <= limit:
            break
        left_out.append(name)
        slices[name] = []
        embedded = page("pages", "summary.html", **parts, **slices, left_out=left_out)
    return full, embedded


_SLICES = ("samples", "extremes")
"""Figures of slices, which take most of the space: what is left out first."""

_AMOUNTS = ["agreement.liver", "agreement.lesion", "detection"]

_CAPTIONS: Mapping[str, tuple[str, str]] = {
    "dice": (
        "Dice of every test exam by method",
        "Dice of every test exam at full resolution: hollow without post-processing, filled with it; a line joins "
        "the two scores of an exam, a bar is their mean. Two empty masks count 1, one empty mask counts 0.",
    ),
    "extremes": (
        "Slices of the worst, the median and the best test exam",
        "The test exams of the lowest, the median and the highest Dice, each by the slice in which "
        "reference and mask together show most, with the Dice of its label map. Patient's right is on the left; "
        "the window is the networks'.",
    ),
    "samples": (
        "Random slices of the test exams with the masks of every method",
        "Slices drawn at random, exams first; they were not selected by hand. Below each mask is its Dice in this "
        "slice alone, of the label map.",
    ),
    "agreement": (
        "Predicted against reference amounts",
        "Predicted amounts over those of the reference, then for each method the differences over the mean of "
        "both, with their mean and the limits between which 95 % of them lie (Bland and Altman).",
    ),
    "detection": (
        "Share of the lesions that is found, by size",
        "Left, the share of the reference's lesions that has a partner in the mask, by the longest diameter in a "
        "slice; right, how well each of them is met. Lesions are 6-connected regions, paired one to one.",
    ),
    "fusion_weights": (
        "Share of every network in the fused vote",
        "Share of every network in the vote, before the fit and after it.",
    ),
    "training": (
        "Loss and learning rate in every epoch",
        "Mean loss of every epoch, and the learning rate below it.",
    ),
}
"""By the first part of a figure's name: what it shows, and its caption."""


def _pictures(figures: Mapping[str, bytes], names: Sequence[str]) -> list[Picture]:
    return [_picture(figures, name) for name in names]


def _picture(figures: Mapping[str, bytes], name: str) -> Picture:
    kind, _, of = name.partition(".")
    words, caption = _CAPTIONS[kind]
    return Picture.of(figures[name], f"{words}{f', {of}' if of else ''}", caption)


def _facts(facts: Facts, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return what was run, term by term; what the records do not hold is left out."""
    networks, rules = tables["networks"], tables["provenance"]
    trained = rules[rules["rule"] == "train"]
    others = rules[rules["rule"] != "train"]
    training = 3600 * pd.to_numeric(networks["training, hours"]).sum()
    # The jobs of trainings that were interrupted count since their last start, the epochs all together.
    seconds = _seconds(others) + max(training, _seconds(trained))
    found = {
        "Networks": f"{len(networks)} trained: " + ", ".join(dict.fromkeys(networks["architecture"])),
        "Data": facts.data,
        "Input": _inputs(facts.settings),
        "Epochs": _of_stages(networks, "epochs"),
        "Loss": _of_stages(networks, "loss"),
        "Seed and precision": f"{facts.settings.seed}, {facts.settings.precision}",
        "Computed": f"{_day(rules['first'].min())} to {_day(rules['last'].max())} (UTC)",
        "On": ", ".join(dict.fromkeys(networks["computed on"])),
        "Time": f"{duration(training)} of training, {duration(seconds)} of all jobs",
        "Memory": f"up to {pd.to_numeric(networks['peak memory, GiB']).max():.1f} GiB in a training",
        "With": ", ".join(trained["versions"]),
        "By": facts.made,
    }
    return {term: text for term, text in found.items() if text}


def _seconds(rules: pd.DataFrame) -> float:
    """Return the time of all jobs of some rules."""
    return float(60 * pd.to_numeric(rules["all jobs, min"]).sum())


def _inputs(settings: SummarySettings) -> str:
    """Return what the networks see: once, and then of the methods that see something else."""
    usual = f"{settings.size}×{settings.size} pixels"
    return "; ".join([usual, *(f"{method}: {words}" for method, words in (settings.inputs or {}).items())])


def _of_stages(networks: pd.DataFrame, column: str) -> str:
    """Return the values of a column stage by stage; once where all stages have the same."""
    values = {str(stage): _of_networks(rows, column) for stage, rows in networks.groupby("stage", sort=False)}
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return "; ".join(f"{stage}: {words}" for stage, words in values.items())


def _of_networks(networks: pd.DataFrame, column: str) -> str:
    """Return what most of a stage's networks have, and of which network it is another."""
    usual = networks[column].value_counts(sort=True).index[0]
    others = networks[networks[column] != usual].groupby(column, sort=False)["network"]
    told = ", ".join(f"{value} for {' and '.join(names)}" for value, names in others)
    return f"{usual} ({told})" if told else str(usual)


def _networks(table: pd.DataFrame) -> pd.DataFrame:
    """Return the networks without what stands above already, or is of no interest here."""
    alike = ["computed on"] if table["computed on"].nunique() == 1 else []
    return table.drop(columns=["began", "from the cache", *alike])


def _day(began: str) -> str:
    return began[:16].replace("T", " ")


def _structure(
    name: str,
    leading: str,
    tables: Mapping[str, pd.DataFrame],
    metrics: pd.DataFrame,
    figures: Mapping[str, bytes],
) -> Structure:
    table = tables[name]
    own = table[table["method"] == leading].iloc[0]
    exams = counted(int(own["exams"]), "exam")
    return Structure(
        name,
        heading(IN_WORDS[name]),
        f"mean Dice of {float(own[_MEAN]):.4f} (95 % interval over exams {own[INTERVAL]}; {exams})",
        f"{DICE[name, 'clean'][FUSION]:.4f}",
        Shown.of(table),
        _picture(figures, f"dice.{name}"),
        [
            {"place": place, "exam": exam, "dice": f"{value:.3f}"}
            for place, (exam, value) in extremes(metrics, name, leading).items()
        ],
    )


def _different(configuration: pd.DataFrame) -> pd.DataFrame:
    return configuration[configuration["compared"] == DIFFERS].drop(columns="compared")
