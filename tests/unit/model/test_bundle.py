"""A model in one file: what is in it, and that nothing else is taken for it."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load
from small_model import ALL_LIVER_NO_LESION, NAMES, small_model, small_plan

from hepaflow.errors import UserError
from hepaflow.model.bundle import FORMAT, read_bundle
from hepaflow.model.members import CARD, LICENCE, MANIFEST, SETTINGS, vote_member
from hepaflow.model.origin import ORIGIN, Origin
from hepaflow.model.trained import model_of_run
from hepaflow.names import FUSION, STAGES, network_member
from hepaflow.networks.compute import make_fabric
from hepaflow.sampling.predictor import trained
from hepaflow.settings.compute import ComputeSettings
from hepaflow.settings.plan import Plan

CPU = ComputeSettings(accelerator="cpu", workers=0)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    bundle = read_bundle(small_model(tmp_path))
    assert bundle.plan == small_plan()
    assert bundle.version == "1.2.3"
    assert bundle.fusion[FUSION, "lesion"].weights == (3.0, 2.0)
    assert bundle.provenance == {"train liver first": {}}
    assert bundle.card == "# A model\n"
    for stage in ("liver", "lesion"):
        for name in NAMES:
            stored = (tmp_path / network_member(stage, name)).read_bytes()
            assert bundle.network(stage, name) == stored
            assert all(torch.isfinite(tensor).all() for tensor in load(stored).values())


def test_equal_models_are_equal_bytes_and_what_segments_otherwise_has_another_identity(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "same", "scored", "other")]
    for folder in folders:
        folder.mkdir()
    one, same = (small_model(folder) for folder in folders[:2])
    scored = small_model(folders[2], **{CARD: "# Other scores\n"})
    other = small_model(folders[3], ALL_LIVER_NO_LESION)
    assert one.read_bytes() == same.read_bytes()
    assert read_bundle(one).identity == read_bundle(same).identity == read_bundle(scored).identity
    assert read_bundle(one).identity["model"] != read_bundle(other).identity["model"]
    assert read_bundle(one).identity["networks"] == "first (unet), second (unet)"


def test_a_model_tells_what_it_was_made_from_and_an_earlier_one_that_it_does_not(tmp_path: Path) -> None:
    """And it is the same model: what it was made from changes no mask."""
    origin = Origin(True, "demo.tsv", 22, 4, {"liver": 0.9, "lesion": 0.6})
    (tmp_path / "told").mkdir()
    (tmp_path / "earlier").mkdir()
    told = read_bundle(small_model(tmp_path / "told", **{ORIGIN: json.dumps(origin.as_json())}))
    earlier = read_bundle(small_model(tmp_path / "earlier"))
    assert told.predicting_in("bf16").origin == told.origin == origin
    assert earlier.origin is None
    assert told.identity == earlier.identity
    with pytest.raises(UserError, match="not what their names say"):
        read_bundle(small_model(tmp_path / "told", **{ORIGIN: "{}"}))


def precisions(plan: Plan) -> set[str]:
    return {
        planned.network.precision for one in plan.methods.values() for planned in one.values() if planned.network
    }


def test_in_another_precision_it_is_another_model_with_the_same_networks(tmp_path: Path) -> None:
    bundle = read_bundle(small_model(tmp_path))
    other = bundle.predicting_in("bf16")
    assert precisions(other.plan) == {"bf16"}
    assert other.predicting_in("fp32").plan == bundle.plan
    assert (bundle.identity["precision"], other.identity["precision"]) == ("fp32", "bf16")
    assert bundle.identity["model"] != other.identity["model"]
    assert other.predicting_in("fp32").identity == bundle.predicting_in("fp32").identity == bundle.identity
    assert other.network("liver", "first") == bundle.network("liver", "first")


def test_a_model_of_a_runs_files_is_that_of_its_bundle(tmp_path: Path) -> None:
    bundle = read_bundle(small_model(tmp_path))
    networks = [tmp_path / network_member(stage, name) for stage in STAGES for name in NAMES]
    votes = [tmp_path / vote_member(stage, FUSION) for stage in STAGES]
    model = model_of_run(small_plan(), networks, votes)
    assert model.identity == bundle.identity
    assert model.fusion == bundle.fusion
    for stage in STAGES:
        for name in NAMES:
            assert model.network(stage, name) == bundle.network(stage, name)


def test_rounded_weights_halve_the_file_and_predict_alike_from_it_and_from_a_run(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = small_model(tmp_path / "whole")
    plan = small_plan(predict_weights="fp16")
    file = small_model(tmp_path, plan=plan)
    bundle = read_bundle(file)
    assert 0.5 <= file.stat().st_size / whole.stat().st_size < 0.52
    networks = [tmp_path / network_member(stage, name) for stage in STAGES for name in NAMES]
    model = model_of_run(plan, networks, [tmp_path / vote_member(stage, FUSION) for stage in STAGES])
    assert model.identity == bundle.identity
    assert bundle.identity["model"] != read_bundle(whole).identity["model"]
    settings = plan.methods["first"]["liver"].network
    assert settings is not None
    fabric = make_fabric("fp32", CPU, threads=1)
    x = torch.rand(2, 1, 32, 32)
    whole_settings = settings.model_copy(update={"weights": None})
    found = [
        trained(one, networks[0], fabric, CPU, content).maps(x)
        for one, content in (
            (settings, None),
            (settings, bundle.network("liver", "first")),
            (whole_settings, None),
        )
    ]
    assert (found[0] == found[1]).all()
    assert abs(found[0].astype(int) - found[2]).max() <= 1


def test_nothing_in_it_is_pickled_and_all_of_it_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(small_model(tmp_path)) as archive:
        names = archive.namelist()
        assert json.loads(archive.read(MANIFEST))["sha256"].keys() | {MANIFEST} == set(names)
        assert {Path(name).suffix for name in names} == {".safetensors", ".json", ".md", ""}
        assert LICENCE in names
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())


def rewritten(
    model: Path, change: Callable[[dict[str, bytes]], None], compression: int = zipfile.ZIP_STORED
) -> Path:
    """Write the members of a model anew, after a change of them."""
    with zipfile.ZipFile(model) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(model, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return model


def manifest(members: dict[str, bytes], **changes: object) -> None:
    members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | changes).encode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda members: members.pop(MANIFEST), f"a zip without {MANIFEST}"),
        (lambda members: members.update({MANIFEST: b"[]"}), "a manifest that is not one"),
        (lambda members: members.update({MANIFEST: b"{"}), "a manifest that is not one"),
        (lambda members: members.pop(vote_member("liver", FUSION)), vote_member("liver", FUSION)),
        (lambda members: members.update({"../climbs": b""}), "../climbs"),
        (lambda members: members.update({CARD: b"# Altered\n"}), f"{CARD} with another content"),
        (lambda members: members.update({SETTINGS: members[SETTINGS] + b" "}), f"{SETTINGS} with another content"),
        (lambda members: manifest(members, format=FORMAT + 1), f"a model of format {FORMAT + 1}"),
        (lambda members: manifest(members, format=1), f"a model of format 1, where {FORMAT} is read"),
    ],
)
def test_what_is_no_model_is_refused(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None], told: str
) -> None:
    model = rewritten(small_model(tmp_path), change)
    with pytest.raises(UserError) as error:
        read_bundle(model)
    assert told in error.value.found
    assert str(model) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    model = small_model(tmp_path)
    model.write_bytes(model.read_bytes()[:-5000] if content is None else content)
    with pytest.raises(UserError, match="not readable as a model"):
        read_bundle(model)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such file(.|\n)*let the run finish"):
        read_bundle(tmp_path / "none.zip")


def test_a_folder_is_told_with_the_model_in_it(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    small_model(tmp_path).rename(tmp_path / "results/hepaflow-model.zip")
    with pytest.raises(UserError, match=r"a folder(.|\n)*results/hepaflow-model\.zip"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("content", [b"no JSON", b"[]", b"{}"])
def test_a_member_that_is_another_thing_is_told(tmp_path: Path, content: bytes) -> None:
    def change(members: dict[str, bytes]) -> None:
        name = vote_member("liver", FUSION)
        members[name] = content
        digests = json.loads(members[MANIFEST])["sha256"] | {name: hashlib.sha256(content).hexdigest()}
        manifest(members, sha256=digests)

    with pytest.raises(UserError, match="not what their names say"):
        read_bundle(rewritten(small_model(tmp_path), change))


def test_a_newer_model_is_told_with_the_version_that_wrote_it(tmp_path: Path) -> None:
    model = small_model(tmp_path, **{SETTINGS: '{"networks": {}, "of_the_future": 1}'})
    with pytest.raises(
        UserError, match=r"written by hepaflow 1\.2\.3(.|\n)*segment with the hepaflow that wrote it"
    ):
        read_bundle(model)


def test_an_encrypted_or_oddly_compressed_model_is_told(tmp_path: Path) -> None:
    content = bytearray(small_model(tmp_path).read_bytes())
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(marker)
        while place >= 0:
            content[place + offset] |= 1
            place = content.find(marker, place + 1)
    (tmp_path / "model.zip").write_bytes(content)
    with pytest.raises(UserError, match="not readable as a model"):
        read_bundle(tmp_path / "model.zip")


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    """They could be a thousand times larger than the file."""
    model = rewritten(small_model(tmp_path), lambda members: None, zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="compressed"):
        read_bundle(model)


def test_an_altered_network_is_noticed_as_it_is_loaded(tmp_path: Path) -> None:
    name = network_member("liver", "first")
    model = rewritten(small_model(tmp_path), lambda members: members.update({name: members[name][:-1] + b"?"}))
    with pytest.raises(UserError, match=name):
        read_bundle(model).network("liver", "first")


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({SETTINGS: '{"networks": {}}'}, "settings that this hepaflow does not know"),
        (
            {SETTINGS: small_plan().canonical().replace('"fp32"', '"bf16"', 1)},
            "settings that this hepaflow does not know",
        ),
        (
            {vote_member("liver", FUSION): '{"methods": ["second", "first"], "weights": [1, 2], "losses": []}'},
            "fusion weights of second, first for the liver",
        ),
        (
            {SETTINGS: small_plan().canonical().replace('"second"', '"third"')},
            "no networks/lesion/third.safetensors, networks/liver/third.safetensors",
        ),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    with pytest.raises(UserError) as error:
        read_bundle(small_model(tmp_path, **texts))
    assert told in error.value.found


def _changed(change: Callable[[Any], object]) -> str:
    plan = json.loads(small_plan().canonical())
    change(plan)
    return json.dumps(plan)


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan["data"].pop("lesion"),
        lambda plan: plan["data"]["lesion"]["within"].update(method="nobody"),
        lambda plan: plan["data"]["liver"].update(within={"method": FUSION, "stage": "lesion"}),
        lambda plan: plan["methods"][FUSION]["liver"]["vote"].update(of=["first", "nobody"]),
        lambda plan: plan["methods"]["first"].pop("liver"),
        lambda plan: plan.update(result="nobody"),
        lambda plan: plan.pop("result"),
    ],
    ids=["data", "region", "circle", "voter", "stage", "result", "no result"],
)
def test_a_plan_that_names_what_is_not_there_is_refused(tmp_path: Path, change: Callable[[Any], object]) -> None:
    with pytest.raises(UserError, match=f"{SETTINGS} that names what it does not hold"):
        read_bundle(small_model(tmp_path, **{SETTINGS: _changed(change)}))


def test_a_stage_without_network_and_vote_is_refused(tmp_path: Path) -> None:
    text = _changed(lambda plan: plan["methods"]["first"]["liver"].pop("network"))
    with pytest.raises(UserError, match=r"settings that this hepaflow does not know: methods\.first\.liver"):
        read_bundle(small_model(tmp_path, **{SETTINGS: text}))


def test_a_plan_without_lesions_is_refused(tmp_path: Path) -> None:
    plan = json.loads(small_plan().canonical())
    plan["methods"][FUSION].pop("lesion")
    with pytest.raises(UserError, match=f"{SETTINGS} without a stage for lesion"):
        read_bundle(small_model(tmp_path, **{SETTINGS: json.dumps(plan)}))
