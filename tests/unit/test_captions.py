"""Captions name what their own rules have, and read as sentences whatever the run is like."""

import ast
import re
from html import unescape
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hepaflow.names import STAGES, STRUCTURES
from hepaflow.pages.captions import caption_html
from hepaflow.settings.figures import FigureSamplesSettings, SamplesSettings
from hepaflow.settings.slices import WindowSettings

WORKFLOW = Path(__file__).parents[2] / "workflow"
REPORT = WORKFLOW / "report"
CAPTIONS = sorted(path.name for path in REPORT.glob("*.rst") if path.name != "workflow.rst")
USED = re.compile(r"snakemake\.(input|params)\.(\w+)")


def texts() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((WORKFLOW / "rules").glob("*.smk")))


def rules() -> dict[str, str]:
    """Return the text of every rule."""
    parts = re.split(r"^ *rule (\w+):$", texts(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def names(rule: str, section: str) -> set[str]:
    """Return the names in a section of a rule."""
    (lines,) = re.findall(rf"^    {section}:\n((?:(?:        .*)?\n)*)", rule, flags=re.MULTILINE)
    return set(re.findall(r"^        (\w+)=", lines, flags=re.MULTILINE))


def captions() -> set[tuple[str, str]]:
    """Return every rule with the files of its captions; those of pages stand in tables before the rules."""
    found = {
        (rule, caption)
        for rule, text in rules().items()
        for caption in re.findall(r'caption="\.\./report/(\w+\.rst)"', text)
    }
    for part in ("run", "structure"):
        (table,) = re.findall(rf"^PAGES_OF_{part.upper()} = (\{{.*?^\}})", texts(), flags=re.MULTILINE | re.DOTALL)
        found |= {(f"pages_of_{part}", f"{caption}.rst") for _, caption, *_ in ast.literal_eval(table).values()}
    return found


def uses() -> list[tuple[str, str, str]]:
    """Return what captions use: rule, section and name."""
    found = [
        (rule, section, name)
        for rule, caption in captions()
        for section, name in USED.findall((REPORT / caption).read_text(encoding="utf-8"))
    ]
    front = (REPORT / "workflow.rst").read_text(encoding="utf-8")
    of_others = r'file\.job\.rule\.name == "(\w+)" %\}\n\{% set found\.\w+ = file\.job\.(params)\.(\w+)'
    return sorted({*found, *re.findall(of_others, front)})


def test_uses_are_found() -> None:
    expected = {
        ("figure_detection", "params", "method"),
        ("figure_dice", "params", "networks"),
        ("figure_overlap", "input", "overlap"),
        ("figure_training", "params", "exams"),
        ("pages_of_structure", "params", "exams"),
        ("pages_of_run", "params", "phantoms"),
        ("pages_of_structure", "params", "lits17"),
    }
    assert expected <= set(uses())


def test_every_caption_is_an_entrys() -> None:
    assert {caption for _, caption in captions()} == set(CAPTIONS)


@pytest.mark.parametrize(("rule", "section", "name"), uses())
def test_a_caption_names_what_its_rule_has(rule: str, section: str, name: str) -> None:
    assert name in names(rules()[rule], section)


class Exams(int):
    """As captions take them: some count exams, others are told how many there are."""

    def __len__(self) -> int:
        return int(self)


def jobs(caption: str) -> list[Any]:
    """Return jobs of every kind that a caption may be of, as `snakemake`."""
    window = WindowSettings()
    samples = FigureSamplesSettings(samples=SamplesSettings(), window=window)
    settings = window.canonical() if "extremes" in caption else samples.canonical()
    return [
        SimpleNamespace(
            wildcards=SimpleNamespace(structure=structure, stage=stage, exam="one"),
            params=SimpleNamespace(
                exams=Exams(10),
                networks=["network"] * networks,
                method="fusion" if networks == 3 else "modern",
                settings=settings,
                phantoms=phantoms,
                lits17=lits17,
            ),
            input=SimpleNamespace(**dict.fromkeys(("overlap", "histories", "levels", "lesions"), ["file"] * 7)),
            config=SimpleNamespace(phantoms={} if phantoms else None),
        )
        for structure, stage, networks in product(STRUCTURES, STAGES, (3, 4))
        for phantoms, lits17 in ((True, False), (False, False), (False, True))
    ]


@pytest.mark.parametrize("caption", CAPTIONS)
def test_sentences_do_not_run_into_each_other(caption: str) -> None:
    for job in jobs(caption):
        html = caption_html((REPORT / caption).read_text(encoding="utf-8"), snakemake=job)
        text = unescape(re.sub(r"<(?!/?(p|li|div|tr|td)\b)[^>]*>", "", html))
        assert "{" not in text
        assert "problematic" not in html
        assert re.findall(r"\w*[a-z0-9)][.;:,](?=[A-Z(])\w*|\w+\)\w+|[a-z]+\(\w*|\s[.,;:)]", text) == []


@pytest.mark.parametrize("caption", CAPTIONS)
def test_a_block_at_the_end_of_a_line_stands_alone(caption: str) -> None:
    """Jinja takes the line break behind a block: what stands before and after it would become one word."""
    for line in (REPORT / caption).read_text(encoding="utf-8").splitlines():
        assert not re.search(r"\S.*%\}\s*$", re.sub(r"^\s*\{%[^%]*%\}\s*$", "", line)), line
        assert "{%-" not in line
        assert "-%}" not in line


# The first page.


DATA = "22 exams to train and 3 to test, of the sheet mine_.tsv"


def files(
    folder: Path,
    leading: str = "fusion",
    *,
    lits17: bool = False,
    beside: tuple[str, ...] = ("mine",),
    data: str = DATA,
) -> list[Any]:
    """Return entries of a report, as the first page sees them."""
    for name, score in (("liver", "0.9512"), ("lesion", "0.7001")):
        (folder / f"{name}.csv").write_text(
            "method,architecture,without post-processing,thesis without post-processing,with post-processing,"
            f"thesis with post-processing,95 % interval,exams\nmine,unet,0.9000,,0.9100,,0.9 to 0.92,3\n"
            f"fusion,fusion,,,{score},0.9567,0.940 to 0.960,3\n"
        )

    def entry(rule: str, path: Path, **params: object) -> Any:
        job = SimpleNamespace(rule=SimpleNamespace(name=rule), params=SimpleNamespace(**params))
        return SimpleNamespace(path=path, target=path.name, job=job)

    return [
        entry("viewer", folder / "liver.html"),  # an exam of this name
        entry("pages_of_structure", folder / "scores.liver.html"),
        entry(
            "summary",
            Path("results/a b/summary/report.html"),
            **{"leading": leading, "beside": [*beside], "data": data, "lits17": lits17},
        ),
        entry("figure_dice", folder / "dice.liver.svg", networks=["one", "two"]),
    ]


@pytest.mark.parametrize("phantoms", [{}, None])
def test_the_first_page_has_both_tables_and_leads_to_the_summary(tmp_path: Path, phantoms: object) -> None:
    text = (REPORT / "workflow.rst").read_text(encoding="utf-8")
    config = SimpleNamespace(phantoms=phantoms, exams="config/exams/mine.tsv")
    html = caption_html(text, snakemake=SimpleNamespace(config=config), files=files(tmp_path))
    assert html.count("<table") == 2
    first, second = html.split("<table")[1:]
    assert ("0.9512" in first, "0.7001" in second) == (True, True)
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html))
    assert "the masks of 2 networks were fused with fitted weights. Beside them: mine. The table of the" in words
    assert "On what data. 22 exams to train and 3 to test, of the sheet mine_.tsv." in words
    assert "mean Dice of 0.9512 (95 % interval over exams: 0.940 to 0.960) for the liver and 0.7001" in words
    assert "results/a%20b/summary/report.html" in html


