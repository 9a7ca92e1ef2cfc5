"""The settings: the thesis by default, and whatever is wrong is told with its key."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import ValidationError
from snakemake.utils import update_config

from hepaflow.errors import UserError
from hepaflow.exams.sheet import read_sheet
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.compute import ComputeSettings, RunComputeSettings
from hepaflow.settings.configuration import read_files
from hepaflow.settings.decoder import Decoder
from hepaflow.settings.network import HAS_BACKBONE, MOST_DIMENSIONS, OWN_SETTINGS, SIDES, NetworkSettings
from hepaflow.settings.postprocess import PostprocessingStep
from hepaflow.settings.preprocessing import OwnData, Preprocessing
from hepaflow.settings.sampling import Sampling
from hepaflow.settings.together import DECODER_STRIDE, STRIDE, check_held_out, remarks
from hepaflow.settings.workflow import Settings, read_settings
from hepaflow.words import counted

ROOT = Path(__file__).parents[3]
UNET = {"arch": "unet", "weights": "none"}
NO_EPOCH = {"training": {"epochs": 0, "start": "backbone"}}
RESNET = {"arch": "resnet50", "weights": "none"}
INSIDE = {"liver": {"postprocessing": [{"kind": "largest_component"}, {"kind": "inside", "dilation": 2}]}}
FOUR_DIMENSIONS = {"kind": "fill_holes", "dimensions": 4}
DEEP = {"arch": "plain_unet", "unet": {"channels": [8] * 6}}

THESIS = {
    "window.low": -250,  # 4.2
    "window.high": 250,
    "size": 256,
    "contrast.tiles": 8,  # 4.3
    "head.rates": [4, 8, 12],  # 4.4.1
    "head.dropout": 0.5,  # 3.5
    "backbones.densenet201.arch": "densenet201",  # 4.4
    "backbones.inceptionv3.arch": "inception_v3",
    "backbones.resnet152.arch": "resnet152",
    "backbones.resnext101.arch": "resnext101_32x8d",
    "backbones.resnet152.weights": "imagenet",  # 4.6.1
    "training.liver.epochs": 200,
    "training.liver.batch_size": 32,
    "training.liver.learning_rate": 0.05,
    "training.liver.momentum": 0.9,
    "training.liver.decay_factor": 0.95,
    "training.liver.decay_every": 10,
    "training.liver.start": "backbone",
    "training.lesion.epochs": 20,
    "training.lesion.batch_size": 32,
    "training.lesion.learning_rate": 0.1,
    "training.lesion.momentum": 0.9,
    "training.lesion.decay_factor": 0.5,
    "training.lesion.decay_every": 1,
    "training.lesion.start": "liver",
    "fusion.sgd.learning_rate": 10,  # 4.6.2
    "fusion.sgd.momentum": 0.9,
    "fusion.sgd.epochs": 5,
    "postprocessing.liver.max_distance": 200,  # 4.7
    "postprocessing.liver.min_area_ratio": 1 / 8,
    "postprocessing.lesion.min_area": 10,  # 4.8
}


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def default_file() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.mark.parametrize(("key", "value"), THESIS.items())
def test_default_is_the_thesis(key: str, value: object) -> None:
    found = dict(leaves(Settings().model_dump(mode="json")))
    assert found[key] == value


def test_thesis_has_four_backbones() -> None:
    assert len(Settings().backbones) == 4


def test_default_file_says_what_the_defaults_are() -> None:
    assert read_settings(default_file()) == Settings()


def test_default_file_names_every_key() -> None:
    # What one backbone trains differently is empty by default, what it is besides is null, and null has no keys.
    every = dict(leaves(Settings().model_dump(mode="json")))
    left_out = {key for key in every if ".training." in key}
    assert left_out == {key for key in left_out if key.startswith("backbones.")}
    left_out |= {key for key, value in every.items() if key.startswith("backbones.") and value is None}
    in_file = {key for key, _ in leaves(default_file())}
    assert in_file == {key for key, _ in leaves(Settings().model_dump(mode="json"))} - left_out


def test_schema_is_in_step() -> None:
    committed = json.loads((ROOT / "config/schema.json").read_text())
    assert committed == Settings.model_json_schema(), "run: make schema"


def test_manual_explains_every_key() -> None:
    manual = (ROOT / "config/README.md").read_text()
    keys = set(_documented_keys(Settings.model_json_schema()))
    missing = {key for key in keys if f"`{key}`" not in manual}
    assert not missing


_OWN_TRAINING = re.compile(r"backbones\.NAME\.training\.\w+|methods\.NAME(\.stages\.\w+)?\.training")


def _documented_keys(schema: dict[str, Any]) -> Iterator[str]:
    """Walk the schema; below `backbones` and the like, the user's own name stands as NAME."""

    def walk(node: dict[str, Any], path: str) -> Iterator[str]:
        for branch in [node, *node.get("anyOf", [])]:
            if "$ref" in branch:
                branch = schema["$defs"][branch["$ref"].rpartition("/")[2]]
            if isinstance(branch.get("additionalProperties"), dict):
                yield from walk(branch["additionalProperties"], f"{path}.NAME")
            keys = branch.get("properties", {})
            for key, child in () if "kind" in keys else keys.items():  # what is chosen by its kind is one key
                own = f"{path}.{key}" if path else key
                if _OWN_TRAINING.fullmatch(path):
                    continue  # the keys of `training`, explained there
                below = list(walk(child, own))
                yield from below or [own]

    yield from walk(schema, "")


