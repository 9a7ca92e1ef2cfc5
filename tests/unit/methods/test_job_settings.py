"""What the jobs of a rule read of the settings: everything that decides their results, and nothing else."""

from typing import Any

import pytest

from hepaflow.methods.job_settings import JobSettings
from hepaflow.methods.plan import networks_of
from hepaflow.methods.thesis import plan_of, what_counts
from hepaflow.settings.base import SettingsModel
from hepaflow.settings.training import TrainingSettings, TrainSettings
from hepaflow.settings.workflow import Settings, read_settings


def of(settings: Settings, rule: str, *wildcards: str) -> Any:
    return JobSettings(settings, plan_of(settings)).of(rule, *wildcards)


def test_backbone_overrides_its_own_training_alone() -> None:
    changed = read_settings(
        {
            "backbones": {
                "one": {"arch": "resnet50", "training": {"lesion": {"epochs": 4}}},
                "two": {"arch": "resnet50"},
            }
        }
    )
    assert of(changed, "train", "lesion", "one").training.epochs == 4
    assert of(changed, "train", "liver", "one").training.epochs == 200
    assert of(changed, "train", "lesion", "two").training.epochs == 20


CHOICES: dict[str, Any] = {
    "optimiser": {"kind": "adamw", "weight_decay": 0.1, "betas": [0.5, 0.9]},
    "schedule": {"kind": "one_cycle", "warm_up": 0.2, "from_factor": 0.1, "to_factor": 0.01},
    "augmentation": [
        {"kind": "flip", "direction": "vertical", "probability": 0.5},
        {"kind": "rotate", "degrees": [-10.0, 10.0], "probability": 0.25},
    ],
}


@pytest.mark.parametrize("stage", ["liver", "lesion"])
@pytest.mark.parametrize("key", CHOICES)
def test_a_choice_is_a_stages_or_a_backbones_own(stage: str, key: str) -> None:
    everyone = read_settings({"training": {stage: {key: CHOICES[key]}}})
    one = read_settings(
        {
            "backbones": {
                "a": {"arch": "resnet50", "training": {stage: {key: CHOICES[key]}}},
                "b": {"arch": "resnet50"},
            }
        }
    )
    for settings, name in ((everyone, "resnet152"), (one, "a")):
        found = of(settings, "train", stage, name).model_dump(mode="json")["training"][key]
        assert found == CHOICES[key]
        assert TrainSettings.model_validate_json(of(settings, "train", stage, name).canonical()) == of(
            settings, "train", stage, name
        )
    assert getattr(of(one, "train", stage, "b").training, key) is None


def test_a_backbone_without_augmentation_where_its_stage_has_some() -> None:
    none = {"arch": "resnet50", "training": {"liver": {"augmentation": []}}}
    settings = read_settings({"training": {"liver": CHOICES}, "backbones": {"a": none, "b": {"arch": "resnet50"}}})
    assert of(settings, "train", "liver", "a").training.augmentation is None
    assert len(of(settings, "train", "liver", "b").training.augmentation or ()) == 2


@pytest.mark.parametrize(
    ("choice", "unread"),
    [
        ({"optimiser": {"kind": "adamw"}}, {"momentum": 0.3}),
        ({"schedule": {"kind": "poly"}}, {"decay_factor": 0.3, "decay_every": 7}),
        ({"schedule": {"kind": "exponential", "factor": 0.9}}, {"decay_factor": 1e-9}),
        ({}, {"augmentation": []}),
    ],
)
def test_a_training_does_not_depend_on_keys_that_its_choices_do_not_read(
    choice: dict[str, Any], unread: dict[str, Any]
) -> None:
    one, other = (read_settings({"training": {"liver": both}}) for both in (choice, choice | unread))
    assert of(one, "train", "liver", "resnet152") == of(other, "train", "liver", "resnet152")


def test_networks_predict_as_they_are_trained_unless_told_otherwise() -> None:
    for config, trained, predicting in (
        ({}, "fp32", "fp32"),
        ({"precision": "bf16"}, "bf16", "bf16"),
        ({"predict_precision": "bf16"}, "fp32", "bf16"),
        ({"precision": "tf32", "predict_precision": "fp32"}, "tf32", "fp32"),
    ):
        settings = read_settings(config)
        assert of(settings, "train", "liver", "resnet152").precision == trained
        assert of(settings, "predict", "liver", "resnet152").precision == predicting
        model = of(settings, "bundle")
        assert {model.methods[name][stage].network.precision for name, stage in networks_of(model)} == {predicting}


