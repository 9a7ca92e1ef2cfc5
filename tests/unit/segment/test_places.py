"""Several places are searched, each exam once and under a name of its own; nobody is named."""

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from dicom_series import Phantom, write

from hepaflow.errors import UserError
from hepaflow.segment.digests import fingerprint, keyed, make_key
from hepaflow.segment.places import searched
from hepaflow.segment.source import find_exams


def _nifti(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return Phantom().nifti(Phantom().stored - 1024, path)


def _series(folder: Path, number: int = 1, **elements: object) -> Path:
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": f"1.2.3.{number}"}
    return write(Phantom().slices(SeriesNumber=number, **uids | elements), folder, seed=number)


def _search(*places: Path, out: Path, **how: object) -> tuple[list[str], list[str]]:
    """Return the names of the exams, and all notes."""
    out.mkdir(exist_ok=True)
    with searched(places, out, **how) as found:
        return (
            [source.name for one in found for source in one.sources],
            [note for one in found for note in one.notes],
        )


def test_exams_of_one_name_get_others_and_that_is_told(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _nifti(tmp_path / folder / "a.nii")
    names, notes = _search(tmp_path / "one/a.nii", tmp_path / "two", out=tmp_path / "out")
    assert names == ["a", "a-2"]
    assert notes == [f"a is taken: the exam at {tmp_path}/two/a.nii is called a-2"]


def test_so_do_exams_of_one_place(tmp_path: Path) -> None:
    for name in ("a b.nii", "a_b.nii"):
        _nifti(tmp_path / "exams" / name)
    names, notes = _search(tmp_path / "exams", out=tmp_path / "out")
    assert names == ["a_b", "a_b-2"]
    assert notes == [f"a_b is taken: the exam at {tmp_path}/exams/a_b.nii is called a_b-2"]


def test_long_names_that_begin_alike_stay_apart_and_that_is_told(tmp_path: Path) -> None:
    """Whichever others are named with them: what is cut off decides, not the order."""
    folder = tmp_path / "exams" / ("x" * 90)
    places = [_nifti(folder / f"{name}.nii") for name in ("arterial", "portal")]
    names, notes = _search(tmp_path / "exams", out=tmp_path / "out")
    digests = [sha256(f"{folder.name}-{name}".encode()).hexdigest()[:8] for name in ("arterial", "portal")]
    assert names == [f"{'x' * 71}-{digest}" for digest in digests]
    assert notes == [
        f"the exam at {place} is called {name}: its own name is too long"
        for place, name in zip(places, names, strict=True)
    ]
    places[0].unlink()
    assert _search(tmp_path / "exams", out=tmp_path / "out")[0] == names[1:]


def test_a_patient_in_what_is_cut_off_is_no_part_of_the_name(tmp_path: Path) -> None:
    _series(tmp_path / ("x" * 90) / "Zebulon", 1, PatientName="Zebulon^One")
    _nifti(tmp_path / "a.nii")
    assert _search(tmp_path, out=tmp_path / "out")[0] == ["a", "exam-1"]


def test_exams_without_names_pass_over_numbers_that_folders_have(tmp_path: Path) -> None:
    for number, name in enumerate(("Wexler", "exam-1"), start=1):
        _series(tmp_path / "cts" / name, number, PatientName="Wexler^A")
    assert _search(tmp_path / "cts/exam-1", tmp_path / "cts/Wexler", out=tmp_path / "out")[0] == [
        "exam-1",
        "exam-2",
    ]


def _results(out: Path, **of: Path | None) -> None:
    """Write results of exams, by their names, as the command does; None for one of an earlier version."""
    for name, place in of.items():
        folder = out / name.replace("_", "-")
        folder.mkdir(parents=True)
        digest = (
            {} if place is None else {"digest": keyed(fingerprint(find_exams(place).sources[0]), make_key(out))}
        )
        (folder / "measurements.json").write_text(json.dumps({"source": {"kind": "x", **digest}}))


def test_an_exam_keeps_the_number_of_its_result_and_others_go_on(tmp_path: Path) -> None:
    """Whoever has come before them in the order of the folders."""
    exams, out = tmp_path / "exams", tmp_path / "out"
    for number, name in enumerate(("Mueller", "Schmidt", "Bauer", "Adler"), start=1):
        _series(exams / name, number, PatientName=f"{name}^A")
    _results(out, exam_1=exams / "Mueller", exam_7=exams / "Schmidt", exam_03=None)
    assert _search(exams, out=out) == (["exam-8", "exam-9", "exam-1", "exam-7"], [])


def test_an_exam_keeps_the_name_of_its_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    places = [_nifti(tmp_path / name / "ct.nii") for name in ("a", "b", "c", "d")]
    for number, place in enumerate(places):
        place.write_bytes(place.read_bytes() + bytes([number]))
    _results(out, ct=places[1], ct_2=places[2], ct_3=None)
    names, notes = _search(*places, out=out)
    assert names == ["ct-3", "ct", "ct-2", "ct-4"]
    assert [note.partition(": ")[0] for note in notes] == 3 * ["ct is taken"]
    assert _search(places[0], out=out) == (["ct"], []), "alone it is refused, rather than renamed"


def test_two_copies_of_a_file_keep_a_result_each(tmp_path: Path) -> None:
    out = tmp_path / "out"
    places = [_nifti(tmp_path / name / "ct.nii") for name in ("a", "b", "c")]
    _results(out, ct=places[0], ct_2=places[1])
    assert _search(*places, out=out)[0] == ["ct", "ct-2", "ct-3"]


def test_no_exam_gets_a_name_that_is_reserved(tmp_path: Path) -> None:
    names, notes = _search(_nifti(tmp_path / "Index.html.nii"), out=tmp_path / "out", reserved={"index.html"})
    assert names == ["Index.html-2"]
    assert len(notes) == 1


def test_an_exam_that_two_places_hold_is_taken_once(tmp_path: Path) -> None:
    _nifti(tmp_path / "exams/a.nii")
    _series(tmp_path / "exams/ct")
    names, notes = _search(
        tmp_path / "exams", tmp_path / "exams/a.nii", tmp_path / "exams/ct", out=tmp_path / "out"
    )
    assert names == ["a", "ct"]
    assert notes == [
        f"{tmp_path}/exams/{name} was named already: it is segmented once" for name in ("a.nii", "ct")
    ]


def test_exams_without_a_name_of_their_own_are_numbered_over_all_places(tmp_path: Path) -> None:
    for number, name in enumerate(("Zebulon_Quentin", "Wexler", "plain"), start=1):
        patient = {"PatientName": name.replace("_", "^") if name != "plain" else "Nobody"}
        _series(tmp_path / name, number, **patient)
    names, notes = _search(
        tmp_path / "Wexler", tmp_path / "plain", tmp_path / "Zebulon_Quentin", out=tmp_path / "out"
    )
    assert names == ["exam-1", "plain", "exam-2"]
    assert notes == []


@pytest.mark.parametrize("whole", [False, True])
def test_a_file_of_a_series_leads_to_the_series(tmp_path: Path, whole: bool) -> None:
    """Also where a shell lists all of its files; another series in the folder does not matter."""
    folder = _series(tmp_path / "ct", 1)
    files = sorted(folder.iterdir())
    _series(folder, 2)
    out = tmp_path / "out"
    out.mkdir()
    with searched(files if whole else files[3:4], out) as (found,):
        (source,) = found.sources
        exam = source.read()
    assert (source.name, exam.hu.shape) == ("ct", (7, 12, 10))
    assert exam.series is not None
    assert exam.series.number == 1
    first = files[0 if whole else 3]
    assert found.notes[0] == (
        f"{first} is one file: the series that it belongs to is segmented, from the folder {folder}"
    )


def test_a_file_of_a_series_names_nobody(tmp_path: Path) -> None:
    folder = _series(tmp_path / "Zebulon", 1, PatientName="Zebulon^One")
    names, notes = _search(next(folder.iterdir()), out=tmp_path / "out")
    assert names == ["exam-1"]
    assert "/***/" in notes[0]
    assert " is one file: the series" in notes[0]


def test_a_named_series_counts_before_that_of_the_file(tmp_path: Path) -> None:
    folder = _series(tmp_path / "ct", 1)
    file = sorted(folder.iterdir())[0]
    _series(folder, 2)
    out = tmp_path / "out"
    out.mkdir()
    with searched([file], out, series="2") as (found,):
        series = found.sources[0].read().series
    assert series is not None
    assert series.number == 2


def test_the_list_of_a_medium_leads_to_its_folder(tmp_path: Path) -> None:
    _series(tmp_path / "disk/ct", 1)
    (tmp_path / "disk/DICOMDIR").touch()
    names, notes = _search(tmp_path / "disk/DICOMDIR", out=tmp_path / "out")
    assert names == ["ct"]
    assert notes[0].startswith(f"{tmp_path}/disk/DICOMDIR is one file: the exam is segmented")


def test_archives_lie_unpacked_side_by_side_while_they_are_used(tmp_path: Path) -> None:
    archives = []
    for name in ("one", "two"):
        _nifti(tmp_path / name / f"{name}.nii")
        archives.append(Path(shutil.make_archive(str(tmp_path / name), "zip", tmp_path / name)))
    out = tmp_path / "out"
    out.mkdir()
    with searched(archives, out) as found:
        assert [source.read().hu.shape for one in found for source in one.sources] == [(7, 12, 10)] * 2
        assert found[1].told(str(found[1].sources[0].place)) == f"{archives[1]}/two.nii"
        assert len(list(out.iterdir())) == 2
    assert not list(out.iterdir())


def test_an_error_is_that_of_its_place_unless_there_is_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04")
    out = tmp_path / "out"
    out.mkdir()
    with searched([tmp_path / "bad.zip", _nifti(tmp_path / "a.nii")], out) as (bad, good):
        assert (bad.number, good.number) == (1, 2)
        assert bad.error is not None
        assert not list(out.iterdir()), "what was unpacked of it"
    with pytest.raises(UserError, match="cannot be unpacked"), searched([tmp_path / "bad.zip"], out):
        pass