def test_demo_is_valid_and_small() -> None:
    demo = read_settings(yaml.safe_load((ROOT / "config/demo.yaml").read_text()))
    assert demo.size == 64
    assert {backbone.weights for backbone in demo.backbones.values()} == {"none"}
    assert demo.phantoms is not None


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"sizes": 256}, ["sizes: unknown key"]),
        ({"training": {"liver": {"epoch": 3}}}, ["training.liver.epoch: unknown key"]),
        (
            {"training": {"liver": {"epochs": -1}}},
            ["training.liver.epochs: found -1", "greater than or equal to 0"],
        ),
        ({"training": {"liver": {"epochs": "3"}}}, ["training.liver.epochs: found '3'", "integer"]),
        ({"training": {"liver": {"loss": "l1"}}}, ["training.liver.loss: found 'l1'", "'bce'", "'dice'"]),
        ({"training": {"liver": {"loss": []}}}, ["training.liver.loss: found []; ", "'bce'"]),
        (
            {"training": {"liver": {"loss": {"kind": "l1"}}}},
            ["training.liver.loss.kind: found 'l1'; ", "'tversky', 'focal'"],
        ),
        ({"training": {"liver": {"loss": {"gamma": 1}}}}, ["training.liver.loss.kind: missing"]),
        (
            {"training": {"liver": {"loss": {"kind": "tversky", "gamma": 1}}}},
            [" training.liver.loss.gamma: unknown key"],
        ),
        (
            {"training": {"liver": {"loss": [{"kind": "tversky", "alpha": 0, "beta": 0}]}}},
            [" training.liver.loss.0: alpha and beta are both 0"],
        ),
        (
            {
                "methods": {
                    "x": {"network": UNET, "training": {"loss": [{"kind": "bce"}, {"kind": "focal", "alpha": 1}]}}
                }
            },
            [" methods.x.training.loss.1.alpha: found 1; ", "less than 1"],
        ),
        (
            {"training": {"liver": {"average": {"kind": "ema", "decay": 1}}}},
            [" training.liver.average.decay: found 1; ", "less than 1"],
        ),
        (
            {"training": {"lesion": {"average": {"kind": "swa"}}}},
            [" training.lesion.average.kind: found 'swa'", "'ema'"],
        ),
        (
            {"training": {"lesion": {"oversample": 33}}},
            [" training.lesion.oversample: found 33; ", "less than or"],
        ),
        ({"training": {"lesion": {"batches_per_epoch": 0}}}, [" training.lesion.batches_per_epoch: found 0; "]),
        ({"training": {"lesion": {"clip_gradients": 0}}}, [" training.lesion.clip_gradients: found 0; "]),
        (
            {"training": {"lesion": {"schedule": {"kind": "cosine", "warm_up": 0}}}},
            [" training.lesion.schedule.warm_up: found 0; ", "greater than 0"],
        ),
        (
            {"training": {"liver": {"start": "liver"}}},
            [" training.liver.start: a liver", "cannot start from itself"],
        ),
        (
            {"training": {"liver": {"optimiser": {"kind": "adam"}}}},
            ["training.liver.optimiser.kind: found 'adam'; ", "'sgd', 'adamw'"],
        ),
        ({"training": {"liver": {"optimiser": {}}}}, ["training.liver.optimiser.kind: missing"]),
        (
            {"training": {"liver": {"optimiser": "adamw"}}},
            ["training.liver.optimiser: found 'adamw'", "{kind: adamw}"],
        ),
        (
            {"training": {"lesion": {"optimiser": {"kind": "adamw", "betas": [0.9, 1]}}}},
            ["training.lesion.optimiser.betas.1: found 1; ", "less than 1"],
        ),
        (
            {"training": {"lesion": {"optimiser": {"kind": "sgd", "betas": [0.9, 0.9]}}}},
            ["training.lesion.optimiser.betas: unknown key"],
        ),
        ({"training": {"lesion": {"schedule": {"kind": "exponential"}}}}, ["lesion.schedule.factor: missing"]),
        (
            {"training": {"lesion": {"schedule": {"kind": "one_cycle", "warm_up": 1}}}},
            ["training.lesion.schedule.warm_up: found 1; ", "less than 1"],
        ),
        (
            {"training": {"liver": {"augmentation": {"kind": "flip"}}}},
            ["training.liver.augmentation: ", "input should be a list"],
        ),
        (
            {"training": {"liver": {"augmentation": [{"kind": "elastic"}]}}},
            ["training.liver.augmentation.0.kind: found 'elastic'; ", "'flip', 'rotate'"],
        ),
        (
            {
                "backbones": {
                    "a": {
                        "arch": "resnet50",
                        "training": {
                            "liver": {"augmentation": [{"kind": "rotate", "degrees": [9, -9], "probability": 0}]}
                        },
                    }
                }
            },
            [
                "backbones.a.training.liver.augmentation.0.degrees: found [9, -9]",
                "the smallest value (9) must not be above the largest (-9)",
                "augmentation.0.probability: found 0; ",
            ],
        ),
        (
            {
                "training": {
                    "liver": {
                        "augmentation": [
                            {"kind": "spatial", "probability": 1},
                            {"kind": "spatial", "probability": 1, "elastic": {"displacement": [0, 0.2]}},
                            {"kind": "spatial", "probability": 1, "crop": [0, 1.5], "shift": [0.1, -0.1]},
                            {"kind": "cut_out", "probability": 1, "count": 0},
                        ]
                    }
                }
            },
            [
                "augmentation.0: ",
                "at least one of crop, degrees, factors, shift and elastic is needed",
                "augmentation.1.elastic: ",
                "the largest displacement (0.2) must not be above 0.1, 0.4 of the spacing (0.25)",
                "augmentation.2.crop.0: found 0; ",
                "augmentation.2.crop.1: found 1.5; ",
                "the smallest value (0.1) must not be above the largest (-0.1)",
                "augmentation.3.count: found 0; ",
                "augmentation.3.sides: missing",
            ],
        ),
        ({"window": {"low": 300}}, ["window", "low (300 HU) must be below high (250 HU)"]),
        ({"window": {"low": float("nan")}}, ["window.low", "finite"]),
        ({"size": 250}, ["size: found 250", "multiple of 8"]),
        ({"precision": "fp8"}, ["precision: found 'fp8'", "'fp32'", "'bf16'"]),
        ({"predict_precision": "fp16"}, ["predict_precision: found 'fp16'", "'fp32'", "'bf16'"]),
        ({"seed": -1}, ["seed: found -1"]),
        ({"backbones": {}}, ["backbones"]),
        ({"backbones": {"fusion": {"arch": "resnet50"}}}, ["backbones", "'fusion'", "taken"]),
        ({"backbones": {"My Net": {"arch": "resnet50"}}}, ["backbones", "'My Net'", "lower-case"]),
        ({"backbones": {"r" * 41: {"arch": "resnet50"}}}, ["backbones", "at most 40 characters"]),
        ({"results": "results/{exam}"}, ["results: found 'results/{exam}'", "without braces"]),
        ({"results": "./"}, ["results: found './'", "a folder of their own"]),
        ({"results": "/"}, ["results: found '/'", "a folder of their own"]),
        ({"results": "$SCRATCH/mine"}, ["results: found '$SCRATCH/mine'", "variables", "`~`"]),
        ({"data": "s3://bucket/exams"}, ["data: found 's3://bucket/exams'", "not an address"]),
        ({"cache": "file:///cache"}, ["cache: found 'file:///cache'", "not an address"]),
        ({"data": "data\x1b[31m"}, ["data: found 'data\\x1b[31m'", "invisible"]),
        ({"backbones": {"r": {"arch": "resnet51"}}}, ["backbones.r.arch: found 'resnet51'", "resnet152"]),
        ({"backbones": {"r": {"arch": "unet", "weights": "imagenet"}}}, ["backbones.r", "weights: none"]),
        (
            {"backbones": {"r": UNET | {"decoder": {"kind": "unet"}}}},
            ["backbones.r", "'unet' has no backbone to put a decoder on"],
        ),
        (
            {"backbones": {"r": RESNET | {"decoder": {"kind": "unet", "channels": [64, 32, 16]}}}},
            ["backbones.r.decoder.channels: found [64, 32, 16]", "at least 5"],
        ),
        ({"backbones": {"r": RESNET | {"decoder": {"kind": "fpn"}}}}, ["backbones.r.decoder.kind: found 'fpn'"]),
        (
            {"methods": {"x": {"network": RESNET | {"unet": {}}}}},
            ["methods.x.network: ", "'resnet50' does not read `unet`, which is for plain_unet, residual_unet"],
        ),
        (
            {"methods": {"x": {"network": {"arch": "plain_unet", "unet": {"blocks": [2, 2]}}}}},
            ["methods.x.network.unet: ", "blocks without channels"],
        ),
        (
            {
                "methods": {
                    "x": {"network": {"arch": "plain_unet", "unet": {"channels": [8] * 2, "blocks": [2] * 3}}}
                }
            },
            ["methods.x.network.unet: ", "blocks for 3 levels, and channels for 2"],
        ),
        ({"methods": {"x": {"network": {"arch": "monai"}}}}, ["methods.x.network: ", "'monai' needs `monai`"]),
        (
            {"methods": {"x": {"network": {"arch": "monai", "monai": {"name": "VNet", "arguments": {"x": 1}}}}}},
            ["methods.x.network.monai: ", "MONAI's VNet has no argument 'x'; there are 'act'"],
        ),
        (
            {"backbones": {"r": {"arch": "resnet50", "training": {"liver": {"start": "liver"}}}}},
            [" backbones.r.training.liver.start: ", "cannot start from itself", "'backbone'"],
        ),
        (
            {"methods": {"x": {"network": UNET, "training": {"start": "liver"}}}},
            [" methods.x.training.start: ", "a liver network cannot start from itself"],
        ),
        (
            {
                "methods": {
                    "x": {
                        "network": UNET,
                        "training": {"start": "backbone"},
                        "stages": {"liver": {"training": {"start": "liver"}}},
                    }
                }
            },
            [" methods.x.stages.liver.training.start: ", "a liver network cannot start from itself"],
        ),
        ({"methods": {"x": {}}}, ["methods.x.network: missing"]),
        (
            {"methods": {"x": {"network": UNET, "training": {"epoch": 3}}}},
            ["methods.x.training.epoch: unknown key"],
        ),
        (
            {"methods": {"x": {"network": UNET, "stages": {"tumour": {}}}}},
            ["methods.x.stages.tumour: unknown key"],
        ),
        (
            {"methods": {"x": {"network": UNET, "stages": {"lesion": {"postprocessing": [{"kind": "largest"}]}}}}},
            [
                "methods.x.stages.lesion.postprocessing.0.kind: found 'largest'; ",
                "'near_largest', 'min_area'",
            ],
        ),
        (
            {
                "methods": {
                    "x": {
                        "network": UNET,
                        "stages": {"lesion": {"postprocessing": [{"kind": "min_area", "min_area": -1}]}},
                    }
                }
            },
            ["methods.x.stages.lesion.postprocessing.0.min_area: found -1"],
        ),
        (
            {"methods": {"x": {"network": UNET, "restore": "map"}}},
            ["methods.x.restore: found 'map'", "'masks'", "'maps'"],
        ),
        (
            {"methods": {"x": {"network": UNET, "stages": {"liver": {"postprocessing": [FOUR_DIMENSIONS]}}}}},
            ["methods.x.stages.liver.postprocessing.0.dimensions: found 4", "2 or 3"],
        ),
        *(
            (
                {"methods": {"x": method | {"stages": INSIDE}}},
                [
                    "methods.x.stages.liver: ",
                    "postprocessing.1.kind: 'inside'",
                    "nothing has found",
                    "another kind",
                ],
            )
            for method in ({"network": UNET}, {"kind": "average", "of": ["resnet152", "densenet201"]})
        ),
        (
            {"methods": {"x": {"network": {"arch": "unet", "weights": "imagenet"}}}},
            ["methods.x.network: ", "weights: none"],
        ),
        ({"methods": {"fusion": {"network": UNET}}}, ["methods", "method 'fusion'", "taken by the fusion"]),
        ({"backbones": {"metric": UNET}}, ["backbone 'metric': this name is taken by a column of the tables"]),
        (
            {"methods": {"exam": {"network": UNET}}},
            ["method 'exam': this name is taken by a column of the tables"],
        ),
        (
            {"predictions": {"reference": {"folder": "x"}}},
            ["prediction 'reference': this name is taken by the reference"],
        ),
        ({"methods": {"resnet152": {"network": UNET}}}, ["method 'resnet152': this name is taken by a backbone"]),
        ({"methods": {"My Net": {"network": UNET}}}, ["methods", "method 'My Net'", "lower-case"]),
        (
            {"methods": {"x": {"network": UNET}}, "predictions": {"x": {"folder": "x"}}},
            ["prediction 'x': this name is taken by a method"],
        ),
        (
            {"predictions": {"resnet152": {"folder": "x"}}},
            ["prediction 'resnet152': this name is taken by a backbone"],
        ),
        (
            {"backbones": {"r": {"arch": "resnet50", "training": {"lesion": {"epochs": -4}}}}},
            ["backbones.r.training.lesion.epochs: found -4"],
        ),
    ],
)
def test_wrong_setting_is_told_with_key_value_and_what_is_allowed(config: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(config)
    for words in told:
        assert words in str(caught.value)


def of_method(**keys: Any) -> dict[str, Any]:
    return {"methods": {"m": {"network": UNET} | keys}}


def problems(config: dict[str, Any]) -> list[str]:
    """Return what is told of a wrong configuration, a line for each problem."""
    with pytest.raises(UserError) as caught:
        read_settings(config)
    first, *others = caught.value.found.splitlines()
    assert first == f"{counted(len(others), 'wrong setting')}:"
    return [other.strip() for other in others]


def test_problems_that_are_found_together_are_counted_and_told_one_by_one() -> None:
    both = {"training": {stage: {"batch_size": 32} for stage in ("liver", "lesion")}, "compute": {"devices": 17}}
    assert len(problems(both)) == 2
    one = {"training": {"liver": {"batch_size": 34}}, "compute": {"devices": 17}}
    assert len(problems(one)) == 1


@pytest.mark.parametrize("found", [None, [], "x", 3, True])
def test_a_method_without_keys_is_told_by_its_own_key(found: Any) -> None:
    assert problems({"methods": {"m": found}}) == [f"methods.m: found {found!r}; input should be keys with values"]


ADAMW = {"kind": "adamw", "momentum": 1}


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"backbone": {}}, "backbone: unknown key; did you mean `backbones`?"),
        ({"compute": {"acelerator": "cpu"}}, "compute.acelerator: unknown key; did you mean `accelerator`?"),
        ({"methods": {"m": {"kind": "average", "off": []}}}, "methods.m.off: unknown key; did you mean `of`?"),
        ({"low": -250}, "low: unknown key; it belongs elsewhere: `window.low`"),
        (
            {"training": {"epochs": 1}},
            "training.epochs: unknown key; it belongs elsewhere: `training.liver.epochs` or "
            "`training.lesion.epochs` or `fusion.sgd.epochs`",
        ),
        ({"kind": "x"}, "kind: unknown key; is it misspelt?"),
        ({"xyz": 1}, "xyz: unknown key; is it misspelt?"),
        # A key of SGD's, and of other groups, is none of another kind's.
        ({"training": {"liver": {"optimiser": ADAMW}}}, "optimiser.momentum: unknown key; is it misspelt?"),
    ],
)
def test_a_key_that_was_probably_meant_is_told(config: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(config)
    assert any(line.endswith(told) for line in str(caught.value).splitlines()), str(caught.value)


@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cpu"])
def test_a_run_says_whether_there_must_be_a_gpu(accelerator: str) -> None:
    assert read_settings({"compute": {"accelerator": accelerator}}).compute.accelerator == accelerator


def test_what_computes_reads_no_other_keys_of_speed_than_a_run_has() -> None:
    run, job = RunComputeSettings.model_fields, ComputeSettings.model_fields
    assert run.keys() == job.keys()
    assert {name for name in run if run[name].annotation != job[name].annotation} == {"accelerator"}
    assert RunComputeSettings().canonical() == ComputeSettings().canonical()
    with pytest.raises(ValidationError):  # it would compute on the CPU without a word
        ComputeSettings.model_validate({"accelerator": "gpu"})


def test_a_key_that_is_called_as_a_kind_is_told_by_its_own_name() -> None:
    assert problems(of_method(cascade=1)) == ["methods.m.cascade: unknown key; is it misspelt?"]
    average = {"kind": "average", "of": ["resnet152", "fusion"]}
    assert problems({"methods": {"m": average | {"average": 1}}}) == [
        "methods.m.average: unknown key; is it misspelt?"
    ]
    assert problems({"methods": {"cascade": None}}) == [
        "methods.cascade: found None; input should be keys with values"
    ]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (of_method(network={"arch": [1]}), "methods.m.network.arch: found [1]; "),
        ({"backbones": {"r": {}}}, "backbones.r.arch: missing"),
        ({"backbones": {"r": {"arch": "resnet51"}}}, "backbones.r.arch: found 'resnet51'; "),
        ({"methods": {"m": {"kind": "average", "of": ["fusion", 1]}}}, "methods.m.of.1: found 1; "),
    ],
)
def test_problems_that_follow_from_another_are_not_told(config: dict[str, Any], told: str) -> None:
    (problem,) = problems(config)
    assert problem.startswith(told)


