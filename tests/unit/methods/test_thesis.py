"""The plan of a run: the thesis by default, and other methods beside it."""

import re
from typing import Any

import pytest

from hepaflow.errors import UserError
from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.plan import (
    averages_of,
    data_for,
    learns_from_exams,
    model_of,
    networks_of,
    predictions_of,
    stages_of,
    steps_to,
    votes_of,
)
from hepaflow.methods.thesis import plan_of
from hepaflow.methods.words import in_words, seen_in_words
from hepaflow.names import FUSION, STAGES, STRUCTURES
from hepaflow.settings.plan import Plan, PlannedData, PlannedTraining, Region
from hepaflow.settings.workflow import read_settings

THESIS = ["densenet201", "inceptionv3", "resnet152", "resnext101"]
UNET = {"arch": "unet", "weights": "none"}
MONAI = {"arch": "monai", "monai": {"name": "UNet", "arguments": {"channels": [4, 8], "strides": [2]}}}
HALVING = {"channels": [4, 8, 8, 8, 8], "strides": [[1, 2, 2], 2, 2, [1, 2, 2]]}
GRID = {"kind": "resampled", "spacing": [5, 4, 4]}
FINE = {"kind": "resampled_voi", "spacing": [2, 2, 2], "margin": 20}
VOI = {"kind": "voi_slices"}
PATCHES: dict[str, Any] = {"sampling": {"kind": "patches", "size": [16, 24, 32]}}


def plan(**config: Any) -> Plan:
    return plan_of(read_settings(config))


def training(of: Plan, stage: str, name: str) -> PlannedTraining:
    found = of.methods[name][stage].training
    assert found is not None
    return found


# The thesis.


def test_the_thesis_has_four_cascades_and_their_fusion() -> None:
    thesis = plan()
    assert sorted(thesis.methods) == sorted([*THESIS, FUSION])
    assert thesis.result is None
    assert networks_of(thesis) == [(name, stage) for stage in STAGES for name in THESIS]
    assert votes_of(thesis) == [(FUSION, stage) for stage in STAGES]
    for name in thesis.methods:
        assert stages_of(thesis, name) == {structure: structure for structure in STRUCTURES}
    for stage in STAGES:
        fusion = thesis.methods[FUSION][stage].vote
        assert fusion is not None
        assert fusion.fit is not None
        assert fusion.of == fusion.fit.of == tuple(THESIS)


def test_exams_are_shown_as_in_the_thesis() -> None:
    thesis = plan()
    liver, lesion = thesis.data["liver"], thesis.data["lesion"]
    assert thesis.data.keys() == {"liver", "lesion"}
    assert liver.within is None
    assert liver.preprocess.region is None
    assert liver.preprocess.structure == "liver"
    assert liver.preprocess.preprocessing.canonical() == (  # 4.2
        '{"kind":"liver_slices","size":256,"window":{"high":250.0,"low":-250.0}}'
    )
    assert lesion.within is not None  # 4.3: around the fused liver
    assert (lesion.within.method, lesion.within.stage) == (FUSION, "liver")
    assert (lesion.preprocess.region, lesion.preprocess.structure) == ("liver", "lesion")
    assert lesion.preprocess.preprocessing.canonical() == (
        '{"contrast":{"background":"mask","clip_limit":0.01,"tiles":8},"kind":"lesion_slices","size":256,'
        '"window":{"high":250.0,"low":-250.0}}'
    )


@pytest.mark.parametrize("name", THESIS)
def test_networks_are_trained_as_in_the_thesis(name: str) -> None:
    thesis = plan()
    expected = {  # 4.6.1
        "liver": {"epochs": 200, "learning_rate": 0.05, "decay_factor": 0.95, "decay_every": 10},
        "lesion": {"epochs": 20, "learning_rate": 0.1, "decay_factor": 0.5, "decay_every": 1},
    }
    for stage in STAGES:
        found = training(thesis, stage, name)
        assert found.data == thesis.methods[name][stage].data == stage
        told = found.settings.training.as_json()
        assert told | expected[stage] == told
        assert (told["batch_size"], told["momentum"]) == (32, 0.9)
        network = thesis.methods[name][stage].network
        assert network is not None
        assert network.sampling == found.settings.sampling
        assert network.network.arch == found.settings.network.arch
        assert network.network.weights == "none"
        assert (found.settings.seed, found.settings.precision, network.precision) == (2022, "fp32", "fp32")
    assert training(thesis, "liver", name).start is None
    assert training(thesis, "liver", name).settings.network.weights == "imagenet"
    assert training(thesis, "lesion", name).start == "liver"
    assert training(thesis, "lesion", name).settings.network.weights == "none"


def test_masks_are_post_processed_as_in_the_thesis() -> None:
    for stages in plan().methods.values():
        (liver,) = stages["liver"].postprocessing  # 4.7
        assert liver.as_json() == {"kind": "near_largest", "max_distance": 200, "min_area_ratio": 1 / 8}
        (lesion,) = stages["lesion"].postprocessing  # 4.8
        assert lesion.as_json() == {"kind": "min_area", "min_area": 10}


