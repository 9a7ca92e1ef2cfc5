"""Exact reruns: for every table of entries, and of new exams, exactly what uses a changed line would run again."""

import ast
import shutil

import pytest
from reruns import NETWORKS, NOTHING, SCRIPTS, Finished, edited, longer, names
from smoke_run import ROOT, SMOKE, Checkout
from why import Planned

from hepaflow.jobs.fingerprint import TABLES

# Every table of entries, and every group of settings.


ENTRIES = {
    "ARCHITECTURES": ("networks/registry.py", '"unet": _unet,'),
    "DECODERS": ("networks/registry.py", '"unet": _unet_decoder,'),
    "OPTIMISERS": ("training/optimisers.py", '"sgd": _sgd,'),
    "SCHEDULES": ("training/schedules.py", '"poly": _poly,'),
    "AUGMENTATIONS": ("training/augmentations.py", '"noise": _noise,'),
    "AVERAGES": ("training/averages.py", '"ema": _ema'),
    "LOSSES": ("training/losses.py", '"dice": _soft_dice,'),
    "PREPROCESSING": ("preprocessing/registry.py", '"liver_slices": _liver_slices,'),
    "SAMPLINGS": ("sampling/registry.py", '"slices": _slices'),
    "POSTPROCESSING": ("masks/postprocess.py", '"near_largest": _near_largest,'),
    "ANATOMIES": ("phantoms/rendering.py", '"abdomen": _abdomen,'),
    "DRAWN": ("sampling/registry.py", '"trunk": _trunk'),
}
"""For each table its module, and the entry before which a new one is put."""
NEW_ENTRY = """
from string import capwords

_KIND = 3


def _new(*given: object) -> object:
    return capwords(str(given))[_KIND]


"""
"""What a new entry takes: an import, a constant and a function of its own."""
LINES: dict[str, tuple[tuple[str, str, str], set[str]]] = {
    "an architecture": (
        ("networks/registry.py", "    return UNet(channels)", "    return UNet(*(channels,))"),
        {f"{rule}.{name}" for rule in ("train", "predict") for name in ("plain", "untrained", "apart")},
    ),
    "an architecture that none uses": (
        ("networks/registry.py", "_on(Inception, settings, channels)", "_on(Inception, settings, 1)"),
        set(),
    ),
    "an optimiser that none uses": (("training/optimisers.py", "betas=chosen.betas, ", ""), set()),
    "an augmentation that none uses": (("training/augmentations.py", "moved(image, 1)", "moved(image, 3)"), set()),
    "the entry of a loss": (
        ("training/losses.py", '"dice": _soft_dice', '"dice": abs'),
        {"train.apart"},
    ),
    "a loss that all use": (
        ("training/losses.py", "(found + there + 1)", "(found + there + 2)"),
        {f"train.{name}" for name in NETWORKS},
    ),
    "a kind of preprocessed data": (
        ("preprocessing/registry.py", "slices lie around a region", "slices lie in a region"),
        {"preprocess.lesion", "preprocess.lesion-apart", "segment"},
    ),
    "a sampling": (
        ("sampling/registry.py", "    return SliceBySlice()", "    return SliceBySlice(*())"),
        {f"{rule}.{name}" for rule in ("train", "predict") for name in SMOKE["backbones"]} | {"segment"},
    ),
    "another sampling": (
        ("sampling/registry.py", "SliceBySlice(settings.slices)", "SliceBySlice(int(settings.slices))"),
        {"train.apart", "predict.apart"},
    ),
    "a step of post-processing": (
        ("masks/postprocess.py", "near & large", "large & near"),
        {"postprocess.liver", "segment"},
    ),
    "an anatomy that none uses": (
        ("phantoms/rendering.py", "return Drawn(*draw_exam", "return 1 and Drawn(*draw_exam"),
        set(),
    ),
    "another step of post-processing": (
        ("masks/postprocess.py", "keep[0] = False", "keep[0] = 0"),
        {"postprocess.lesion", "segment"},
    ),
}
"""A changed line of an entry, and the jobs that use the entry, by network, data or stage."""


def test_every_table_is_tried() -> None:
    assert set(ENTRIES) == set(TABLES.values())


@pytest.mark.parametrize("table", ENTRIES)
def test_a_new_entry_reruns_nothing(with_new_exam: Finished, table: str) -> None:
    """Also nothing of the new exam, which goes through the whole plan in one job."""
    module, entry = ENTRIES[table]
    with (
        edited(with_new_exam, module, entry, f'"new": _new, {entry}'),
        edited(with_new_exam, module, f"\n{table}: ", f"{NEW_ENTRY}{table}: "),
    ):
        assert with_new_exam.would_run() == NOTHING


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_an_entry_reruns_exactly_its_users(with_new_exam: Finished, line: str) -> None:
    change, users = LINES[line]
    with edited(with_new_exam, *change):
        planned = with_new_exam.planned()
    told = {user(job) for job in planned if any(reason.startswith("code: ") for reason in job.reasons)}
    if line == "an architecture":  # fused networks of it segment the new exam
        users = users | {"segment"}
    assert told == users
    assert bool(users) == any(job.runs for job in planned)


def user(job: Planned) -> str:
    part = next((job.wildcards[name] for name in ("network", "data", "stage") if name in job.wildcards), "")
    return f"{job.rule}.{part}" if part else job.rule