def test_a_configuration_without_keys_is_told() -> None:
    assert problems([]) == ["the configuration: found []; input should be keys with values"]  # type: ignore[arg-type]


def test_a_list_that_is_too_short_is_told() -> None:
    (problem,) = problems({"methods": {"m": {"kind": "average", "of": ["fusion"]}}})
    assert problem.startswith("methods.m.of: found ['fusion']; ")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            of_method(sampling="slabs"),
            "sampling: found 'slabs'; input should be keys with values; write {kind: slabs}",
        ),
        (
            of_method(network=RESNET | {"decoder": "unet"}),
            "network.decoder: found 'unet'; input should be keys with values; write {kind: unet}",
        ),
        (
            of_method(training={"average": "ema"}),
            "training.average: found 'ema'; input should be keys with values; write {kind: ema}",
        ),
        (
            of_method(training={"loss": [{"kind": "dice"}, "bce"]}),
            "training.loss.1: found 'bce'; input should be keys with values; write {kind: bce}",
        ),
        (
            of_method(training={"loss": "focal"}),
            "training.loss: found 'focal'; input should be 'bce', 'dice' or 'bce+dice'; write {kind: focal}",
        ),
        (
            of_method(training={"augmentation": "flip"}),
            "training.augmentation: found 'flip'; input should be a list; "
            "write [{kind: flip, probability: …, direction: …}]",
        ),
        (
            of_method(training={"augmentation": ["blur"]}),
            "training.augmentation.0: found 'blur'; input should be keys with values; "
            "write {kind: blur, probability: …, sigma: …}",
        ),
    ],
)
def test_a_kind_alone_is_told_with_what_to_write(config: dict[str, Any], told: str) -> None:
    assert problems(config) == [f"methods.m.{told}"]