def test_fusion_depends_on_the_steps_of_its_own_solver_alone() -> None:
    def fit(solver: str, rate: int) -> str:
        settings = read_settings({"fusion": {"solver": solver, "sgd": {"learning_rate": rate}}})
        return of(settings, "fit_fusion", "liver", "fusion").canonical()

    assert fit("newton", 10) == fit("newton", 1)
    assert fit("sgd", 10) != fit("sgd", 1)


def test_lesion_network_that_starts_from_the_liver_ignores_pretrained_weights() -> None:
    one = read_settings({"backbones": {"a": {"arch": "resnet50", "weights": "imagenet"}}})
    other = read_settings({"backbones": {"a": {"arch": "resnet50", "weights": "none"}}})
    assert of(one, "train", "lesion", "a") == of(other, "train", "lesion", "a")
    assert of(one, "train", "liver", "a") != of(other, "train", "liver", "a")
    assert of(one, "predict", "lesion", "a") == of(other, "predict", "lesion", "a")


def test_surveys_look_for_a_spacing_where_a_method_resamples() -> None:
    network = {"arch": "monai", "monai": {"name": "UNet", "arguments": {"channels": [4, 8], "strides": [2]}}}
    method = {
        "network": network,
        "sampling": {"kind": "patches", "size": [8, 16, 16]},
        "stages": {"liver": {"data": {"kind": "resampled", "spacing": [5, 4, 4]}}},
    }
    assert of(read_settings({"methods": {"mine": method}}), "survey").as_json()["needs_spacing"] is True
    assert of(Settings(), "survey").as_json() == {"trust_label_grid": False}


def test_exams_are_searched_for_what_trainings_on_them_oversample() -> None:
    def keys(**config: Any) -> dict[str, str]:
        found: dict[str, str] = of(read_settings(config), "data_card").oversampled
        return found

    some, kept = {"oversample": 0.3}, {"oversample": 0.3, "epochs": 0, "start": "backbone"}
    unet = {"arch": "unet", "weights": "model.zip"}
    assert keys() == {}
    assert keys(training={"lesion": some}) == {"lesion": "training.lesion.oversample"}
    assert keys(methods={"mine": {"network": unet, "training": some}}) == dict.fromkeys(
        ("liver", "lesion"), "methods.mine.training.oversample"
    )
    assert keys(methods={"mine": {"network": unet, "training": kept}}) == {}


def test_speed_is_part_of_no_rules_settings() -> None:
    fast = read_settings({"compute": {"workers": 0, "devices": 2, "channels_last": True, "compile": True}})
    others = {
        "phantom": [()],
        "survey": [()],
        "preprocess": [("liver",), ("lesion",)],
        "train": [("liver", "resnet152"), ("lesion", "resnet152")],
        "predict": [("liver", "resnet152")],
        "postprocess": [("lesion", "resnet152"), ("liver", "fusion")],
        "fit_fusion": [("liver", "fusion")],
        "bundle": [()],
        "figure_samples": [()],
    }
    for rule, wildcards in others.items():
        for values in wildcards:
            assert of(fast, rule, *values).canonical() == of(Settings(), rule, *values).canonical(), rule


def test_a_job_is_told_everything_but_nulls() -> None:
    def complete(settings: Any) -> None:
        if isinstance(settings, SettingsModel):
            told = settings.as_json()
            for name in type(settings).model_fields:
                value = getattr(settings, name)
                assert (name in told) == (value is not None)
                complete(value)
        elif isinstance(settings, dict | tuple):
            for value in settings.values() if isinstance(settings, dict) else settings:
                complete(value)

    given = Settings()
    complete(of(given, "train", "liver", "resnet152"))
    complete(of(given, "bundle"))
    complete(of(given, "postprocess", "liver", "fusion"))
    assert "cache" not in given.as_json()


def test_post_processing_is_told_what_is_restored_unless_it_is_the_mask() -> None:
    unet = {"arch": "unet", "weights": "none"}
    for method, told in (({}, None), ({"restore": "masks"}, None), ({"restore": "maps"}, "maps")):
        settings = read_settings({"methods": {"mine": {"network": unet} | method}})
        for stage in ("liver", "lesion"):
            found = of(settings, "postprocess", stage, "mine")
            assert found.restore == told
            assert ("restore" in found.canonical()) == (told is not None)
            assert of(settings, "postprocess", stage, "resnet152").as_json().keys() == {"postprocessing"}


