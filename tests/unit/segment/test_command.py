"""The command `hepaflow segment`: many exams, one model, failures listed, and nobody named."""

import csv
import errno
import gzip
import io
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from dicom_series import Phantom, write
from small_model import ALL_LIVER_NO_LESION, small_model
from thresholds import MODEL, Thresholded

from hepaflow.cli import _say_to, main
from hepaflow.errors import UserError
from hepaflow.model.origin import ORIGIN, Origin
from hepaflow.segment.command import Failure, Model, list_failures, segment_exams
from hepaflow.segment.digests import KEY
from hepaflow.segment.overview.files import FILES
from hepaflow.segment.own_exam import Segmented
from hepaflow.segment.result_folder import claimed
from hepaflow.segment.source import Source
from hepaflow.system.signals import EndedError
from hepaflow.version import UNKNOWN, Version

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


@pytest.fixture(autouse=True)
def _a_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests in a checkout with changes run like those of a version."""
    monkeypatch.setattr("hepaflow.segment.output.this_version", lambda: Version("1.2"))


def _phantom(**how: Any) -> Phantom:
    phantom = Phantom(**how)
    phantom.stored = np.array([-1000, 100, 200], np.int16)[phantom.labels]
    return phantom


def _run(place: Path, out: Path, model: Model = MODEL, **how: Any) -> tuple[list[Failure], list[str]]:
    lines: list[str] = []
    return segment_exams([place], out, lambda: model, say=lines.append, **how), lines


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
    failures = segment_exams([exams], tmp_path / "out", load, say=lines.append)
    assert loaded == ["once"]
    assert [failure.exam for failure in failures] == ["b", "c"]
    assert "gantry tilt of 18°" in failures[0].found
    assert "not readable as NIfTI" in failures[1].found
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "d", *FILES, KEY}
    assert [line for line in lines if line.startswith("[")] == ["[1/4] a", "[2/4] b", "[3/4] c", "[4/4] d"]


def test_exams_of_several_places_are_done_and_those_that_fail_are_told(tmp_path: Path) -> None:
    """Files, folders, archives and a file of a series; a damaged archive and a place without exams among them."""
    phantom = _phantom()
    phantom.nifti(phantom.stored, tmp_path / "a.nii.gz")
    write(phantom.slices(intercept=0), tmp_path / "one" / "ct")
    write(phantom.slices(intercept=0), tmp_path / "two" / "ct")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "two")
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "empty").mkdir()
    alone = next((tmp_path / "two" / "ct").iterdir())
    places = [
        tmp_path / "a.nii.gz",
        tmp_path / "bad.zip",
        tmp_path / "one",
        Path(packed),
        tmp_path / "empty",
        alone,
    ]
    lines: list[str] = []
    failures = segment_exams(places, tmp_path / "out", lambda: MODEL, say=lines.append)
    assert [failure.exam for failure in failures] == [
        "EXAM number 2 of the command",
        "EXAM number 5 of the command",
    ]
    assert "cannot be unpacked" in failures[0].found
    assert "no CT series" in failures[1].found
    done = [line for line in lines if line.startswith("[")]
    assert done == ["[1/4] a", "[2/4] ct", "[3/4] ct-2", "[4/4] ct-3"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "ct", "ct-2", "ct-3", *FILES, KEY}
    with (tmp_path / "out/measurements.csv").open(encoding="utf-8") as file:
        assert [row["exam"] for row in csv.DictReader(file)] == ["a", "ct", "ct-2", "ct-3"]
    assert "EXAM number 2 of the command" in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert f"ct is taken: the exam at {packed}/ct is called ct-2" in lines
    listed = lines.index(
        f"{alone} is one file: the series that it belongs to is segmented, from the folder {alone.parent}"
    )
    assert listed < lines.index("[1/4] a")


def test_a_place_that_is_not_there_stops_the_command_before_it_begins(tmp_path: Path) -> None:
    _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    with pytest.raises(UserError, match="no such file or folder"):
        segment_exams([tmp_path / "a.nii", tmp_path / "b.nii"], tmp_path / "out", lambda: pytest.fail("loaded"))
    assert not (tmp_path / "out").exists()


def test_a_place_that_may_not_be_looked_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: object, **_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "stat", denied)
    with pytest.raises(UserError, match="no right to look at it"):
        segment_exams([tmp_path / "a.nii"], tmp_path / "out", lambda: pytest.fail("loaded"))


def test_places_without_any_exam_need_no_model(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    failures = segment_exams(
        [tmp_path / "a", tmp_path / "b"], tmp_path / "out", lambda: pytest.fail("loaded"), say=lambda _: None
    )
    assert len(failures) == 2
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("refused", ["an earlier result", "several series", "a label map"])
def test_what_is_refused_needs_no_model(tmp_path: Path, refused: str) -> None:
    exam, out, told = tmp_path / "a.image.nii.gz", tmp_path / "out", "found: an earlier result"
    if refused == "several series":
        told, exam = "found: 2 CT series, of which none is chosen", tmp_path / "ct"
        for number in (1, 2):
            uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": f"1.2.3.{number}"}
            write(_phantom().slices(intercept=0, SeriesNumber=number, **uids), exam, seed=number)
    elif refused == "a label map":
        told = "found: values from 0 to 2"
        _phantom().nifti(_phantom().labels, exam)
    else:
        _phantom().nifti(_phantom().stored, exam)
        assert _run(exam, out)[0] == []
    lines: list[str] = []
    (failure,) = segment_exams([exam], out, lambda: pytest.fail("loaded"), say=lines.append)
    assert told in failure.told
    assert any(line.startswith(f"{failure.exam}: ") for line in lines)
    assert failure.exam == ("ct" if refused == "several series" else "a")


def test_an_exam_is_read_once_and_before_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exams").mkdir()
    for name in ("a", "b"):
        _phantom().nifti(_phantom().stored, tmp_path / f"exams/{name}.nii.gz")
    (tmp_path / "exams/0.nii.gz").write_bytes(b"no NIfTI at all")
    done: list[str] = []
    read = Source.read

    def reading(source: Source) -> Any:
        done.append(source.name)
        return read(source)

    monkeypatch.setattr(Source, "read", reading)
    failures = segment_exams(
        [tmp_path / "exams"], tmp_path / "out", lambda: done.append("model") or MODEL, say=lambda _: None
    )
    assert [one.exam for one in failures] == ["0"]
    assert done == ["0", "a", "model", "b"]


def test_the_overview_holds_the_results_of_earlier_commands(tmp_path: Path) -> None:
    for name in ("b", "a"):
        _phantom().nifti(_phantom().stored, tmp_path / f"{name}.nii")
        assert _run(tmp_path / f"{name}.nii", tmp_path / "out")[0] == []
    failures, lines = _run(tmp_path / "a.nii", tmp_path / "out")
    assert "an earlier result" in failures[0].found
    assert lines[-1] == (
        f"{tmp_path}/out/index.html: all 2 exams in this folder; the same in measurements.csv and lesions.csv"
    )
    for name in ("measurements.csv", "lesions.csv"):
        rows = (tmp_path / "out" / name).read_text(encoding="utf-8").splitlines()[1:]
        assert [row.split(",")[0] for row in rows] == ["a", "b"]


def test_a_result_that_cannot_be_read_is_told_and_can_be_made_again(tmp_path: Path) -> None:
    """As a power cut left it that emptied its files."""
    for name in ("a", "b"):
        exam = _phantom().nifti(_phantom().stored, tmp_path / f"{name}.nii")
        assert _run(exam, tmp_path / "out")[0] == []
    broken = tmp_path / "out/a/measurements.json"
    broken.write_bytes(b"")
    told = (
        f"{tmp_path}/out/a is missing in the overview: measurements.json is damaged; "
        "segment its exam again with --overwrite"
    )
    assert told in _run(tmp_path / "b.nii", tmp_path / "out")[1]
    assert told not in _run(tmp_path / "a.nii", tmp_path / "out", overwrite=True)[1]
    assert json.loads(broken.read_text())["exam"] == "a"


def test_patients_one_by_one_get_a_result_each(tmp_path: Path) -> None:
    """Though each command has one exam without a name; and again, none is taken for another's."""
    out = tmp_path / "out"
    for number, name in enumerate(("Mueller", "Schmidt"), start=1):
        write(_phantom().slices(intercept=0, PatientName=f"{name}^A"), tmp_path / name, seed=number)
        assert _run(tmp_path / name, out)[0] == []
        (failure,) = _run(tmp_path / name, out)[0]
        assert (failure.exam, failure.found) == (f"exam-{number}", "an earlier result, which was kept")
        assert _run(tmp_path / name, out, overwrite=True)[0] == []
    assert {path.name for path in out.iterdir()} == {"exam-1", "exam-2", *FILES, KEY}