@pytest.mark.parametrize("found", ["slab", 3, ["slabs"]])
def test_a_value_that_is_no_kind_is_told_with_the_kinds(found: Any) -> None:
    assert problems(of_method(sampling=found)) == [
        f"methods.m.sampling: found {found!r}; input should be keys with values, "
        "`kind` (one of 'slices', 'slabs', 'patches') among them"
    ]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (of_method(flips="horizontal"), "methods.m.flips: found 'horizontal'; input should be a list"),
        (
            {"methods": {"m": {"kind": "average", "of": "fusion"}}},
            "methods.m.of: found 'fusion'; input should be a list",
        ),
        (
            {"methods": {"m": {"kind": "average", "of": {}}}},
            "methods.m.of: found keys with values; input should be a list",
        ),
        ({"head": {"rates": "4"}}, "head.rates: found '4'; input should be a list"),
        ({"head": "wide"}, "head: found 'wide'; input should be keys with values"),
        (
            {"training": {"liver": {"loss": "dice", "augmentation": "flip 5"}}},
            "training.liver.augmentation: found 'flip 5'; input should be a list",
        ),
    ],
)
def test_a_value_where_a_list_or_a_group_belongs_is_told(config: dict[str, Any], told: str) -> None:
    assert problems(config) == [told]


