"""The measurement on a GPU: every part of it at tiny sizes on the CPU, and the page that it writes."""

import ast
import json
import math
import multiprocessing
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu import children, measure, methods, page, parts, work
from gpu.needed import NEEDED
from gpu.parts import Check, Found, Part
from gpu.scale import ON_GPU, TINY

import hepaflow.networks.unet  # noqa: F401 (or every forked process would import MONAI)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take the small network for `modern`, and fork processes from this one, which has imported everything."""
    config = tmp_path_factory.mktemp("config")
    shutil.copy(ROOT / "config/config.yaml", config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "CONFIG", config)
        patch.setattr(children, "_CONTEXT", multiprocessing.get_context("fork"))
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run all kinds of parts but the compiled one with one network."""
    out = tmp_path_factory.mktemp("gpu") / "made/gpu.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "WAYS", {way: parts.WAYS[way] for way in ("fp32", "bf16, channels last")})
        asked = ["--parts", "training", "resumed", "prediction", "--networks", methods.MODERN]
        assert measure.main(["--cpu", "--out", str(out), *asked]) == 0
    return dict(json.loads(out.read_text(encoding="utf-8")))


def test_all_that_was_asked_for_is_measured(results: dict[str, Any]) -> None:
    assert [part["part"] for part in results["parts"]] == [
        "training modern fp32",
        "resumed modern",
        "prediction modern",
        "training modern bf16, channels last",
    ]
    assert {one["why"] for one in results["left_out"]} == {"not asked for"}
    assert "prediction resnext101" in {one["part"] for one in results["left_out"]}


def test_figures_of_a_training(results: dict[str, Any]) -> None:
    for part in results["parts"]:
        if part["kind"] == "training":
            figures = part["figures"]
            assert figures["images_per_second"] > 0
            assert 0 < figures["waiting"] < 1
            assert figures["gib"] > 0.05
            assert len(figures["losses"]) == 2 * TINY.steps
            assert figures["without_deterministic"] == []


def test_a_killed_training_went_on_to_the_same_bytes(results: dict[str, Any]) -> None:
    figures = next(part["figures"] for part in results["parts"] if part["kind"] == "resumed")
    assert figures["equal"] == {"again": True, "loaded": True, "resumed": True}
    assert figures["resumed_steps"] == 2 * TINY.resumed_steps


def test_masks_are_compared_where_there_is_something_to_see(results: dict[str, Any]) -> None:
    figures = next(part["figures"] for part in results["parts"] if part["kind"] == "prediction")
    assert figures["foreground"] == pytest.approx(work.FOREGROUND, abs=0.01)
    assert [(way["precision"], way["channels_last"]) for way in figures["ways"]] == [
        (precision, last) for precision in ("fp32", "tf32", "bf16") for last in (False, True)
    ]
    assert figures["spread"] > 0


def test_masks_are_compared_in_standard_deviations_of_the_logits() -> None:
    logits = np.array([-3.0, -1.0, 1.0, 3.0])
    assert work.beside(logits > 0, logits > 0, logits) == {"differing": 0, "largest": 0}
    found = work.beside(np.array([False, True, False, True]), logits > 0, logits)
    assert found == {"differing": 0.5, "largest": pytest.approx(1 / math.sqrt(5))}


def test_a_budget_that_is_over_leaves_parts_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, results: dict[str, Any]
) -> None:
    monkeypatch.setattr(parts, "parts_of", lambda *_: [Part("training", methods.MODERN, "fp32", 1000, 1000)])
    out = tmp_path / "gpu.json"
    assert measure.main(["--cpu", "--seconds", "60", "--out", str(out)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["parts"] == []
    assert [one["part"] for one in found["left_out"]] == ["training modern fp32"]
    assert "it takes about 1000" in found["left_out"][0]["why"]


def test_a_part_that_breaks_fails_alone_and_says_why(tmp_path: Path) -> None:
    settings, _ = methods.networks()
    measurement = parts.Measurement(tmp_path, settings, TINY, {methods.MODERN: [str(tmp_path / "absent")]})
    found = measurement.run(Part("training", methods.MODERN, "fp32", 1, 60), parts.deadline(60))
    assert [(check.what, check.ok) for check in found.checks] == [("runs", False)]
    assert found.checks[0].found.startswith("UserError: file: ")
    assert "absent" in found.checks[0].found


@pytest.mark.parametrize(
    ("left", "limit", "failed"),
    [(100.0, 50.0, "stopped after 50 s"), (50.0, 100.0, "")],  # it takes too long; or all do
)
def test_a_part_that_takes_too_long_has_failed_unless_all_time_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: float, limit: float, failed: str
) -> None:
    def run(*_: object) -> Found:
        raise children.TimeOverError

    monkeypatch.setattr(parts.Measurement, "run", run)
    measurement = parts.Measurement(tmp_path, {}, TINY, {})
    found: dict[str, Any] = {"parts": [], "left_out": []}
    measure._add(found, Part("training", "x", "fp32", 1, 1), measurement, parts.deadline(left), limit)
    assert [check["found"] for part in found["parts"] for check in part["checks"]] == [failed] * bool(failed)
    assert [one["part"] for one in found["left_out"]] == ["training x fp32"] * (not failed)


def test_what_hangs_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "machine", lambda: __import__("time").sleep(60))
    with pytest.raises(children.TimeOverError):
        children.Child(tmp_path, "hangs", "machine").result(parts.deadline(0.2))


def test_without_a_gpu_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(work, "machine", lambda: {"gpu": None})
    assert measure.main(["--out", str(tmp_path / "gpu.json")]) == 2
    assert "no CUDA device" in capsys.readouterr().err
    assert not (tmp_path / "gpu.json").exists()


def test_what_is_missing_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "missing", lambda: ["monai", "pydantic"])
    assert measure.main(["--cpu", "--out", str(tmp_path / "gpu.json")]) == 2
    assert "monai, pydantic" in capsys.readouterr().err


def test_an_unknown_network_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        measure.main(["--cpu", "--networks", "no"])
    assert "there are densenet201, inceptionv3, resnet152, resnext101, modern" in capsys.readouterr().err


def test_all_packages_that_are_imported_are_asked_for() -> None:
    """Read from the code of all that is imported when everything runs; the rest of the package is not needed."""
    seen: set[Path] = set()
    left, outside = {Path(measure.__file__), Path(work.__file__)}, set()
    while left:
        path = left.pop()
        seen.add(path)
        for name in _imported(path):
            inner = _file(name)
            if inner is None:
                outside.add(name.split(".")[0])
            elif inner not in seen:
                left.add(inner)
    assert outside - sys.stdlib_module_names == set(NEEDED)


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in inner if _file(name)} or {node.module}
    return found


def _file(name: str) -> Path | None:
    """Return the file of a module of the package or of the measurement; None for others."""
    for folder in (ROOT / "workflow/scripts", ROOT / "tests"):
        path = folder / name.replace(".", "/")
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if name.split(".")[0] in ("hepaflow", "gpu") and candidate.exists():
                return candidate
    return None


def test_the_program_starts_where_there_is_nothing_beside_python() -> None:
    """Without site-packages it has to say what is missing."""
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "gpu.measure"],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert ended.returncode == 2
    assert ended.stderr == f"missing here, so nothing was measured: {', '.join(NEEDED)}\n"


def test_the_networks_are_those_of_the_thesis_and_modern() -> None:
    settings, modern = methods.networks()
    assert list(settings) == ["densenet201", "inceptionv3", "resnet152", "resnext101", methods.MODERN]
    assert {one.network.weights for one in settings.values()} == {"none"}
    assert {settings[name].training.batch_size for name in settings if name != methods.MODERN} == {32}
    assert settings[methods.MODERN].sampling.kind == "slabs"
    assert "stands in" in modern


def test_modern_is_read_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "config/config.yaml", tmp_path)
    text = "methods: {modern: {network: {arch: unet, weights: none}, training: {batch_size: 7}}}\n"
    (tmp_path / "modern.yaml").write_text(text)
    monkeypatch.setattr(methods, "CONFIG", tmp_path)
    settings, modern = methods.networks()
    assert settings[methods.MODERN].training.batch_size == 7
    assert modern == "config/modern.yaml"


@pytest.mark.parametrize(
    ("losses", "ok"),
    [([3.0, 2.0, 1.0], True), ([1.0, 2.0, 3.0], False), ([3.0, math.nan, 1.0], False), ([2.0, 2.0], False)],
)
def test_losses_have_to_fall(losses: list[float], ok: bool) -> None:
    assert parts._falling(losses).ok is ok


@pytest.mark.parametrize(
    ("resumed", "again", "without", "ok"),
    [
        (True, True, [], True),
        (True, False, ["max_pool"], True),
        (False, False, ["max_pool"], True),  # torch says so, and no two trainings are alike
        (False, False, [], False),
        (False, True, ["max_pool"], False),  # others can be repeated: it is the resuming
    ],
)
def test_other_weights_are_allowed_where_no_training_can_be_repeated(
    resumed: bool, again: bool, without: list[str], ok: bool
) -> None:
    equal = {"again": again, "loaded": True, "resumed": resumed}
    difference = {name: 0.1 for name, same in equal.items() if not same}
    figures = {"equal": equal, "largest_difference": difference, "without_deterministic": without}
    check = parts._as_undisturbed(figures, "resumed")
    assert check.ok is ok
    assert ("max_pool" in check.found) == (ok and not resumed)


@pytest.mark.parametrize("precision", parts.UNDECIDED)
def test_decided_pixels_have_to_be_equal(precision: str) -> None:
    bound = parts.UNDECIDED[precision]
    way = {"precision": precision, "channels_last": True, "differing": 0.01}
    assert parts._undecided({**way, "largest": bound}).ok
    assert not parts._undecided({**way, "largest": bound * 1.01}).ok


def test_operations_without_deterministic_algorithm_are_named() -> None:
    told = iter(["max_pool2d does not have a deterministic implementation, but you set ...", "another warning"])
    assert work._without_deterministic(told) == {"max_pool2d"}


def test_the_parts_fit_into_the_budget() -> None:
    planned = list(parts.parts_of(list(methods.networks()[0]), ON_GPU))
    assert len({part.name for part in planned}) == len(planned) == 5 * 4 + 5 + 5 + 2
    assert sum(part.usual for part in planned) <= ON_GPU.seconds < 480


def test_the_page_says_what_is_measured() -> None:
    assert page.PAGE.read_text(encoding="utf-8").startswith(page.HEAD), "run: python -m gpu.page"


def test_the_page_has_the_numbers_of_the_program() -> None:
    bounds = [f"{bound:g} ({precision.upper()})" for precision, bound in parts.UNDECIDED.items()]
    numbers = [f"{ON_GPU.size}×{ON_GPU.size}", f"exam of {ON_GPU.predicted} slices"]
    text = " ".join(page.HEAD.split())
    for words in [*numbers, *(bound.replace("FP", "fp").replace("BF", "bf") for bound in bounds)]:
        assert words in text


def test_the_page_without_results_says_so() -> None:
    assert page.page(None).endswith("## Results\n\nNot measured yet.\n")


def test_the_page_tells_all_of_a_run(results: dict[str, Any]) -> None:
    text = page.page(results)
    assert "no number counts" in text
    assert "not asked for: training densenet201 fp32" in text
    for title in ("### Training", "### Killed and resumed", "### Prediction"):
        assert title in text
    assert "| modern | the same | the same | the same | none |" in text
    assert text.count("| modern | bf16, channels last |") == 2


def test_the_page_tells_failures(tmp_path: Path, results: dict[str, Any]) -> None:
    broken = Found(checks=[Check("runs", False, "stopped after 60 s"), Check("else", True, "1")])
    part = {"part": "training x fp32", "kind": "training", "network": "x", "way": "fp32", "seconds": 1.0}
    checks = [vars(check) for check in broken.checks]
    machine = {**results["machine"], "gpu": "Card 1", "gpu_gib": 80.0, "cuda": "13.0", "cudnn": 9}
    made = {**results, "machine": machine, "parts": [{**part, "figures": {}, "checks": checks}], "left_out": []}
    (tmp_path / "gpu.json").write_text(json.dumps(made))
    assert page.main([str(tmp_path / "gpu.json"), "--page", str(tmp_path / "gpu.md")]) == 0
    text = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert "On Card 1 (80.0 GiB)" in text
    assert "1 of 2 checks hold.\n\n- **training x fp32: runs**: stopped after 60 s" in text
    assert "Left out" not in text
    assert "### " not in text


def test_a_page_needs_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert page.main([str(tmp_path / "absent.json")]) == 2
    assert "no such file" in capsys.readouterr().err