def _again(place: Path, out: Path, model: Model = MODEL, **how: Any) -> tuple[list[Failure], list[str]]:
    """Segment as a second command would, which knows its model before it is loaded."""
    return _run(place, out, model, know=lambda: model, **how)


def test_a_command_goes_on_after_the_exams_of_an_earlier_one(tmp_path: Path) -> None:
    exams, out = tmp_path / "exams", tmp_path / "out"
    write(_phantom().slices(intercept=0), exams / "a")
    assert _run(exams, out)[0] == []
    before = {path: path.stat().st_mtime_ns for path in (out / "a").rglob("*")}
    _phantom().nifti(_phantom().stored, exams / "b.nii")
    failures, lines = _again(exams, out)
    assert failures == []
    assert [line for line in lines if line.startswith("[")] == ["[1/1] b"]
    assert "a: segmented before by this model; the result was kept" in lines
    assert {path: path.stat().st_mtime_ns for path in (out / "a").rglob("*")} == before
    kept: list[str] = []
    assert not segment_exams([exams], out, lambda: pytest.fail("loaded"), know=lambda: MODEL, say=kept.append)
    assert kept[:2] == [f"{name}: segmented before by this model; the result was kept" for name in ("a", "b")]
    assert kept[2].startswith(f"{out}/index.html: all 2 exams in this folder")


