"""What Snakemake plans, and what it refuses before any job starts."""

import base64
import os
import re
import resource
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from cluster import documented_groups
from smoke_run import ROOT, SMOKE, Checkout

LITS17 = {
    "survey": 131,
    "preprocess": 2 * 131,  # two stages
    "train": 8,  # two stages, four backbones
    "predict": 16,  # the training exams (for the fusion's weights) and the test exams
    "fit_fusion": 2,
    "postprocess": 10,  # four backbones and the fusion, of the test exams
    "fuse": 2,
    "restore": 50,  # five methods, ten test exams
    "evaluate": 50,
    "overlap": 10,
    "data_card": 1,
    "disagreement": 20,
    "uncertainty": 10,
    "summarise": 1,
    "tables": 2,
    "table_literature": 1,
    "table_weights": 1,
    "table_configuration": 1,
    "table_plan": 1,
    "table_networks": 1,
    "lesions": 10,
    "figure_agreement": 2,
    "figure_detection": 1,
    "figure_extremes": 2,
    "provenance": 1,
    "pages_of_run": 1,
    "pages_of_structure": 2,
    "summary": 1,
    "html_report": 1,
    "figure_training": 2,
    "figure_weights": 1,
    "figure_overlap": 2,
    "figure_dice": 2,
    "figure_samples": 2,
    "figure_uncertainty": 2,
    "viewer": 10,
    "bundle": 1,
}


def seconds_of_children() -> float:
    """Return the processor time of the processes that ended, which other tests beside this one do not take."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def reasons(run: Checkout, *configs: str) -> str:
    """Return what would run and why, as `make why` says it."""
    command = [sys.executable, "workflow/why.py", "--configfile", *configs]
    return subprocess.run(command, cwd=run.folder, capture_output=True, text=True, check=True).stdout


def test_thesis_on_lits17_is_planned_in_seven_times_what_snakemake_takes_to_start(fresh: Checkout) -> None:
    """That is ten seconds where Snakemake itself takes one and a half, and twenty on a processor half as fast."""
    data = fresh.folder / "data/lits17"
    data.mkdir(parents=True)
    for number in range(131):
        (data / f"volume-{number}.nii").touch()
        (data / f"segmentation-{number}.nii").touch()
    began = seconds_of_children()
    assert fresh.snakemake("--version", config="").returncode == 0
    start = seconds_of_children() - began
    jobs = fresh.planned(config="")
    assert seconds_of_children() - began - start < 7 * start
    assert jobs == LITS17


def test_a_plan_asks_no_driver(fresh: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = tmp_path / "nvidia-smi"
    probe.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nexec /bin/sleep 60\n")
    probe.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    fresh.configure(compute={"accelerator": "auto"})
    assert fresh.planned()
    assert "jobs would run" in reasons(fresh, "config/smoke.yaml")
    assert not (tmp_path / "asked").exists()


def test_a_card_that_torch_does_not_see_stops_a_run_before_its_first_job(
    fresh: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = tmp_path / "nvidia-smi"
    probe.write_text(
        '#!/bin/sh\ncase "$1" in\n-L) echo "GPU 0: A (UUID: GPU-aa)";;\n*) echo "A, 535.1, 40960";;\nesac\n'
    )
    probe.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "torch.py").write_text(BLIND)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    fresh.configure(compute={"accelerator": "auto"})
    ended = fresh.snakemake("--quiet", "rules")
    assert ended.returncode == 1
    for part in (
        "hepaflow cannot start",
        "GPUs (A, driver 535.1)",
        "CUDA 13.0",
        "580 or later",
        "accelerator: cpu",
    ):
        assert part in ended.stdout
    assert "Traceback" not in ended.stdout
    assert not (fresh.folder / "results").exists()


BLIND = """
from types import SimpleNamespace
__version__, version = "2.14.1", SimpleNamespace(cuda="13.0")
cuda = SimpleNamespace(is_available=lambda: False)
"""
"""In the place of torch: one that sees no card."""


def test_a_plan_for_a_cluster_shows_no_library_s_warning(fresh: Checkout) -> None:
    told = fresh.snakemake("--dry-run", "--quiet", "rules", "--profile", "profiles/slurm").stdout
    assert "Job stats" in told
    assert "Warning" not in told
    assert "never awaited" not in told


def unread(command: list[str], folder: Path) -> tuple[int, str]:
    """Run a command whose reader has gone, as `| head` goes; return its status and what it said of it."""
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout
        run.stdout.close()
        _, said = run.communicate(timeout=120)
    return run.returncode, said


@pytest.mark.parametrize("tool", ["why", "prune", "check"])
def test_a_tool_whose_reader_goes_ends_quietly(fresh: Checkout, tool: str) -> None:
    command = [sys.executable, f"workflow/{tool}.py", "--configfile", "config/smoke.yaml"]
    assert unread(command, fresh.folder) == (128 + signal.SIGPIPE, "")


def test_what_was_begun_and_not_finished_is_named_and_made_again(copied: Checkout) -> None:
    """Snakemake's own words are those of an exception, whose advice would take half a file for a whole one."""
    begun = "results/smoke/models/liver/plain.safetensors"
    marks = copied.folder / ".snakemake/incomplete"
    marks.mkdir(exist_ok=True)
    (marks / base64.b64encode(begun.encode()).decode()).write_text("{}")
    (copied.folder / begun).write_bytes(b"half")
    told = reasons(copied, "config/smoke.yaml")
    assert "1 file begun and not finished, by a run that was interrupted or is under way:\n" in told
    assert f"\n  {begun}\n" in told
    assert "train: 1 job (liver plain)\n    begun and not finished\n" in told
    assert "cleanup" not in told
    assert "lock" not in told
    lock = copied.folder / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(begun)
    assert reasons(copied, "config/smoke.yaml").startswith(
        "Snakemake's lock is on this folder: a run is under way, or"
    )
    lock.unlink()
    ended = copied.snakemake(begun)  # what `make why` has said it would do
    assert ended.returncode == 0, ended.stdout
    assert (copied.folder / begun).stat().st_size > 1000