@pytest.mark.parametrize(
    ("key", "text", "hint"),
    [
        ("learning_rate", "1e-3", "YAML reads 1e-3 as text"),
        ("learning_rate", "-.5", "YAML reads 1e-3 as text"),
        ("learning_rate", "1E5", "YAML reads 1e-3 as text"),
        ("epochs", "3", "--config passes inner values as text"),
        ("learning_rate", "fast", ""),
        ("learning_rate", "e-3", ""),
        ("epochs", "", ""),
    ],
)
def test_text_that_looks_like_a_number_is_told_as_text(key: str, text: str, hint: str) -> None:
    (problem,) = problems({"training": {"liver": {key: text}}})
    assert problem.startswith(f"training.liver.{key}: found {text!r}; ")
    assert ("this is text" in problem) == bool(hint)
    assert hint in problem


@pytest.mark.parametrize(("text", "told"), [("true", True), ("No", True), ("maybe", False)])
def test_text_that_looks_like_a_truth_value_is_told_as_text(text: str, told: bool) -> None:
    (problem,) = problems({"trust_label_grid": text})
    assert ("--config" in problem) == told
    assert "YAML reads" not in problem


def test_a_start_for_lesions_alone_is_told_with_the_key_to_use() -> None:
    with pytest.raises(
        UserError, match=r"methods\.m\.training\.start: .* use methods\.m\.stages\.lesion\.training\.start"
    ):
        read_settings(of_method(training={"start": "liver"}))
    read_settings(of_method(stages={"lesion": {"training": {"start": "liver"}}}))
    with pytest.raises(UserError) as caught:
        read_settings(of_method(stages={"liver": {"training": {"start": "liver"}}}))
    assert "methods.m.stages.liver.training.start: " in str(caught.value)
    assert "lesion" not in str(caught.value)