def _of_another_model(told: Any) -> None:
    told["model"]["model"] = "another"


def _of_an_earlier_version(told: Any) -> None:
    told["hepaflow"] = "0.0"


def _of_a_version_that_did_not_tell(told: Any) -> None:
    del told["anonymised"]


def _of_other_test_exams(told: Any) -> None:
    told["model_origin"]["in_words"] = "trained on other exams"


@pytest.mark.parametrize(
    "change",
    [_of_another_model, _of_an_earlier_version, _of_a_version_that_did_not_tell, _of_other_test_exams],
)
def test_what_might_differ_from_an_earlier_result_is_told(tmp_path: Path, change: Callable[[Any], None]) -> None:
    exam, out = _phantom().nifti(_phantom().stored, tmp_path / "a.nii"), tmp_path / "out"
    assert _run(exam, out)[0] == []
    path = out / "a/measurements.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    change(told)
    path.write_text(json.dumps(told), encoding="utf-8")
    (failure,) = _again(exam, out)[0]
    assert failure.found == "an earlier result, which was kept"


@pytest.mark.parametrize("version", [Version("1.2", "0123456789ab", changed=True), Version(UNKNOWN)])
def test_code_that_may_have_changed_is_no_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: Version
) -> None:
    monkeypatch.setattr("hepaflow.segment.output.this_version", lambda: version)
    exam, out = _phantom().nifti(_phantom().stored, tmp_path / "a.nii"), tmp_path / "out"
    assert _run(exam, out)[0] == []
    (failure,) = _again(exam, out)[0]
    assert failure.found == "an earlier result, which was kept"


