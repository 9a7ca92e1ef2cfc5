"""What a model was made from: the exams that its networks were trained on, and its Dice on the test exams.

Whoever reads a result must know it. It stands beside the networks in a model's file, and changes none of them.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import pandas as pd

from hepaflow.evaluation.scores import final
from hepaflow.model.seen import Seen
from hepaflow.names import STRUCTURES
from hepaflow.words import IN_WORDS, counted, number

ORIGIN = "origin.json"
"""Name of the member of a model's file; models that were made earlier lack it."""

NOTICE = "Not a medical device; for research."
ONLY_SIMPLE = "It has only seen a few simple phantoms: what it marks in a patient's exam is worth nothing."
"""What is said of a model that has learned from nothing else."""

UNRECORDED = "what it was trained on is not recorded in the model"

_LONGEST = 80  # characters of a sheet's name


@dataclass(frozen=True)
class Origin:
    """What a model was made from.

    Attributes
    ----------
    phantoms : bool
        Whether all exams, to train and to test, were drawn by hepaflow.
    sheet : str
        Name of the exam sheet, without its folders.
    train, test : int
        Numbers of exams.
    dice : mapping of str to float
        By structure: the mean over the test exams in which it is defined, of the masks that the model ends with.
        Without a structure where it is in none.
    weights_of_files : bool
        Whether a backbone started from weights of a user's file, of which nobody knows what they have seen.
    seen : Seen or None
        What the training exams are like; None in models that were bundled before that was recorded.
    drawn_phantoms : int or None
        Phantoms that were drawn as networks were trained, in the place of training exams, also those of the models
        that networks started from; None where there were exams.
    test_phantoms : bool or None
        Whether the test exams are phantoms, if the networks are those of an earlier run; None if `phantoms` tells.
    """

    phantoms: bool
    sheet: str
    train: int
    test: int
    dice: Mapping[str, float]
    weights_of_files: bool = False
    seen: Seen | None = None
    drawn_phantoms: int | None = None
    test_phantoms: bool | None = None

    @property
    def of_patients(self) -> bool:
        """Whether the model may have seen exams of patients."""
        return self.weights_of_files or not self._of_phantoms

    @property
    def _of_phantoms(self) -> bool:
        """Whether hepaflow drew all exams that the model was trained on."""
        return self.phantoms or self.drawn_phantoms is not None

    @property
    def seen_in_training(self) -> int:
        """How many exams, or phantoms in their place, networks were trained on."""
        return self.train if self.drawn_phantoms is None else self.drawn_phantoms

    @property
    def of_simple_phantoms(self) -> bool:
        """Whether the model has seen a few simple phantoms alone, which no patient resembles."""
        return self.phantoms and self.drawn_phantoms is None and not self.weights_of_files

    @property
    def in_words(self) -> str:
        """What the model was trained on, and how well it does, in a line.

        Examples
        --------
        >>> Origin(True, "demo.tsv", 22, 4, {"liver": 0.905, "lesion": 0.65}).in_words
        'trained on 22 synthetic phantoms, no patient; test Dice liver 0.905, lesions 0.650 (4 phantoms)'
        >>> Origin(False, "mine.tsv", 0, 2, {}, drawn_phantoms=6000).in_words
        'trained on 6000 synthetic phantoms, no patient; no test Dice'
        """
        no_patient = self._of_phantoms
        seen = counted(self.seen_in_training, "synthetic phantom" if no_patient else "exam")
        seen += "" if no_patient else f" of {_printable(self.sheet)}"
        if self.weights_of_files:
            seen += ", from weights of a file"
        elif no_patient:
            seen += ", no patient"
        values = ", ".join(f"{IN_WORDS[name]} {number(value, 3)}" for name, value in self.dice.items())
        on_phantoms = self.phantoms if self.test_phantoms is None else self.test_phantoms
        tested = counted(self.test, "phantom" if on_phantoms else "exam")
        return f"trained on {seen}; " + (f"test Dice {values} ({tested})" if values else "no test Dice")

    @property
    def in_short(self) -> str:
        """What it was trained on in few letters and without names, where there is little room."""
        if not self._of_phantoms:
            return counted(self.train, "exam")
        return "phantoms, from other weights" if self.weights_of_files else "phantoms alone"

    def as_json(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        told = {name: value for name, value in asdict(self).items() if value is not None}
        return told | {"dice": dict(self.dice)} | ({} if self.seen is None else {"seen": self.seen.as_json()})

    @classmethod
    def of_json(cls, text: str) -> "Origin":
        """Read it; keys of later versions are left out.

        Raises
        ------
        ValueError, KeyError, TypeError
            If the text is another.
        """
        told = json.loads(text)
        return cls(
            bool(told["phantoms"]),
            str(told["sheet"]),
            int(told["train"]),
            int(told["test"]),
            {name: _share(told["dice"][name]) for name in STRUCTURES if name in told["dice"]},
            bool(told["weights_of_files"]),
            None if told.get("seen") is None else Seen.of_json(told["seen"]),
            None if told.get("drawn_phantoms") is None else int(told["drawn_phantoms"]),
            None if told.get("test_phantoms") is None else bool(told["test_phantoms"]),
        )


def origin_of(method: str, exams: Mapping[str, Any], scores: pd.DataFrame, seen: Seen | None = None) -> Origin:
    """Return what a model of a run was made from.

    Parameters
    ----------
    method : str
        The method of the run that the model is.
    exams : mapping
        The fields of `Origin` but `dice` and `seen`, which the run's settings tell.
    scores : DataFrame
        Scores of the test exams, as `evaluation.scores.read_scores` returns them.
    seen : Seen, optional
        What the training exams are like.
    """
    own = final(scores[(scores["method"] == method) & (scores["metric"] == "dice")])
    means = own.groupby("structure")["value"].mean()  # over the exams in which it is defined
    found = {name: float(means.get(name, nan)) for name in STRUCTURES}
    dice = {name: value for name, value in found.items() if not isnan(value)}
    return Origin(**exams, dice=dice, seen=seen)


def read_origin(path: Path | str) -> Origin | None:
    """Read what a model was made from, of its file alone; None where that is not recorded."""
    with zipfile.ZipFile(path) as archive:
        return Origin.of_json(archive.read(ORIGIN).decode()) if ORIGIN in archive.namelist() else None


def with_starts(origin: Origin, models: Iterable[Origin | None]) -> Origin:
    """Return what a model was made from, together with the models that its networks start from.

    If no network was trained at all (no phantom was drawn, and no exam was used), and all are of one model, it is
    that model, with the scores of this run.

    Parameters
    ----------
    origin : Origin
        Of the run itself.
    models : iterable of Origin or None
        Of each model that networks start from; None where it is not recorded.
    """
    started = list(models)
    if not started:
        return origin
    if origin.drawn_phantoms == 0 and len(started) == 1 and started[0] is not None:
        return replace(started[0], test=origin.test, dice=origin.dice, test_phantoms=origin.phantoms)
    of_phantoms = [one for one in started if one is not None and not one.of_patients]
    before = sum(one.seen_in_training for one in of_phantoms)
    drawn = origin.drawn_phantoms
    if drawn is None and origin.phantoms and any(one.drawn_phantoms is not None for one in of_phantoms):
        drawn = origin.train  # stored ones, after drawn ones
    return replace(
        origin,
        weights_of_files=origin.weights_of_files or len(of_phantoms) < len(started),
        drawn_phantoms=None if drawn is None else drawn + before,
    )


def in_words(origin: Origin | None) -> str:
    """Return what a model was made from in a line, also where that is not recorded."""
    return UNRECORDED if origin is None else origin.in_words


def in_short(origin: Origin | None) -> str:
    """Return the same in a few letters."""
    return "training unknown" if origin is None else origin.in_short


def _printable(name: str) -> str:
    """Return a name that comes with a model as terminals and objects of DICOM can take it."""
    return "".join(one if one.isprintable() else "?" for one in name)[:_LONGEST]


def _share(value: object) -> float:
    number = float(str(value))
    if not 0 <= number <= 1:
        raise ValueError(f"a Dice of {number}")
    return number