def small(size: int) -> dict[str, Any]:
    return {"kind": "lesion_slices", "size": size}


def method_with_area(pixels: int) -> dict[str, Any]:
    steps = [{"kind": "near_largest"}, {"kind": "min_area", "min_area": pixels}]
    return {"x": {"network": UNET, "stages": {"lesion": {"postprocessing": steps}}}}


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        (
            {"size": 64, "contrast": {"tiles": 64}},
            {"size": 256, "contrast": {"tiles": 64}},
            ["contrast.tiles", "16"],
        ),
        ({"size": 32, "contrast": {"tiles": 9}}, {"size": 32, "contrast": {"tiles": 8}}, ["3 pixels wide", "8"]),
        (
            {"size": 32, "postprocessing": {"lesion": {"min_area": 1025}}},
            {"size": 32, "postprocessing": {"lesion": {"min_area": 1024}}},
            ["postprocessing.lesion.min_area", "1024"],
        ),
        (
            {"size": 32, "methods": method_with_area(1025)},
            {"size": 32, "methods": method_with_area(1024)},
            ["methods.x.stages.lesion.postprocessing.1.min_area: 1025", "1024"],
        ),
        (
            {"size": 72, "backbones": {"r": RESNET | {"decoder": {"kind": "unet"}}}},
            {"size": 96, "backbones": {"r": RESNET | {"decoder": {"kind": "unet"}}}},
            [" size: 72 pixels cannot be halved as often as the network of the backbone 'r'", "a multiple of 32"],
        ),
        (
            {"size": 72, "methods": {"x": {"network": {"arch": "sar_unet"}}}},
            {"size": 80, "methods": {"x": {"network": {"arch": "sar_unet"}}}},
            [" size: 72 pixels", "the network of the method 'x'", "a multiple of 16"],
        ),
        (
            {"methods": {"x": {"network": DEEP, "stages": {"lesion": {"data": small(72)}}}}},
            {"methods": {"x": {"network": DEEP, "stages": {"lesion": {"data": small(96)}}}}},
            [" methods.x.stages.lesion.data.size: 72 pixels", "a multiple of 32"],
        ),
        (
            {"size": 32, "methods": {"x": {"network": DEEP}}},
            {"size": 64, "methods": {"x": {"network": DEEP}}},
            [" size: 32 pixels are a single one at the last level", "at least 64"],
        ),
        ({"compute": {"devices": 17}}, {"compute": {"devices": 16}}, ["training.liver.batch_size: 32", "34"]),
        (
            {"backbones": {"r": RESNET | {"training": {"lesion": {"batch_size": 3}}}}, "compute": {"devices": 2}},
            {"backbones": {"r": RESNET | {"training": {"lesion": {"batch_size": 4}}}}, "compute": {"devices": 2}},
            [" backbones.r.training.lesion.batch_size: 3", "backbone 'r'"],
        ),
        (
            {"methods": {"x": {"network": UNET, "training": {"batch_size": 3}}}, "compute": {"devices": 2}},
            {"methods": {"x": {"network": UNET, "training": {"batch_size": 4}}}, "compute": {"devices": 2}},
            [" methods.x.training.batch_size: 3", "(method 'x')"],
        ),
        (
            {"methods": {"x": {"network": UNET, "stages": {"lesion": {"training": {"epochs": 1200}}}}}},
            {"methods": {"x": {"network": UNET, "stages": {"liver": {"training": {"epochs": 1200}}}}}},
            [" methods.x.stages.lesion.training.epochs: the learning rate is 0", "(method 'x')"],
        ),
        (
            {"training": {"lesion": {"epochs": 1200}}},
            {"training": {"lesion": {"epochs": 1200, "decay_every": 2}}},
            ["training.lesion.epochs", "the learning rate is 0", "decay_every"],
        ),
        (
            {"training": {"lesion": {"epochs": 1200, "schedule": {"kind": "exponential", "factor": 0.5}}}},
            {"training": {"lesion": {"epochs": 1200, "schedule": {"kind": "exponential", "factor": 0.9}}}},
            ["training.lesion.epochs", "the learning rate is 0", "schedule.factor is 0.5"],
        ),
        (
            {"training": {"lesion": {"momentum": 0, "optimiser": {"kind": "sgd", "nesterov": True}}}},
            {"training": {"lesion": {"epochs": 1200, "schedule": {"kind": "poly"}}}},
            ["training.lesion.optimiser", "nesterov is true, and momentum is 0"],
        ),
        (
            {"backbones": {"r": RESNET}, "training": {"liver": {"epochs": 0}}},
            {"backbones": {"r": {**RESNET, "weights": "m.zip"}}, "training": {"liver": {"epochs": 0}}},
            [" training.liver.epochs: 0", "(weights: none)", "1 or more, or weights: a model of hepaflow"],
        ),
        (
            {"methods": {"x": {"network": UNET, "stages": {"liver": {"training": {"epochs": 0}}}}}},
            {"methods": {"x": {"network": {**UNET, "weights": "m.ZIP"}, **NO_EPOCH}}},
            [" methods.x.stages.liver.training.epochs: 0", "initial weights are random"],
        ),
        (
            {"methods": {"x": {"network": {**UNET, "weights": "m.zip"}, "training": {"epochs": 0}}}},
            {"methods": {"x": {"network": {**UNET, "weights": "m.zip"}, **NO_EPOCH}}},
            [
                " methods.x.training.epochs: 0, and the lesion network would be the liver network, unchanged",
                "1 or more, or start: backbone",
            ],
        ),
    ],
    ids=[
        "tiles of a pixel",
        "small tiles",
        "area",
        "area of a method",
        "size with a decoder",
        "size of an architecture",
        "size of a stage with levels",
        "size of the last level",
        "devices",
        "devices of a backbone",
        "devices of a method",
        "rate of a method",
        "rate",
        "factor",
        "nesterov",
        "no epoch",
        "no epoch of a stage",
        "no epoch for another structure",
    ],
)
def test_values_that_hold_only_together_are_refused_at_start(
    wrong: dict[str, Any], right: dict[str, Any], told: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(wrong)
    lines = str(caught.value).splitlines()
    assert len(set(lines)) == len(lines)
    for words in told:
        assert words in str(caught.value)
    read_settings(right)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, ""),
        ({"size": 64}, "8, 12"),
        ({"size": 64, "head": {"rates": [1, 7]}}, ""),
        ({"size": 64, "backbones": {"u": UNET}}, ""),  # it has no head
        ({"size": 64, "backbones": {"r": RESNET | {"decoder": {"kind": "unet"}}}}, ""),  # nor has this one
        ({"size": 64, "backbones": {"u": UNET, "r": RESNET}}, "8, 12"),
        ({"size": 64, "backbones": {"u": UNET}, "methods": {"r": {"network": RESNET}}}, "8, 12"),
    ],
)
def test_rates_that_reach_beyond_the_features_are_told(config: dict[str, Any], told: str) -> None:
    found = remarks(read_settings(config))
    assert len(found) == bool(told)
    assert not told or f"rate {told} see nothing" in found[0]


