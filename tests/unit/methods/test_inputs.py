"""The files that a run reads and no rule makes: all are checked before the first job."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from hepaflow.errors import UserError
from hepaflow.exams.sheet import Exam, ExamSheet, read_sheet
from hepaflow.methods.inputs import Inputs, check_times, exams_in_words
from hepaflow.methods.plan import model_of
from hepaflow.methods.thesis import plan_of
from hepaflow.settings.configuration import read_files
from hepaflow.settings.workflow import read_settings

CONFIG = Path(__file__).parents[3] / "config"
HEADER = "exam\timage\tlabel\tsplit\n"
GOOD = HEADER + "a\ta.nii\ta-l.nii\ttrain\nb\tb.nii\tb-l.nii\ttest\n"
NAMES = ("a.nii", "a-l.nii", "b.nii", "b-l.nii", "c-l.nii")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with the files of two exams in `data` and of a backbone in `weights`."""
    for name in ("data", "weights", "others"):
        (tmp_path / name).mkdir()
    for name in NAMES:
        (tmp_path / "data" / name).touch()
    (tmp_path / "data/link.nii").symlink_to("a.nii")
    (tmp_path / "data/broken.nii").symlink_to("nowhere.nii")
    (tmp_path / "weights/w.pth").touch()
    (tmp_path / "others/b.nii.gz").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sheet(folder: Path, text: str) -> ExamSheet:
    (folder / "exams.tsv").write_text(text, encoding="utf-8")
    return read_sheet(folder / "exams.tsv")


def inputs(folder: Path, text: str = GOOD, parts: tuple[str, ...] = (), **config: Any) -> Inputs:
    settings = read_settings({"data": "data"} | config)
    return Inputs(settings, plan_of(settings), sheet(folder, text), parts)


def backbone(weights: str) -> dict[str, Any]:
    return {"backbones": {"dense": {"arch": "densenet121", "weights": weights}}}


def refusal(made: Inputs) -> str:
    with pytest.raises(UserError) as caught:
        made.check()
    return str(caught.value)


def test_every_file_is_checked(folder: Path) -> None:
    made = inputs(
        folder, parts=("exams.tsv",), predictions={"nn": {"folder": "others/"}}, **backbone("./weights/w.pth")
    )
    assert sorted(one.path for one in made) == sorted(
        [*(f"data/{name}" for name in NAMES[:4]), "weights/w.pth", "others/b.nii.gz", "exams.tsv"]
    )
    made.check()
    for one in made:
        os.rename(one.path, "away")
        assert "no such" in refusal(made) or "no label map" in refusal(made)
        assert os.path.basename(one.path).removesuffix(".nii.gz") in refusal(made)
        os.rename("away", one.path)
    made.check()


def test_missing_files_are_named_and_counted(folder: Path) -> None:
    for name in ("b.nii", "b-l.nii"):
        (folder / "data" / name).unlink()
    for words in ("exam: b", "data/b.nii", "no such image (and 1 more such files)", "`data`"):
        assert words in refusal(inputs(folder))


@pytest.mark.parametrize("weights", ["None", "ImageNet", "IMAGENET"])
def test_a_start_in_other_letters_is_told(folder: Path, weights: str) -> None:
    message = refusal(inputs(folder, **backbone(weights)))
    for words in ("backbones.dense.weights", weights, "`imagenet`, `none`", f"write `{weights.lower()}`"):
        assert words in message


def test_weights_that_are_not_there_are_told(folder: Path) -> None:
    message = refusal(inputs(folder, **backbone("weights/v.pth")))
    for words in (
        "no such file of weights (backbones.dense.weights: weights/v.pth)",
        "set `weights` to `imagenet`",
    ):
        assert words in message


def test_weights_of_a_method_are_told_with_their_key(folder: Path) -> None:
    methods = {"mine": {"network": {"arch": "resnet50", "weights": "weights/v.pth"}}}
    made = inputs(folder, methods=methods, **backbone("none"))
    assert made.weights("liver", "mine") == "weights/v.pth"
    assert made.weights("lesion", "mine") is None
    assert "no such file of weights (methods.mine.network.weights: weights/v.pth)" in refusal(made)
    methods["mine"]["network"]["weights"] = "./weights/w.pth"
    inputs(folder, methods=methods, **backbone("none")).check()