def test_reasons_are_those_of_all_configurations(fresh: Checkout) -> None:
    """Methods are added to those of earlier files."""
    (fresh.folder / "config/more.yaml").write_text("methods: {above: {network: {arch: unet}}}\n")
    told = reasons(fresh, "config/smoke.yaml", "config/more.yaml")
    assert "train: 10 jobs" in told  # three backbones, a method and another, in two stages


def test_backbones_of_the_last_configuration_replace_the_others(fresh: Checkout) -> None:
    (fresh.folder / "config/more.yaml").write_text("backbones: {third: {arch: unet, weights: none}}\n")
    told = reasons(fresh, "config/smoke.yaml", "config/more.yaml")
    assert "liver third" in told
    assert "liver plain" not in told
    assert "liver apart" in told
    planned = ("--configfile", "config/smoke.yaml", "config/more.yaml", "--config", "results=results/other")
    assert fresh.planned(*planned, config="")["train"] == 2 * 2
    with_config = (
        "--configfile",
        "config/smoke.yaml",
        "--config",
        "backbones={other: {arch: unet, weights: none}}",
    )
    assert fresh.planned(*with_config, config="")["train"] == 2 * 2


def test_reasons_are_those_of_the_keys_that_are_given(fresh: Checkout) -> None:
    told = reasons(fresh, "config/smoke.yaml", "--config", "backbones={third: {arch: unet, weights: none}}")
    assert "liver third" in told
    assert "liver plain" not in told


def test_the_page_on_changes_shows_the_demo_of_today(fresh: Checkout) -> None:
    """Its change is that of the example, and its numbers are those of the plan."""
    page = (ROOT / "docs/change.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.partition("```yaml\n")[2].partition("```")[0])
    example = yaml.safe_load((ROOT / "config/examples/demo-backbone.yaml").read_text(encoding="utf-8"))
    assert example == shown | {"results": "results/demo-resnet101", "cache": "results/cache"}
    (fresh.folder / "mine.yaml").write_text(yaml.safe_dump(shown))
    told = reasons(fresh, "config/demo.yaml", "mine.yaml")
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+): (\d+) jobs?", told, re.MULTILINE)}
    total = int(told.partition(" ")[0])
    assert f"\n119 of {total} jobs would run: " in page
    assert f"100 of {jobs['preprocess']} jobs that make slices" in page
    assert f"8 of {jobs['train']} trainings and 11 of {jobs['predict']} predictions" in page


def test_make_passes_several_configurations_on() -> None:
    for target in ("why", "prune"):
        chosen = ("CONFIG=config/a.yaml b.yaml", "KEYS=seed=1 size=9")
        command = ["make", "--just-print", "--old-file", ".venv/.locked", target, *chosen]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert f"workflow/{target}.py --configfile config/a.yaml b.yaml --config seed=1 size=9" in told


