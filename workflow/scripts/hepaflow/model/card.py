"""What whoever gets a model must know: what it is, what it has seen, how well it scored, what it is not for."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hepaflow.methods.words import seen_in_words
from hepaflow.names import STRUCTURES
from hepaflow.settings.network import is_model
from hepaflow.settings.plan import Plan
from hepaflow.tables.scores import score_table

_KEPT = ("settings", "code", "versions", "device", "threads", "compute")
"""Not when and how long: equal models are equal bytes, whenever they were trained."""

STARTED = "started from"
"""Where a model's provenance has that of the models that its networks started from."""

_OF_PATIENTS = (
    "**Licence.** hepaflow's code has the licence beside this card. Weights follow from the exams that they were "
    "trained on, and what the licence of these asks for (LiTS17: CC BY-NC-ND 4.0) is yours to see to."
)
_OF_NO_PATIENT = (
    "**Licence.** Code and weights have the licence beside this card (MIT): no network has seen a patient's exam, "
    "or started from weights that others have trained."
)


def model_provenance(
    records: Iterable[Path | str], started: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Gather what a model's networks and fusion weights were made from, without the names of files and exams.

    Parameters
    ----------
    records : iterable of Path or str
        Records of their jobs.
    started : mapping of str to mapping, optional
        The provenance of the models that networks started from, by the digests of their files.

    Returns
    -------
    dict
        By job (`train liver resnet152`): settings, digests of the code, versions, device, and one digest of all
        that the job read. And what was given of other models, under `STARTED`, if there are any.
    """
    jobs = {}
    for path in records:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        name = " ".join([record["rule"], *record["wildcards"].values()])
        read = hashlib.sha256("\n".join(sorted(record["inputs"].values())).encode()).hexdigest()
        jobs[name] = {key: record[key] for key in _KEPT} | {"inputs": read}
    return jobs | ({STARTED: dict(started)} if started else {})


def model_card(
    plan: Plan,
    summary: pd.DataFrame,
    provenance: Mapping[str, Any],
    *,
    data: str,
    version: str,
    of_patients: bool = True,
    known: str = "",
    started: Sequence[str] = (),
) -> str:
    """Return the card of a model, in Markdown.

    Parameters
    ----------
    plan : Plan
        What the model computes of an exam.
    summary : DataFrame
        Statistics over the test exams, as `statistics.summarise` returns them.
    provenance : mapping
        As `model_provenance` returns it.
    data : str
        What the networks were trained and tested on.
    version : str
        Version of hepaflow.
    of_patients : bool, optional
        Whether the networks may have seen exams of patients.
    known : str, optional
        What else is known of the model, in Markdown; the card ends with it.
    started : sequence of str, optional
        What the models were made from that networks started from, each in words.
    """
    trainings = {name: job for name, job in provenance.items() if name.startswith("train ")}
    lines = [
        "# hepaflow model",
        "",
        f"Segments the liver and its lesions in CT exams. Made by hepaflow {version}.",
        "",
        f"**Data.** {data}",
        "",
        "**Not a medical device.** Research software: not for diagnosis, treatment or the choice of patients. On "
        "exams of other kinds than it was trained on (scanner, contrast phase, body region, disease), expect "
        "worse than below.",
        "",
        _OF_NO_PATIENT if not of_patients and _starts(provenance) <= {"none"} else _OF_PATIENTS,
        "",
        "## Networks",
        "",
        *_table(
            ["training", "sees", "architecture", "epochs", "seed", "computed on", "torch"],
            [
                [
                    name.removeprefix("train "),
                    _seen(plan, *name.split()[1:]),
                    job["settings"]["network"]["arch"],
                    job["settings"]["training"]["epochs"],
                    job["settings"]["seed"],
                    job["device"],
                    job["versions"].get("torch", ""),
                ]
                for name, job in trainings.items()
            ],
        ),
        *(line for one in started for line in ("", f"Networks started from a model {one}.")),
    ]
    own = summary[summary["method"].isin(plan.methods)]
    for structure in STRUCTURES:
        scores = score_table(own, structure)
        lines += [
            "",
            f"## Scores on the test exams: {structure}",
            "",
            "95 % interval over the exams in brackets.",
            "",
        ]
        lines += _table(list(scores.columns), scores.to_numpy().tolist())
    if known:
        lines += ["", known.strip()]
    return "\n".join(lines) + "\n"


def _starts(provenance: Mapping[str, Any]) -> set[str]:
    """Return the weights that networks started from first of all: `none`, `imagenet` or a file."""
    networks = [job["settings"]["network"] for name, job in provenance.items() if name.startswith("train ")]
    own = {network["weights"] for network in networks if not is_model(network["weights"])}
    return own.union(*map(_starts, provenance.get(STARTED, {}).values()))


def _seen(plan: Plan, stage: str, network: str) -> str:
    """Return what a network sees: `256×256 pixels, -250 to 250 HU`."""
    window = plan.data[plan.methods[network][stage].data].preprocess.preprocessing.window
    return f"{seen_in_words(plan, network, stage)}, {window.low:g} to {window.high:g} HU"


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows)]