@pytest.mark.parametrize("weights", ["imagenet", "none"])
def test_starts_that_are_no_file_need_none(folder: Path, weights: str) -> None:
    made = inputs(folder, **backbone(weights))
    assert made.weights("liver", "dense") is None
    made.check()


@pytest.mark.parametrize(
    ("weights", "unknown"), [("weights/w.pth", True), ("m.zip", False), ("imagenet", False), ("none", False)]
)
def test_what_a_file_of_weights_has_seen_is_unknown(folder: Path, weights: str, unknown: bool) -> None:
    made = inputs(folder, **backbone(weights))
    assert made.unknown_weights([("dense", "liver"), ("dense", "lesion")]) is unknown


def test_a_lesion_network_that_starts_from_the_liver_s_reads_no_weights(folder: Path) -> None:
    made = inputs(folder, **backbone("weights/w.pth"))
    assert made.weights("liver", "dense") == "weights/w.pth"
    assert made.weights("lesion", "dense") is None


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("data/a.nii", "no such image"),
        ("weights/w.pth", "no such file of weights"),
        ("others/b.nii.gz", "no such label map of predictions.nn"),
    ],
)
def test_a_folder_in_place_of_a_file_is_told(folder: Path, path: str, told: str) -> None:
    Path(path).unlink()
    Path(path).mkdir()
    message = refusal(inputs(folder, predictions={"nn": {"folder": "others"}}, **backbone("weights/w.pth")))
    assert told in message
    assert ": a folder is there" in message


def test_the_text_of_the_card_is_looked_at_before_anything_runs(folder: Path) -> None:
    assert "no such text for the model's card (card)" in refusal(inputs(folder, card="card.md"))
    Path("card.md").write_bytes(b"\x89PNG\xff")
    message = refusal(inputs(folder, card="./card.md"))
    assert "no text in UTF-8 in the text for the model's card (card)" in message
    assert "leave `card` out" in message
    Path("card.md").write_text("Škoda", encoding="utf-8")
    inputs(folder, card="card.md").check()


def test_a_link_that_leads_nowhere_is_told(folder: Path) -> None:
    assert "no such image: a broken link to nowhere.nii" in refusal(
        inputs(folder, GOOD.replace("a.nii", "broken.nii"))
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_it_is_told(folder: Path) -> None:
    (folder / "data/a.nii").chmod(0)
    assert "no right to read the image" in refusal(inputs(folder))


def test_a_new_exam_may_be_a_folder_with_files(folder: Path) -> None:
    (folder / "data/series").mkdir()
    made = inputs(folder, f"{GOOD}n\tseries\t\tnew\n")
    assert "no such image: an empty folder is there" in refusal(made)
    (folder / "data/series/1.dcm").touch()
    made.check()
    assert "no such image" in refusal(inputs(folder, f"{GOOD}n\tseries\ta-l.nii\ttrain\n"))


@pytest.mark.parametrize("image", ["a.nii", "./a.nii", "link.nii", "c-l.nii", "{folder}/data/a.nii"])
def test_a_file_of_two_exams_is_refused(folder: Path, image: str) -> None:
    made = inputs(folder, f"{GOOD}c\t{image.format(folder=folder)}\tc-l.nii\ttest\n")
    assert "found: a file that the sheet lists already, as " in refusal(made)
    assert "exam: c" in refusal(made)


def test_a_path_that_no_file_can_have_is_missing(folder: Path) -> None:
    assert "no such image" in refusal(inputs(folder, GOOD.replace("a.nii", "x" * 300)))


# Paths in the sheet.


@pytest.mark.parametrize("cell", ["a.nii", "./a.nii", "sub/../a.nii", "{folder}/data/a.nii", "~/data/a.nii"])
@pytest.mark.parametrize("data", ["data", "./data/", "{folder}/data"])
def test_an_image_has_one_path_however_the_sheet_spells_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cell: str, data: str
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "data/sub").mkdir()
    text = GOOD.replace("a.nii", cell.format(folder=folder))
    assert inputs(folder, text, data=data.format(folder=folder)).image("a") == "data/a.nii"