def test_todays_keys_reach_every_stage() -> None:
    changed = plan(
        postprocessing={"liver": {"max_distance": 7}, "lesion": {"min_area": 3}},
        window={"low": -1},
        size=128,
        contrast={"tiles": 4},
        head={"channels": 16},
        seed=5,
    )
    for stages in changed.methods.values():
        assert stages["liver"].postprocessing[0].as_json()["max_distance"] == 7
        assert stages["lesion"].postprocessing[0].as_json()["min_area"] == 3
    for data in changed.data.values():
        assert data.preprocess.preprocessing.window.low == -1
        assert data.preprocess.preprocessing.size == 128
    assert changed.data["lesion"].preprocess.preprocessing.as_json()["contrast"]["tiles"] == 4
    for name, stage in networks_of(changed):
        network = changed.methods[name][stage].network
        assert network is not None
        assert network.network.head == training(changed, stage, name).settings.network.head
        assert network.network.head.channels == 16
        assert training(changed, stage, name).settings.seed == 5


def test_a_lesion_network_may_start_from_its_backbone() -> None:
    started = plan(training={"lesion": {"start": "backbone"}})
    assert training(started, "lesion", "resnet152").start is None
    assert training(started, "lesion", "resnet152").settings.network.weights == "imagenet"


# Other methods.


def beside(**method: Any) -> Plan:
    return plan(backbones={"one": UNET, "two": UNET}, methods={"mine": {"network": UNET} | method})


def test_a_method_is_not_fused_and_changes_nothing_of_the_others() -> None:
    without, both = plan(backbones={"one": UNET, "two": UNET}), beside()
    assert both.methods.keys() == without.methods.keys() | {"mine"}
    for name, stages in without.methods.items():
        assert both.methods[name] == stages
    assert without.data.items() <= both.data.items()
    assert model_of(both, FUSION) == model_of(without, FUSION)


def test_a_method_looks_for_lesions_around_its_own_liver() -> None:
    both = beside()
    mine = both.methods["mine"]
    assert mine["liver"].data == both.methods["one"]["liver"].data == "liver"
    own, fused = both.data[mine["lesion"].data], both.data["lesion"]
    assert own.preprocess == fused.preprocess
    assert own.within is not None
    assert (own.within.method, own.within.stage) == ("mine", "liver")
    assert steps_to(both, "mine") == [("mine", "liver"), ("mine", "lesion")]
    assert ("mine", "liver") not in steps_to(both, FUSION)
    model = model_of(both, "mine")
    assert model.methods.keys() == {"mine"}
    assert model.data.keys() == {"liver", mine["lesion"].data}


def test_two_methods_have_regions_of_their_own() -> None:
    two = plan(backbones={"one": UNET}, methods={"a": {"network": UNET}, "b": {"network": UNET}})
    assert len({two.methods[name]["lesion"].data for name in ("one", "a", "b")}) == 3
    names = {within.method for data in two.data.values() if (within := data.within)}
    assert names == {FUSION, "a", "b"}


@pytest.mark.parametrize("stage", STAGES)
def test_a_method_is_trained_as_a_backbone_with_the_same_settings(stage: str) -> None:
    both = beside()
    assert training(both, stage, "mine") == training(both, stage, "one")
    assert training(both, stage, "mine").data == stage  # lesions of training exams lie within the reference
    assert both.methods["mine"][stage].network == both.methods["one"][stage].network
    assert both.methods["mine"][stage].postprocessing == both.methods["one"][stage].postprocessing


def test_differences_are_a_methods_and_then_a_stages_own() -> None:
    flip = {"kind": "flip", "direction": "vertical", "probability": 0.5}
    changed = beside(
        training={"loss": "dice", "epochs": 7, "augmentation": [flip]},
        stages={"lesion": {"training": {"epochs": 3, "augmentation": []}}},
    )
    liver, lesion = (training(changed, stage, "mine").settings.training for stage in STAGES)
    assert (liver.loss, liver.epochs, len(liver.augmentation or ())) == ("dice", 7, 1)
    assert (lesion.loss, lesion.epochs, lesion.augmentation) == ("dice", 3, None)
    assert (liver.learning_rate, lesion.learning_rate) == (0.05, 0.1)  # the stages'
    for stage in STAGES:
        assert training(changed, stage, "one") == training(plan(backbones={"one": UNET}), stage, "one")


def test_post_processing_is_a_stages_own_or_the_runs() -> None:
    steps = [{"kind": "min_area", "min_area": 20}, {"kind": "near_largest", "max_distance": 5}]
    own = beside(stages={"lesion": {"postprocessing": steps}}).methods
    assert [step.kind for step in own["mine"]["lesion"].postprocessing] == ["min_area", "near_largest"]
    assert own["mine"]["lesion"].postprocessing[0].as_json()["min_area"] == 20
    assert own["mine"]["liver"].postprocessing == own["one"]["liver"].postprocessing
    assert own["one"]["lesion"].postprocessing == beside().methods["one"]["lesion"].postprocessing
    none = beside(stages={"liver": {"postprocessing": []}}).methods
    assert none["mine"]["liver"].postprocessing == ()
    assert none["mine"]["lesion"].postprocessing == own["one"]["lesion"].postprocessing


@pytest.mark.parametrize(
    ("method", "liver", "lesion", "restored"),
    [
        (None, None, None, (None, None)),
        ("maps", None, None, ("maps", "maps")),
        ("maps", "masks", None, (None, "maps")),
        ("masks", None, "maps", (None, "maps")),
        (None, "masks", "masks", (None, None)),
    ],
)
def test_what_is_restored_is_a_stages_own_or_the_methods(
    method: str | None, liver: str | None, lesion: str | None, restored: tuple[str | None, ...]
) -> None:
    """Masks, which the thesis restores (4.9), are written as nothing."""
    changed = beside(restore=method, stages={"liver": {"restore": liver}, "lesion": {"restore": lesion}})
    assert tuple(changed.methods["mine"][stage].restore for stage in STAGES) == restored
    for name, stages in beside().methods.items():
        if name != "mine":
            assert changed.methods[name] == stages
            assert all("restore" not in planned.canonical() for planned in stages.values())


