"""Exams with what a run does with them."""

from typing import Any

import pytest
from benchmarks.exam_set import ROOT, ExamSet, settings_of

from hepaflow.errors import UserError
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.workflow import Settings, read_settings

UNET = {"arch": "plain_unet", "weights": "none", "unet": {"channels": [2, 4]}}


def exams(settings: Settings) -> ExamSet:
    return ExamSet(settings, plan_of(settings), {}, {})


def settings_with(**methods: Any) -> Settings:
    return read_settings({"backbones": {}, "model": "one", "methods": methods})


def test_a_network_is_trained_on_data_of_the_plan() -> None:
    found = exams(settings_with(one={"network": UNET, "stages": {"lesion": {"data": {"kind": "voi_slices"}}}}))
    (liver, whole), (lesion, around) = (found.training("one", stage) for stage in ("liver", "lesion"))
    assert (whole, around) == ("liver", "lesion-one")
    assert {whole, around} == found.plan.data.keys()
    assert (liver.start, lesion.start) == (None, "liver")


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        (settings_of(ROOT / "config" / "open.yaml"), "open"),
        (
            settings_with(
                one={"network": UNET}, two={"network": UNET}, three={"kind": "average", "of": ["one", "two"]}
            ),
            "three",
        ),
    ],
    ids=["draws phantoms", "an average"],
)
def test_what_learns_from_no_exams_is_refused(settings: Settings, method: str) -> None:
    with pytest.raises(UserError, match=f"`methods.{method}` has no network that learns from exams"):
        exams(settings).training(method, "liver")
