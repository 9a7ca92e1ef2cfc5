"""`hepaflow segment` on odd exams and in odd places; each form and value is in the unit tests of the module."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import own_exams
import pydicom
import pytest
from cases import Case, Tell, neutral
from dicom_series import Phantom, write
from pydicom.dataset import Dataset
from small_model import small_model
from thresholds import LESION_HU, LIVER_HU, MODEL, Thresholded, thresholds
from unit.dicom import test_identity as test_dicom_identity
from unit.dicom import test_privacy as test_dicom_privacy
from unit.dicom import test_source as test_dicom_source
from unit.segment import test_archive
from unit.segment.test_command import ENDED

from hepaflow.cli import _say_to, main
from hepaflow.dicom.identity import identifiers, named_in
from hepaflow.errors import UserError
from hepaflow.model.bundle import read_bundle
from hepaflow.model.members import SETTINGS
from hepaflow.segment import output as exam_output
from hepaflow.segment.archive import unpack
from hepaflow.segment.command import Failure, Model, segment_exams
from hepaflow.segment.digests import KEY
from hepaflow.segment.output import write_exam
from hepaflow.segment.overview.files import FILES
from hepaflow.segment.own_exam import result_of
from hepaflow.segment.result_folder import as_a_whole, claimed
from hepaflow.segment.source import LoadedExam, find_exams
from hepaflow.system.destination import make_folder

HEADERS = "headers repaired"


def _phantom(**how: Any) -> Phantom:
    phantom = Phantom(**how)
    phantom.stored = np.array([-1000, LIVER_HU, LESION_HU], np.int16)[phantom.labels]
    return phantom


def _series(folder: Path, name: str = "", value: str | None = "", **elements: Any) -> Path:
    """Write a series with the bytes of one element as they are."""
    images = _phantom().slices(intercept=0, **elements)
    for image in images:
        if value is None:
            delattr(image, name)
        elif name:
            test_dicom_source._raw(image, name, value)
    return write(images, folder, enforce_file_format=False)


def _run(place: Path, out: Path, model: Model = MODEL, **how: Any) -> tuple[list[Failure], str]:
    lines: list[str] = []
    return segment_exams([place], out, lambda: model, say=lines.append, **how), "\n".join(lines)


def _notes(lines: str, about: str = "") -> str:
    return "; ".join(
        line.strip().removeprefix("note: ") for line in lines.splitlines() if f"note: {about}" in line
    )


def _values(folder: Path, name: str, values: list[str | None]) -> list[str]:
    """Segment a series with each value of an element; return what was noted, and check what readers compute."""
    told = []
    for number, value in enumerate(values):
        place, out = folder / f"ct{number}", folder / f"out{number}"
        failures, lines = _run(_series(place, name, value), out)
        assert failures == []
        segmentation = pydicom.dcmread(out / place.name / "segmentation.dcm")
        expected = json.loads((out / place.name / "measurements.json").read_text())["liver_ml"]
        np.testing.assert_allclose(test_dicom_source._volume(segmentation), expected, atol=1e-4)
        told.append(_notes(lines, HEADERS))
    return told


def test_lengths(tmp_path: Path, tell: Tell) -> None:
    told = _values(tmp_path / "a", "SpacingBetweenSlices", ["1.25", "0.625", "-2.5", "0", "", "abc", "2.5\\3"])
    assert [bool(one) for one in told] == [True, True, False, True, False, True, True]
    tell(own_exams.SPACING, told[0])
    told = _values(tmp_path / "b", "SliceThickness", ["1.25", "5", "0", "-5", "", None, "nan", "abc"])
    assert [bool(one) for one in told] == [False, False, True, True, False, False, True, True]
    tell(own_exams.THICKNESS, told[2])


def test_values_of_the_wrong_form(tmp_path: Path, tell: Tell) -> None:
    images = _phantom().slices(intercept=0)
    for image in images:
        for name, values in test_dicom_source.WRONG.items():
            test_dicom_source._raw(image, name, values[0])
    failures, lines = _run(write(images, tmp_path / "ct", enforce_file_format=False), tmp_path / "out")
    assert failures == []
    assert sum(map(len, test_dicom_source.WRONG.values())) == 26
    tell(own_exams.FORMS, _notes(lines, HEADERS))


def test_frames_and_numbers(tmp_path: Path, tell: Tell) -> None:
    images = _phantom().slices(intercept=0)
    for number, image in enumerate(images):
        image.FrameOfReferenceUID = f"1.2.{number}"
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, f"0.0000{number}"]
    failures, lines = _run(write(images, tmp_path / "ct"), tmp_path / "out")
    assert failures == []
    tell(own_exams.FRAMES, _notes(lines, HEADERS))
    for number, image in enumerate(images):
        image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        image.FrameOfReferenceUID = "1.2.3"
        image.ImagePositionPatient[1] += round(0.03 * number, 1)
    failures, lines = _run(write(images, tmp_path / "beside"), tmp_path / "out")
    assert (failures, _notes(lines, HEADERS)) == ([], "")
    tell(own_exams.BESIDE, "")
    for number in ("-2000", "2147483647"):
        failures, lines = _run(_series(tmp_path / number, "SeriesNumber", number), tmp_path / "out")
        assert (failures, _notes(lines, HEADERS)) == ([], "")
    tell(own_exams.NUMBER, "")


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ValueError("a form that no library knows")

    _series(tmp_path / "ct")
    told = []
    for writer in ("write_segmentation", "write_overlay", "exam_page"):
        with monkeypatch.context() as patched:
            patched.setattr(exam_output, writer, fails)
            (failure,), _ = _run(tmp_path / "ct", tmp_path / writer)
        assert failure.incomplete
        assert (tmp_path / writer / "ct/segmentation.nii.gz").exists()
        told.append(failure.told)
    tell(own_exams.KEPT, told[0])
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 0}))
    never = Model({}, lambda *_: pytest.fail("the networks ran"))
    (failure,), _ = _run(tmp_path / "ct", tmp_path / "out", never)
    tell(own_exams.ROOM, neutral(failure.told, tmp_path))


def test_places_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    (tmp_path / "file").touch()
    for place in ("file/below", "file"):
        with pytest.raises(UserError) as error:
            make_folder(tmp_path / place)
    tell(own_exams.OUT, neutral(str(error.value), tmp_path))
    exam = _phantom().nifti(_phantom().stored, tmp_path / ("山" * 80 + ".nii"))
    assert _run(exam, tmp_path / "out")[0] == []
    tell(own_exams.LONG, "")
    _series(tmp_path / "ct").rename(os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller"))
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfc"))
    monkeypatch.setattr("hepaflow.segment.command.load_model", lambda *_, **__: MODEL)
    monkeypatch.setattr("hepaflow.model.bundle.read_bundle", lambda _: None)
    monkeypatch.setattr("sys.stdout", open(tmp_path / "printed", "w", encoding="ascii"))  # noqa: SIM115
    assert (
        main(["segment", os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller"), "--model=m", "--out", str(out)]) == 0
    )
    sys.stdout.close()
    tell(own_exams.LATIN, "")


@pytest.mark.slow
def test_a_command_that_is_ended(tmp_path: Path, tell: Tell) -> None:
    _series(tmp_path / "ct")
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in (tmp_path / "ct").iterdir():
            packed.write(path, path.name)
    told = ""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
        (tmp_path / "begun").unlink(missing_ok=True)
        command = [sys.executable, "-c", ENDED, str(archive), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while not (tmp_path / "begun").exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            process.send_signal(number)
            _, last = process.communicate(timeout=60)
        if number != signal.SIGKILL:
            told = last.strip()
            assert process.returncode == 128 + number
            assert not list((tmp_path / "out").iterdir())
    tell(own_exams.ENDED, told)
    assert any(path.name.startswith(".hepaflow-unpacked") for path in (tmp_path / "out").iterdir())
    failures, lines = _run(archive, tmp_path / "out")
    assert failures == []
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"packed", *FILES, KEY}
    tell(own_exams.KILLED, lines.splitlines()[0])


def test_an_exchange_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell) -> None:
    def put(content: str) -> None:
        with as_a_whole(tmp_path / "out/exam", {"a"}, overwrite=True) as partial:
            (partial / "a").write_text(content)

    put("old")
    rename = Path.rename
    for at in (1, 2):
        steps: list[int] = []

        def step(path: Path, target: Path, at: int = at, steps: list[int] = steps) -> Path:
            steps.append(1)
            if len(steps) == at:
                raise OSError(errno.EIO, "Input/output error")
            return rename(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", step)
            with pytest.raises(OSError, match="Input/output"):
                put("new")
        assert (tmp_path / "out/exam/a").read_text() == "old"
        assert len(list((tmp_path / "out").iterdir())) == 1
    tell(own_exams.EXCHANGE, "")


def test_two_commands_at_once(tmp_path: Path, tell: Tell) -> None:
    _series(tmp_path / "ct")
    never = Model({}, lambda *_: pytest.fail("the networks ran"))
    with claimed(tmp_path / "out/ct"):
        (failure,), _ = _run(tmp_path / "ct", tmp_path / "out", never)
    tell(own_exams.TWO, neutral(failure.told, tmp_path))


def test_names(tmp_path: Path, tell: Tell) -> None:
    count = 0
    for name, texts in test_dicom_identity.NAMED:
        header = Dataset()
        header.PatientName = name
        found = identifiers([header])
        count += len(texts.split())
        assert [text for text in texts.split() if not named_in(text, found)] == []
    assert (len(test_dicom_identity.NAMED), count) == (16, 84)
    _series(tmp_path / "exams/LiWu_CT", PatientName="Li^Wu")
    _, lines = _run(tmp_path / "exams", tmp_path / "out")
    assert lines.startswith("[1/1] exam-1\n")
    tell(own_exams.NAMES, "")
    images = _phantom().slices(intercept=0, SpecificCharacterSet="ISO_IR 100")
    for image in images:
        image._dict[0x00100010] = pydicom.DataElement(0x00100010, "UN", "王^小东".encode("gb18030"))
        test_dicom_source._raw(image, "PatientID", "7")
    write(images, tmp_path / "other/王小东", enforce_file_format=False)
    assert "王" not in _run(tmp_path / "other", tmp_path / "out2")[1]
    tell(own_exams.CHARSETS, "")
    for number in (1, 2):
        images = _phantom().slices(SeriesNumber=number, StudyInstanceUID="1.2", SeriesInstanceUID=f"1.2.{number}")
        write(images, tmp_path / "several", seed=number)
    (failure,), _ = _run(tmp_path / "several", tmp_path / "out3")
    tell(own_exams.ONE, neutral(failure.told, tmp_path))


def test_anonymous_results(tmp_path: Path, tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
    images = _phantom().slices(intercept=0)
    assert test_dicom_privacy._with_secrets(images) == 147
    write(images, tmp_path / "ct")
    assert _run(tmp_path / "ct", tmp_path / "out", anonymise=True)[0] == []
    for path in (tmp_path / "out/ct").rglob("*.dcm"):
        told = test_dicom_privacy._told(pydicom.dcmread(path))
        assert [one for one in told if test_dicom_privacy.DATES.search(one)] == []
    tell(own_exams.ANONYMOUS, "")
    assert (
        _run(_series(tmp_path / "odd", PatientName="Zebulon", PatientID="Zebulon" * 10), tmp_path / "out")[0] == []
    )
    assert "Zebulon" not in caplog.text
    tell(own_exams.LIBRARIES, "")


def test_arguments(tmp_path: Path, tell: Tell, capsys: pytest.CaptureFixture[str]) -> None:
    for threads in ("0", "-1", "1.5", "many", "100000"):
        with pytest.raises(SystemExit):
            main(["segment", "a", "--model=m", "--out=o", f"--threads={threads}"])
        told = capsys.readouterr().err.splitlines()[-1]
        assert "no whole number from 1 to 1024" in told
    tell(own_exams.THREADS, told)
    (tmp_path / "damaged.zip").write_bytes(b"PK\x03\x04")
    with zipfile.ZipFile(tmp_path / "exam.zip", "w") as archive:
        archive.writestr("1.dcm", b"")
    (tmp_path / "newer").mkdir()
    newer = small_model(tmp_path / "newer", **{SETTINGS: '{"of_the_future": 1}'})
    messages = []
    for path in (
        tmp_path / "nope.zip",
        tmp_path / "newer",
        tmp_path / "exam.zip",
        tmp_path / "damaged.zip",
        newer,
    ):
        with pytest.raises(UserError) as error:
            read_bundle(path)
        messages.append(neutral(str(error.value), tmp_path))
    tell(own_exams.MODEL, messages[0])


def test_archives(tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "folder").mkdir()
    test_archive.test_folders_of_windows_are_folders(tmp_path / "folder")
    tell(own_exams.ARCHIVES, "")
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(90))
    with pytest.raises(UserError) as error:
        unpack(tmp_path / "a.7z", tmp_path)
    tell(own_exams.UNREAD, neutral(str(error.value), tmp_path))


def test_what_lies_outside_or_at_an_edge(tmp_path: Path, tell: Tell) -> None:
    phantom = _phantom(spacing=(8, 7), gap=25)
    phantom.nifti(phantom.stored, tmp_path / "a.nii")

    def found(hu: np.ndarray, _: object) -> Thresholded:
        lesion = np.zeros(hu.shape, bool)
        lesion[6, 10, 8] = True
        return Thresholded(thresholds(hu).liver, lesion, {})

    failures, lines = _run(tmp_path / "a.nii", tmp_path / "out", Model({}, found))
    assert failures == []
    tell(own_exams.OUTSIDE, _notes(lines))
    (source,) = find_exams(tmp_path / "a.nii").sources
    tell(own_exams.EDGES, _edge(source.read(), tmp_path))


def _edge(exam: LoadedExam, folder: Path) -> str:
    liver = np.zeros(exam.hu.shape, bool)
    liver[2:4, :3, 3:6] = True
    result = result_of(Thresholded(liver, np.zeros_like(liver), {}), exam)
    written = write_exam(folder / "edge", exam, result.labels, {}, notes=result.notes)
    return "; ".join(written.measured.warnings)


def test_nobody_reads(tell: Tell) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        say: Callable[[str], None] = _say_to(stream)
        say("one")
        say("two")
    tell(own_exams.PIPE, "")


def test_all_are_carried_out(request: pytest.FixtureRequest) -> None:
    """Every row has a test above that tells of it."""
    source = Path(__file__).read_text(encoding="utf-8")
    names = {name: value for name, value in vars(own_exams).items() if isinstance(value, Case)}
    assert [name for name in names if f"tell(own_exams.{name}," not in source] == []
    assert set(names.values()) == set(own_exams.OWN_EXAMS.cases)
