"""Configurations as YAML gives them: what no setting can be is told with its key."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from hepaflow.errors import UserError
from hepaflow.settings.configuration import check_file, merged, plain, read_file, whole_groups
from hepaflow.settings.workflow import read_settings

NO_SETTING = {
    "a date": ("seed: 2022-01-01", ("seed: the date 2022-01-01", "quotation marks")),
    "a time": ("seed: 2022-01-01 10:00:00", ("seed: the time 2022-01-01 10:00:00",)),
    "a date in a list": ("head: {rates: [1, 2022-01-01]}", ("head.rates[1]: the date 2022-01-01",)),
    "a set": ("samples: !!set {b, a}", ("samples: the set ['a', 'b']",)),
    "binary data": ("cache: !!binary aGVsbG8=", ("cache: the binary data b'hello'",)),
    "a date as a key": ("2022-01-01: 3", ("the key datetime.date(2022, 1, 1)", "the date 2022-01-01")),
    "no as a name": ("backbones: {no: {arch: unet}}", ("backbones: the key False", "no, off and false")),
    "off as a name": ("predictions: {off: {folder: x}}", ("predictions: the key False",)),
    "yes as a name": ("predictions: {yes: {folder: x}}", ("predictions: the key True", "yes, on and true")),
    "nothing as a name": ("backbones: {~: {arch: unet}}", ("backbones: the key None", "~, null and nothing")),
    "a group within itself": ("samples: &a {count: *a}", ("samples.count: a value that contains itself",)),
    "a list within itself": ("head: {rates: &a [1, *a]}", ("head.rates[1]: a value that contains itself",)),
    "a number and text as one key": ("backbones: {1: {arch: unet}, '1': {arch: unet}}", ("backbones.1: the key",)),
}


@pytest.mark.parametrize("case", NO_SETTING)
def test_what_no_setting_can_be_is_told_with_its_key(case: str) -> None:
    text, told = NO_SETTING[case]
    with pytest.raises(UserError) as caught:
        read_settings(yaml.safe_load(text))
    for words in (*told, "what to do: "):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("training: {liver: {learning_rate: 1e-3}}", ("learning_rate: found '1e-3'", "1.0e-3 as a number")),
        ("size: '64'", ("size: found '64'", "this is text")),
        (
            "training: {liver: {epochs: '3'}}",
            ("training.liver.epochs: found '3'", "--config passes inner values"),
        ),
        ("compute: {compile: 'no'}", ("compute.compile: found 'no'", "this is text")),
        ("training: {liver: {learning_rate: .inf}}", ("learning_rate", "finite")),
        ("size: .nan", ("size",)),
        ("phantoms: yes", ("phantoms: found True",)),
        ("training:", ("training: found None",)),
        ("backbones: {1.5: {arch: unet, weights: none}}", ("'1.5'", "lower-case letters, digits")),
        ("window: {low: 5:30}", ("low (330 HU)",)),  # as YAML 1.1 counts minutes
        ("seed: 99999999999999999999999", ("seed: found 99999999999999999999999",)),
        ('results: "\\ud800"', ()),
    ],
)
def test_what_yaml_makes_of_a_value_is_told_without_a_traceback(text: str, told: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as caught:
        read_settings(yaml.safe_load(text))
    for words in told:
        assert words in str(caught.value)


@pytest.mark.parametrize("name", ["152", "net_1", "'no'", "'2022'", "y", "n"])
def test_names_that_are_text_or_numbers_are_names(name: str) -> None:
    settings = read_settings(yaml.safe_load(f"backbones: {{{name}: {{arch: unet, weights: none}}}}"))
    assert list(settings.backbones) == [name.strip("'")]


def test_a_value_may_be_used_twice_by_an_anchor() -> None:
    config: Any = yaml.safe_load("a: &x {epochs: 3}\nb: *x\nc: {<<: *x, loss: dice}")
    assert plain(config) == {"a": {"epochs": 3}, "b": {"epochs": 3}, "c": {"epochs": 3, "loss": "dice"}}


SOUND = {
    "with a byte order mark": b"\xef\xbb\xbfsize: 64\n",
    "of comments": b"# nothing\n",
    "that is empty": b"",
    "with CRLF": b"size: 64\r\nseed: 1\r\n",
    "in JSON": b'{"size": 64, "head": {"rates": [1]}}',
    "in JSON with tabs": b'{\n\t"size": 64\n}',
    "with one key in two groups": b"training: {liver: {epochs: 1}, lesion: {epochs: 1}}",
    "with merged groups": b"a: &a {x: 1}\nb: &b {y: 1}\nc: {<<: *a, x: 2}\n",
    "in German": "results: größe\n".encode(),
    "with zeros that change nothing": b"seed: 007\ncount: 0_\nsize: 0x40\nhead: {dropout: 00.5}\n",
    "with numbers as text": b"results: '010'\ncache: \"1:30\"\n",
    "of a group within itself": b"a: &a {b: *a}\n",
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_file_passes(tmp_path: Path, case: str) -> None:
    (tmp_path / "c.yaml").write_bytes(SOUND[case])
    check_file(tmp_path / "c.yaml")


UNSOUND = {
    "a key twice": (b"size: 32\nseed: 1\nsize: 64\n", ("the key 'size' twice", "in lines 1 and 3")),
    "a group twice": (
        b"training:\n  liver: {epochs: 1}\ntraining:\n  lesion: {epochs: 1}\n",
        ("the key 'training' twice", "in lines 1 and 3"),
    ),
    "a key twice in an inner group": (b"head:\n  rates: [1]\n  rates: [2]\n", ("'rates' twice", "lines 2 and 3")),
    "a key twice in a list": (b"a: [{b: 1, b: 2}]\n", ("'b' twice",)),
    "a key twice in JSON": (b'{"size": 32, "size": 64}', ("'size' twice",)),
    "a tab": (b"training:\n\tliver: {}\n", ("line 2", "no tabs")),
    "an open brace": (b"samples: {count: 3\n", ("line 2",)),
    "no space behind a colon": (b"samples:\n  count:3\n  seed: 1\n", ("colons with a space",)),
    "a list at its top": (b"- a\n", ("no keys at the top",)),
    "a list in JSON": (b"[1]", ("no keys at the top",)),
    "a number alone": (b"3", ("no keys at the top",)),
    "text alone": (b"hello\n", ("no keys at the top",)),
    "Latin-1": ("results: größe\n".encode("latin-1"), ("not in UTF-8", "save it as UTF-8")),
    "UTF-16": ("size: 64\n".encode("utf-16"), ("not in UTF-8",)),
    "an invisible character": (b"size: 64\x00\n", ("special characters are not allowed",)),
    "a number by eights": (b"size: 64\nsamples:\n  count: 010\n", ("010 in line 3", "YAML reads as 8")),
    "a number by sixties": (b"window: {low: -1:30}\n", ("-1:30 in line 1", "YAML reads as -90")),
    "a fraction by sixties": (b"head: {dropout: 0:0.5}\n", ("0:0.5 in line 1", "YAML reads as 0.5")),
    "a number by eights with underscores": (b"seed: 01_0\n", ("01_0 in line 1", "YAML reads as 8")),
    "a key by eights": (b"backbones: {010: {arch: unet}}\n", ("010 in line 1", "quotation marks")),
    "two documents": (b"size: 64\n---\nsize: 32\n", ("single document",)),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_an_unsound_file_is_told_with_its_line(tmp_path: Path, case: str) -> None:
    raw, told = UNSOUND[case]
    (tmp_path / "c.yaml").write_bytes(raw)
    with pytest.raises(UserError) as caught:
        check_file(tmp_path / "c.yaml")
    for words in (str(tmp_path / "c.yaml"), *told):
        assert words in str(caught.value)


def test_a_folder_or_no_file_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(UserError, match="cannot be read"):
            check_file(path)


@pytest.mark.parametrize(
    "over",
    [{}, {"a": 2}, {"a": {"c": 1}}, {"b": {"c": {"d": 2}, "e": [3]}}, {"b": None}, {"b": {"e": None}, "f": {}}],
)
def test_configurations_are_merged_as_snakemake_merges_them(over: dict[str, Any]) -> None:
    one = {"a": 1, "b": {"c": {"d": 1, "g": 1}, "e": [1, 2]}}
    expected = copy.deepcopy(one)
    if over != {"a": {"c": 1}}:  # a group over a number: Snakemake fails
        update_config(expected, over)
    else:
        expected["a"] = {"c": 1}
    assert merged(one, over) == expected
    assert one == {"a": 1, "b": {"c": {"d": 1, "g": 1}, "e": [1, 2]}}


TWO = {"backbones": {"a": {"arch": "unet", "weights": "none"}, "b": {"arch": "unet"}}, "size": 64}


@pytest.mark.parametrize(
    "over", [{"backbones": {"a": {"arch": "resnet50"}}}, {"backbones": None}, {"backbones": {}}]
)
def test_backbones_of_a_later_configuration_replace_those_of_an_earlier_one(over: dict[str, Any]) -> None:
    assert merged(TWO, over) == {"size": 64} | over
    assert merged(merged(TWO, over), {"size": 32}) == {"size": 32} | over


def test_keys_of_that_name_elsewhere_are_merged() -> None:
    assert merged({"a": {"backbones": {"b": 1}}}, {"a": {"backbones": {"c": 2}}}) == {
        "a": {"backbones": {"b": 1, "c": 2}}
    }


def test_groups_that_are_replaced_are_those_of_the_last_that_has_them() -> None:
    last = {"backbones": {"c": {}}}
    assert whole_groups(TWO, last, {"size": 32}) == last
    assert whole_groups({"size": 64}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", {}), ("# nothing\n", {}), ("a: {b: 1}", {"a": {"b": 1}}), ('{"a":\t1.5}', {"a": 1.5})],
)
def test_a_file_is_read_as_yaml_or_json(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    (tmp_path / "c.yaml").write_text(f"\ufeff{text}", encoding="utf-8")
    assert read_file(tmp_path / "c.yaml") == expected
    (tmp_path / "c.yaml").write_text("a: 1\na: 2\n")
    with pytest.raises(UserError, match="twice"):
        read_file(tmp_path / "c.yaml")
