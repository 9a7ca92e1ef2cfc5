"""The command `hepaflow segment`: many exams, one model, failures listed, and nobody named."""

import gzip
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from dicom_series import Phantom, write
from small_model import ALL_LIVER_NO_LESION, small_model
from thresholds import MODEL

from hepaflow.cli import main
from hepaflow.errors import UserError
from hepaflow.segment import Failure, Model, Segmented, segment_exams

SECRETS = {
    "PatientName": "Zebulon^Quentin",
    "PatientID": "PID-90210",
    "PatientBirthDate": "19560203",
    "AccessionNumber": "ACC-5512",
    "StudyID": "STU-77",
    "ReferringPhysicianName": "Wexler^Ada",
    "SeriesDescription": "Abdomen of Zebulon",
}
"""What no result but DICOM may hold; in lower case, as `quentin`, neither."""
WORDS = ("zebulon", "quentin", "90210", "19560203", "5512", "stu-77", "wexler")


def _phantom(**how: Any) -> Phantom:
    phantom = Phantom(**how)
    phantom.stored = np.array([-1000, 100, 200], np.int16)[phantom.labels]
    return phantom


def _run(place: Path, out: Path, model: Model = MODEL, **how: Any) -> tuple[list[Failure], list[str]]:
    lines: list[str] = []
    return segment_exams(place, out, lambda: model, say=lines.append, **how), lines


def _bytes(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file's content, also what is packed in it, and every name."""
    for path in folder.rglob("*"):
        yield path, str(path.relative_to(folder)).encode()
        if path.is_file():
            content = path.read_bytes()
            yield path, gzip.decompress(content) if path.suffix == ".gz" else content


def _named(content: bytes) -> list[str]:
    """Return the secrets in a text. Digits count as a number alone: UIDs and digests hold any of them."""
    alone = rb"(?<![\da-f])(?<!\d\.)%s(?![\da-f])(?!\.\d)"
    return [
        word
        for word in WORDS
        if re.search((alone if word.isdigit() else b"%s") % re.escape(word.encode()), content.lower())
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("acc-5512, born 19560203", ["19560203", "5512"]),
        ("out/PID-90210.dcm", ["90210"]),
        ("90210_ZEBULON.html", ["zebulon", "90210"]),
        ("1.2.826.0.1.55121.7", []),
        ("1.2.5512.7, 0.5512 ml", []),
        ("sha256: a5512f90210e", []),
    ],
)
def test_what_names_somebody(text: str, told: list[str]) -> None:
    assert _named(text.encode()) == told


def test_every_exam_is_done_with_one_model_and_failures_are_listed(tmp_path: Path) -> None:
    exams = tmp_path / "exams"
    write(_phantom().slices(intercept=0), exams / "a")
    write(_phantom().slices(intercept=0, GantryDetectorTilt=18), exams / "b")
    exams.joinpath("c.nii.gz").write_bytes(b"no NIfTI at all")
    _phantom().nifti(_phantom().stored, exams / "d.nii.gz")
    loaded: list[str] = []

    def load() -> Model:
        loaded.append("once")
        return MODEL

    lines: list[str] = []
    failures = segment_exams(exams, tmp_path / "out", load, say=lines.append)
    assert loaded == ["once"]
    assert [failure.exam for failure in failures] == ["b", "c"]
    assert "gantry tilt of 18°" in failures[0].found
    assert "not readable as NIfTI" in failures[1].found
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "d"]
    assert [line for line in lines if line.startswith("[")] == ["[1/4] a", "[2/4] b", "[3/4] c", "[4/4] d"]


def test_a_fault_of_the_model_is_told_with_its_traceback_and_without_the_patient(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(_phantom().slices(intercept=0, **SECRETS), tmp_path / "ct")

    def fails(hu: np.ndarray) -> Segmented:
        raise ArithmeticError("nothing for Zebulon^Quentin")

    failures, _ = _run(tmp_path / "ct", tmp_path / "out", Model({}, fails))
    assert failures == [Failure("ct", *2 * ["ArithmeticError: nothing for ***^***"])]
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert not _named(told.encode())
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("anonymise", [False, True])
def test_nobody_is_named_outside_of_dicom(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], anonymise: bool
) -> None:
    exams = tmp_path / "exams"
    images = _phantom().slices(intercept=0, **SECRETS)
    for image in images:
        image.PatientComments = image.ImageComments = image.ProtocolName = "Zebulon"
        image.InstitutionName = "Wexler Clinic"
    write(images, exams / "ZEBULON_Quentin" / "PID-90210")
    write(_phantom().slices(intercept=0, GantryDetectorTilt=9, **SECRETS), exams / "Zebulon 2", seed=1)
    write(_phantom().slices(Modality="PT", **SECRETS)[:2], exams / "Zebulon 2", seed=2)
    failures, lines = _run(exams, tmp_path / "out", anonymise=anonymise)
    assert [failure.exam for failure in failures] == ["exam-2"]
    printed = "".join(capfd.readouterr())
    assert not _named(f"{printed}{lines}{failures}".encode())
    found = dict(_bytes(tmp_path / "out"))
    for path, content in _bytes(tmp_path / "out"):
        if path.suffix != ".dcm" or anonymise:
            assert not _named(content), path
    carried = found[tmp_path / "out" / "exam-1" / "segmentation.dcm"]
    for secret in (b"Zebulon^Quentin", b"PID-90210", b"ACC-5512"):
        assert (secret in carried) != anonymise


