"""Recipes of jobs: what they hold, and how two differ."""

import json

import numpy as np

from hepaflow.jobs.recipe import Recipe, pinned, versions

CODE = json.dumps({"script": "1", "hepaflow.masks.fusion": "2"})


def test_a_recipe_holds_every_parameter_but_those_of_speed() -> None:
    params = {
        "settings": '{"a":{"b":1}}',
        "methods": ["x", "y"],
        "code": CODE,
        "libraries": '{"numpy":"2.0"}',
        "compute": '{"workers":4}',
        "accelerator": "gpu",
        "cache": "/somewhere",
    }
    recipe = Recipe.of("train", {"stage": "liver"}, params)
    assert recipe == Recipe(
        "train", {"stage": "liver"}, {"a": {"b": 1}, "methods": ["x", "y"]}, json.loads(CODE), {"numpy": "2.0"}
    )
    assert json.loads(json.dumps(recipe.as_dict())) == recipe.as_dict()


def test_a_rule_without_settings_has_a_recipe() -> None:
    assert Recipe.of("tables", {}, {"code": CODE, "libraries": ""}).settings == {}


def test_versions_of_what_is_installed() -> None:
    assert versions(["numpy", "skimage", "not_there"]).keys() == {"numpy", "skimage"}
    assert versions(["numpy"])["numpy"] == np.__version__


def test_pins_are_those_for_the_environments_python() -> None:
    environment = """
      - python=3.11
      - pip:
          - numpy==2.4.6 ; python_full_version < '3.12'
          - numpy==2.5.5 ; python_full_version >= '3.12'
          - scikit-image==0.26.0
          - lightning-fabric==2.6.6
          - nvidia-cufft==12.0.0.61 ; sys_platform == 'win32'
    """
    expected = {"numpy": "2.4.6", "skimage": "0.26.0", "lightning_fabric": "2.6.6"}
    assert pinned([*expected, "nvidia_cufft", "not_there"], environment) == expected
    assert pinned(["numpy"], environment.replace("python=3.11", "python=3.13")) == {"numpy": "2.5.5"}
