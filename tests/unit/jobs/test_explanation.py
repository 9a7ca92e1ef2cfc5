"""Why a job would run, in words."""

from dataclasses import replace

import pytest

from hepaflow.jobs.explanation import (
    MAKING,
    causes,
    configuration_changes,
    counts,
    grouped,
    in_keys,
    library_changes,
    recipe_changes,
)
from hepaflow.jobs.recipe import Recipe

RECIPE = Recipe(
    "train", {"stage": "liver"}, {"training": {"epochs": 4}}, {"script": "0", "hepaflow.training.losses": "1"}, {}
)
RECORD = RECIPE.as_dict() | {"versions": {"python": "3.11.2", "torch": "2.14.1", "numpy": "2.4"}}


def test_what_is_as_it_was_is_not_told() -> None:
    assert recipe_changes(RECORD, RECIPE) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": {"training": {"epochs": 5}}}, ["setting training.epochs: 4 → 5"]),
        ({"code": {"script": "0", "hepaflow.training.losses": "2"}}, ["code: hepaflow.training.losses"]),
        (
            {"code": {"script": "1", "hepaflow.new": "2"}},
            ["code: hepaflow.new, hepaflow.training.losses, train.py"],
        ),
        ({"libraries": {"torch": "2.15"}}, ["library torch absent → 2.15"]),
    ],
)
def test_what_changed_is_told(change: dict[str, object], told: list[str]) -> None:
    assert recipe_changes(RECORD, replace(RECIPE, **change)) == told


def test_versions_of_installed_libraries_are_compared() -> None:
    installed = {"torch": "2.15.0", "numpy": "2.4"}
    assert library_changes(RECORD, installed) == ["torch 2.14.1 → 2.15.0"]
    assert library_changes(RECORD, {"numpy": "2.4"}) == []


def test_jobs_of_one_rule_and_reason_are_one_line() -> None:
    jobs = [("train", f"liver {name}", ("code: x",)) for name in "abcdefgh"] + [("tables", "", ("not made yet",))]
    assert grouped(jobs) == [
        "train: 8 jobs (liver a, liver b, liver c, liver d, liver e, liver f and 2 more)",
        "    code: x",
        "tables: 1 job",
        "    not made yet",
    ]


REASONS = [
    ("setting training.epochs: 4 → 5",),
    ("follows from: train", "setting training.epochs: 4 → 5"),
    ("follows from: predict, train",),
    ("not made yet",),
    ("code: hepaflow.masks.fusion, fuse.py", "reads more: x"),
    (),
]


def test_jobs_are_counted_by_the_kind_of_their_reason() -> None:
    assert counts(REASONS) == (
        "1 not made yet, 2 for changed settings, 1 for changed code, 1 that only follow from others, "
        "1 that Snakemake alone has a reason for"
    )
    assert counts([("reads more: a",), ("no longer reads: b",)]) == "2 for other inputs"
    assert counts([("begun and not finished",), ("not made yet",)]) == "1 begun and not finished, 1 not made yet"
    assert counts([]) == ""


def test_what_has_changed_is_told_once_and_the_most_first() -> None:
    assert causes(REASONS) == [
        "setting training.epochs: 4 → 5 (2 jobs)",
        "code: hepaflow.masks.fusion (1 job)",
        "code: fuse.py (1 job)",
    ]
    assert causes([("not made yet",), ("follows from: train",)]) == []
    assert causes([("begun and not finished",), (MAKING,), ("made meanwhile, by a run",)]) == []


def test_what_users_change_comes_before_what_changed_under_them() -> None:
    reasons = [
        ("code: hepaflow.a", "changed: exam.nii"),
        ("code: hepaflow.a", "library torch 1 → 2", "setting a: 1"),
    ]
    assert [one.partition(" ")[0] for one in causes(reasons)] == ["setting", "changed:", "library", "code:"]


def test_a_job_that_is_being_made_is_no_deleted_one() -> None:
    assert counts([(MAKING,), ("made meanwhile, by a run",)]) == "1 being made, 1 made meanwhile"


def test_a_change_is_not_told_again_for_settings_of_which_it_is_a_part() -> None:
    part, whole = (
        "setting postprocessing.0.min_area: 10 → 20",
        "setting methods.a.postprocessing.0.min_area: 10 → 20",
    )
    alike = "setting methods.a.postprocessing.0.min_area: 10 → 30"
    assert causes([(whole,), (part,), (part, alike)]) == [f"{part} (3 jobs)", f"{alike} (1 job)"]


BEFORE = {"training.lesion.epochs": 2, "backbones.a.arch": "unet", "backbones.a.weights": "none", "size": 64}


def test_changed_keys_of_a_configuration_are_told_as_their_user_wrote_them() -> None:
    after = {"training.lesion.epochs": 4, "backbones.b.arch": "unet", "size": 64}
    assert configuration_changes(BEFORE, BEFORE) == []
    assert configuration_changes(BEFORE, after) == [
        'backbones.a: {"arch": "unet", "weights": "none"} → no longer set',
        'backbones.b: new, {"arch": "unet"}',
        "training.lesion.epochs: 2 → 4",
    ]


def test_settings_of_a_job_are_told_by_the_key_that_changed_them_once() -> None:
    keys = ['backbones.b: new, {"arch": "unet"}', "training.lesion.epochs: 2 → 4"]
    epochs = ("setting training.epochs: 2 → 4", "setting plan.methods.a.training.epochs: 2 → 4", "follows from: x")
    assert in_keys(epochs, keys) == ("setting training.lesion.epochs: 2 → 4", "follows from: x")
    assert in_keys(('setting of: ["a"] → ["a", "b"]',), keys) == (f"setting {keys[0]}",)
    for other in ("setting beside: new", "setting batch: 2 → 8", "code: b.py", 'setting of: ["a"] → ["bb"]'):
        assert in_keys((other,), keys) == (other,)
