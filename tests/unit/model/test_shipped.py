"""The model that comes with hepaflow: what it holds, what it tells of itself, and that it finds a liver."""

import zipfile
from pathlib import Path
from typing import Any

import nibabel as nib
import pytest

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.methods.learned_from import started_from
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.model import shipped
from hepaflow.model.bundle import read_bundle
from hepaflow.model.card import STARTED
from hepaflow.model.shipped import SHIPPED, shipped_model
from hepaflow.model.started import check_starts
from hepaflow.names import network_member
from hepaflow.phantoms.rendering import ANATOMIES
from hepaflow.segment.doubts import weak
from hepaflow.settings.configuration import read_files
from hepaflow.settings.phantom import PhantomSettings
from hepaflow.settings.workflow import Settings, read_settings

ROOT = Path(__file__).parents[3]


def configured(*files: str) -> Settings:
    """Return the settings of configuration files, later ones over earlier ones."""
    return read_settings(read_files(ROOT / "config" / file for file in files))


def test_it_is_small_and_nothing_in_it_is_code() -> None:
    assert SHIPPED.stat().st_size < 20e6
    with zipfile.ZipFile(shipped_model()) as archive:
        assert {Path(name).suffix for name in archive.namelist()} == {".safetensors", ".json", ".md", ""}
        assert [name for name in archive.namelist() if not Path(name).suffix] == ["LICENSE"]


def rounds(provenance: dict[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """Return each round's settings by stage, the last round first; without those that changed no weights."""
    trained = {stage: provenance[f"train {stage} open"]["settings"] for stage in ("coarse", "liver", "lesion")}
    earlier = [found for one in provenance.get(STARTED, {}).values() for found in rounds(one)]
    unchanged = all(settings["training"]["epochs"] == 0 for settings in trained.values())
    return earlier if unchanged else [trained, *earlier]


def test_it_is_what_its_configurations_train() -> None:
    """At first from nothing, and at last further."""
    first, further = configured("open.yaml"), configured("open.yaml", "open-further.yaml")
    bundle = read_bundle(SHIPPED)
    assert bundle.plan == model_of(plan_of(first), "open") == model_of(plan_of(further), "open")
    last, *_, oldest = rounds(bundle.provenance)
    for trained, settings in ((oldest, first), (last, further)):
        for stage, found in trained.items():
            planned = plan_of(settings).methods["open"][stage].training
            assert planned is not None
            if planned.settings.training.epochs == 0:  # taken as it is, whatever the seed and the recipe
                assert found["training"]["epochs"] == 0
                continue
            assert found["seed"] == settings.seed
            recipe = planned.settings.training.model_dump(mode="json", exclude_none=True)
            assert {key: found["training"].get(key) for key in recipe} == recipe


def test_its_networks_can_be_trained_further_on_exams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    settings = configured("open.yaml", "open-own.yaml")
    plan = plan_of(settings)
    check_starts(plan)
    assert settings.learns_from_exams
    for stage, planned in plan.methods["open"].items():
        assert planned.training is not None
        assert planned.training.data is not None
        assert planned.training.settings.training.drawn is None
        assert planned.training.settings.network.weights_of == network_member(stage, "open")
    assert started_from(plan, model_of(plan, "open")) == [str(SHIPPED.relative_to(ROOT))]


def test_it_tells_what_it_has_seen_and_how_it_does() -> None:
    bundle = read_bundle(SHIPPED)
    assert bundle.origin is not None
    assert not bundle.origin.of_patients
    assert bundle.origin.drawn_phantoms is not None
    assert bundle.origin.drawn_phantoms > 10_000
    assert bundle.origin.dice.keys() == {"liver", "lesion"}
    assert "have the licence beside this card (MIT)" in bundle.card
    known = (ROOT / "config/open-card.md").read_text(encoding="utf-8")
    assert bundle.card.endswith(known)
    assert "Lesions: do not rely on them" in known
    assert [note.partition(":")[0] for note in weak(bundle.origin)] == ["do not rely on the lesions"]
    faults = known.partition("## What it gets wrong\n")[2]
    assert faults
    assert faults in (ROOT / "docs/open.md").read_text(encoding="utf-8")


def test_without_a_model_the_shipped_one_finds_the_liver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = PhantomSettings(
        anatomy="trunk", size=64, slices=(44, 44), slice_thickness=(6, 6), field_of_view=(360, 360), max_lesions=0
    )
    drawn = (ANATOMIES["trunk"](f"patient-{number}", settings) for number in range(20))
    phantom = next(phantom for phantom in drawn if (phantom.label > 0).sum() > 5000)
    nib.save(nib.Nifti1Image(phantom.image.T, phantom.affine), tmp_path / "exam.nii.gz")
    assert main(["segment", str(tmp_path / "exam.nii.gz"), "--out", str(tmp_path / "out"), "--device", "cpu"]) == 0
    told = capsys.readouterr()
    assert "model that comes with hepaflow, " in told.out
    assert "note:" not in told.err
    found = nib.load(tmp_path / "out/exam/segmentation.nii.gz").get_fdata().T > 0
    liver = phantom.label > 0
    assert 2 * (found & liver).sum() / (found.sum() + liver.sum()) > 0.9


def test_a_hepaflow_without_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exam.nii").touch()
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "open.zip")
    with pytest.raises(UserError, match="without the model that comes with it"):
        shipped_model()
    assert main(["segment", str(tmp_path / "exam.nii"), "--out", str(tmp_path / "out")]) == 1
    assert "--model" in capsys.readouterr().err