def test_rates_are_held_against_the_smallest_slices_that_a_head_sees() -> None:
    own = {"lesion": {"data": small(64)}}
    methods = {
        "m": {"network": RESNET, "stages": own},
        "n": {"network": RESNET, "stages": {"lesion": {"data": small(96)}}},
    }
    (remark,) = remarks(read_settings({"methods": methods}))
    assert "rate 8, 12 see nothing" in remark
    assert "slices of 64 pixels (methods.m.stages.lesion.data.size) have features of 8" in remark
    assert not remarks(read_settings({"methods": {"m": {"network": UNET, "stages": own}}}))
    (remark,) = remarks(read_settings({"size": 64, "methods": methods}))
    assert "slices of 64 pixels (size)" in remark


def test_rates_are_not_held_against_a_size_that_no_head_sees() -> None:
    own = {stage: {"data": {"kind": f"{stage}_slices", "size": 256}} for stage in ("liver", "lesion")}
    config = {"size": 64, "backbones": {"u": UNET}, "methods": {"m": {"network": RESNET, "stages": own}}}
    assert not remarks(read_settings(config))


def test_a_single_training_exam_cannot_be_held_out() -> None:
    settings = read_settings({"training": {"lesion": {"validation_share": 0.1}}})
    with pytest.raises(UserError, match=r"training.lesion.validation_share: 0.1 .* of 1 training exam"):
        check_held_out(settings, 1)
    check_held_out(settings, 2)
    check_held_out(read_settings({}), 1)


def test_a_method_cannot_hold_out_a_single_exam_either() -> None:
    settings = read_settings({"methods": {"x": {"network": UNET, "training": {"validation_share": 0.1}}}})
    with pytest.raises(UserError, match=r" methods.x.training.validation_share: 0.1 \(method 'x'\) of 1 training"):
        check_held_out(settings, 1)
    check_held_out(settings, 2)


def test_networks_that_nothing_trains_hold_nothing_out() -> None:
    kept = {"validation_share": 0.1, "epochs": 0, "start": "backbone"}
    method = {"network": UNET | {"weights": "model.zip"}, "training": kept}
    check_held_out(read_settings({"backbones": {}, "model": "x", "methods": {"x": method}}), 0)


def test_features_have_the_stride_of_the_networks() -> None:
    from hepaflow.networks import backbone, sar_unet

    assert STRIDE == backbone.STRIDE
    assert DECODER_STRIDE == backbone.CLASSIFIER_STRIDE
    assert SIDES["sar_unet"] == sar_unet.MULTIPLE