INSIDE = {"lesion": {"postprocessing": [{"kind": "inside"}]}}


@pytest.mark.parametrize(
    "method",
    [
        {"network": UNET, "stages": INSIDE},
        {"network": UNET, "stages": {"lesion": INSIDE["lesion"] | {"data": {"kind": "liver_slices"}}}},
        {"kind": "average", "of": ["one", "two"], "stages": INSIDE},
    ],
    ids=["cascade", "of whole exams", "average"],
)
def test_lesions_are_kept_inside_the_methods_own_liver(method: dict[str, Any]) -> None:
    """Also where they are sought in the whole exam."""
    mine = plan(backbones={"one": UNET, "two": UNET}, methods={"mine": method})
    assert mine.methods["mine"]["lesion"].region == Region(method="mine", stage="liver")
    assert mine.methods["mine"]["liver"].region is None
    assert ("mine", "liver") in steps_to(mine, "mine")
    for name in ("one", "two", FUSION):
        assert all("region" not in planned.as_json() for planned in mine.methods[name].values())


def test_an_average_restores_what_it_is_told() -> None:
    average = {
        "kind": "average",
        "of": ["one", "two"],
        "restore": "maps",
        "stages": {"liver": {"restore": "masks"}},
    }
    mine = plan(backbones={"one": UNET, "two": UNET}, methods={"mine": average}).methods["mine"]
    assert [mine[stage].restore for stage in STAGES] == [None, "maps"]


def test_jobs_of_a_method_are_told_its_own_settings() -> None:
    settings = read_settings({"methods": {"mine": {"network": UNET, "training": {"loss": "dice"}}}})
    found = plan_of(settings)
    of = JobSettings(settings, found).of
    for stage in STAGES:
        assert of("train", stage, "mine") == training(found, stage, "mine").settings
        assert of("predict", stage, "mine") == found.methods["mine"][stage].network
        assert of("postprocess", stage, "mine").as_json()["postprocessing"]
    assert of("preprocess", found.methods["mine"]["lesion"].data) == of("preprocess", "lesion")
    assert of("fit_fusion", "liver", FUSION).of == tuple(THESIS)
    assert "mine" not in of("bundle").methods


def test_weights_of_a_method_are_a_file_of_the_run() -> None:
    """And are read by its liver network alone, from which that for lesions starts."""
    chosen = {"network": {"arch": "resnet50", "weights": "./weights//w.pth"}}
    settings = read_settings({"methods": {"mine": chosen}})
    found = plan_of(settings)
    assert training(found, "liver", "mine").settings.network.weights == "weights/w.pth"
    assert training(found, "lesion", "mine").settings.network.weights == "none"


@pytest.mark.parametrize("name", ["x", "a_b", "lesion", "liver"])
def test_data_of_methods_have_names_of_their_own(name: str) -> None:
    named = plan(backbones={"one": UNET}, methods={name: {"network": UNET}, f"lesion_{name}": {"network": UNET}})
    assert len(named.data) == 4
    assert named.methods[name]["lesion"].data != named.methods[f"lesion_{name}"]["lesion"].data


def test_the_order_of_keys_does_not_matter() -> None:
    one = plan(methods={"a": {"network": UNET}, "b": {"network": UNET}}, backbones={"x": UNET, "y": UNET})
    other = plan(backbones={"y": UNET, "x": UNET}, methods={"b": {"network": UNET}, "a": {"network": UNET}})
    assert one.canonical() == other.canonical()
    assert networks_of(one) == networks_of(other)


# What a method sees.


def test_a_method_may_see_data_of_its_own() -> None:
    made = beside(
        stages={
            "liver": {"data": {"kind": "liver_slices", "size": 512, "window": {"low": -160, "high": 240}}},
            "lesion": {"data": {"kind": "voi_slices", "size": 384, "margin": 0.1}},
        }
    )
    mine = made.methods["mine"]
    liver, lesion = (made.data[mine[stage].data].preprocess for stage in STAGES)
    assert liver.preprocessing.as_json() == {
        "kind": "liver_slices",
        "size": 512,
        "window": {"low": -160, "high": 240},
    }
    assert lesion.preprocessing.as_json() == {  # the window is the run's
        "kind": "voi_slices",
        "size": 384,
        "margin": 0.1,
        "window": {"low": -250, "high": 250},
    }
    for stage in STAGES:
        assert training(made, stage, "mine").data == mine[stage].data == f"{stage}-mine"
    within = made.data["lesion-mine"].within
    assert within is not None
    assert (within.method, within.stage) == ("mine", "liver")
    without = plan(backbones={"one": UNET, "two": UNET})
    assert without.data.items() <= made.data.items()


def test_the_runs_data_are_shared_where_they_are_the_same() -> None:
    same = {"kind": "liver_slices", "size": 256}
    made = beside(stages={"liver": {"data": same}})
    assert made.methods["mine"]["liver"].data == "liver"
    assert made == beside()


def test_the_runs_contrast_and_size_are_a_methods_where_it_sets_none() -> None:
    made = plan(
        size=128,
        contrast={"tiles": 4},
        backbones={"one": UNET},
        methods={
            "mine": {"network": UNET, "stages": {"lesion": {"data": {"kind": "lesion_slices", "margin": 0.2}}}}
        },
    )
    told = made.data["lesion-mine"].preprocess.preprocessing.as_json()
    assert told == made.data["lesion"].preprocess.preprocessing.as_json() | {"margin": 0.2}
    assert (told["size"], told["contrast"]["tiles"]) == (128, 4)


