"""A whole exam in one process. That it equals the workflow's result is tested with a run (`tests/workflow`)."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from small_exams import MapGrid
from small_model import ALL_LIVER_NO_LESION, NAMES, UNET, small_model, small_plan

from hepaflow.errors import UserError
from hepaflow.masks.average import average
from hepaflow.masks.file import write_maps
from hepaflow.masks.fusion import Fusion
from hepaflow.masks.map import mask_of, with_mask
from hepaflow.masks.postprocess import clean
from hepaflow.masks.restore import read_restored, restore
from hepaflow.model import segmenter
from hepaflow.model.bundle import read_bundle
from hepaflow.model.segmenter import Segmenter, precision_here
from hepaflow.names import FUSION, STAGES
from hepaflow.networks.compute import make_fabric
from hepaflow.networks.network import build_network
from hepaflow.networks.weights import load_weights
from hepaflow.preprocessing.lesion_slices import lesion_slices
from hepaflow.preprocessing.liver_slices import liver_slices
from hepaflow.preprocessing.registry import PREPROCESSING
from hepaflow.preprocessing.slices import SliceFile, SlicesInMemory, SliceStack
from hepaflow.preprocessing.voi import volume_of_interest
from hepaflow.preprocessing.voi_slices import voi_slices
from hepaflow.sampling.predictor import Predictor
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.contrast import ContrastSettings, LesionSlicesSettings, VoiSlicesSettings
from hepaflow.settings.plan import Plan
from hepaflow.settings.postprocess import (
    FillHoles,
    LargestComponent,
    LiverPostprocessing,
    MinArea,
    NearLargest,
    PostprocessingStep,
    PostprocessSettings,
)
from hepaflow.settings.slices import LiverSlicesSettings, WindowSettings
from hepaflow.settings.training import Precision
from hepaflow.volumes.box import Box
from hepaflow.volumes.resize import resize_masks

SCRIPTS = Path(__file__).parents[3] / "workflow/scripts"
CPU = ComputeSettings(accelerator="cpu", workers=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def hu() -> np.ndarray:
    return np.random.default_rng(0).normal(60, 80, (5, 40, 48)).astype(np.float32)


def test_masks_lie_on_the_exams_grid(model: Path, hu: np.ndarray) -> None:
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert found.liver.any()  # networks drawn at random find something, here and there
    for mask in (found.liver, found.lesion):
        assert mask.shape == hu.shape
        assert mask.dtype == bool
    assert set(found.disagreement) == {"liver", "lesion"}
    for percent in found.disagreement.values():
        assert percent.shape == hu.shape
        assert set(np.unique(percent)) <= {0, 100}  # of two networks
    np.testing.assert_array_equal(found.labels == 2, found.lesion)
    np.testing.assert_array_equal(found.labels == 1, found.liver & ~found.lesion)


def test_masks_are_post_processed_before_they_are_fused_and_after(
    tmp_path: Path, hu: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks drawn at random draw rags, of which either step has something to remove."""
    plan = small_plan(postprocessing={"lesion": {"min_area": 3}})
    bundle = read_bundle(small_model(tmp_path, plan=plan))
    for stage in STAGES:
        bundle.fusion[FUSION, stage] = Fusion(NAMES, (1.0, 1.0), ())  # both have to agree: rags of other forms
    given: list[np.ndarray] = []

    def noted(map_: np.ndarray, steps: Any, region: None) -> np.ndarray:
        given.append(map_.copy())
        return clean(map_, steps, region)

    monkeypatch.setattr("hepaflow.model.segmenter.clean", noted)
    found = Segmenter(bundle, CPU, threads=1).segment(hu)
    boxes = {"liver": Box.whole(hu.shape), "lesion": volume_of_interest(found.liver)}
    for stage, (*raw, fused) in zip(STAGES, (given[:3], given[3:]), strict=True):
        steps = plan.methods[FUSION][stage].postprocessing
        votes = [clean(map_, steps) for map_ in raw]
        assert sum(votes).sum() < sum(map(mask_of, raw)).sum()
        np.testing.assert_array_equal(mask_of(fused), bundle.fusion[FUSION, stage].fuse(votes))
        assert 0 < clean(fused, steps).sum() < mask_of(fused).sum()
        np.testing.assert_array_equal(getattr(found, stage), restore(clean(fused, steps), boxes[stage], hu.shape))
        differing = restore(votes[0], boxes[stage], hu.shape) != restore(votes[1], boxes[stage], hu.shape)
        np.testing.assert_array_equal(found.disagreement[stage] > 0, differing)