def test_what_no_choice_reads_has_one_value() -> None:
    thesis = TrainingSettings(epochs=3, learning_rate=0.1, momentum=0.3, decay_factor=0.5, decay_every=2)
    assert what_counts(thesis) == thesis

    def chosen(**choice: Any) -> dict[str, Any]:
        changed = what_counts(TrainingSettings.model_validate(thesis.model_dump() | choice)).model_dump()
        return {key: value for key, value in changed.items() if value != thesis.model_dump()[key]}

    adamw = {"kind": "adamw", "weight_decay": 0.1, "betas": (0.9, 0.99)}
    assert chosen(optimiser=adamw) == {"optimiser": adamw, "momentum": 0}
    poly = {"kind": "poly", "power": 1.0, "warm_up": None}
    assert chosen(schedule=poly) == {"schedule": poly, "decay_factor": 1, "decay_every": 1}
    assert chosen(augmentation=[]) == {}
    flip = {"kind": "flip", "direction": "vertical", "probability": 0.5}
    assert chosen(augmentation=[flip]) == {"augmentation": (flip,)}
    assert chosen(loss={"kind": "bce"}) == chosen(loss=[{"kind": "bce"}]) == {}
    assert chosen(loss=[{"kind": "dice"}]) == {"loss": "dice"}
    weighted = {"kind": "bce", "factor": None, "positive_weight": 3.0}
    assert chosen(loss=[weighted]) == {"loss": weighted}
    dice = {"kind": "dice", "factor": None, "per": None}
    assert chosen(loss=[weighted, {"kind": "dice"}]) == {"loss": (weighted, dice)}
    assert chosen(loss={"kind": "tversky"})["loss"]["alpha"] == 0.3


def test_a_choice_that_is_null_is_told_to_no_job() -> None:
    told = of(Settings(), "train", "liver", "resnet152").as_json()["training"]
    assert not {"oversample", "batches_per_epoch", "clip_gradients", "average"} & told.keys()
    assert told["loss"] == "bce"


@pytest.mark.parametrize(
    ("rule", "wildcards", "nothing"),
    [
        ("train", ("liver", "fusion"), "network to be trained"),
        ("predict", ("liver", "fusion"), "network to predict with"),
        ("fit_fusion", ("liver", "resnet152"), "weights to be fitted"),
    ],
)
def test_what_a_method_does_not_have_is_no_job(rule: str, wildcards: tuple[str, ...], nothing: str) -> None:
    with pytest.raises(KeyError, match=nothing):
        of(Settings(), rule, *wildcards)


# What pages tell of the settings.


def test_the_thesis_is_compared_with_itself() -> None:
    compared = of(read_settings({}), "table_configuration")
    assert compared.run == compared.thesis
    assert compared.run["training.liver.epochs"] == 200


def test_neither_places_nor_speed_are_compared() -> None:
    one, other = (
        of(read_settings(config), "table_configuration")
        for config in (
            {},
            {
                "results": "results/mine",
                "data": "/home/me/data",
                "exams": "config/exams/mine.tsv",
                "card": "/home/me/card.md",
                "cache": "/home/me/cache",
                "compute": {"workers": 1},
                "count_libraries": True,
            },
        )
    )
    assert one == other


def test_of_files_pages_tell_the_name_alone() -> None:
    settings = read_settings(
        {
            "backbones": {"mine": {"arch": "resnet50", "weights": "/home/me/first.pth"}},
            "predictions": {"reader": {"folder": "/home/me/others"}},
        }
    )
    compared, plan = of(settings, "table_configuration"), of(settings, "table_plan")
    assert compared.run["backbones.mine.weights"] == "first.pth"
    assert "predictions.reader.liver" in compared.run
    for told in (compared.canonical(), plan.canonical()):
        assert "/home/me" not in told
    assert plan.given == {"reader": ("liver", "lesion")}
    assert plan.plan.methods.keys() == plan_of(settings).methods.keys()


@pytest.mark.parametrize("name", ["folder", "weights"])
def test_names_that_users_give_are_no_keys_of_places(name: str) -> None:
    unet = {"arch": "unet", "weights": "none"}
    settings = read_settings(
        {"backbones": {}, "methods": {name: {"network": unet}, "other": {"network": unet}}, "model": "other"}
    )
    compared, plan = of(settings, "table_configuration"), of(settings, "table_plan")
    assert compared.run[f"methods.{name}.network.arch"] == "unet"
    assert plan.plan.methods.keys() == {name, "other"}


def test_the_summary_says_whether_exams_are_phantoms() -> None:
    assert not of(read_settings({}), "summary").phantoms
    assert of(read_settings({"phantoms": {}}), "summary").phantoms