@pytest.mark.parametrize(("phantoms", "lits17"), [({}, False), (None, False), (None, True)])
def test_the_first_page_names_the_thesis_figures_where_both_are_of_lits17(
    tmp_path: Path, phantoms: object, lits17: bool
) -> None:
    text = (REPORT / "workflow.rst").read_text(encoding="utf-8")
    config = SimpleNamespace(phantoms=phantoms, exams="config/exams/mine.tsv")
    html = caption_html(text, snakemake=SimpleNamespace(config=config), files=files(tmp_path, lits17=lits17))
    assert ("0.9567 and 0.7583" in html) == lits17
    assert ("Not beside the thesis." in html) != lits17
    assert ("phantoms are far simpler" in html) == (phantoms is not None)


def test_the_first_page_of_a_run_without_a_fusion_tells_of_its_model(tmp_path: Path) -> None:
    text = (REPORT / "workflow.rst").read_text(encoding="utf-8")
    config = SimpleNamespace(phantoms=None)
    html = caption_html(text, snakemake=SimpleNamespace(config=config), files=files(tmp_path, "mine"))
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html))
    assert "The method mine reaches a mean Dice of 0.9100" in words
    assert "Uncertainty" not in words
    assert "masks fused" not in words


def test_the_first_page_is_true_of_networks_that_drew_phantoms_or_were_not_trained(tmp_path: Path) -> None:
    text = (REPORT / "workflow.rst").read_text(encoding="utf-8")
    data = "phantoms that were drawn during the training; 3 exams to test, of the sheet lits17.tsv"
    entries = files(tmp_path, "mine", beside=("mine", "other_"), data=data)
    html = caption_html(text, snakemake=SimpleNamespace(config=SimpleNamespace(phantoms=None)), files=entries)
    assert "problematic" not in html
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", html))
    assert "The method mine segments the liver and the lesions inside it. Beside it: other_. The table" in words
    assert "On what data. Phantoms that were drawn during the training; 3 exams to test, of the" in words
    assert "0 exams" not in words
    assert "was trained for the liver" not in words


def test_curves_do_not_count_exams_where_there_are_none() -> None:
    text = (REPORT / "figure_training.rst").read_text(encoding="utf-8")
    for job in jobs("figure_training.rst"):
        assert "The sheet has 10 training exams" in caption_html(text, snakemake=job)
        job.params.exams = 0
        assert "exams" not in caption_html(text, snakemake=job)


def test_the_first_page_of_a_report_without_entries_is_made() -> None:
    text = (REPORT / "workflow.rst").read_text(encoding="utf-8")
    assert caption_html(text, snakemake=SimpleNamespace(config=SimpleNamespace(phantoms=None)), files=[])
