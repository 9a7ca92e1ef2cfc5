"""The overview holds every result in a folder as its own files have it, and nothing else."""

import csv
import errno
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from dicom_series import Phantom
from thresholds import thresholds

from hepaflow.errors import UserError
from hepaflow.model.origin import NOTICE, UNRECORDED, Origin
from hepaflow.segment.output import write_exam
from hepaflow.segment.overview.files import EXAMS, FILES, INDEX, LESIONS, check_overview, write_overview
from hepaflow.segment.overview.results import Results, read_results
from hepaflow.segment.result_folder import alone
from hepaflow.segment.source import read_exam

PHANTOMS = Origin(True, "demo.tsv", 22, 4, {"liver": 0.905, "lesion": 0.651})
OTHER_WEIGHTS = replace(PHANTOMS, weights_of_files=True)
MANY_PHANTOMS = replace(PHANTOMS, drawn_phantoms=6000)
EXAMS_SEEN = Origin(False, "lits17.tsv", 121, 10, {"liver": 0.95})


def _result(out: Path, name: str, *, millimetres: bool = True, **how: Any) -> None:
    phantom = (
        Phantom()
        if millimetres
        else Phantom(spacing=(1, 1), gap=1, origin=(0, 0, 0), orientation=(-1, 0, 0, 0, -1, 0))
    )
    phantom.stored = np.array([-1000, 100, 200], np.int16)[phantom.labels]
    exam = read_exam(phantom.nifti(phantom.stored, out.parent / f"{name}.nii"), name=name)
    found = thresholds(exam.hu)
    write_exam(out / name, exam, found.labels, found.disagreement, **how)


def _rows(out: Path, name: str) -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _page(out: Path) -> str:
    return (out / INDEX).read_text(encoding="utf-8")


