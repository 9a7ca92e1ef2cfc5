"""A result is known as that of its exam, by what tells nobody else whose it is."""

import hmac
from hashlib import sha256
from pathlib import Path

import pytest
from dicom_series import Phantom, write
from pydicom.dataset import FileDataset

from hepaflow.segment.digests import KEY, fingerprint, keyed, make_key, read_key
from hepaflow.segment.source import Source, find_exams


def _of(images: list[FileDataset]) -> str:
    return sha256("\n".join(sorted(f"{image.SOPInstanceUID} P1" for image in images)).encode()).hexdigest()


def _source(place: Path) -> Source:
    return find_exams(place).sources[0]


def test_a_series_is_known_by_its_images_whatever_their_files(tmp_path: Path) -> None:
    images = Phantom().slices()
    for folder, seed in (("one", 1), ("two", 2)):
        found = fingerprint(_source(write(images, tmp_path / folder, seed=seed)))
        assert found == _of(images)
    assert fingerprint(_source(write(images[:-1], tmp_path / "three"))) != found


def test_two_patients_whose_images_share_uids_are_told_apart(tmp_path: Path) -> None:
    images = Phantom().slices()
    own = fingerprint(_source(write(images, tmp_path / "one")))
    for image in images:
        image.PatientID = "P2"
    assert fingerprint(_source(write(images, tmp_path / "two"))) != own


def test_of_several_series_the_chosen_one_counts(tmp_path: Path) -> None:
    for number in (1, 2):
        images = Phantom().slices(SeriesNumber=number, StudyInstanceUID="1.2.3")
        write(images, tmp_path / "ct", seed=number)
    (source,) = find_exams(tmp_path / "ct", series="2").sources
    assert fingerprint(source) == _of(images)


def test_a_file_is_known_by_its_content_under_any_path(tmp_path: Path) -> None:
    for name, content in (("a.nii", b"one"), ("b.nii", b"one"), ("c.nii", b"two")):
        (tmp_path / name).write_bytes(content)
        assert fingerprint(Source("ct", tmp_path / name)) == sha256(content).hexdigest()
    (tmp_path / "c.nii").write_bytes(b"three")
    assert fingerprint(Source("ct", tmp_path / "c.nii")) == sha256(b"three").hexdigest()
    assert fingerprint(Source("ct", tmp_path / "none.nii")) == ""


def test_a_digest_needs_the_key_of_the_folder(tmp_path: Path) -> None:
    assert read_key(tmp_path) == b""
    key = make_key(tmp_path)
    assert make_key(tmp_path) == read_key(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == [KEY]
    assert len(key) == 32
    (tmp_path / "other").mkdir()
    assert make_key(tmp_path / "other") != key
    assert keyed("exam", key) == hmac.new(key, b"exam", "sha256").hexdigest()
    assert keyed("", key) == keyed("exam", b"") == ""


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff"])
def test_a_damaged_key_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / KEY).write_bytes(content)
    assert make_key(tmp_path) == b""
    assert (tmp_path / KEY).read_bytes() == content
