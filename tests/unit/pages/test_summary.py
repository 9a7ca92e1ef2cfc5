"""The summary of a run: what it tells, and that it fits into the report."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from small_svg import image, svg

from hepaflow.evaluation.scores import METRIC_COLUMNS
from hepaflow.names import STRUCTURES
from hepaflow.pages.shown import read_table
from hepaflow.pages.summary import Facts, summary_pages
from hepaflow.settings.pages import SummarySettings

DICE = """method,architecture,without post-processing,thesis without post-processing,with post-processing,\
thesis with post-processing,95 % interval,exams
mine,unet,0.9,,0.91,,0.9 to 0.92,3
fusion,fusion,,,0.9512,0.9567,0.940 to 0.960,3
"""
TABLES = {
    **dict.fromkeys(STRUCTURES, DICE),
    "fusion_weights": "stage,backbone,start,weight,fitted\nliver,mine,1.0,1.0,1.5\n",
    "networks": """stage,network,architecture,"parameters, millions",epochs,loss,batch size,last loss,\
"training, hours","peak memory, GiB",computed on,began,from the cache
liver,mine,unet,7.9,3,bce+dice,6,0.2,1.5,2.5,a card,2026-01-02T10:00:00+00:00,
lesion,mine,unet,7.9,2,bce+dice,6,0.2,0.25,1.5,a card,2026-01-02T12:00:00+00:00,
""",
    "configuration": "key,this run,the thesis,compared\nsize,64,256,differs\nseed,2022,2022,the same\n",
    "plan": "method,part,made by\nmine,liver,unet on <slices>\n",
    "exams": "exam,split,warnings\na,test,no lesion in the label\nb,train,\n",
    "provenance": """rule,first,last,"all jobs, min",versions