def test_one_load_segments_many_exams_and_remembers_none(model: Path, hu: np.ndarray) -> None:
    segmenter = Segmenter(read_bundle(model), CPU, threads=1)
    first = segmenter.segment(hu)
    segmenter.segment(hu[::-1].copy())
    np.testing.assert_array_equal(segmenter.segment(hu).labels, first.labels)


def test_an_exam_in_which_no_liver_is_found_has_empty_masks(model: Path, hu: np.ndarray) -> None:
    bundle = read_bundle(model)
    bundle.fusion[FUSION, "liver"] = Fusion(("first", "second"), (0.0, 0.0), ())  # a tie is background
    found = Segmenter(bundle, CPU, threads=1).segment(hu)
    assert not found.liver.any()
    assert not found.lesion.any()
    assert not found.disagreement["lesion"].any()


def test_what_the_lesion_slices_leave_out_of_the_liver_stays_liver(tmp_path: Path) -> None:
    """Where the volume of interest has the networks' size, the slices share its memory with the liver's mask."""
    plan = small_plan(contrast={"background": "zero"})
    bundle = read_bundle(small_model(tmp_path, ALL_LIVER_NO_LESION, plan))
    hu = np.full((2, 32, 32), 60, np.float32)
    hu[:, 10:14] = -1000
    assert {data.preprocess.preprocessing.size for data in plan.data.values()} == {32}
    assert Segmenter(bundle, CPU, threads=1).segment(hu).liver.all()


