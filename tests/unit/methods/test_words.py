"""A plan in words."""

from itertools import takewhile
from typing import Any

import pytest

from hepaflow.methods.thesis import plan_of
from hepaflow.methods.words import in_words
from hepaflow.settings.workflow import read_settings

PLAIN = {"backbones": {"plain": {"arch": "unet", "weights": "none"}}}
POSTPROCESSED = "near largest (max_distance 200, min_area_ratio 0.125)"


def lines(config: dict[str, Any], given: dict[str, tuple[str, ...]] | None = None) -> list[str]:
    return list(in_words(plan_of(read_settings(config)), given))


def method(name: str, described: list[str]) -> list[str]:
    """Return the lines of a method, without their indentation."""
    below = described[described.index(f"  {name}") + 1 :]
    return [line.strip() for line in takewhile(lambda line: line.startswith("    "), below)]


def test_a_plan_has_its_data_and_its_methods() -> None:
    window = "window.low -250, window.high 250, size 256"
    contrast = "contrast.background mask, contrast.tiles 8, contrast.clip_limit 0.01"
    assert lines(PLAIN) == [
        "Data: exams on the networks' grid",
        f"  liver   liver slices ({window}), of the whole exam",
        f"  lesion  lesion slices ({window}, {contrast}), within the liver that fusion finds; to train, within "
        "the reference",
        "",
        "Methods: each ends in a label map",
        "  plain",
        f"    liver   ← unet on liver, by slices, trained for 200 epochs with bce; then {POSTPROCESSED}",
        "    lesion  ← unet on lesion, by slices, trained for 20 epochs from its liver network with bce; then min "
        "area (min_area 10)",
        "  fusion",
        f"    liver   ← vote of plain, by weights that sgd fits; then {POSTPROCESSED}",
        "    lesion  ← vote of plain, by weights that sgd fits; then min area (min_area 10)",
    ]


def test_a_method_beside_the_backbones_sees_data_of_its_own() -> None:
    mine = {"network": {"arch": "resnet50"}, "stages": {"lesion": {"postprocessing": []}}}
    described = lines({**PLAIN, "methods": {"mine": mine}})
    (data,) = [line for line in described if line.startswith("  lesion-mine  ")]
    assert data.endswith(", within the liver that mine finds")
    liver, lesion = method("mine", described)
    assert "trained for 200 epochs from imagenet with bce" in liver
    assert lesion.startswith("lesion  ← resnet50 on lesion-mine, by slices, trained on lesion for 20 epochs ")
    assert lesion.endswith("; then nothing")


def test_what_is_restored_is_named_where_it_is_no_mask() -> None:
    steps = [{"kind": "largest_component"}, {"kind": "inside", "dilation": 3}]
    stages = {"lesion": {"postprocessing": steps, "restore": "maps"}}
    mine = {"network": PLAIN["backbones"]["plain"], "stages": stages}
    liver, lesion = method("mine", lines({**PLAIN, "methods": {"mine": mine}}))
    assert liver.endswith(f"; then {POSTPROCESSED}")
    assert lesion.endswith("; then largest component, inside (dilation 3); restored as maps")


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({"loss": "dice"}, "with dice; then"),
        ({"optimiser": {"kind": "adamw"}}, "with bce, adamw (weight_decay 0.01, betas [0.9, 0.999]); then"),
        ({"schedule": {"kind": "poly"}}, "with bce, poly (power 0.9); then"),
        ({"loss": {"kind": "tversky"}}, "with tversky (alpha 0.3, beta 0.7); then"),
        (
            {"loss": [{"kind": "bce", "positive_weight": 3}, {"kind": "dice"}]},
            "with bce (positive_weight 3) + dice; then",
        ),
        (
            {"average": {"kind": "ema"}, "oversample": 0.33, "batches_per_epoch": 250, "clip_gradients": 12},
            "with bce, ema (decay 0.999), oversample 0.33, batches_per_epoch 250, clip_gradients 12; then",
        ),
        (
            {"augmentation": [{"kind": "rotate", "probability": 0.5, "degrees": [-10, 10]}]},
            "with bce, rotate (probability 0.5, degrees [-10, 10]); then",
        ),
    ],
)
def test_what_a_training_does_differently_is_named(training: dict[str, Any], words: str) -> None:
    config = {**PLAIN, "methods": {"mine": {"network": PLAIN["backbones"]["plain"], "training": training}}}
    for stage in method("mine", lines(config)):
        assert words in stage


def test_other_systems_come_last() -> None:
    assert lines(PLAIN, {"theirs": ("liver",)})[-2:] == ["  theirs", "    liver  ← as another system gives it"]