@pytest.mark.parametrize(("keyword", "value"), [("RescaleIntercept", -24), ("PatientName", "Other^One")])
def test_a_series_that_has_changed_is_not_done_though_its_uids_are_the_same(
    tmp_path: Path, keyword: str, value: Any
) -> None:
    exam, out = tmp_path / "ct", tmp_path / "out"
    write(_phantom().slices(intercept=0), exam)
    assert _run(exam, out)[0] == []
    assert _again(exam, out)[0] == []
    for path in exam.iterdir():
        slice_ = pydicom.dcmread(path)
        setattr(slice_, keyword, value)
        slice_.save_as(path)
    (failure,) = _again(exam, out)[0]
    assert failure.found == "an earlier result, which was kept"


def test_an_exam_that_another_command_has_done_meanwhile_is_no_failure(tmp_path: Path) -> None:
    exam, out = _phantom().nifti(_phantom().stored, tmp_path / "a.nii"), tmp_path / "out"

    def load() -> Model:
        assert _run(exam, out)[0] == []
        return MODEL

    lines: list[str] = []
    assert segment_exams([exam], out, load, know=lambda: MODEL, say=lines.append) == []
    assert "  another command has segmented it by this model meanwhile; its result was kept" in lines


def test_an_overwrite_without_the_key_is_refused_before_the_networks(tmp_path: Path) -> None:
    exam, out = _phantom().nifti(_phantom().stored, tmp_path / "a.nii"), tmp_path / "out"
    assert _run(exam, out)[0] == []
    (out / KEY).unlink()
    model = Model(MODEL.identity, lambda *_: pytest.fail("segmented"))
    (failure,) = _run(exam, out, model, overwrite=True)[0]
    assert failure.found == "the result of another exam, or of other images of this one"


def test_failures_are_in_the_overview_of_earlier_results_though_no_model_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "exams").mkdir()
    _phantom().nifti(_phantom().stored, tmp_path / "exams/b.nii")
    assert _run(tmp_path / "exams/b.nii", tmp_path / "out")[0] == []
    _phantom().nifti(_phantom().stored + 1, tmp_path / "exams/c.nii")
    (tmp_path / "exams/a.nii").write_bytes(b"no NIfTI at all")

    def load() -> Model:
        raise UserError("no model")

    with pytest.raises(UserError, match="no model"):
        segment_exams([tmp_path / "exams"], tmp_path / "out", load, say=lambda _: None)
    assert "not readable as NIfTI" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("lost", ["segmentation.dcm", "overlay", "report.html", "segmentation.nii.gz"])
def test_a_result_that_is_not_whole_is_not_what_was_asked_for(tmp_path: Path, lost: str) -> None:
    write(_phantom().slices(intercept=0), tmp_path / "a")
    assert _run(tmp_path / "a", tmp_path / "out")[0] == []
    path = tmp_path / "out/a" / lost
    if path.is_dir():
        shutil.rmtree(path)
        path.mkdir()
    elif lost == "segmentation.nii.gz":
        path.write_bytes(b"")
    else:
        path.unlink()
    (failure,) = _again(tmp_path / "a", tmp_path / "out")[0]
    assert failure.found == "an earlier result, which was kept"


@pytest.mark.parametrize("dicom", [True, False])
def test_a_result_with_the_patient_is_not_one_without(tmp_path: Path, dicom: bool) -> None:
    """In NIfTI there is none."""
    if dicom:
        write(_phantom().slices(intercept=0), tmp_path / "a")
    else:
        _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    place = tmp_path / ("a" if dicom else "a.nii")
    assert _run(place, tmp_path / "out")[0] == []
    failures, _ = _again(place, tmp_path / "out", anonymise=True)
    assert [one.found for one in failures] == ["an earlier result, which was kept"] * dicom


