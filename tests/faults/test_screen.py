"""What a user sees of a refusal: exit status 1, the message on the screen and in the log, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import ACCEPTED, REFUSED, Case, Table, Tell, neutral
from made import HU, LABELS, write
from smoke_run import SMOKE, Checkout, checkout

SHEET = Case("run with an exam listed twice", REFUSED, ("hepaflow cannot start", "exam: One", "listed twice"))
SETTING = Case(
    "run with a setting that is misspelt and one that is out of range",
    REFUSED,
    ("hepaflow cannot start", "2 wrong settings", "window.lows: unknown key", "size: found 33"),
)
CUT = Case(
    "run with an image that was cut in half",
    REFUSED,
    ("hepaflow cannot go on", "exam: cut", "not readable as NIfTI", "what to do"),
)
VALUE = Case(
    "run with a label with the value 3",
    REFUSED,
    ("hepaflow cannot go on", "exam: value", "label values 3", "what to do"),
)
SHELL = Case("run with image paths of spaces, quotation marks, letters beyond ASCII and shell commands", ACCEPTED)
INDEX = Case("`hepaflow index` of a folder without exams", REFUSED, ("0 exams with labels", "what to do"))
SCORE = Case("`hepaflow evaluate` of a damaged segmentation", REFUSED, ("exam: one", "not readable as NIfTI"))

SCREEN = Table(
    "On the screen",
    "Whole commands: Snakemake with several exams and `--keep-going`, and hepaflow's own.",
    (SHEET, SETTING, CUT, VALUE, SHELL, INDEX, SCORE),
)

PATH = "größe 肝; touch stolen; $(touch stolen) `touch stolen` 'a' \"b\" %s.nii.gz"


def told(output: str) -> str:
    """Return the paragraphs of hepaflow itself in what Snakemake printed."""
    assert "Traceback" not in output, output
    # Where in the rules the message comes from changes with every edit of them.
    lines = [line for line in output.splitlines() if not line.startswith('  File "')]
    starts = [index for index, line in enumerate(lines) if line.startswith("hepaflow cannot")]
    paragraphs = []
    for start in starts:
        end = next((index for index in range(start, len(lines)) if not lines[index].strip()), len(lines))
        paragraphs.append("\n".join(lines[start:end]))
    return "\n".join(paragraphs)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    made = checkout(tmp_path_factory.mktemp("screen") / "run")
    made.configure(data="exams", phantoms=None)
    exams = made.folder / "exams"
    exams.mkdir()
    rows = ["exam\timage\tlabel\tsplit"]
    for name, split, image in (
        ("cut", "train", "cut.nii.gz"),
        ("value", "test", "value.nii.gz"),
        ("plain", "new", '"' + PATH.replace('"', '""') + '"'),
    ):
        write(exams / (PATH if name == "plain" else image), HU)
        write(exams / f"{name}.label.nii.gz", np.where(HU.max() == HU, 3, LABELS) if name == "value" else LABELS)
        rows.append(f"{name}\t{image}\t{name}.label.nii.gz\t{split}")
    cut = exams / "cut.nii.gz"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (made.folder / "config/exams/smoke.tsv").write_text("\n".join(rows) + "\n")
    return made


def test_exams_are_refused_one_by_one(project: Checkout, tell: Tell) -> None:
    surveys = [f"results/smoke/exams/{name}.json" for name in ("cut", "value", "plain")]
    ended = project.snakemake("--keep-going", *surveys)
    assert ended.returncode == 1, ended.stdout
    message = told(ended.stdout)
    for case, name in ((CUT, "cut"), (VALUE, "value")):
        (own,) = [part for part in message.split("hepaflow cannot go on:\n") if f"exam: {name}\n" in part]
        log = (project.folder / f"results/smoke/logs/survey/{name}.log").read_text()
        assert own.strip() in log
        assert "Traceback" not in log
        tell(case, neutral(f"hepaflow cannot go on: {own}", project.folder))
    assert [path.name for path in (project.folder / "results/smoke/exams").glob("*.json")] == ["plain.json"]
    assert list(project.folder.rglob("stolen*")) == []
    tell(SHELL, "")


@pytest.mark.parametrize("case", [SHEET, SETTING], ids=["sheet", "setting"])
def test_runs_that_do_not_start(project: Checkout, case: Case, tmp_path: Path, tell: Tell) -> None:
    config = {**SMOKE, "data": "exams", "phantoms": None}
    sheet = "exam\timage\tlabel\tsplit\none\ta\tb\ttrain\nOne\tc\td\ttest\n"
    if case is SHEET:
        (project.folder / "config/exams/twice.tsv").write_text(sheet)
        config["exams"] = "config/exams/twice.tsv"
    else:
        config |= {"window": {"lows": -100}, "size": 33}
    before = sorted(project.folder.rglob("results/**"))
    project.configure(**config)
    ended = project.snakemake("--dry-run")
    project.configure(data="exams", phantoms=None)
    assert ended.returncode == 1, ended.stdout
    assert sorted(project.folder.rglob("results/**")) == before
    tell(case, neutral(told(ended.stdout), project.folder))


def command(*arguments: str) -> str:
    """Run a command of hepaflow that is to fail; return its message."""
    code = "import sys; from hepaflow.cli import main; sys.exit(main(sys.argv[1:]))"
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_commands(tmp_path: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = Path(__file__).parents[2] / "workflow/scripts"
    monkeypatch.setenv("PYTHONPATH", str(scripts), prepend=os.pathsep)
    for name in ("none", "own", "reference"):
        (tmp_path / name).mkdir()
    write(tmp_path / "reference/one.nii.gz", LABELS)
    own = write(tmp_path / "own/one.nii.gz", LABELS)
    own.write_bytes(own.read_bytes()[:-9])
    index = command("index", str(tmp_path / "none"), "--sheet", str(tmp_path / "sheet.tsv"))
    assert not (tmp_path / "sheet.tsv").exists()
    tell(INDEX, neutral(index, tmp_path))
    score = command("evaluate", str(own.parent), str(tmp_path / "reference"))
    tell(SCORE, neutral(score, tmp_path))