@pytest.mark.parametrize(("arch", "start"), [("resnet50", "imagenet"), ("unet", "none"), ("plain_unet", "none")])
def test_weights_start_at_random_where_there_is_no_backbone(arch: str, start: str) -> None:
    settings = NetworkSettings(arch=arch)
    assert settings.weights == start
    assert NetworkSettings.model_validate_json(settings.canonical()) == settings


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(UserError, match="2 wrong setting"):
        read_settings({"size": 7, "seed": -1})


def test_absent_keys_keep_the_thesis() -> None:
    changed = read_settings({"training": {"liver": {"epochs": 3}}})
    assert changed.training.liver.epochs == 3
    assert changed.training.liver.learning_rate == Settings().training.liver.learning_rate
    assert changed.training.lesion == Settings().training.lesion


def test_order_of_keys_does_not_matter() -> None:
    one = read_settings({"backbones": {"a": {"arch": "resnet50"}, "b": {"arch": "resnet101"}}})
    other = read_settings({"backbones": {"b": {"arch": "resnet101"}, "a": {"arch": "resnet50"}}})
    assert one.canonical() == other.canonical()


def every_model() -> list[type[SettingsModel]]:
    for module in (ROOT / "workflow/scripts/hepaflow/settings").glob("*.py"):
        import_module(f"hepaflow.settings.{module.stem}")
    waiting, found = [SettingsModel], []
    while waiting:
        found += (inner := waiting.pop().__subclasses__())
        waiting += inner
    assert len(found) > 25
    return found


def test_a_key_that_may_be_null_is_null_by_default() -> None:
    """Null is left out of what a job is told, so that a new key reruns nothing; the job must take it for null."""
    for model in every_model():
        for name, field in model.model_fields.items():
            if type(None) in get_args(field.annotation):
                assert field.default is None, (model, name)


def test_settings_are_values_alone() -> None:
    """No fingerprint of code follows them: a method that decides a result belongs elsewhere."""
    base = set(dir(SettingsModel))
    for model in every_model():
        if model is not Settings:
            own = {name for name in vars(model) if not name.startswith("_")} - base - set(model.model_fields)
            validators = set(model.__pydantic_decorators__.model_validators) | set(
                model.__pydantic_decorators__.field_validators
            )
            assert own <= validators, model


def test_every_name_has_its_entry() -> None:
    from hepaflow.masks.postprocess import POSTPROCESSING
    from hepaflow.networks.operations import GMACS
    from hepaflow.networks.planning import BLOCKS
    from hepaflow.networks.registry import ARCHITECTURES, DECODERS
    from hepaflow.preprocessing.registry import PREPROCESSING
    from hepaflow.sampling.registry import SAMPLINGS

    def kinds(settings: Any) -> tuple[str, ...]:
        return tuple(get_args(one.model_fields["kind"].annotation)[0] for one in get_args(settings) or [settings])

    assert list(HAS_BACKBONE) == list(ARCHITECTURES)
    assert set(GMACS) <= set(ARCHITECTURES)
    assert set(OWN_SETTINGS) | set(SIDES) | set(MOST_DIMENSIONS) <= set(ARCHITECTURES)
    assert set(BLOCKS) == {name for name, group in OWN_SETTINGS.items() if group == "unet"}
    assert kinds(Decoder) == tuple(DECODERS)
    assert kinds(get_args(Preprocessing)[0]) == tuple(PREPROCESSING)
    assert kinds(get_args(Sampling)[0]) == tuple(SAMPLINGS)
    assert kinds(get_args(OwnData)[0]) == tuple(PREPROCESSING)
    assert kinds(get_args(PostprocessingStep)[0]) == tuple(POSTPROCESSING)


@pytest.mark.parametrize("path", sorted((ROOT / "config/methods").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_paper_s_method_is_added_to_the_thesis(path: Path) -> None:
    """As Snakemake merges several configurations."""
    merged = default_file()
    update_config(merged, yaml.safe_load(path.read_text()))
    settings = read_settings(merged)
    assert list(settings.methods) == [path.stem]
    assert settings.methods[path.stem].network.arch in (path.stem, *MOST_DIMENSIONS)
    assert settings.model_copy(update={"methods": {}}) == Settings()


@pytest.mark.parametrize("path", sorted((ROOT / "config/phantoms").glob("*.yaml")), ids=lambda path: path.stem)
def test_other_phantoms_take_the_place_of_the_demos(path: Path) -> None:
    """With folders, results and a sheet of their own, whose exams the demo has not."""
    demo, changed = (
        read_settings(read_files(files))
        for files in ([ROOT / "config/demo.yaml"], [ROOT / "config/demo.yaml", path])
    )
    assert changed.phantoms is not None
    for key in ("results", "data", "exams", "phantoms"):
        assert getattr(changed, key) != getattr(demo, key)
    names, others = (set(read_sheet(ROOT / one.exams).names("train", "test")) for one in (changed, demo))
    assert names.isdisjoint(others)
    assert path.stem == Path(changed.results).name == Path(changed.exams).stem


@pytest.mark.parametrize("library", ["torch", "nibabel", "matplotlib"])
def test_planning_imports_no_library_of_the_stages(library: str) -> None:
    code = f"import sys, hepaflow.methods.inputs, hepaflow.jobs.run; sys.exit('{library}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT / "workflow/scripts", check=False).returncode == 0