def test_data_may_be_the_working_folder(folder: Path) -> None:
    (folder / "a.nii").touch()
    assert inputs(folder, data=".").image("a") == "a.nii"


def test_a_home_of_nobody_is_told(folder: Path) -> None:
    message = refusal(inputs(folder, GOOD.replace("a.nii", "~nobody-of-this-name/a.nii")))
    for words in ("exam: a", "data/~nobody-of-this-name/a.nii", "no such image"):
        assert words in message


# Phantoms.


PHANTOMS = HEADER + "a\ta.image.nii.gz\ta.label.nii.gz\ttrain\nb\tb.image.nii.gz\tb.label.nii.gz\ttest\n"


def test_phantoms_need_not_be_there(folder: Path) -> None:
    made = inputs(folder, PHANTOMS, phantoms={})
    made.check()
    assert made.phantoms["a"] == ("data/a.image.nii.gz", "data/a.label.nii.gz")
    assert len(made.made) == 4
    assert list(made) == []


@pytest.mark.parametrize("cell", ["b.imag.nii.gz", "B.image.nii.gz", "sub/b.image.nii.gz", "../b.image.nii.gz"])
def test_a_name_that_no_phantom_has_is_told(folder: Path, cell: str) -> None:
    message = refusal(inputs(folder, PHANTOMS.replace("b.image.nii.gz", cell), phantoms={}))
    for words in ("exam: b", "no such image", "b.image.nii.gz and b.label.nii.gz, which the run makes"):
        assert words in message


def test_a_phantom_may_stand_beside_other_files(folder: Path) -> None:
    made = inputs(folder, PHANTOMS + "n\ta.nii\t\tnew\n", phantoms={})
    made.check()
    assert [one.path for one in made] == ["data/a.nii"]
    assert "n" not in made.phantoms
    assert "n" in inputs(folder, PHANTOMS + "n\tn.image.nii.gz\t\tnew\n", phantoms={}).phantoms


def test_real_exams_have_no_phantoms(folder: Path) -> None:
    assert inputs(folder).phantoms == {}


# Exams that are only segmented.

NEW = GOOD + "n\tn.nii\t\tnew\ns\tseries\t\tnew\n"
RESAMPLED = {
    "backbones": {},
    "model": "mine",
    "methods": {
        "mine": {
            "network": {
                "arch": "monai",
                "monai": {"name": "UNet", "arguments": {"channels": [4, 8], "strides": [2]}},
            },
            "sampling": {"kind": "patches", "size": [8, 16, 16]},
            "stages": {"liver": {"data": {"kind": "resampled", "spacing": [5, 4, 4]}}},
        }
    },
}


def test_a_new_exam_without_the_spacing_that_the_model_needs_is_told(folder: Path) -> None:
    voxels, path = np.zeros((4, 4, 4), np.int16), "data/n.nii"
    nib.save(nib.Nifti1Image(voxels, np.diag([2.0, 2, 5, 1])), path)
    inputs(folder, NEW, **RESAMPLED).check_new()  # a series of DICOM is not looked at
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)
    inputs(folder, NEW).check_new()  # slices need no spacing
    with pytest.raises(UserError, match="gives no spacing which could be trusted") as caught:
        inputs(folder, NEW, **RESAMPLED).check_new()
    assert f"exam: n\nfile: {path}" in str(caught.value)
    Path(path).write_text("no image")
    with pytest.raises(UserError, match="not readable as NIfTI"):
        inputs(folder, NEW, **RESAMPLED).check_new()


def test_a_new_phantom_has_a_spacing_once_it_is_made(folder: Path) -> None:
    inputs(folder, f"{GOOD}n\tn.image.nii.gz\t\tnew\n", phantoms={}, **RESAMPLED).check_new()


# Times.