def test_networks_run_in_the_precision_that_is_asked_for(
    model: Path, hu: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    convolve = torch.nn.Conv2d._conv_forward

    def noting(self: torch.nn.Conv2d, *arguments: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = convolve(self, *arguments)
        seen.append(result.dtype)
        return result

    monkeypatch.setattr(torch.nn.Conv2d, "_conv_forward", noting)
    found = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        chosen = read_bundle(model).predicting_in(precision)  # type: ignore[arg-type]
        found[precision] = Segmenter(chosen, CPU, threads=1).segment(hu)
        assert set(seen) == {dtype}
        seen.clear()
    agreeing = found["fp32"].liver == found["bf16"].liver
    assert 0.9 < agreeing.mean() < 1  # rounding changes what is undecided


@pytest.mark.parametrize(
    ("precision", "instructions", "gpu", "expected"),
    [
        ("bf16", False, False, "fp32"),
        ("bf16", True, False, "bf16"),
        ("bf16", None, False, "bf16"),
        ("bf16", False, True, "bf16"),
        ("fp32", False, False, "fp32"),
        ("tf32", False, False, "tf32"),
    ],
)
def test_bf16_is_left_where_the_processor_is_slow_at_it(
    precision: Precision,
    instructions: bool | None,
    gpu: bool,
    expected: Precision,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segmenter, "has_bf16_instructions", lambda: instructions)
    monkeypatch.setattr(segmenter, "on_gpu", lambda _: gpu)
    assert precision_here(precision, CPU) == expected


def test_progress_counts_every_slice_of_every_network(
    model: Path, hu: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    Segmenter(read_bundle(model), CPU, threads=1, show=True).segment(hu)
    told = capsys.readouterr().err
    assert "liver networks: 100%" in told
    assert f"{2 * len(hu)}/{2 * len(hu)}" in told
    Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert capsys.readouterr().err == ""


# Step by step: a plan against the functions that it names, one after the other.


def drawn(model: Path, plan: Plan, step: tuple[str, str], stack: SliceStack) -> np.ndarray:
    """Draw the map of a network."""
    method, stage = step
    settings = plan.methods[method][stage].network
    assert settings is not None
    channels = {"slices": 1, "slabs": 3, "patches": 1}[settings.sampling.kind]
    network = build_network(settings.network, channels)
    load_weights(network, model, read_bundle(model).network(stage, method))
    fabric = make_fabric(settings.precision, CPU, threads=1)
    return Predictor(network, settings.sampling, fabric, CPU, settings.flips or ()).map(SlicesInMemory(stack))


def test_a_vote_is_the_functions_one_after_the_other(tmp_path: Path, hu: np.ndarray) -> None:
    liver_steps = LiverPostprocessing(max_distance=9, min_area_ratio=0.25)
    settings = {"liver": liver_steps.model_dump(), "lesion": {"min_area": 4}}
    plan = small_plan(postprocessing=settings, window={"low": -100, "high": 200}, contrast={"tiles": 2})
    model = small_model(tmp_path, plan=plan)
    window = WindowSettings(low=-100, high=200)
    weights = (3.0, 2.0)

    def fused(stack: SliceStack, stage: str, step: PostprocessingStep) -> np.ndarray:
        votes = [clean(drawn(model, plan, (name, stage), stack), [step]) for name in NAMES]
        first, second = [np.where(vote, 1, -1) * weight for vote, weight in zip(votes, weights, strict=True)]
        assert (votes[0] != votes[1]).any()
        return clean(np.where(first + second > 0, 255, 0).astype(np.uint8), [step])

    stack = liver_slices(hu, None, LiverSlicesSettings(window=window, size=32))
    near = NearLargest(kind="near_largest", **liver_steps.model_dump())
    liver = restore(fused(stack, "liver", near), Box.whole(hu.shape), hu.shape)
    contrast = ContrastSettings(tiles=2)
    inner = lesion_slices(hu, liver, None, LesionSlicesSettings(window=window, size=32, contrast=contrast))
    lesion = restore(fused(inner, "lesion", MinArea(kind="min_area", min_area=4)), inner.box, hu.shape)
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert liver.any()
    assert lesion.any()
    np.testing.assert_array_equal(found.liver, liver)
    np.testing.assert_array_equal(found.lesion, lesion)


def test_a_cascade_is_the_functions_one_after_the_other(tmp_path: Path, hu: np.ndarray) -> None:
    """A method beside the backbones: its lesions lie in the volume around its own liver, and nobody votes."""
    steps = [{"kind": "min_area", "min_area": 5}, {"kind": "near_largest", "max_distance": 6}]
    methods = {"mine": {"network": UNET, "stages": {"lesion": {"postprocessing": steps}}}}
    plan = small_plan("mine", methods=methods)
    model = small_model(tmp_path, plan=plan, seed=1)  # whose lesion network draws rags
    bundle = read_bundle(model)
    assert bundle.fusion == {}
    assert bundle.identity["networks"] == "mine (unet)"
    window = WindowSettings()
    stack = liver_slices(hu, None, LiverSlicesSettings(window=window, size=32))
    near = NearLargest(kind="near_largest")
    liver = restore(clean(drawn(model, plan, ("mine", "liver"), stack), [near]), Box.whole(hu.shape), hu.shape)
    inner = lesion_slices(
        hu, liver, None, LesionSlicesSettings(window=window, size=32, contrast=ContrastSettings())
    )
    own = [MinArea(kind="min_area", min_area=5), NearLargest(kind="near_largest", max_distance=6)]
    map_ = drawn(model, plan, ("mine", "lesion"), inner)
    assert 0 < clean(map_, own).sum() < mask_of(map_).sum()
    found = Segmenter(bundle, CPU, threads=1).segment(hu)
    np.testing.assert_array_equal(found.liver, liver)
    np.testing.assert_array_equal(found.lesion, restore(clean(map_, own), inner.box, hu.shape))
    assert found.disagreement == {}


def test_an_average_is_the_functions_one_after_the_other(tmp_path: Path, hu: np.ndarray) -> None:
    """Of methods that see lesions on grids of their own, on the finest of these around the average's own liver."""
    fine = {"lesion": {"data": {"kind": "voi_slices", "size": 48, "margin": 0.1}}}
    slabs = {"network": UNET, "sampling": {"kind": "slabs"}, "flips": ["vertical"], "stages": fine}
    plan = small_plan("both", methods={"mine": slabs, "both": {"kind": "average", "of": ["first", "mine"]}})
    model = small_model(tmp_path, plan=plan, seed=2)
    window = WindowSettings()
    stack = liver_slices(hu, None, LiverSlicesSettings(window=window, size=32))
    whole = MapGrid(Box.whole(hu.shape), 32)
    near, large = NearLargest(kind="near_largest"), MinArea(kind="min_area", min_area=10)
    livers = {name: drawn(model, plan, (name, "liver"), stack) for name in ("first", "second", "mine")}
    mean = average([(livers["first"], whole), (livers["mine"], whole)], whole)
    liver = restore(clean(mean, [near]), whole.box, hu.shape)

    one, other = (np.where(clean(livers[name], [near]), 1, -1) for name in NAMES)
    fused = restore(clean(np.where(3 * one + 2 * other > 0, 255, 0).astype(np.uint8), [near]), whole.box, hu.shape)
    own = restore(clean(livers["mine"], [near]), whole.box, hu.shape)
    thesis = LesionSlicesSettings(window=window, size=32, contrast=ContrastSettings())
    voi = VoiSlicesSettings(window=window, size=48, margin=0.1)
    seen = {"first": lesion_slices(hu, fused, None, thesis), "mine": voi_slices(hu, own, None, voi)}
    maps = [
        (drawn(model, plan, (name, "lesion"), one), MapGrid(one.box, one.image.shape[1]))
        for name, one in seen.items()
    ]
    box = volume_of_interest(liver, 0.1)
    lesion = restore(clean(average(maps, MapGrid(box, 48)), [large]), box, hu.shape)
    assert {grid.size for _, grid in maps} == {32, 48}

    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert liver.any()
    assert lesion.any()
    np.testing.assert_array_equal(found.liver, liver)
    np.testing.assert_array_equal(found.lesion, lesion)
    assert found.disagreement.keys() == {"liver", "lesion"}
    assert found.disagreement["liver"].any()


STEPS: dict[str, list[dict[str, Any]]] = {
    "liver": [{"kind": "largest_component"}, {"kind": "fill_holes", "dimensions": 3}],
    "lesion": [{"kind": "inside", "dilation": 1}, {"kind": "fill_holes"}, {"kind": "min_area", "min_area": 2}],
}


def plan_of_maps(data: dict[str, Any] | None = None) -> Plan:
    """Return the plan of a cascade that restores maps, and whose lesions are kept inside its liver."""
    stages: dict[str, Any] = {stage: {"postprocessing": steps} for stage, steps in STEPS.items()}
    stages["lesion"] |= {"data": data}
    return small_plan("mine", methods={"mine": {"network": UNET, "restore": "maps", "stages": stages}})


def test_a_cascade_of_maps_is_the_functions_one_after_the_other(tmp_path: Path, hu: np.ndarray) -> None:
    plan = plan_of_maps()
    model = small_model(tmp_path, plan=plan, seed=1)
    stack = liver_slices(hu, None, LiverSlicesSettings(window=WindowSettings(), size=32))
    map_ = drawn(model, plan, ("mine", "liver"), stack)
    mask = clean(map_, [LargestComponent(kind="largest_component"), FillHoles(kind="fill_holes", dimensions=3)])
    liver = restore(with_mask(map_, mask), Box.whole(hu.shape), hu.shape)
    assert (liver != restore(mask, Box.whole(hu.shape), hu.shape)).any()
    contrast = LesionSlicesSettings(window=WindowSettings(), size=32, contrast=ContrastSettings())
    inner = lesion_slices(hu, liver, None, contrast)
    map_ = drawn(model, plan, ("mine", "lesion"), inner)
    region = resize_masks(inner.box.crop(liver), (32, 32))
    steps = plan.methods["mine"]["lesion"].postprocessing
    mask = clean(map_, steps, region)
    assert 0 < mask.sum() < clean(map_, steps[1:]).sum()  # some lies outside
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    np.testing.assert_array_equal(found.liver, liver)
    np.testing.assert_array_equal(found.lesion, restore(with_mask(map_, mask), inner.box, hu.shape))


@pytest.mark.parametrize("own", [None, {"kind": "liver_slices", "size": 40}], ids=["around the liver", "whole"])
def test_a_cascade_of_maps_is_what_its_jobs_make(
    own: dict[str, Any] | None, tmp_path: Path, hu: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their script on their files: of two exams, each with a region of its own, and its own slices."""
    plan = plan_of_maps(own)
    model = small_model(tmp_path, plan=plan, seed=1)
    exams = {"one": hu, "two": hu[::-1, ::-1].copy()}
    found = {exam: Segmenter(read_bundle(model), CPU, threads=1).segment(one) for exam, one in exams.items()}
    data: dict[str, list[Path]] = {}
    for stage in STAGES:
        planned = plan.methods["mine"][stage]
        how = plan.data[planned.data].preprocess.preprocessing
        data[stage] = [tmp_path / stage / f"{exam}.safetensors" for exam in exams]
        maps = {}
        for path, (exam, one) in zip(data[stage], exams.items(), strict=True):
            stack = PREPROCESSING[how.kind](one, found[exam].liver if stage == "lesion" else None, None, how, 1)
            path.parent.mkdir(exist_ok=True)
            stack.save(path)
            maps[exam] = drawn(model, plan, ("mine", stage), stack)
        write_maps(tmp_path / f"{stage}.maps.npz", maps.items())
        asked = {
            "region": tmp_path / "liver.npz" if planned.region else [],
            "region_data": data["liver"][::-1] if planned.region else [],
            "data": data["lesion"][::-1] if planned.region else [],
        }
        settings = PostprocessSettings(postprocessing=planned.postprocessing, restore=planned.restore)
        job = SimpleNamespace(
            input=SimpleNamespace(maps=tmp_path / f"{stage}.maps.npz", **asked),
            output=SimpleNamespace(masks=tmp_path / f"{stage}.npz"),
            params=SimpleNamespace(settings=settings.canonical()),
        )
        monkeypatch.setattr("hepaflow.jobs.run.run", lambda _, work: work())
        runpy.run_path(str(SCRIPTS / "postprocess.py"), {"snakemake": job})
        for path, (exam, given) in zip(data[stage], found.items(), strict=True):
            restored = read_restored(tmp_path / f"{stage}.npz", exam, SliceFile(path))
            assert restored.any()
            np.testing.assert_array_equal(restored, getattr(given, stage))


UNET3D = {"arch": "monai", "monai": {"name": "UNet", "arguments": {"channels": [4, 8], "strides": [2]}}}
SPACING = (2.5, 1.0, 0.9)


def plan_of_patches(**others: Any) -> Plan:
    """Return the plan of a cascade on resampled exams, that sees patches of them."""
    stages = {
        "liver": {"data": {"kind": "resampled", "spacing": [2, 1.5, 1.5]}},
        "lesion": {
            "data": {"kind": "resampled_voi", "spacing": [1.5, 1.1, 1.1], "margin": 4},
            "postprocessing": [{"kind": "inside", "dilation": 1}, {"kind": "min_area", "min_area": 2}],
        },
    }
    sampling = {"kind": "patches", "size": [4, 16, 16]}
    return small_plan(
        "mine", methods={"mine": {"network": UNET3D, "sampling": sampling, "stages": stages, **others}}
    )


@pytest.mark.parametrize("kind", ["voi_slices", "resampled_voi"])
def test_lesions_are_sought_with_the_livers_mask_beside_the_image(
    kind: str, tmp_path: Path, hu: np.ndarray
) -> None:
    others = {"spacing": [2, 1.5, 1.5]} if kind == "resampled_voi" else {"margin": 0.1}
    patches = {"sampling": {"kind": "patches", "size": [4, 16, 16]}} if kind == "resampled_voi" else {}
    stages = {"lesion": {"data": {"kind": kind, "with_region": True, **others}, "postprocessing": []}}
    method = {"network": UNET3D, "training": {"start": "backbone"}, "stages": stages, **patches}
    plan = small_plan("mine", methods={"mine": method})
    model = small_model(tmp_path, plan=plan, seed=2)
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu, SPACING)
    planned = plan.methods["mine"]["lesion"]
    how = plan.data[planned.data].preprocess.preprocessing
    stack = PREPROCESSING[how.kind](hu, found.liver, None, how, 1, spacing=SPACING)
    assert stack.region.any()
    settings = planned.network
    network = build_network(settings.network, 2)
    load_weights(network, model, read_bundle(model).network("lesion", "mine"))
    drawer = Predictor(network, settings.sampling, make_fabric("fp32", CPU, threads=1), CPU)
    map_ = drawer.map(SlicesInMemory(stack))
    assert (map_ != drawer.map(SlicesInMemory(replace(stack, region=~stack.region)))).any()
    np.testing.assert_array_equal(found.lesion, restore(mask_of(map_), stack.box, stack.shape, stack.grid))
    assert found.boxes == {"liver": Box.whole(hu.shape), "lesion": stack.box}


@pytest.mark.parametrize("restored", ["masks", "maps"])
def test_a_cascade_of_patches_is_what_its_jobs_make(
    restored: str, tmp_path: Path, hu: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Step by step, with the scripts of post-processing on files: each stage on a grid of its own."""
    plan = plan_of_patches(restore=restored, flips=["axial"])
    model = small_model(tmp_path, plan=plan, seed=2)
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu, SPACING)
    masks: dict[str, np.ndarray] = {}
    for stage in STAGES:
        planned = plan.methods["mine"][stage]
        how = plan.data[planned.data].preprocess.preprocessing
        stack = PREPROCESSING[how.kind](hu, masks.get("liver"), None, how, 1, spacing=SPACING)
        path = tmp_path / stage / "exam.safetensors"
        path.parent.mkdir(exist_ok=True)
        stack.save(path)
        map_ = drawn(model, plan, ("mine", stage), stack)
        assert map_.shape == stack.image.shape
        write_maps(tmp_path / f"{stage}.maps.npz", [("exam", map_)])
        asked = {
            "region": tmp_path / "liver.npz" if planned.region else [],
            "region_data": [tmp_path / "liver/exam.safetensors"] if planned.region else [],
            "data": [path] if planned.region else [],
        }
        settings = PostprocessSettings(postprocessing=planned.postprocessing, restore=planned.restore)
        job = SimpleNamespace(
            input=SimpleNamespace(maps=tmp_path / f"{stage}.maps.npz", **asked),
            output=SimpleNamespace(masks=tmp_path / f"{stage}.npz"),
            params=SimpleNamespace(settings=settings.canonical()),
        )
        monkeypatch.setattr("hepaflow.jobs.run.run", lambda _, work: work())
        runpy.run_path(str(SCRIPTS / "postprocess.py"), {"snakemake": job})
        masks[stage] = read_restored(tmp_path / f"{stage}.npz", "exam", SliceFile(path))
        assert 0 < masks[stage].sum() < hu.size
        np.testing.assert_array_equal(masks[stage], getattr(found, stage))
        assert found.boxes[stage] == stack.box
    assert {masks[stage].shape for stage in STAGES} == {hu.shape}


def test_a_model_that_resamples_needs_the_spacing(tmp_path: Path, hu: np.ndarray) -> None:
    model = small_model(tmp_path, plan=plan_of_patches())
    with pytest.raises(UserError, match="no spacing that could be trusted"):
        Segmenter(read_bundle(model), CPU, threads=1).segment(hu)


def test_a_cascade_of_patches_without_a_liver_has_no_lesion(tmp_path: Path, hu: np.ndarray) -> None:
    model = small_model(tmp_path, {"liver": -100.0, "lesion": 100.0}, plan_of_patches())
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu, SPACING)
    assert not found.liver.any()
    assert not found.lesion.any()
    assert list(found.boxes) == ["liver"]


def test_a_cascade_without_a_liver_has_no_lesion(tmp_path: Path, hu: np.ndarray) -> None:
    plan = small_plan("mine", methods={"mine": {"network": UNET}})
    model = small_model(tmp_path, {"liver": -100.0, "lesion": 100.0}, plan)
    found = Segmenter(read_bundle(model), CPU, threads=1).segment(hu)
    assert not found.liver.any()
    assert not found.lesion.any()


def test_the_plan_of_a_run_is_no_models(tmp_path: Path) -> None:
    bundle = read_bundle(small_model(tmp_path))
    with pytest.raises(ValueError, match="a run's, not a model's"):
        Segmenter(replace(bundle, plan=bundle.plan.model_copy(update={"result": None})), CPU, threads=1)