def test_the_texts_of_a_nifti_header_are_not_carried_over(tmp_path: Path) -> None:
    image = nib.load(_phantom().nifti(_phantom().stored, tmp_path / "plain.nii"))
    for field in ("descrip", "aux_file", "intent_name", "db_name"):
        image.header[field] = b"Zebulon"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Zebulon"))
    (tmp_path / "exams").mkdir()
    nib.save(image, tmp_path / "exams" / "a.nii.gz")
    assert _named(gzip.decompress((tmp_path / "exams" / "a.nii.gz").read_bytes()))
    assert _run(tmp_path / "exams", tmp_path / "out")[0] == []
    assert [path for path, content in _bytes(tmp_path / "out") if _named(content)] == []


def test_nothing_but_the_results_is_written(tmp_path: Path) -> None:
    write(_phantom().slices(intercept=0), tmp_path / "ct")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "ct")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    failures, _ = _run(Path(archive), tmp_path / "out")
    assert failures == []
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert {path: after[path] for path in before} == before
    new = {str(path.relative_to(tmp_path)) for path in after if path not in before and "overlay/" not in str(path)}
    names = ("segmentation.nii.gz", "segmentation.dcm", "overlay", "measurements.json", "report.html")
    assert new == {"out", "out/packed", *(f"out/packed/{name}" for name in names)}


def test_a_zip_that_climbs_out_writes_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../../climbed.nii", b"bad")
    with pytest.raises(UserError, match="leads out"):
        _run(tmp_path / "bad.zip", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bad.zip", "out"]


def test_results_do_not_fall_among_exams_and_are_not_taken_for_some(tmp_path: Path) -> None:
    phantom = _phantom()
    phantom.nifti(phantom.stored, tmp_path / "a.nii")
    with pytest.raises(UserError, match="a folder of exams"):
        _run(tmp_path, tmp_path)
    for _ in range(2):
        failures, lines = _run(tmp_path, tmp_path / "out", overwrite=True)
        assert failures == []
        assert [line for line in lines if line.startswith("[")] == ["[1/1] a"]
    (failure,) = _run(tmp_path, tmp_path / "out")[0]
    assert "an earlier result" in failure.found


def test_a_series_is_chosen(tmp_path: Path) -> None:
    for number in (1, 2):
        images = _phantom().slices(intercept=0, SeriesNumber=number, StudyInstanceUID="1.2.3")
        write(images, tmp_path / "ct", seed=number)
    (failure,) = _run(tmp_path / "ct", tmp_path / "out")[0]
    assert "2 CT series: series 1 'Abdomen'" in failure.found
    assert _run(tmp_path / "ct", tmp_path / "out", series="2")[0] == []


def test_a_lesion_comes_out_where_it_was_put_into_the_patient(tmp_path: Path) -> None:
    place = np.array([-61.0, -95.5, 47.5])  # LPS, mm
    stored = np.full((12, 40, 50), 100, np.int16)
    phantom = Phantom(stored=stored, origin=(-80, -115, 35), spacing=(0.9, 0.8), gap=2.5)
    slices, rows, columns = np.indices(stored.shape)
    voxels = np.stack([columns, rows, slices, np.ones_like(rows)], -1) @ phantom.lps[:3].T
    stored[((voxels - place) ** 2).sum(-1) < 6**2] = 200
    stored[:, 0] = -1000  # air
    write(phantom.slices(intercept=0), tmp_path / "ct")
    assert _run(tmp_path / "ct", tmp_path / "out")[0] == []
    (lesion,) = json.loads((tmp_path / "out/ct/measurements.json").read_text())["lesions"]
    np.testing.assert_allclose(lesion["position_lps_mm"], place, atol=0.5 * 2.5)
    assert lesion["diameter_mm"] == pytest.approx(12, abs=1)
    assert lesion["slice"] == 6


def test_the_command_from_beginning_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_model(tmp_path, ALL_LIVER_NO_LESION)
    write(_phantom().slices(intercept=0), tmp_path / "exams" / "a")
    write(_phantom().slices(intercept=0, GantryDetectorTilt=9), tmp_path / "exams" / "b")
    arguments = [str(tmp_path / "exams"), "--model", str(model), "--out", str(tmp_path / "out"), "--threads", "1"]
    assert main(["segment", *arguments, "--device", "cpu"]) == 1
    told = capsys.readouterr().out
    assert "[1/2] a" in told
    assert told.index("not segmented: b") < told.index("found: a gantry tilt of 9°")
    measured = json.loads((tmp_path / "out/a/measurements.json").read_text())
    assert measured["liver_voxels"] == 7 * 12 * 10, "the networks call everything liver"
    assert measured["lesions"] == []
    assert measured["disagreement_percent"] == {"liver": 0, "lesion": 0}
    assert "first (unet), second (unet)" in measured["model"]["networks"]
    shutil.rmtree(tmp_path / "exams" / "b")
    assert main(["segment", *arguments]) == 1
    assert "found: an earlier result" in capsys.readouterr().out
    assert main(["segment", *arguments, "--overwrite", "--precision", "bf16"]) == 0
    again = json.loads((tmp_path / "out/a/measurements.json").read_text())
    assert (measured["model"]["precision"], again["model"]["precision"]) == ("fp32", "bf16")
    assert measured["model"]["model"] != again["model"]["model"]


def test_what_cannot_begin_is_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exam = _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    for place, model, told in (
        (tmp_path / "none", "model.zip", "no such file or folder"),
        (exam, "a.nii", "not readable as a model"),
    ):
        arguments = [str(place), "--model", str(tmp_path / model), "--out", str(tmp_path / "out")]
        assert main(["segment", *arguments]) == 1
        assert told in capsys.readouterr().err