@pytest.mark.parametrize("seconds", ["since 1970", -(10**6), 0, 20])
def test_a_time_of_the_past_is_sound(folder: Path, seconds: int | str) -> None:
    os.utime("data/a.nii", (0 if isinstance(seconds, str) else time.time() + seconds,) * 2)
    check_times(["data/a.nii", "data/b.nii"])


def test_a_time_in_the_future_is_told_with_what_corrects_it(folder: Path) -> None:
    (folder / "data/it's.nii").touch()
    for name in ("it's.nii", "b.nii"):
        os.utime(folder / "data" / name, (time.time() + 10**5,) * 2)
    with pytest.raises(UserError) as caught:
        check_times(["data/a.nii", "data/it's.nii", "data/b.nii"])
    for words in ("file: data/b.nii", "a time in the future, 20", "(and 1 more such files)", "`touch data/b.nii`"):
        assert words in str(caught.value)


# Folders.


def test_the_files_of_a_folder_are_those_that_are_read(folder: Path) -> None:
    """Through links, each once, and without the notes of other programs."""
    for name in ("data/series/1", "data/series/sub/2", "data/series/.notes/4", "elsewhere/3"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("data/series/linked").symlink_to(folder / "elsewhere")
    Path("data/series/sub/round").symlink_to(folder / "data/series")
    Path("data/series/broken").symlink_to("nowhere")
    Path("data/series/again").symlink_to("1")
    made = inputs(folder, f"{GOOD}n\tseries\t\tnew\n")
    assert made.images("n") == [f"data/series/{name}" for name in ("1", "linked/3", "sub/2")]
    assert made.images("a") == ["data/a.nii"]


def test_a_folder_with_hidden_folders_alone_is_empty(folder: Path) -> None:
    Path("data/series/.notes").mkdir(parents=True)
    Path("data/series/.notes/1").touch()
    assert "an empty folder is there" in refusal(inputs(folder, f"{GOOD}n\tseries\t\tnew\n"))


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ("config", "2 exams to train and 1 to test, of the sheet lits17.tsv"),
        ("demo", "2 exams to train and 1 to test, phantoms drawn by hepaflow: no patient's exam"),
        (
            "open",
            "phantoms that were drawn during the training; 1 exam to test, drawn by hepaflow, too: no patient's "
            "exam",
        ),
    ],
)
def test_exams_are_told_by_whose_they_are(configuration: str, told: str) -> None:
    assert trained_on(read_files([CONFIG / f"{configuration}.yaml"])) == (told, told)


def trained_on(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a configuration's model, and all of its run, is trained and tested on, in words."""
    splits = {"a": "train", "b": "train", "c": "test"}
    exams = ExamSheet(Exam(name, f"{name}.nii", f"{name}-l.nii", split) for name, split in splits.items())
    settings = read_settings(config)
    plan = plan_of(settings)
    model, run = (exams_in_words(settings, plan, one, exams) for one in (model_of(plan, settings.result), plan))
    return model, run


def test_a_model_beside_networks_of_exams_is_told_by_itself() -> None:
    own = {"backbones": {"dense": {"arch": "densenet121"}}, "phantoms": None, "exams": "mine.tsv"}
    model, run = trained_on(read_files([CONFIG / "open.yaml"]) | own)
    assert model == "phantoms that were drawn during the training; 1 exam to test, of the sheet mine.tsv"
    assert run == "2 exams to train and 1 to test, of the sheet mine.tsv"


def test_networks_that_nothing_trains_are_told_as_those_of_a_model() -> None:
    unet = {"arch": "unet", "weights": "model.zip"}
    kept = {"network": unet, "training": {"epochs": 0, "start": "backbone"}}
    config = {"backbones": {}, "model": "x", "methods": {"x": kept}, "exams": "mine.tsv"}
    told = "networks of an earlier model, taken as they are; 1 exam to test, "
    assert trained_on(config) == (f"{told}of the sheet mine.tsv",) * 2
    drawn = f"{told}phantoms drawn by hepaflow: no patient's exam"
    assert trained_on(config | {"phantoms": {}}) == (drawn, drawn)