def _text(page: str) -> str:
    page = re.sub(r"(?s)<style>.*?</style>", "", page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_a_row_an_exam_and_a_row_a_lesion_hold_what_was_measured(out: Path) -> None:
    for name in ("exam-10", "exam-2"):
        _result(out, name, origin=PHANTOMS, model={"model": "a1b2", "precision": "fp32"}, notes=("look, here",))
    assert len(write_overview(out, {}).found) == 2
    told = json.loads((out / "exam-2/measurements.json").read_text())
    rows = _rows(out, EXAMS)
    assert [row["exam"] for row in rows] == ["exam-2", "exam-10"]
    for row in rows:
        for name in ("liver_ml", "lesion_ml", "tumour_burden_percent", "liver_voxels", "lesion_voxels"):
            assert float(row[name]) == told[name]
        assert (row["lesions"], row["slices"], row["rows"], row["columns"]) == ("1", "7", "12", "10")
        assert float(row["lesion_disagreement_percent"]) == told["disagreement_percent"]["lesion"]
        assert row["notes"].startswith("look, here")
        assert (row["model"], row["precision"], row["source"]) == ("a1b2", "fp32", "NIfTI")
        assert (row["model_origin"], row["notice"]) == (PHANTOMS.in_words, NOTICE)
        assert float(row["test_dice_lesion"]) == 0.651
    lesions = _rows(out, LESIONS)
    assert [row["exam"] for row in lesions] == ["exam-2", "exam-10"]
    (lesion,) = told["lesions"]
    assert [float(lesions[0][name]) for name in ("voxels", "ml", "diameter_mm", "slice")] == [
        lesion[name] for name in ("voxels", "ml", "diameter_mm", "slice")
    ]
    assert [float(lesions[0][f"{side}_mm"]) for side in ("left", "posterior", "head")] == lesion["position_lps_mm"]
    assert [int(lesions[0][f"voxel_{axis}"]) for axis in "ijk"] == lesion["voxel"]


def test_what_is_not_to_be_trusted_is_an_empty_cell(out: Path) -> None:
    _result(out, "a", millimetres=False)
    write_overview(out, {})
    (row,), (lesion,) = _rows(out, EXAMS), _rows(out, LESIONS)
    assert (row["liver_ml"], row["largest_lesion_ml"], lesion["diameter_mm"], lesion["left_mm"]) == (
        "",
        "",
        "",
        "",
    )
    assert int(row["liver_voxels"]) > 0
    assert "voxels" in _text(_page(out))


def test_the_page_tells_the_numbers_and_leads_to_each_exam(out: Path) -> None:
    _result(out, "müller", notes=("look here",))
    _result(out, "b")
    write_overview(out, {"c": "a gantry tilt of 9°"})
    page, told = _page(out), json.loads((out / "b/measurements.json").read_text())
    text = _text(page)
    assert "2 segmented exams" in text
    assert f"{told['liver_ml']:.2f} ml" in text
    assert f"{told['tumour_burden_percent']:.1f} %" in text
    assert "Look here." in text
    assert "Not segmented by the last command c a gantry tilt of 9°" in text
    assert re.findall(r'<th scope="row"><a href="([^"]+)"', page) == ["b/report.html", "m%C3%BCller/report.html"]
    assert page.count("data:image/webp;base64,") == 2


def test_an_exam_is_not_told_both_as_segmented_and_as_not_segmented(out: Path) -> None:
    _result(out, "a")
    write_overview(out, {"a": "found: an earlier result\nwhat to do: --overwrite", "c": "found: x"})
    text = _text(_page(out))
    assert "Not segmented by the last command c found: x" in text
    again = "Not segmented again by the last command: the rows above show earlier results"
    assert f"{again} a found: an earlier result what to do: --overwrite" in text
    write_overview(out, {"c": "found: x"})
    assert again not in _text(_page(out))


def test_the_page_asks_for_nothing_and_runs_nothing(out: Path) -> None:
    _result(out, "a")
    write_overview(out, {})
    page = _page(out)
    assert "<script" not in page
    assert "default-src 'none'" in page
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("data:image/webp") or address == "a/report.html"


@pytest.mark.parametrize(
    ("origin", "words", "red"),
    [
        (PHANTOMS, PHANTOMS.in_words, True),
        (OTHER_WEIGHTS, OTHER_WEIGHTS.in_words, False),
        (MANY_PHANTOMS, MANY_PHANTOMS.in_words, False),
        (EXAMS_SEEN, EXAMS_SEEN.in_words, False),
        (None, UNRECORDED, False),
    ],
)
def test_the_page_says_what_the_model_was_made_from(
    out: Path, origin: Origin | None, words: str, red: bool
) -> None:
    """In red where the exam's own page says it in red."""
    _result(out, "a", origin=origin)
    write_overview(out, {})
    assert ('<p class="origin phantoms">' in (out / "a/report.html").read_text()) == red
    assert f"Model: {words}. {NOTICE}" in _text(_page(out))
    assert ('<p class="origin phantoms">' in _page(out)) == red


def test_several_models_are_told_apart(out: Path) -> None:
    _result(out, "a", origin=PHANTOMS, model={"model": "aaaa"})
    _result(out, "b", origin=EXAMS_SEEN, model={"model": "bbbb"})
    write_overview(out, {})
    text = _text(_page(out))
    for name, origin in (("aaaa", PHANTOMS), ("bbbb", EXAMS_SEEN)):
        assert f"Model {name}: {origin.in_words}." in text
        assert text.count(f"model {name}") == 1


def test_hostile_texts_stay_texts(out: Path) -> None:
    hostile = '"></td><img src=x onerror=alert(1)>'
    _result(out, "a", notes=(hostile,))
    write_overview(out, {hostile: hostile})
    assert "<img src=x" not in _page(out)
    assert _text(_page(out)).count(hostile) == 3


def test_what_cannot_be_read_is_left_out_and_told(out: Path) -> None:
    _result(out, "a")
    whole = json.loads((out / "a/measurements.json").read_text())
    for name, told in {
        "no json": "{", "a list": "[]", "another": '{"lesions": []}', ".hidden": json.dumps(whole),
        "odd": json.dumps(whole | {"lesions": [1]}), "lacks": json.dumps(whole | {"lesions": [{"number": 1}]}),
    }.items():  # fmt: skip
        (out / name).mkdir()
        (out / name / "measurements.json").write_text(told)
    (out / "linked").symlink_to(out / "a")
    (out / "exam without a result").mkdir()
    results = read_results(out)
    assert [one.name for one in results.found] == ["a"]
    other = "measurements.json is of another program, or of an earlier version"
    assert results.unread == {
        "a list": other, "another": other, "lacks": other, "no json": "measurements.json is damaged", "odd": other,
    }  # fmt: skip
    write_overview(out, {})
    text = _text(_page(out))
    assert "results that cannot be read. Segment these exams again with --overwrite a list measurements" in text
    assert "no json measurements.json is damaged odd" in text


def test_a_folder_of_another_user_is_told(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (out / "closed").mkdir()

    def denied(path: Path, **_: Any) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    assert read_results(out) == Results((), {"closed": "cannot be read (Permission denied)"})


def test_a_result_of_an_earlier_version_has_a_row(out: Path) -> None:
    """Without a small picture, the model's origin and the notice."""
    _result(out, "a", model={"model": "a1b2"})
    path = out / "a/measurements.json"
    told = json.loads(path.read_text())
    path.write_text(
        json.dumps({name: one for name, one in told.items() if name not in ("notice", "model_origin")})
    )
    (out / "a/thumbnail.webp").unlink()
    write_overview(out, {})
    (row,) = _rows(out, EXAMS)
    assert (row["model_origin"], row["test_dice_liver"], row["notice"]) == (UNRECORDED, "", NOTICE)
    assert "<img" not in _page(out)


def test_nothing_is_written_where_there_is_no_result(out: Path) -> None:
    assert write_overview(out, {"a": "no"}) == Results((), {})
    assert not list(out.iterdir())


def test_our_own_overview_may_be_replaced_and_no_other_file(out: Path) -> None:
    check_overview(out)
    _result(out, "a")
    write_overview(out, {})
    before = {name: (out / name).read_bytes() for name in FILES}
    check_overview(out)
    write_overview(out, {})
    assert {name: (out / name).read_bytes() for name in FILES} == before
    for name in FILES:
        (out / name).write_text("exam,dose\n")
        with pytest.raises(UserError, match="not hepaflow's"):
            check_overview(out)
        (out / name).unlink()
        (out / name).mkdir()
        with pytest.raises(UserError, match="not hepaflow's"):
            check_overview(out)
        (out / name).rmdir()


def test_an_overview_that_cannot_be_read_is_told_before_the_command_begins(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (out / INDEX).touch()

    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(UserError, match=r"cannot be read \(Permission denied\)"):
        check_overview(out)


def test_of_two_commands_that_end_at_once_none_loses_rows(out: Path) -> None:
    _result(out, "a")
    other = Thread(target=write_overview, args=(out, {}))
    with alone(out):
        other.start()
        other.join(0.2)
        assert other.is_alive(), "it read before this command's results were there"
        _result(out, "b")
    other.join()
    assert [row["exam"] for row in _rows(out, EXAMS)] == ["a", "b"]
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", *sorted(FILES)]
