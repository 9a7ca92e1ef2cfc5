"""Results that changed behind Snakemake's back: noticed before they are used, made anew where missing."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import GOES_ON, REFUSED, Case, Table, Tell, ids, neutral
from injected import same
from light import Light
from smoke_run import Checkout
from test_screen import told

from hepaflow.errors import UserError
from hepaflow.jobs.digests import checked, note_of

Damage = Callable[[Path], None]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """Flip a bit in the middle, and leave length and time as they are."""
    state, raw = path.stat(), bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def case(what: str, how: Damage, file: str, used_by: str, mended: str = "") -> Case:
    words = {cut: "cut in half", flip: "one bit flipped in"}[how]
    name = f"{what}, {words}" if how is cut else f"{words} {what}"
    return Case(name, REFUSED, ("changed or damaged after it was made",), lambda: (how, file, used_by), mended)


UNNOTICED = "taken as it was: the digest in the file was never compared"
TRACEBACK = "a traceback of the library that could not read it"
DAMAGED = (
    case("a phantom image", cut, "data/phantoms/one.image.nii.gz", "exams/one.json"),
    case("slices", flip, "preprocessed/liver/one.safetensors", "maps/liver/plain.train.npz", UNNOTICED),
    case(
        "a trained network",
        flip,
        "models/liver/plain.safetensors",
        "maps/liver/plain.test.npz",
        "taken as it was",
    ),
    case("masks", cut, "maps/liver/plain.train.npz", "fusion/liver.json", TRACEBACK),
    case("fusion weights", cut, "fusion/lesion.json", "maps/lesion/fusion.test.npz", TRACEBACK),
    case("a segmentation", cut, "segmentations/fusion/three.nii.gz", "viewer/three.html"),
    case(
        "a table of metrics",
        cut,
        "metrics/plain/three.csv",
        "tables/metrics.csv",
        "half of the metrics went missing",
    ),
)
EVERY = Case(
    "one bit flipped in each output of a whole run, in turn", REFUSED, ("changed or damaged after it was made",)
)
DELETED = Case(
    "all masks, fusion weights, segmentations, tables, figures and viewers deleted",
    GOES_ON,
    mended="Snakemake had nothing to do as long as the report was there",
)
REMEDY = Case("a damaged file that was deleted, as the message says", GOES_ON)

DAMAGE = Table(
    "Results that were damaged",
    "Every job records the SHA-256 of its outputs, and checks its inputs against these records before using them.",
    (*DAMAGED, EVERY, DELETED, REMEDY),
)


def place(run: Checkout, file: str) -> Path:
    return run.folder / (file if file.startswith("data/") else f"results/smoke/{file}")


def test_every_output_is_watched(completed: Checkout, tmp_path: Path, tell: Tell) -> None:
    records = [path for path in (completed.folder / "results/smoke/records").rglob("*.json")]
    outputs = [name for path in records for name in json.loads(path.read_text())["outputs"]]
    outputs += [str(path.relative_to(completed.folder)) for path in records]
    assert len(outputs) > 100
    for name in outputs:
        path = completed.folder / name
        checked(path)
        copy = tmp_path / path.name
        note_of(copy).parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        note_of(copy).write_text(note_of(path).read_text())
        flip(copy)
        with pytest.raises(UserError) as caught:
            checked(copy)
    tell(EVERY, str(caught.value).splitlines()[1].partition(" (SHA")[0])


@pytest.mark.slow
@pytest.mark.parametrize("case", DAMAGED, ids=ids)
def test_damage_is_noticed(copied: Light, case: Case, tell: Tell) -> None:
    how, file, used_by = case.do()
    path, target = place(copied, file), place(copied, used_by)
    how(path)
    ended = copied.snakemake("--force", str(target.relative_to(copied.folder)))
    assert ended.returncode == 1, ended.stdout
    assert not target.exists()
    message = told(ended.stdout)
    assert "hepaflow cannot go on" in message
    first = message.partition("hepaflow cannot go on:\n")[2].partition("hepaflow cannot go on:")[0]
    lines = [line.partition(" (SHA")[0] for line in first.splitlines()]
    tell(case, neutral("\n".join(lines), copied.folder))


@pytest.mark.slow
def test_what_is_missing_is_made_anew(copied: Light, undisturbed: Light, tell: Tell) -> None:
    results = copied.folder / "results/smoke"
    for path in [path for path in sorted(results.rglob("*")) if path.is_file() and path.parent.name != ".sha256"]:
        if path.relative_to(results).parts[0] not in ("preprocessed", "models", "logs", "records"):
            path.unlink()
    place(copied, "preprocessed/lesion/three.safetensors").unlink()
    ended = copied.snakemake()
    assert ended.returncode == 0, ended.stdout
    same(copied, undisturbed)
    tell(DELETED, "")


@pytest.mark.slow
def test_the_remedy_is_one(copied: Light, undisturbed: Light, tell: Tell) -> None:
    path = place(copied, "clean/lesion/plain.test.npz")
    cut(path)
    ended = copied.snakemake()
    assert ended.returncode == 1
    assert "delete the file and run Snakemake again" in told(ended.stdout)
    path.unlink()
    ended = copied.snakemake()
    assert ended.returncode == 0, ended.stdout
    same(copied, undisturbed)
    tell(REMEDY, "")