def test_a_result_of_another_exam_is_kept_and_that_is_told(tmp_path: Path) -> None:
    """Files of one name, in a command each; in one command they get two names."""
    out, places = tmp_path / "out", [tmp_path / name / "ct.nii" for name in ("a", "b")]
    for shift, place in enumerate(places):
        place.parent.mkdir()
        _phantom().nifti(_phantom().stored + shift, place)
    assert _run(places[0], out)[0] == []
    kept = (out / "ct/measurements.json").read_bytes()
    for overwrite in (False, True):
        (failure,), _ = _run(places[1], out, overwrite=overwrite)
        assert failure.found == "the result of another exam, or of other images of this one"
    failures = segment_exams(places, out, lambda: MODEL, say=lambda _: None)
    assert [(one.exam, one.found) for one in failures] == [("ct", "an earlier result, which was kept")]
    assert (out / "ct/measurements.json").read_bytes() == kept
    assert {path.name for path in out.iterdir()} == {"ct", "ct-2", *FILES, KEY}


def test_somebody_elses_file_in_the_place_of_the_overview_is_left_alone(tmp_path: Path) -> None:
    _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("<h1>My pages</h1>")
    with pytest.raises(UserError, match="a file that is not hepaflow's"):
        segment_exams([tmp_path / "a.nii"], tmp_path / "out", lambda: pytest.fail("loaded"))
    assert (tmp_path / "out" / "index.html").read_text() == "<h1>My pages</h1>"


def test_an_overview_that_cannot_be_written_is_told_and_the_exams_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hepaflow.segment.command.write_overview", fails)
    _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    (failure,), _ = _run(tmp_path / "a.nii", tmp_path / "out")
    assert failure.incomplete
    assert "measurements.csv, lesions.csv could not be written (No space left on device)" in failure.told
    assert (tmp_path / "out/a/report.html").exists()


def test_finished_exams_are_in_the_overview_of_a_command_that_is_ended(tmp_path: Path) -> None:
    (tmp_path / "exams").mkdir()
    for name in ("a", "b"):
        _phantom().nifti(_phantom().stored, tmp_path / "exams" / f"{name}.nii")

    def say(line: str) -> None:
        if line == "[2/2] b":
            raise EndedError(signal.SIGTERM)

    with pytest.raises(EndedError):
        segment_exams([tmp_path / "exams"], tmp_path / "out", lambda: MODEL, say=say)
    assert (tmp_path / "out/measurements.csv").read_text().splitlines()[1].startswith("a,")


def test_no_warning_of_a_library_reaches_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever filter it puts before ours; what it warns of may be the patient's."""

    def segment(hu: np.ndarray, spacing: object) -> Segmented:
        warnings.simplefilter("always")
        warnings.warn("Zebulon is no valid PatientID", stacklevel=1)
        logging.getLogger("of.a.library").warning("Zebulon again")
        return MODEL.segment(hu, spacing)

    monkeypatch.setattr("hepaflow.segment.command.load_model", lambda *_, **__: Model({}, segment))
    monkeypatch.setattr("hepaflow.model.bundle.read_bundle", lambda _: None)
    monkeypatch.setattr("sys.warnoptions", [])
    _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    assert main(["segment", str(tmp_path / "a.nii"), "--model", "m", "--out", str(tmp_path / "out")]) == 0
    told = capfd.readouterr()
    assert "[1/1] a" in told.out
    assert told.err == ""


