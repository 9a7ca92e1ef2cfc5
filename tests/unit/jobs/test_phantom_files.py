"""Phantom exams never take the place of a user's own files."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from hepaflow.errors import UserError
from hepaflow.jobs.digests import begin_notes, note_of, write_notes
from hepaflow.jobs.phantom_files import PhantomFiles


def digest(path: str | Path) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "data/one.image.nii.gz"
    path.parent.mkdir()
    path.write_bytes(b"an exam")
    return path


@pytest.fixture
def phantoms(tmp_path: Path, image: Path) -> PhantomFiles:
    paths = {"one": (str(image), str(image.with_name("one.label.nii.gz"))), "two": ("nowhere", "nowhere either")}
    return PhantomFiles(paths, str(tmp_path / "results"))


def made(image: Path) -> None:
    """What a phantom job leaves beside a file that it made."""
    write_notes({image: digest(image)})


def recorded(image: Path) -> None:
    """The record of a phantom job alone, as where the data were copied without their hidden folder."""
    record = image.parents[1] / "results/records/phantom/one.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"outputs": {f"elsewhere/{image.name}": digest(image)}}))


def moved(image: Path) -> None:
    """As they are where the results were moved elsewhere: the notes lie beside the data."""
    made(image)
    recorded(image)
    shutil.move(image.parents[1] / "results", image.parents[1] / "others")


def died(image: Path) -> None:
    """A phantom job that died while it wrote."""
    begin_notes([image])


@pytest.mark.parametrize("how", [made, recorded, moved, died])
def test_phantoms_may_be_made_anew(image: Path, phantoms: PhantomFiles, how: Callable[[Path], None]) -> None:
    how(image)
    phantoms.check()
    phantoms.check_overwriting(["one", "two"], digest)


def test_a_file_of_the_user_is_kept(image: Path, phantoms: PhantomFiles) -> None:
    for check in (phantoms.check, lambda: phantoms.check_overwriting(["one"], digest)):
        with pytest.raises(UserError) as caught:
            check()
        for words in ("exam: one", f"file: {image}", "no phantom job has made", "`phantoms: null`"):
            assert words in str(caught.value)
    assert image.read_bytes() == b"an exam"


def test_a_link_or_a_folder_of_the_user_is_kept(image: Path, phantoms: PhantomFiles) -> None:
    image.unlink()
    image.symlink_to("nowhere")
    with pytest.raises(UserError, match="no phantom job"):
        phantoms.check()
    image.unlink()
    image.mkdir()
    with pytest.raises(UserError, match="no phantom job"):
        phantoms.check()
    begin_notes([image])
    with pytest.raises(UserError, match="no phantom job"):
        phantoms.check_overwriting(["one"], digest)


@pytest.mark.parametrize("how", [made, recorded])
def test_a_phantom_that_the_user_changed_is_read_but_not_overwritten(
    image: Path, phantoms: PhantomFiles, how: Callable[[Path], None]
) -> None:
    how(image)
    image.write_bytes(b"a real exam")
    phantoms.check()
    phantoms.check_overwriting([], digest)
    with pytest.raises(UserError, match="no phantom job has made"):
        phantoms.check_overwriting(["one"], digest)


def test_a_damaged_record_tells_nothing(image: Path, phantoms: PhantomFiles, tmp_path: Path) -> None:
    recorded(image)
    for text in ("", "[]", '{"outputs": 3}', "null"):
        (tmp_path / "results/records/phantom/one.json").write_text(text)
        with pytest.raises(UserError):
            phantoms.check()
    made(image)
    note_of(image).write_text("")
    phantoms.check()