def test_lesions_may_be_sought_in_the_whole_exam() -> None:
    made = beside(stages={"lesion": {"data": {"kind": "liver_slices"}}})
    data = made.data[made.methods["mine"]["lesion"].data]
    assert data.within is None
    assert (data.preprocess.region, data.preprocess.structure) == (None, "lesion")


def test_a_stage_chooses_sampling_and_flips_before_the_method() -> None:
    made = beside(
        sampling={"kind": "slabs", "slices": 3},
        flips=["vertical", "horizontal"],
        training={"start": "backbone"},
        stages={"liver": {"flips": ["horizontal"]}, "lesion": {"sampling": {"kind": "slices"}}},
    )
    seen = {}
    for stage in STAGES:
        network = made.methods["mine"][stage].network
        assert network is not None
        assert network.sampling == training(made, stage, "mine").settings.sampling
        seen[stage] = (network.sampling.as_json(), network.flips)
    assert seen == {
        "liver": ({"kind": "slabs", "slices": 3}, ("horizontal",)),
        "lesion": ({"kind": "slices"}, ("horizontal", "vertical")),
    }


def test_flips_are_a_setting_of_prediction_alone() -> None:
    with_flips, without = beside(flips=["horizontal"]), beside()
    for stage in STAGES:
        assert training(with_flips, stage, "mine") == training(without, stage, "mine")
        assert with_flips.methods["mine"][stage] != without.methods["mine"][stage]
    assert with_flips.data == without.data


def test_windows_that_overlap_are_a_setting_of_prediction_alone() -> None:
    data = {"data": GRID} | PATCHES
    without, less = (
        beside(network=MONAI, stages={"liver": data | {"sampling": PATCHES["sampling"] | overlap}, "lesion": data})
        for overlap in ({}, {"overlap": 0.25})
    )
    assert training(without, "liver", "mine") == training(less, "liver", "mine")
    assert without.methods["mine"]["liver"].network != less.methods["mine"]["liver"].network


