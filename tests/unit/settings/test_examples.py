"""The examples of configurations are what their comments say, and read over the configuration that they name."""

import re
from pathlib import Path

import pytest

from hepaflow.methods.thesis import plan_of
from hepaflow.settings.configuration import merged, read_file
from hepaflow.settings.workflow import Settings, read_settings

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "config/examples").glob("*.yaml"))
CALL = re.compile(r"^# +snakemake --cores all --configfile (\S+\.yaml) (\S+\.yaml)$", re.MULTILINE)


def settings(*files: str | Path) -> Settings:
    """Return the settings of configurations of this project."""
    read: dict[str, object] = {}
    for file in files:
        read = merged(read, read_file(ROOT / file))
    return read_settings(read)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_how_it_is_called_and_can_be_read(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where paths lead from
    ((base, own),) = CALL.findall(example.read_text(encoding="utf-8"))
    assert own == str(example.relative_to(ROOT))
    before, after = settings(base), settings(base, own)
    plan_of(after)
    assert before != after
    changes = {key for key, value in after.as_json().items() if before.as_json().get(key) != value}
    assert changes == read_file(example).keys()  # nothing is in it that is so anyway
    if before.networks != after.networks or before.precision != after.precision:
        assert {"results", "cache"} <= changes  # other networks: beside the results to compare with


@pytest.mark.parametrize("name", ["backbone", "demo-backbone"])
def test_another_backbone_is_one_network_instead_of_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    base = "config/demo.yaml" if name.startswith("demo") else "config/config.yaml"
    before, after = settings(base).backbones, settings(base, f"config/examples/{name}.yaml").backbones
    assert len(before) == len(after) == 4
    same = before.keys() & after.keys()
    assert len(same) == 3
    assert all(before[network] == after[network] for network in same)


def test_the_manual_names_configurations_that_are_there() -> None:
    told = (ROOT / "docs/change.md").read_text(encoding="utf-8")
    named = set(re.findall(r"config/[\w/-]+\.yaml", told))
    assert {"config/examples/backbone.yaml", "config/examples/demo-backbone.yaml"} <= named
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_examples_of_one_change_share_a_cache() -> None:
    caches = {read_file(example).get("cache") for example in EXAMPLES} - {None}
    assert len(caches) == 1
