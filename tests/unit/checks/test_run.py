"""`hepaflow check`: what a run needs of a machine, a line for each check. No card is needed, only what is said."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import check
import nibabel
import numpy as np
import pytest
import torch
import yaml

from hepaflow.checks import places
from hepaflow.checks.check import CHECKS, OK, WRONG, Check
from hepaflow.checks.gpu import Gpus
from hepaflow.checks.run import _settings, checks
from hepaflow.checks.weights import is_whole
from hepaflow.cli import make_parser
from hepaflow.errors import UserError
from hepaflow.jobs.driver import Card, Seen
from hepaflow.settings.workflow import Settings, read_settings

UNET = {"plain": {"arch": "unet", "weights": "none"}}
THESIS = {"densenet201": {"arch": "densenet201"}, "resnext101": {"arch": "resnext101_32x8d"}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with two exams and a configuration of one small network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(check, "check_gpus", lambda _: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "data").mkdir()
    for name in ("a", "a.l", "b", "b.l"):
        nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 3), np.int16), np.eye(4)), tmp_path / f"data/{name}.nii")
    (tmp_path / "exams.tsv").write_text(
        "exam\timage\tlabel\tsplit\na\ta.nii\ta.l.nii\ttrain\nb\tb.nii\tb.l.nii\ttest\n"
    )
    (tmp_path / "mine.yaml").write_text(
        "exams: exams.tsv\ndata: data\nresults: results/mine\nbackbones: {plain: {arch: unet, weights: none}}\n"
        "compute: {workers: 0}\n"
    )
    return tmp_path


def settings(**changes: Any) -> Settings:
    given = {"exams": "exams.tsv", "data": "data", "results": "results/mine", "backbones": UNET, **changes}
    return read_settings({"compute": {"workers": 0}} | given)


def found(what: str, gpus: Gpus | None = None, **changes: Any) -> list[tuple[str, str]]:
    """Return state and words of what is found of one thing, where torch sees these GPUs."""
    return [(one.state, one.found) for one in looked_at(lambda _: gpus, **changes) if one.what == what]


def looked_at(look: Callable[[str], Gpus | None], **changes: Any) -> list[Check]:
    """Return all that is found."""
    chosen = settings(**changes)
    return list(checks(chosen, look, sheet=Path(chosen.exams)))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = check.main([*arguments, "--directory", "."])
    return status, capsys.readouterr().out


def test_a_run_that_can_start_is_told_in_a_line_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    status, printed = run(capsys, "--configfile", "mine.yaml")
    assert status == 0
    *lines, empty, last = printed.splitlines()
    assert [line[9:24].strip() for line in lines] == list(CHECKS)
    assert {what for what, line in zip(CHECKS, lines, strict=True) if line[2:6] != "ok  "} == {"GPU", "GPU memory"}
    assert (empty, last) == ("", "Nothing is wrong.")
    assert not Path("results").exists()


def test_what_is_wrong_is_told_with_a_remedy_and_the_others_go_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "data/b.nii").unlink()
    status, printed = run(capsys, "--configfile", "mine.yaml")
    assert status == 1
    (wrong,) = [line for line in printed.splitlines() if line.startswith("  wrong")]
    assert "exam: b; file: data/b.nii; found: no such image" in wrong
    assert "what to do: correct the path" in wrong
    assert printed.endswith("1 of 10 checks found something wrong.\n")
    assert "shared memory" in printed


PHANTOMS = {"phantoms": {"size": 48}}
CPU = {"compute": {"accelerator": "cpu", "workers": 0}}


@pytest.mark.parametrize(
    "changes",
    [{}, PHANTOMS, CPU, PHANTOMS | CPU, {"cache": "cache"}, {"exams": "none.tsv"}, {"data": "elsewhere"}],
    ids=str,
)
@pytest.mark.parametrize("gpus", ["none", "one", "refused"])
def test_what_help_promises_has_a_line_whatever_the_run(changes: dict[str, Any], gpus: str) -> None:
    def look(accelerator: str) -> Gpus | None:
        if gpus == "refused" and accelerator != "cpu":
            raise UserError("a card that torch does not see")
        return A100 if gpus == "one" and accelerator != "cpu" else None

    looked = looked_at(look, **changes)
    assert list(dict.fromkeys(one.what for one in looked)) == list(CHECKS)
    assert all(one.found for one in looked)


def test_help_names_what_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_parser().parse_args(["check", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"for each of: {', '.join(CHECKS)}." in told


def test_what_is_not_known_says_why() -> None:
    for changes, why in ((PHANTOMS, "phantoms"), ({"exams": "none.tsv"}, "as the exams are not")):
        ((state, told),) = found("disk", **changes)
        assert state == "note"
        assert "GB are free in" in told
        assert "not known" in told
        assert why in told
    ((_, told),) = found("GPU memory", backbones=THESIS)
    assert told.startswith("not known, as there is no GPU here; densenet201 needs ")


def test_wrong_settings_are_told_without_the_rest(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.yaml").write_text("size: 33\n")
    status, printed = run(capsys, "--configfile", "mine.yaml")
    assert status == 1
    assert printed.startswith("  wrong  settings ")
    assert printed.count("\n") == 1


@pytest.mark.parametrize("text", ["results: results/other\n", ""])
def test_several_configurations_are_read_as_snakemake_does(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (folder / "over.yaml").write_text(text)
    _, printed = run(capsys, "--configfile", "mine.yaml", "over.yaml")
    assert ("results/other" in printed) == bool(text)


def test_weights_that_are_missing_or_cut_are_told(folder: Path) -> None:
    hub = folder / "hub/checkpoints"
    hub.mkdir(parents=True)
    (state, told) = found("weights", backbones=THESIS)[0]
    assert state == "note"
    assert "2 of 2 files" in told
    assert "densenet201-c1103571.pth" in told
    assert "hepaflow fetch" in told
    (hub / "densenet201-c1103571.pth").write_bytes(b"cut")
    (state, told), (also, _) = found("weights", backbones=THESIS)
    assert (state, also) == ("wrong", "note")
    assert "remove it" in told


def test_weights_that_are_there_are_compared_with_their_names(folder: Path) -> None:
    file = folder / "some-ba7816bf.pth"  # sha256 of "abc" begins like this
    file.write_bytes(b"abc")
    assert is_whole(file)
    file.write_bytes(b"abd")
    assert not is_whole(file)


def a_card(gib: int) -> Gpus:
    return Gpus(("NVIDIA A100",), (gib << 10,), "580.95.05", "2.14.1", "13.0", 580)


A100 = a_card(40)


def test_a_card_is_told_with_driver_and_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen("2.14.1", "13.0", ("NVIDIA A100",), (40 << 10,))
    monkeypatch.setattr(check, "check_gpus", lambda _: seen)
    monkeypatch.setattr(check, "driver_cards", lambda: [Card("NVIDIA A100", "580.95.05", 40 << 10)])
    assert check.gpus("auto") == A100
    ((state, told),) = found("GPU", A100)
    assert state == "ok"
    assert "NVIDIA A100; driver 580.95.05, torch 2.14.1 with CUDA 13.0, for drivers from 580 on" in told
    ((state, told),) = found("GPU memory", A100)
    assert state == "note"
    assert "not known" in told


@pytest.mark.parametrize(
    ("gib", "more", "expected"),
    [
        (40, {}, "ok"),
        (16, {}, "wrong"),
        (16, {"precision": "bf16"}, "ok"),
        (16, {"compute": {"devices": 2, "workers": 0}}, "ok"),
        (40, {"size": 512}, "wrong"),
    ],
)
def test_memory_of_a_card_is_held_against_the_mini_batch(gib: int, more: dict[str, Any], expected: str) -> None:
    ((state, told),) = found("GPU memory", a_card(gib), backbones=THESIS, **more)
    assert state == expected
    assert told.startswith("densenet201 needs ")
    assert ("bf16" in told) == (expected == "wrong" or "precision" in more)


def test_fewer_cards_than_devices_are_wrong() -> None:
    told = found("GPU", A100, compute={"devices": 2, "workers": 0})
    assert ("wrong", "1 for each job, and compute.devices is 2") in told


def test_a_gpu_that_torch_cannot_use_is_wrong() -> None:
    def refuse(_: str) -> None:
        raise UserError("GPUs of which torch sees none", remedy="a newer driver")

    (told,) = [one for one in looked_at(refuse) if one.what == "GPU"]
    assert told.state == WRONG
    assert told.found == "found: GPUs of which torch sees none; what to do: a newer driver"


def test_without_a_gpu_the_cpu_is_told() -> None:
    ((state, told),) = found("GPU")
    assert state == "note"
    assert "train on the CPU" in told
    for what in ("GPU", "GPU memory"):
        assert found(what, **CPU) == [(OK, "not used (compute.accelerator: cpu)")]


def test_a_folder_that_cannot_be_written_to_is_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "results").mkdir()

    def refuse(**_: object) -> None:
        raise OSError(30, "Read-only file system")

    assert found("cache", cache="results/cache")[0][0] == "ok"
    monkeypatch.setattr(places.tempfile, "TemporaryFile", refuse)
    ((state, told),) = found("results")
    assert state == "wrong"
    assert "Read-only file system" in told


def test_shared_memory_is_held_against_the_processes_that_load(monkeypatch: pytest.MonkeyPatch) -> None:
    from hepaflow.training import loading

    monkeypatch.setattr(loading, "_free", lambda _: 64 << 20)
    many = {"workers": 4}
    training = {stage: {"batch_size": 32} for stage in ("liver", "lesion")}
    ((state, told),) = found("shared memory", compute=many, training=training)
    assert state == "note"
    assert "64 MiB of shared memory are free" in told
    monkeypatch.setattr(loading, "_free", lambda _: 1 << 30)
    ((state, told),) = found("shared memory", compute=many)
    assert (state, "4 processes" in told) == ("ok", True)
    assert loading.log.handlers == []


def test_disk_is_held_against_the_slices(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = places.shutil._ntuple_diskusage(10**12, 0, 10**12)
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: free)
    ((state, told),) = found("disk")
    assert state == "ok"
    assert "6 slices and 1 network take" in told
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: free._replace(free=10**8))
    assert found("disk")[0][0] == "wrong"
    assert "cache as much" in found("disk", cache="cache")[0][1]
    (folder / "results/mine").mkdir(parents=True)  # a run that has made some of it
    assert found("disk")[0][0] == "note"


def test_the_thesis_on_lits17_takes_what_the_manual_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "slices_of", lambda *_: 58638)
    ((_, told),) = found("disk", backbones=Settings().model_dump(mode="json")["backbones"])
    need = float(told.rpartition(" ")[2])
    assert need == pytest.approx(33, rel=0.15)


def test_what_a_mini_batch_is_of_is_said() -> None:
    settings = read_settings(
        yaml.safe_load((Path(__file__).parents[3] / "config/open.yaml").read_text(encoding="utf-8"))
    )
    (_, told) = next(_settings(settings))
    assert "3 trainings of 1 network, mini-batches of 2 patches, bf16" in told
    assert "mini-batches of 32 slices, fp32" in next(_settings(read_settings({})))[1]