def test_a_fault_of_the_model_is_told_with_its_traceback_and_without_the_patient(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(_phantom().slices(intercept=0, **SECRETS), tmp_path / "ct")

    def fails(hu: np.ndarray, spacing: object) -> Segmented:
        raise ArithmeticError("nothing for Zebulon^Quentin")

    failures, _ = _run(tmp_path / "ct", tmp_path / "out", Model({}, fails))
    assert failures == [Failure("ct", *2 * ["ArithmeticError: nothing for ***^***"])]
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert not _named(told.encode())
    assert not list((tmp_path / "out").iterdir())


def test_an_error_of_the_system_is_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = write(_phantom().slices(intercept=0, **SECRETS), tmp_path / "Zebulon")

    def fails(hu: np.ndarray, spacing: object) -> Segmented:
        raise OSError(errno.EIO, "Input/output error", str(place / "one"))

    (failure,), lines = _run(place, tmp_path / "out", Model({}, fails))
    assert failure.found == "Input/output error"
    assert failure.told.startswith(f"exam: exam-1\nfile: {tmp_path}/***/one\nfound: Input/output error\n")
    assert "  failed: Input/output error" in lines
    assert capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_read_stops_its_exam_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a colleague's, among the results."""
    (tmp_path / "exams").mkdir()
    for name in ("a", "b"):
        _phantom().nifti(_phantom().stored, tmp_path / f"exams/{name}.nii")
    closed = tmp_path / "out/a"
    closed.mkdir(parents=True)
    iterdir = Path.iterdir

    def denied(path: Path) -> Iterator[Path]:
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", denied)
    (failure,), _ = _run(tmp_path / "exams", tmp_path / "out")
    assert failure.told.startswith(f"file: {closed}\nfound: a folder that cannot be read (Permission denied)\n")
    assert (tmp_path / "out/b/report.html").exists()


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
    assert {tmp_path / "out" / name for name in FILES} <= found.keys()
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
    names = (
        "segmentation.nii.gz", "segmentation.dcm", "overlay", "measurements.json", "report.html", "thumbnail.webp",
    )  # fmt: skip
    of_all = (f"out/{name}" for name in (*FILES, KEY))
    assert new == {"out", "out/packed", *of_all, *(f"out/packed/{name}" for name in names)}


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


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_messages_of_packed_exams_name_the_archive(tmp_path: Path, form: str) -> None:
    write(_phantom().slices(intercept=0, GantryDetectorTilt=9), tmp_path / "ct" / "b")
    write(_phantom().slices(intercept=0), tmp_path / "ct" / "a")
    archive = Path(
        shutil.make_archive(str(tmp_path / "packed"), "gztar" if form == "tar.gz" else form, tmp_path / "ct")
    )
    (failure,) = _run(archive, tmp_path / "out")[0]
    assert f"file: {archive}/b" in failure.told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", *FILES, KEY}
    empty = Path(shutil.make_archive(str(tmp_path / "empty"), "zip", tmp_path / "out" / "a" / "overlay", "."))
    with pytest.raises(UserError) as error:
        _run(empty, tmp_path / "other")
    assert f"file: {empty}" in str(error.value)
    assert not list((tmp_path / "other").iterdir())


def test_a_patient_called_one_does_not_hide_the_words_of_messages(tmp_path: Path) -> None:
    for number in (1, 2):
        images = _phantom().slices(
            intercept=0,
            SeriesNumber=number,
            StudyInstanceUID="1.2.3",
            PatientName="Slices^One",
            SeriesDescription="One",
        )
        write(images, tmp_path / "One" / "ct", seed=number)
    (failure,) = _run(tmp_path, tmp_path / "out")[0]
    assert "expected: one series to segment" in failure.told
    assert "2 CT series, of which none is chosen\n  --series 1  '***', " in failure.told
    assert "7 slices" in failure.told
    assert failure.exam == "exam-1"
    assert "/***/ct" in failure.told


def test_an_exam_whose_dicom_cannot_be_written_is_listed_as_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("no such form")

    monkeypatch.setattr("hepaflow.segment.output.write_segmentation", fails)
    write(_phantom().slices(intercept=0), tmp_path / "ct")
    failures, lines = _run(tmp_path / "ct", tmp_path / "out")
    told = "segmentation.dcm could not be written (ValueError: no such form)"
    assert failures == [Failure("ct", told, told, incomplete=True)]
    assert lines.index(f"  note: {told}") < lines.index(f"  {tmp_path}/out/ct/report.html")
    assert (tmp_path / "out/ct/segmentation.nii.gz").exists()
    listed: list[str] = []
    list_failures(failures, listed.append)
    assert listed[0] == "\nnot complete: ct"


def test_another_process_at_the_same_exam_is_told(tmp_path: Path) -> None:
    _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    with claimed(tmp_path / "out" / "a"):
        (failure,) = _run(tmp_path / "a.nii", tmp_path / "out")[0]
    assert "another process that is segmenting into this folder" in failure.found
    assert _run(tmp_path / "a.nii", tmp_path / "out")[0] == []


def test_lesions_outside_of_the_liver_are_kept_when_asked_for(tmp_path: Path) -> None:
    phantom = _phantom(spacing=(8, 7), gap=25)
    far = Thresholded(phantom.labels >= 1, np.zeros(phantom.labels.shape, bool), {})
    far.lesion[6, 10:, 8:] = True
    model = Model({}, lambda *_: far)
    phantom.nifti(phantom.stored, tmp_path / "a.nii")
    counts = []
    for keep in (False, True):
        _, lines = _run(tmp_path / "a.nii", tmp_path / f"out{keep}", model, keep_outside=keep)
        told = json.loads((tmp_path / f"out{keep}/a/measurements.json").read_text())
        counts.append((told["lesion_voxels"], told["outside_liver"]["voxels"], told["outside_liver"]["left_out"]))
        assert any("outside of the liver" in line for line in lines)
        assert any("--keep-outside" in line for line in lines) != keep
        assert not _again(tmp_path / "a.nii", tmp_path / f"out{keep}", model, keep_outside=keep)[0]
        assert _again(tmp_path / "a.nii", tmp_path / f"out{keep}", model, keep_outside=not keep)[0]
    assert counts == [(0, 4, True), (4, 4, False)]


def test_a_long_name_is_cut_to_what_file_systems_take(tmp_path: Path) -> None:
    exam = tmp_path / ("山" * 80 + ".nii")
    _phantom().nifti(_phantom().stored, exam)
    assert _run(exam, tmp_path / "out")[0] == []
    (folder,) = (path for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert folder.name == "山" * 37 + "-" + sha256(("山" * 80).encode()).hexdigest()[:8]


def test_a_folder_whose_name_is_no_unicode_is_segmented(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Latin-1 is, of an old disk; for the exam, and for the results."""
    place, out = (Path(os.fsdecode(os.fsencode(tmp_path) + name)) for name in (b"/M\xfcller", b"/out\xfc"))
    write(_phantom().slices(intercept=0), tmp_path / "ct")
    (tmp_path / "ct").rename(place)
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr("sys.stdout", ascii_only)
    monkeypatch.setattr("hepaflow.segment.command.load_model", lambda *_, **__: MODEL)
    monkeypatch.setattr("hepaflow.model.bundle.read_bundle", lambda _: None)
    assert main(["segment", str(place), "--model", "m", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"M_ller", *FILES, KEY}
    ascii_only.flush()
    assert rb"7\xd712\xd710" in ascii_only.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("threads", ["0", "-1", "1.5", "many", "100000"])
def test_a_number_of_threads_that_is_none_is_told(capsys: pytest.CaptureFixture[str], threads: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["segment", "a.nii", "--model", "m", "--out", "o", f"--threads={threads}"])
    assert ended.value.code == 2
    assert "no whole number from 1 to 1024" in capsys.readouterr().err


ENDED = """
import pathlib, sys, time
import hepaflow.model.bundle, hepaflow.segment.command
from hepaflow.cli import main

def segment(hu, spacing):
    pathlib.Path(sys.argv[2], "begun").touch()
    time.sleep(60)

hepaflow.model.bundle.read_bundle = lambda path: None
hepaflow.segment.command.load_model = lambda *_, **__: hepaflow.segment.command.Model({}, segment)
sys.exit(main(["segment", sys.argv[1], "--model", "m", "--out", sys.argv[2] + "/out"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_a_command_that_is_ended_leaves_no_patient_and_no_half_result(
    tmp_path: Path, number: signal.Signals
) -> None:
    write(_phantom().slices(intercept=0), tmp_path / "ct")
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "ct")
    command = [sys.executable, "-c", ENDED, archive, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        assert len(list((tmp_path / "out").iterdir())) == 2, "the unpacked exam, and the claim"
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert told.strip().startswith(f"hepaflow: ended by {number.name}")
    assert "Traceback" not in told
    assert not list((tmp_path / "out").iterdir())


def test_results_are_written_though_nobody_reads_the_messages() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        for line in ("one", "two"):
            _say_to(stream)(line)


def test_a_series_is_chosen(tmp_path: Path) -> None:
    for number in (1, 2):
        images = _phantom().slices(intercept=0, SeriesNumber=number, StudyInstanceUID="1.2.3")
        write(images, tmp_path / "ct", seed=number)
    (failure,) = _run(tmp_path / "ct", tmp_path / "out")[0]
    assert failure.headline == "2 CT series, of which none is chosen"
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
    origin = Origin(True, "demo.tsv", 22, 4, {"liver": 0.9, "lesion": 0.6})
    model = small_model(tmp_path, ALL_LIVER_NO_LESION, **{ORIGIN: json.dumps(origin.as_json())})
    write(_phantom().slices(intercept=0), tmp_path / "exams" / "a")
    write(_phantom().slices(intercept=0, GantryDetectorTilt=9), tmp_path / "exams" / "b")
    arguments = [str(tmp_path / "exams"), "--model", str(model), "--out", str(tmp_path / "out"), "--threads", "1"]
    assert main(["segment", *arguments, "--device", "cpu"]) == 1
    told = capsys.readouterr().out
    assert "[1/2] a" in told
    made = "trained on 22 synthetic phantoms, no patient; test Dice liver 0.900, lesions 0.600 (4 phantoms)"
    order = [
        f": {made}",
        "Not a medical device; for research.",
        "only seen a few simple phantoms",
        "loading 4 networks",
        "[1/2] a",
    ]
    assert sorted(order, key=told.index) == order
    assert made in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert told.index("not segmented: b") < told.index("found: a gantry tilt of 9°")
    measured = json.loads((tmp_path / "out/a/measurements.json").read_text())
    assert measured["liver_voxels"] == 7 * 12 * 10, "the networks call everything liver"
    assert measured["lesions"] == []
    assert measured["disagreement_percent"] == {"liver": 0, "lesion": 0}
    assert "first (unet), second (unet)" in measured["model"]["networks"]
    shutil.rmtree(tmp_path / "exams" / "b")
    assert main(["segment", *arguments]) == 0
    assert "a: segmented before by this model; the result was kept" in capsys.readouterr().out
    assert main(["segment", *arguments, "--precision", "bf16"]) == 1, "it can give other masks"
    assert "found: an earlier result" in capsys.readouterr().out
    assert main(["segment", *arguments, "--overwrite", "--precision", "bf16"]) == 0
    again = json.loads((tmp_path / "out/a/measurements.json").read_text())
    assert (measured["model"]["precision"], again["model"]["precision"]) == ("fp32", "bf16")
    assert measured["model"]["model"] != again["model"]["model"]


def test_what_cannot_begin_is_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exam = _phantom().nifti(_phantom().stored, tmp_path / "a.nii")
    (tmp_path / "exams").mkdir()
    _zip_without_a_model(tmp_path / "packed.zip")
    for place, model, out, told in (
        (tmp_path / "none", "model.zip", "out", "no such file or folder"),
        (exam, "a.nii", "out", "not readable as a model"),
        (exam, "nope.zip", "out", "let the run finish"),
        (exam, "exams", "out", "hepaflow-model.zip of a finished run"),
        (exam, "packed.zip", "out", "no model, but for instance an exam"),
        (exam, None, "a.nii", "no folder to write to (a file)"),
        (exam, None, "a.nii/deeper", "no folder to write to (a file)"),
        (tmp_path / "exams", None, "out", "no CT series"),
    ):
        path = small_model(tmp_path, ALL_LIVER_NO_LESION) if model is None else tmp_path / model
        arguments = [str(place), "--model", str(path), "--out", str(tmp_path / out)]
        assert main(["segment", *arguments]) == 1
        error = capsys.readouterr().err
        assert told in error
        assert "what to do: " in error
        assert not list(tmp_path.glob("out/*"))


def _zip_without_a_model(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.dcm", b"")