def test_a_method_may_start_anew_where_its_stages_see_other_channels() -> None:
    stages = {"lesion": {"sampling": {"kind": "slices"}}}
    made = beside(sampling={"kind": "slabs"}, training={"start": "backbone"}, stages=stages)
    assert training(made, "lesion", "mine").start is None


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ({"stages": {"liver": {"data": {"kind": "voi_slices"}}}}, "lie around a liver"),
        ({"stages": {"liver": {"data": {"kind": "liver_slices", "margin": 0.1}}}}, "unknown key"),
        ({"stages": {"lesion": {"data": {"kind": "voi_slices", "margin": -0.1}}}}, "greater than or equal to 0"),
        ({"stages": {"lesion": {"data": {"kind": "voi"}}}}, "found 'voi'"),
        ({"stages": {"lesion": {"data": {"kind": "lesion_slices", "size": 24}}}}, "greater than or equal to 32"),
        (
            {"stages": {"lesion": {"data": {"kind": "lesion_slices", "size": 32, "contrast": {"tiles": 16}}}}},
            "methods.mine.stages.lesion.data.contrast.tiles: 16 tiles along 32 pixels",
        ),
        ({"sampling": {"kind": "slabs", "slices": 4}}, "1, 3 or 5"),
        (
            {"sampling": {"kind": "slabs"}, "stages": {"lesion": {"sampling": {"kind": "slices"}}}},
            "training.lesion.start: the lesion network of the method 'mine' sees 1 slice at once, and cannot",
        ),
        ({"flips": []}, "expected `horizontal`, `vertical` and `axial`"),
        ({"flips": ["horizontal", "horizontal"]}, "each once"),
        ({"flips": ["up"]}, "'horizontal', 'vertical' or 'axial'"),
        ({"flips": ["axial"]}, "methods.mine.flips: 'axial' changes the order of slices"),
        (
            {"training": {"augmentation": [{"kind": "flip", "direction": "axial", "probability": 0.5}]}},
            "methods.mine.training.augmentation: 'axial' changes the order of slices",
        ),
        (
            {"stages": {"liver": {"data": {"kind": "resampled_voi", "spacing": [2, 1, 1]}}}},
            "which nothing has found before this stage; use 'resampled'",
        ),
        ({"stages": {"liver": {"data": {"kind": "resampled"}}}}, "stages.liver.data.spacing: missing"),
        ({"stages": {"liver": {"data": {"kind": "resampled", "spacing": [1, 1, 0]}}}}, "greater than or equal to"),
        (
            {"stages": {"liver": {"data": {"kind": "resampled", "spacing": [2, 1, 1]}}}},
            "methods.mine.stages.liver.data.kind: 'resampled' gives exams of any size",
        ),
        (
            {"sampling": {"kind": "patches", "size": [16, 32, 32]}},
            "methods.mine.sampling.size: patches have three dimensions, and the network (unet) has two",
        ),
        (
            {"network": {"arch": "monai", "monai": {"name": "Quicknat"}}} | PATCHES,
            "patches have three dimensions, and the network (monai: Quicknat) has two",
        ),
        (
            {"network": {"arch": "monai", "monai": {"name": "UNet", "arguments": HALVING}}} | PATCHES,
            "methods.mine.sampling.size: [16, 24, 32] voxels cannot be divided by the network's strides and "
            "`unshuffle`, which make [4, 16, 16]",
        ),
        (
            {"stages": {"coarse": {}}},
            "mine.stages.liver.data: in the whole exam, so nothing would use what the stage 'coarse' finds",
        ),
        (
            {"stages": {"coarse": {}, "liver": {"data": {"kind": "resampled", "spacing": [5, 4, 4]}}}},
            "nothing would use what the stage 'coarse' finds",
        ),
        (
            {"stages": {"coarse": {"data": {"kind": "voi_slices"}}, "liver": {"data": {"kind": "voi_slices"}}}},
            "stages.coarse: data.kind: 'voi_slices' lie around a liver, which nothing has found before",
        ),
        (
            {"stages": {"coarse": {"postprocessing": [{"kind": "inside"}]}, "liver": {"data": VOI}}},
            "stages.coarse: postprocessing.0.kind: 'inside' looks at a liver",
        ),
        (
            {"training": {"start": "coarse"}},
            "methods.mine.training.start: a liver network cannot start from a coarse network, which this method "
            "does not train before; allowed: 'backbone'",
        ),
        (
            {"stages": {"coarse": {"training": {"start": "liver"}}, "liver": {"data": VOI}}},
            "a coarse network cannot start from a liver network, which this method does not train before",
        ),
        (
            {"stages": {"coarse": {"training": {"start": "coarse"}}, "liver": {"data": VOI}}},
            "a coarse network cannot start from itself; allowed: 'backbone'",
        ),
        (
            {"training": {"drawn": {"kind": "trunk"}, "batches_per_epoch": 3}},
            "methods.mine.training.drawn: patches are drawn as data of the kind 'resampled' or 'resampled_voi'",
        ),
        (
            {"network": MONAI, "training": {"start": "backbone", "drawn": {"kind": "trunk"}}}
            | PATCHES
            | {"stages": {"liver": {"data": GRID}, "lesion": {"data": GRID}}},
            "methods.mine.training.drawn: an epoch of drawn phantoms has no end of its own; set batches_per_epoch",
        ),
        (
            {"training": {"drawn": {"kind": "trunk", "lesion_radius": [9, 3]}}},
            "methods.mine.training.drawn.lesion_radius: found [9, 3]; [9, 3]: write the smaller value first",
        ),
        ({"training": {"drawn": {"kind": "head"}}}, "methods.mine.training.drawn.kind"),
        (
            {"network": MONAI, "stages": {"lesion": PATCHES}},
            "the lesion network of the method 'mine' sees a patch at once, and cannot start from the liver",
        ),
    ],
)
def test_what_a_method_cannot_see_is_refused(method: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        beside(**method)


# A coarse liver first, and phantoms that are drawn.

OPEN: dict[str, Any] = {
    "network": MONAI,
    "training": {"start": "backbone", "drawn": {"kind": "trunk"}, "batches_per_epoch": 3},
    "stages": {
        "coarse": {"data": GRID},
        "liver": {"data": FINE, "training": {"start": "coarse", "epochs": 7}},
        "lesion": {"data": FINE, "training": {"start": "liver"}},
    },
} | PATCHES


def test_a_method_may_look_for_the_liver_coarsely_first() -> None:
    made = beside(**OPEN)
    mine = made.methods["mine"]
    assert [(stage, one.structure, one.data) for stage, one in mine.items()] == [
        ("coarse", "liver", "coarse-mine"),
        ("liver", "liver", "liver-mine"),
        ("lesion", "lesion", "lesion-mine"),
    ]
    assert made.data["coarse-mine"].within is None
    assert made.data["liver-mine"].within == Region(method="mine", stage="coarse")
    assert made.data["lesion-mine"].within == Region(method="mine", stage="liver")
    assert {made.data[f"{stage}-mine"].preprocess.region for stage in ("liver", "lesion")} == {"liver"}
    assert made.data["liver-mine"].preprocess.structure == "liver"
    assert stages_of(made, "mine") == {"liver": "liver", "lesion": "lesion"}  # the later one is the liver
    assert steps_to(made, "mine") == [("mine", stage) for stage in ("coarse", "liver", "lesion")]
    assert networks_of(made)[0] == ("mine", "coarse")


def test_a_coarse_stage_is_trained_as_the_liver_is_but_for_its_own_keys() -> None:
    base = {"liver": {"epochs": 5}}
    own = {"coarse": {"data": GRID, "training": {"learning_rate": 0.5}}}
    config = OPEN | {"stages": OPEN["stages"] | own}
    made = plan(backbones={}, model="mine", training=base, methods={"mine": config})
    coarse, liver = (training(made, stage, "mine").settings.training for stage in ("coarse", "liver"))
    assert (coarse.epochs, liver.epochs) == (5, 7)
    assert (coarse.learning_rate, liver.learning_rate) == (0.5, 0.05)


def test_networks_start_from_those_of_earlier_stages() -> None:
    made = beside(**OPEN)
    starts = {stage: training(made, stage, "mine").start for stage in ("coarse", "liver", "lesion")}
    assert starts == {"coarse": None, "liver": "coarse", "lesion": "liver"}


def test_a_training_that_draws_phantoms_reads_no_exam() -> None:
    made = beside(**OPEN)
    for stage in ("coarse", "liver", "lesion"):
        found = training(made, stage, "mine")
        assert found.data is None
        assert found.settings.drawn_as == made.data[f"{stage}-mine"].preprocess
        assert not learns_from_exams(made, "mine", stage)
        assert data_for(made, "mine", stage, "train") == f"{stage}-mine"
    assert learns_from_exams(made, "one", "liver")
    assert "drawn" not in training(made, "liver", "one").settings.canonical()


def test_of_a_network_that_is_taken_unchanged_nothing_counts_but_its_start() -> None:
    network, taken = UNET | {"weights": "model.zip"}, {"epochs": 0, "start": "backbone"}
    one, other = (
        beside(network=network, training=taken | {"batch_size": size, "loss": loss})
        for size, loss in ((8, "bce"), (16, "dice"))
    )
    again = plan(seed=7, precision="tf32", methods={"mine": {"network": network, "training": taken}})
    for stage in STAGES:
        assert training(one, stage, "mine") == training(other, stage, "mine") == training(again, stage, "mine")
        assert training(one, stage, "mine").data is None


def test_a_run_that_draws_all_phantoms_needs_no_training_exams() -> None:
    assert not read_settings({"backbones": {}, "model": "mine", "methods": {"mine": OPEN}}).learns_from_exams
    assert read_settings({"methods": {"mine": OPEN}}).learns_from_exams
    some = {"network": UNET, "training": {"epochs": 2}}
    both = {"mine": OPEN, "other": some}
    assert read_settings({"backbones": {}, "model": "mine", "methods": both}).learns_from_exams


def test_a_plan_tells_of_drawn_phantoms_and_of_the_coarse_liver() -> None:
    told = "\n".join(in_words(beside(**OPEN)))
    assert "within the coarse liver that mine finds" in told
    assert "trained on phantoms drawn as it goes, trunk (max_lesions 20," in told


def test_maps_around_a_coarse_liver_are_not_averaged() -> None:
    mine = {"network": UNET, "stages": {"coarse": {}, "liver": {"data": VOI}}}
    with pytest.raises(
        UserError, match=r"methods\.both\.of: the liver's maps of 'mine' lie around its own coarse liver"
    ):
        plan(methods={"mine": mine, "both": {"kind": "average", "of": ["mine", "fusion"]}})


# Patches.


def test_patches_have_networks_of_three_dimensions_by_their_sampling() -> None:
    data = {"kind": "resampled", "spacing": [5, 4, 4]}
    made = beside(
        network=MONAI, training={"start": "backbone"}, stages={"liver": PATCHES | {"data": data}, "lesion": {}}
    )
    networks = {stage: made.methods["mine"][stage].network for stage in STAGES}
    assert {stage: one.network.dimensions for stage, one in networks.items() if one} == {
        "liver": 3,
        "lesion": None,
    }
    for stage in STAGES:
        assert training(made, stage, "mine").settings.network.dimensions == networks[stage].network.dimensions
    assert "dimensions" not in networks["lesion"].canonical()


def test_resampled_data_have_the_window_of_the_run_unless_they_have_their_own() -> None:
    window = {"low": -100.0, "high": 200.0}
    own = {"kind": "resampled_voi", "spacing": [2.0, 1.5, 1.5], "margin": 20.0, "window": window}
    stages = {"liver": {"data": {"kind": "resampled", "spacing": [5, 4, 4]}}, "lesion": {"data": own}}
    made = beside(network=MONAI, **PATCHES, stages=stages)
    seen = {name: made.data[f"{name}-mine"] for name in STAGES}
    assert seen["liver"].preprocess.preprocessing.as_json() == {
        "kind": "resampled",
        "window": {"low": -250.0, "high": 250.0},
        "spacing": [5.0, 4.0, 4.0],
    }
    assert seen["liver"].within is None
    assert seen["lesion"].preprocess.preprocessing.as_json() == own
    assert seen["lesion"].within == Region(method="mine", stage="liver")
    assert seen["lesion"].preprocess.region == "liver"
    assert training(made, "lesion", "mine").start == "liver"  # whose network sees patches, too


def test_what_a_network_of_patches_sees_is_told_in_words() -> None:
    stages = {"liver": {"data": {"kind": "resampled", "spacing": [5, 4, 3.5]}}}
    made = beside(network=MONAI, **PATCHES, stages=stages)
    assert seen_in_words(made, "mine", "liver") == "16×24×32 voxels of 5×4×3.5 mm"
    assert seen_in_words(made, "mine", "lesion") == "16×24×32 voxels"
    assert seen_in_words(made, "one", "lesion") == "256×256 pixels"


def test_patches_of_slices_need_no_resampling() -> None:
    made = beside(network=MONAI, **PATCHES)
    assert {made.methods["mine"][stage].data for stage in STAGES} == {"liver", "lesion-mine"}


def test_maps_of_resampled_exams_are_not_averaged() -> None:
    data = {"data": {"kind": "resampled", "spacing": [5, 4, 4]}}
    mine = {"network": MONAI, **PATCHES, "stages": {"liver": data}}
    with pytest.raises(
        UserError, match=r"methods\.both\.of: the maps of 'mine' lie on the grid of resampled exams"
    ):
        plan(methods={"mine": mine, "both": {"kind": "average", "of": ["mine", "fusion"]}})


REGION = {"kind": "voi_slices", "with_region": True}


def test_a_stage_may_see_the_earlier_mask_as_a_channel() -> None:
    made = beside(training={"start": "backbone"}, stages={"lesion": {"data": REGION}})
    for stage, expected in (("liver", None), ("lesion", True)):
        assert made.methods["mine"][stage].network.with_region is expected
        assert training(made, stage, "mine").settings.with_region is expected
    assert made.data["lesion-mine"].preprocess.preprocessing.with_region is True
    with pytest.raises(UserError, match=r"sees 1 slice with a mask at once, and cannot start from the liver"):
        beside(stages={"lesion": {"data": REGION}})


# Averages of maps.


def test_an_average_lies_on_the_finest_grid_around_its_own_liver() -> None:
    fine = {"kind": "voi_slices", "size": 384, "margin": 0.1}
    mine = {"network": UNET, "stages": {"lesion": {"data": fine}}}
    own_steps = [{"kind": "min_area", "min_area": 3}]
    both = {"kind": "average", "of": ["mine", "fusion"], "stages": {"lesion": {"postprocessing": own_steps}}}
    made = plan(backbones={"one": UNET}, methods={"mine": mine, "both": both})
    liver, lesion = (made.methods["both"][stage] for stage in STAGES)
    assert liver.average is not None
    assert lesion.average is not None
    assert liver.average.of == lesion.average.of == ("mine", "fusion")
    assert (liver.data, lesion.data) == ("liver", "lesion-both")
    grid = made.data["lesion-both"]
    assert grid.preprocess == made.data["lesion-mine"].preprocess
    assert grid.within is not None
    assert (grid.within.method, grid.within.stage) == ("both", "liver")
    assert liver.postprocessing == made.methods["fusion"]["liver"].postprocessing
    assert [step.as_json() for step in lesion.postprocessing] == own_steps
    assert averages_of(made) == [("both", "liver"), ("both", "lesion")]
    assert networks_of(made) == [(name, stage) for stage in STAGES for name in ("mine", "one")]


def test_an_average_trains_nothing_and_changes_no_other_method() -> None:
    without = plan(backbones={"one": UNET, "two": UNET})
    made = plan(backbones={"one": UNET, "two": UNET}, methods={"both": {"kind": "average", "of": ["one", "two"]}})
    assert made.methods.items() >= without.methods.items()
    assert made.data.keys() == without.data.keys() | {"lesion-both"}
    assert predictions_of(made) == predictions_of(without)
    steps = steps_to(made, "both")
    assert steps.index(("one", "liver")) < steps.index(("both", "liver")) < steps.index(("both", "lesion"))
    model = model_of(made, "both")
    assert model.methods.keys() == {"one", "two", "fusion", "both"}  # whose lesions lie within the fusion's liver


@pytest.mark.parametrize(
    ("methods", "told"),
    [
        ({"both": {"kind": "average", "of": ["one"]}}, "at least 2"),
        (
            {"both": {"kind": "average", "of": ["one", "three"]}},
            "methods.both.of: found 'three'; expected names of",
        ),
        ({"both": {"kind": "average", "of": ["one", "one"]}}, "a name stands there twice"),
        ({"both": {"kind": "average", "of": ["one", "both"]}}, "found 'both'"),
        ({"both": {"kind": "mean", "of": ["one", "two"]}}, "methods.both.kind: found 'mean'"),
        (
            {"both": {"kind": "average", "of": ["one", "two"], "training": {}}},
            "methods.both.training: unknown key",
        ),
    ],
)
def test_averages_of_what_is_not_there_are_refused(methods: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        plan(backbones={"one": UNET, "two": UNET}, methods=methods)


@pytest.mark.parametrize("name", [None, "fusion", "one", "mine"])
def test_a_runs_model_is_the_fusion_or_the_method_that_is_named(name: str | None) -> None:
    settings = read_settings({"backbones": {"one": UNET}, "methods": {"mine": {"network": UNET}}, "model": name})
    planned = plan_of(settings)
    model = JobSettings(settings, planned).bundle()
    assert model == model_of(planned, name or FUSION)
    assert model.result == (name or FUSION)


def test_a_model_of_no_method_is_refused() -> None:
    with pytest.raises(UserError, match="model: found 'mine'; expected a method of this run: one, fusion"):
        plan(backbones={"one": UNET}, model="mine")


def networks(of: Plan, name: str) -> list[dict[str, Any]]:
    """Return the network of each stage of a method, as its jobs are told: without nulls."""
    return [planned.network.network.as_json() for planned in of.methods[name].values() if planned.network]


def test_a_run_may_have_no_backbones_and_then_fuses_nothing() -> None:
    alone = plan(backbones={}, methods={"mine": {"network": UNET}}, model="mine")
    assert list(alone.methods) == ["mine"]
    assert votes_of(alone) == []
    assert networks_of(alone) == [("mine", stage) for stage in STAGES]
    assert alone.data.keys() == {"liver", "lesion"}
    assert alone.data["lesion"].within == Region(method="mine", stage="liver")


def test_another_model_of_a_run_without_backbones_changes_no_method() -> None:
    methods = {"one": {"network": UNET}, "two": {"network": UNET, "restore": "maps"}}
    one, two = (plan(backbones={}, methods=methods, model=model) for model in methods)
    assert one == two
    assert model_of(one, "two") == model_of(two, "two")


@pytest.mark.parametrize("own", [{}, {"stages": {"lesion": {"data": {"kind": "voi_slices", "margin": 0.1}}}}])
def test_backbones_that_come_in_later_train_nothing_anew(own: dict[str, Any]) -> None:
    mine = {"mine": {"network": UNET, **own}}
    alone, beside = plan(backbones={}, methods=mine, model="mine"), plan(methods=mine)
    for stage in STAGES:
        before, after = training(alone, stage, "mine"), training(beside, stage, "mine")
        assert before == after
        assert alone.data[before.data].preprocess == beside.data[after.data].preprocess


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"backbones": {}}, "there are none, and `methods` has no network either"),
        ({"backbones": {}, "methods": {"mine": {"network": UNET}}}, "name a method of this run: mine"),
        (
            {"backbones": {}, "methods": {"mine": {"network": UNET}}, "model": "fusion"},
            "found 'fusion'; expected a method of this run: mine",
        ),
        (
            {
                "backbones": {},
                "methods": {"mine": {"network": UNET}, "both": {"kind": "average", "of": ["mine", "fusion"]}},
                "model": "both",
            },
            "found 'fusion'; expected names of mine",
        ),
    ],
)
def test_without_backbones_nothing_is_the_fusion(config: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        read_settings(config)


def test_networks_that_set_nothing_of_their_own_are_told_nothing_new() -> None:
    for name in ("densenet201", "resnet152"):
        assert [set(network) for network in networks(plan(), name)] == [{"arch", "weights", "head"}] * 2


def test_a_decoder_and_a_network_of_monai_are_passed_on() -> None:
    decoder = {"kind": "unet", "channels": [16, 8, 8, 4, 4]}
    monai = {"name": "VNet", "arguments": {"dropout_prob_down": 0.2, "act": None}, "unshuffle": [2, 2]}
    backbone = {"arch": "resnet50", "weights": "none", "decoder": decoder}
    made = plan(backbones={"one": backbone}, methods={"mine": {"network": {"arch": "monai", "monai": monai}}})
    assert [network["decoder"] for network in networks(made, "one")] == [decoder] * 2
    assert [network["monai"] for network in networks(made, "mine")] == [monai] * 2
    assert Plan.model_validate_json(made.canonical()) == made


def test_a_head_that_nothing_reads_retrains_nothing() -> None:
    backbone = {"arch": "resnet50", "weights": "none", "decoder": {"kind": "unet"}}
    one, other = (plan(backbones={"one": backbone}, head={"channels": channels}) for channels in (64, 128))
    assert one == other
    one, other = (plan(methods={"mine": {"network": UNET}}, head={"channels": channels}) for channels in (64, 128))
    assert one.methods["mine"] == other.methods["mine"]
    assert one.methods["resnet152"] != other.methods["resnet152"]


def test_levels_are_planned_for_the_size_and_are_those_of_both_stages() -> None:
    network = {"arch": "plain_unet"}
    small = {"lesion": {"data": {"kind": "lesion_slices", "size": 64}}}
    made = plan(methods={"large": {"network": network}, "both": {"network": network, "stages": small}})
    for name, count in (("large", 7), ("both", 5)):
        for found in networks(made, name):
            assert len(found["unet"]["channels"]) == len(found["unet"]["blocks"]) == count
    settings = training(made, "lesion", "both").settings
    assert settings.network.as_json() == networks(made, "both")[1]


def lesion_grid(*of: str, **methods: Any) -> PlannedData:
    """Return where the lesions of an average lie."""
    both = {"kind": "average", "of": list(of)}
    made = plan(size=128, backbones={"one": UNET}, methods={**methods, "both": both})
    return made.data[made.methods["both"]["lesion"].data]


@pytest.mark.parametrize("reverse", [False, True])
def test_the_finest_grid_has_the_most_pixels_across_the_liver(reverse: bool) -> None:
    def seeing(**data: Any) -> dict[str, Any]:
        return {"network": UNET, "stages": {"lesion": {"data": data}}}

    methods = {
        "whole": seeing(kind="liver_slices", size=512),
        "wide": seeing(kind="voi_slices", size=160, margin=0.5),
        "close": seeing(kind="voi_slices", size=136, margin=0.1),
    }
    order = ["whole", "wide", "one", "close"]
    found = lesion_grid(*(order[::-1] if reverse else order), **methods)
    assert found.preprocess.preprocessing.as_json()["kind"] == "lesion_slices"  # the run's: 128 pixels, no margin
    assert found.within is not None
    assert found.within.method == "both"
    order.remove("one")
    found = lesion_grid(*(order[::-1] if reverse else order), **methods)
    assert found.preprocess.preprocessing.as_json() | {"size": 136, "margin": 0.1} == (
        found.preprocess.preprocessing.as_json()
    )


def test_a_group_of_a_methods_data_takes_the_place_of_the_runs() -> None:
    """Merged key by key, a window could end below its beginning though either group is right."""
    data = {"kind": "lesion_slices", "window": {"high": 200}, "contrast": {"tiles": 4}}
    made = plan(
        window={"low": -100, "high": 400},
        contrast={"clip_limit": 0.05},
        backbones={"one": UNET},
        methods={"mine": {"network": UNET, "stages": {"lesion": {"data": data}}}},
    )
    told = made.data["lesion-mine"].preprocess.preprocessing.as_json()
    assert told["window"] == {"low": -250, "high": 200}
    assert told["contrast"] == {"background": "mask", "tiles": 4, "clip_limit": 0.01}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            {"mine": {"network": UNET, "stages": {"lesion": {"data": {"kind": "voi_slices", "size": 40}}}}},
            "postprocessing.lesion.min_area: 3000 pixels are more than a slice has "
            "(methods.mine.stages.lesion.data.size: 40)",
        ),
        (
            {
                "both": {
                    "kind": "average",
                    "of": ["one", "fusion"],
                    "stages": {"liver": {"postprocessing": [{"kind": "min_area", "min_area": 4097}]}},
                }
            },
            "methods.both.stages.liver.postprocessing.0.min_area: 4097 pixels",
        ),
    ],
)
def test_steps_that_remove_everything_are_refused_on_every_grid(config: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        plan(
            size=64,
            postprocessing={"lesion": {"min_area": 3000}},
            backbones={"one": UNET},
            methods=config,
        )
