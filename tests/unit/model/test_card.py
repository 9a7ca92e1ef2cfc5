"""What a model was made from stands in its provenance and on its card, and nothing of when and where."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_model import UNET, small_plan

from hepaflow.model.card import STARTED, model_card, model_provenance

KEPT = {
    "settings": {"network": {"arch": "unet", "weights": "none"}, "training": {"epochs": 17}, "seed": 2311},
    "code": {"script": "c0de"},
    "versions": {"torch": "9.8.7"},
    "device": "a card of its own",
    "threads": 3,
    "compute": {"accelerator": "auto"},
}


def _record(folder: Path, name: str, **changes: Any) -> Path:
    record = KEPT | {
        "rule": "train",
        "wildcards": {"stage": "liver", "network": "dense"},
        "inputs": {"/home/someone/slices/patient.npz": "aa", "/home/someone/slices/other.npz": "bb"},
        "began": "2026-01-02T10:00:00+00:00",
        "seconds": 90.0,
    }
    path = folder / name
    path.write_text(json.dumps(record | changes))
    return path


def test_provenance_is_all_that_decides_a_training(tmp_path: Path) -> None:
    (job,) = model_provenance([_record(tmp_path, "one.json")]).items()
    name, told = job
    assert name == "train liver dense"
    assert {key: told[key] for key in KEPT} == KEPT
    assert told.keys() == {*KEPT, "inputs"}


@pytest.mark.parametrize("changed", [{"a": "aa", "b": "cc"}, {"a": "aa"}])
def test_other_inputs_are_another_provenance(tmp_path: Path, changed: dict[str, str]) -> None:
    told, other, moved = (
        model_provenance([_record(tmp_path, f"{number}.json", **changes)])["train liver dense"]
        for number, changes in enumerate(({}, {"inputs": changed}, {"inputs": {"x": "bb", "y": "aa"}}))
    )
    assert told["inputs"] != other["inputs"]
    assert told["inputs"] == moved["inputs"], "names of files tell nothing of a model"


def card_of(records: list[Path], provenance: dict[str, Any] | None = None, **others: Any) -> str:
    data = {"kind": "voi_slices", "size": 96, "window": {"low": -100, "high": 200}}
    mine = {"network": UNET, "stages": {"lesion": {"data": data}}}
    plan = small_plan("mine", window={"low": -100, "high": 150}, size=64, methods={"mine": mine})
    columns = ["structure", "method", "processing", "metric", "statistic", "value", "low", "high"]
    told = provenance or model_provenance(records)
    return model_card(plan, pd.DataFrame(columns=columns), told, data="131 exams", version="4.5.6", **others)


def test_the_card_tells_how_every_network_was_trained(tmp_path: Path) -> None:
    records = [
        _record(tmp_path, "one.json", wildcards={"stage": "liver", "network": "mine"}),
        _record(tmp_path, "two.json", wildcards={"stage": "lesion", "network": "mine"}, device="another"),
        _record(tmp_path, "three.json", rule="fit_fusion", wildcards={"stage": "liver", "vote": "fusion"}),
    ]
    card = card_of(records)
    assert "| training | sees | architecture | epochs | seed | computed on | torch |" in card
    assert "| liver mine | 64×64 pixels, -100 to 150 HU | unet | 17 | 2311 | a card of its own | 9.8.7 |" in card
    assert "| lesion mine | 96×96 pixels, -100 to 200 HU | unet | 17 | 2311 | another | 9.8.7 |" in card
    assert card.count("| unet |") == 2, "fusion weights are no network"
    assert "Made by hepaflow 4.5.6" in card
    assert "131 exams" in card
    assert "slice by slice" not in card


@pytest.mark.parametrize(
    ("start", "of_patients", "free"),
    [("none", False, True), ("none", True, False), ("imagenet", False, False), ("mine.pth", False, False)],
)
def test_weights_are_free_that_no_patient_and_no_other_weights_are_in(
    tmp_path: Path, start: str, of_patients: bool, free: bool
) -> None:
    settings = KEPT["settings"] | {"network": {"arch": "unet", "weights": start}}
    records = [_record(tmp_path, "one.json", wildcards={"stage": "liver", "network": "mine"}, settings=settings)]
    card = card_of(records, of_patients=of_patients)
    assert ("Code and weights have the licence beside this card (MIT)" in card) == free
    assert ("CC BY-NC-ND" in card) != free


@pytest.mark.parametrize(("first", "free"), [("none", True), ("imagenet", False), ("mine.pth", False)])
def test_what_a_model_started_from_counts_for_its_licence(tmp_path: Path, first: str, free: bool) -> None:
    def trained(weights: str) -> Path:
        settings = KEPT["settings"] | {"network": {"arch": "unet", "weights": weights}}
        return _record(tmp_path, "one.json", wildcards={"stage": "liver", "network": "mine"}, settings=settings)

    before = model_provenance([trained(first)])
    assert STARTED not in before
    between = model_provenance([trained("first.zip")], {"d1": before})
    after = model_provenance([trained("between.zip")], {"d2": between})
    assert after[STARTED]["d2"][STARTED] == {"d1": before}
    card = card_of([], provenance=after, of_patients=False, started=["trained on 9 synthetic phantoms"])
    assert ("Code and weights have the licence beside this card (MIT)" in card) == free
    assert "\n\nNetworks started from a model trained on 9 synthetic phantoms.\n" in card


def test_the_card_ends_with_what_is_known_besides() -> None:
    known = "## Known faults\n\nMarks the spleen.\n"
    assert card_of([], known=known).endswith(f"\n\n{known}")