SETTINGS = sorted(
    (path.name, node.name)
    for path in (ROOT / SCRIPTS / "hepaflow/settings").glob("*.py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef) and node.name != "SettingsModel"
)


def test_a_new_key_that_is_null_reruns_nothing(with_new_exam: Finished) -> None:
    """One in every group of settings at once: each would be seen by what reads it."""
    folder = with_new_exam.folder / SCRIPTS / "hepaflow/settings"
    kept = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    field = '    new_key: "int | None" = None\n    """New."""\n'
    assert len(SETTINGS) > 25
    try:
        for path, text in kept.items():
            lines = text.splitlines(keepends=True)
            groups = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
            for node in reversed([one for one in groups if (path.name, one.name) in SETTINGS]):
                lines.insert(node.end_lineno or 0, field)
            path.write_text("".join(lines), encoding="utf-8")
        ended = Checkout(with_new_exam.folder).snakemake(
            "--dry-run", "--quiet", "rules", config="config/smoke.yaml"
        )
        assert ended.returncode == 0, ended.stdout
        assert "Nothing to be done" in ended.stdout
    finally:
        for path, text in kept.items():
            path.write_text(text, encoding="utf-8")


# New exams: the networks, and what is written of what they find.


@pytest.fixture(scope="module")
def with_new_exam(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a copy of the finished run that has segmented a new exam; tests leave it as it was."""
    made = Finished(tmp_path_factory.mktemp("new") / "run")
    shutil.copytree(finished.folder, made.folder, copy_function=shutil.copy2)
    shutil.copy(made.folder / "data/phantoms/three.image.nii.gz", made.folder / "data/phantoms/mine.nii.gz")
    sheet = made.folder / "config/exams/smoke.tsv"
    sheet.write_text(sheet.read_text() + "mine\tmine.nii.gz\t\tnew\n")
    ended = Checkout(made.folder).snakemake()
    assert ended.returncode == 0, ended.stdout
    assert made.would_run() == NOTHING
    return made


PRESENTED = names("present")
SEGMENTED = names("segment present")
OF_NEW_EXAMS = {
    "a colour": (("colours.py", '"#009e73"', '"#009e74"'), PRESENTED),
    "the page": (("segment/report/page.py", "_SLICES = 8", "_SLICES = 9"), PRESENTED),
    "a file of the page": (("segment/report/page.html", "<h2>Slices</h2>", "<h2>Some slices</h2>"), PRESENTED),
    "what all pages share": (("web/base.html", "</body>", "</body >"), PRESENTED),
    "DICOM": (("dicom/overlay.py", "_OBLIQUE = 0.1", "_OBLIQUE = 0.2"), PRESENTED),
    "outside of the liver": (("segment/outside_liver.py", "MARGIN_MM = 10.0", "MARGIN_MM = 11.0"), PRESENTED),
    "doubts": (("segment/doubts.py", "ROOM_OF_HU = 10", "ROOM_OF_HU = 11"), PRESENTED),
    # The notes of a result hold it against the surveys of the training exams.
    "what checks labels": (("exams/survey.py", "_VALUES_OF_A_MASK = 3", "_VALUES_OF_A_MASK = 4"), PRESENTED),
    "scores": (
        ("evaluation/metrics/overlap.py", "import numpy as np\n", "import numpy as np\n\n_CHANGED = 1\n"),
        PRESENTED,  # the page tells the model's Dice
    ),
    "reading": (("segment/source.py", "_LEAST_RANGE = 100", "_LEAST_RANGE = 101"), SEGMENTED),
    "the file between": (
        ("segment/segmented.py", '_HEADER = "header"', '_HEADER = "head"'),
        SEGMENTED,
    ),
    "the networks": (("model/segmenter.py", "import torch\n", "import torch\n\n_CHANGED = 1\n"), SEGMENTED),
}
"""A changed line, and which jobs of a new exam follow from it; whatever else does."""


@pytest.mark.parametrize("line", OF_NEW_EXAMS)
def test_a_line_reruns_what_follows_of_a_new_exam(with_new_exam: Finished, line: str) -> None:
    (module, old, new), expected = OF_NEW_EXAMS[line]
    with edited(with_new_exam, module, old, new):
        found = with_new_exam.would_run()
    assert found & SEGMENTED == expected
    assert found  # of the run's own exams at least, where of the new one nothing does


def test_a_new_exam_that_lies_elsewhere_is_the_same(with_new_exam: Finished) -> None:
    """The file is renamed; the exam keeps its name."""
    data, sheet = with_new_exam.folder / "data/phantoms", with_new_exam.folder / "config/exams/smoke.tsv"
    text = sheet.read_text()
    (data / "mine.nii.gz").rename(data / "renamed.nii.gz")
    sheet.write_text(text.replace("mine.nii.gz", "renamed.nii.gz"))
    try:
        assert with_new_exam.would_run() == NOTHING
    finally:
        (data / "renamed.nii.gz").rename(data / "mine.nii.gz")
        sheet.write_text(text)


def test_another_content_of_a_new_exam_segments_it_again(with_new_exam: Finished) -> None:
    path = with_new_exam.folder / "data/phantoms/mine.nii.gz"
    before = path.read_bytes()
    longer(path)
    try:
        assert with_new_exam.would_run() == SEGMENTED
    finally:
        path.write_bytes(before)