def test_what_others_wait_for_goes_first_and_the_longest_training_before_the_others(fresh: Checkout) -> None:
    told = fresh.snakemake("--dry-run", config="config/demo.yaml").stdout
    jobs = re.findall(
        r"^rule (\w+):\n(?:    .+\n)*?    wildcards: (.+)\n(?:    priority: (\d+)\n)?", told, re.MULTILINE
    )
    priority = {(rule, wildcards): int(value or 0) for rule, wildcards, value in jobs}
    trainings = {
        stage: {
            name: priority["train", f"stage={stage}, network={name}"]
            for name in ("densenet121", "inceptionv3", "modern", "resnet50", "resnext50")
        }
        for stage in ("liver", "lesion")
    }
    for stage in trainings.values():
        assert max(stage, key=stage.__getitem__) == "modern"
        assert min(stage, key=stage.__getitem__) == "densenet121"
    predictions = {
        stage: priority["predict", f"stage={stage}, network=resnet50, split=train"] for stage in trainings
    }
    slices = [priority["preprocess", f"data=liver, exam=phantom-{number:02}"] for number in range(1, 27)]
    groups = [
        trainings["liver"].values(),
        [predictions["liver"]],
        trainings["lesion"].values(),
        [predictions["lesion"]],
    ]
    for sooner, later in pairwise([[max(slices)], *groups, [min(slices)]]):
        assert min(sooner) > max(later)
    assert slices.count(0) == 4  # no training waits for a test exam


def test_docs_of_the_cluster_know_every_rule() -> None:
    told = (ROOT / "docs/slurm.md").read_text()
    assert f"it lists {sum(LITS17.values()) + 1} jobs" in told  # and the target, `all`
    long = {"train", "predict", "preprocess", "html_report"}  # html_report is none of the cluster's jobs
    assert documented_groups()["groups"].keys() - {"adopt", "evaluate_given"} == LITS17.keys() - long


def test_readme_commands_name_the_configurations(fresh: Checkout) -> None:
    jobs = fresh.planned(config="config/demo.yaml")
    assert jobs["phantom"] == len((ROOT / "config/exams/demo.tsv").read_text().splitlines()) - 1
    assert jobs["train"] == 10  # four backbones and `modern`, two stages each


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"size": 250}, ["size: found 250", "multiple of 8"]),
        ({"trainings": {}}, ["trainings: unknown key"]),
        ({"exams": "config/exams/none.tsv"}, ["config/exams/none.tsv", "hepaflow index"]),
        ({"phantoms": None}, ["exam: four", "data/phantoms/four.image.nii.gz", "no such image"]),
    ],
)
def test_mistakes_stop_the_run_before_any_job(
    fresh: Checkout, changes: dict[str, object], told: list[str]
) -> None:
    fresh.configure(**changes)
    ended = fresh.snakemake("--dry-run")
    assert ended.returncode != 0
    assert "Traceback" not in ended.stdout
    for words in told:
        assert words in ended.stdout


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["one\ti\tl\ttrain", "one\ti\tl\ttest"], ["exam: one", "listed twice"]),
        (["one\ti\tl\ttrain", "two\ti\tl\ttrain"], ["no exam of the split 'test'"]),
        (["one\ti\t\ttrain", "two\ti\tl\ttest"], ["exam: one", "no label for a train exam"]),
    ],
)
def test_bad_sheets_stop_the_run_before_any_job(fresh: Checkout, rows: list[str], told: list[str]) -> None:
    (fresh.folder / "config/exams/smoke.tsv").write_text("\n".join(["exam\timage\tlabel\tsplit", *rows]))
    ended = fresh.snakemake("--dry-run")
    assert ended.returncode != 0
    for words in told:
        assert words in ended.stdout


def test_bad_exam_stops_in_its_survey(fresh: Checkout) -> None:
    made = fresh.snakemake("--until", "phantom")
    assert made.returncode == 0, made.stdout
    fresh.configure(phantoms=None)
    broken = fresh.folder / "data/phantoms/three.image.nii.gz"
    broken.write_bytes(broken.read_bytes()[:500])
    ended = fresh.snakemake()
    assert ended.returncode != 0
    for words in (
        "hepaflow cannot go on",
        "exam: three",
        str(Path("data/phantoms/three.image.nii.gz")),
        "what to do",
    ):
        assert words in ended.stdout
    assert not (fresh.folder / "results/smoke/models").exists()


def test_configuration_is_read_once(fresh: Checkout) -> None:
    """A configuration of one's own is not merged into the default file: its backbones replace the thesis'."""
    assert set(yaml.safe_load((fresh.folder / "config/smoke.yaml").read_text())) == set(SMOKE)
    assert fresh.planned()["train"] == 2 * len([*SMOKE["backbones"], *SMOKE["methods"]])