train,2026-01-02T10:00:00+00:00,2026-01-03T10:00:00+00:00,120,torch 2.14.1
survey,2026-01-01T09:00:00+00:00,2026-01-01T09:30:00+00:00,30,numpy 2
""",
}
FIGURES = (
    *(f"{kind}.{one}" for kind in ("dice", "extremes", "samples", "agreement", "training") for one in STRUCTURES),
    *("fusion_weights", "detection"),
)
FACTS = Facts(
    settings=SummarySettings(size=64, seed=2022, precision="fp32", phantoms=False),
    leading="fusion",
    data="22 exams to train and 3 to test, of the sheet mine.tsv",
    exams=["a", "c d"],
    lits17=True,
    made="hepaflow 0.1.0",
)
METRICS = pd.DataFrame(
    [
        (exam, structure, "fusion", "clean", "dice", value)
        for structure in STRUCTURES
        for exam, value in (("a", 0.5), ("b", 0.7), ("c d", 0.9))
    ],
    columns=METRIC_COLUMNS,
)


def pages(facts: Facts = FACTS, limit: int = 10**6, **changes: str) -> tuple[str, str]:
    tables = {name: read_table(text.encode()) for name, text in {**TABLES, **changes}.items()}
    noise = np.random.default_rng(1).integers(255, size=(60, 60, 4), dtype=np.uint8)
    slices = svg(image(noise)).encode()
    figures = {
        name: slices if name.startswith(("samples", "extremes")) else svg(f"<text>{name}</text>").encode()
        for name in FIGURES
    }
    return summary_pages(facts, tables, METRICS, figures, limit=limit)


def body(page: str) -> str:
    return re.sub(r"\s+", " ", page.partition("</head>")[2].partition("<script>")[0])


@pytest.mark.parametrize(
    "told",
    [
        "2 trained: unet",
        "22 exams to train and 3 to test, of the sheet mine.tsv",
        "64×64 pixels<",
        "liver: 3; lesion: 2",
        "<dd>bce+dice</dd>",
        "2022, fp32",
        "2026-01-01 09:00 to 2026-01-03 10:00 (UTC)",
        "a card",
        "1.8 h of training, 2.5 h of all jobs",
        "up to 2.5 GiB",
        "torch 2.14.1",
        "hepaflow 0.1.0",
        "mean Dice of 0.9512 (95 % interval over exams 0.940 to 0.960; 3 exams)",
        "The thesis reports 0.9567",
        "The thesis reports 0.7583",
        'worst <a class="beside" href="viewer/a.html">a</a> (0.500)',
        'best <a class="beside" href="viewer/c%20d.html">c d</a> (0.900)',
        "unet on &lt;slices&gt;",
        "a (test): no lesion in the label",
        ">size</td>",
        "2 settings",
    ],
)
def test_it_tells(told: str) -> None:
    assert told in body(pages()[0])


def test_a_training_that_was_interrupted_counts_with_all_its_epochs() -> None:
    """Its job counts since its last start: 75 h of training were more than 9 h of all jobs."""
    networks = TABLES["networks"].replace("0.2,1.5,", "0.2,74.75,")
    assert "75 h of training, 76 h of all jobs" in body(pages(networks=networks)[0])


def test_every_figure_is_there_with_words_for_those_who_cannot_see_it() -> None:
    images = re.findall(r'<img src="(data:image/svg[^"]*)" alt="([^"]+)">', pages()[0])
    assert len(images) == len(FIGURES)


def test_of_phantoms_nothing_is_compared() -> None:
    facts = replace(FACTS, settings=FACTS.settings.model_copy(update={"phantoms": True}), lits17=False)
    assert "nothing here compares with the thesis" in body(pages(facts)[0])
    assert "The thesis reports" not in body(pages(facts)[0])


def test_other_exams_than_lits17_do_not_stand_beside_the_thesis() -> None:
    told = body(pages(replace(FACTS, lits17=False))[0])
    assert "these are other exams" in told
    assert "The thesis reports" not in told
    assert "phantoms" not in told


def test_the_thesis_itself_and_clean_exams() -> None:
    page = body(
        pages(
            configuration="key,this run,the thesis,compared\nseed,2022,2022,the same\n",
            exams="exam,split,warnings\na,test,\n",
        )[0]
    )
    assert "1 setting, and all are the thesis'" in page.replace("&#39;", "'")
    assert "nothing to warn of" in page


def test_the_copy_in_the_report_leaves_slices_out_where_they_do_not_fit() -> None:
    full, same = pages()
    assert same == full
    without_samples = len(full.encode()) - 1
    unchanged, embedded = pages(limit=without_samples)
    assert unchanged == full
    assert len(embedded.encode()) <= without_samples
    assert embedded.count("<img") == len(FIGURES) - 2
    assert "left out" in body(embedded)
    assert "left out" not in body(full)
    assert pages(limit=10)[1].count("<img") == len(FIGURES) - 4


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("epochs", (2, 2, 11), "liver: 2 (11 for c); lesion: 7"),
        ("epochs", (1, 1, 1), "liver: 1; lesion: 7"),
        ("epochs", (7, 7, 7), "<dd>7</dd>"),
        ("epochs", (2, 3, 3), "liver: 3 (2 for a); lesion: 7"),
    ],
)
def test_what_differs_is_told_of_its_network(column: str, values: tuple[int, ...], told: str) -> None:
    head, first, *_ = TABLES["networks"].splitlines()
    rows = [
        first.replace("mine,unet,7.9,3", f"{name},unet,7.9,{value}")
        for name, value in zip("abc", values, strict=True)
    ]
    lesion = first.replace("liver,mine,unet,7.9,3", "lesion,a,unet,7.9,7")
    assert told in body(pages(networks="\n".join([head, *rows, lesion]) + "\n")[0])


def test_networks_that_see_something_else_are_named() -> None:
    facts = replace(FACTS, settings=FACTS.settings.model_copy(update={"inputs": {"a": "96×96 pixels, 3 slices"}}))
    assert "64×64 pixels; a: 96×96 pixels, 3 slices" in body(pages(facts)[0])


def test_the_table_of_networks_repeats_nothing() -> None:
    table = body(pages()[0]).partition('id="networks"')[2].partition("</table>")[0]
    for told in ("90 min", "15 min", ">training<"):
        assert told in table
    for untold in ("hours", "a card", "began", "cache"):
        assert untold not in table
