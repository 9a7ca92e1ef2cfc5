"""Exams are found where they lie, named without the patient, and read."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from dicom_series import Phantom, raw, write

from hepaflow.errors import UserError
from hepaflow.segment.places import searched
from hepaflow.segment.source import find_exams, read_exam


def _nifti(path: Path, *, low: int = -1000, high: int = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.linspace(low, high, 60).reshape(3, 4, 5).astype(np.int16)
    nib.save(nib.Nifti1Image(values, np.diag([1.5, 1.5, 3, 1])), path)
    return path


def _series(folder: Path, number: int, study: str = "1.2.3", **elements: object) -> Path:
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.{number}"}
    return write(
        Phantom().slices(SeriesNumber=number, **uids, **elements),
        folder,
        seed=int(study.replace(".", "")) + number,
    )


def _names(place: Path, *, without: Path | None = None, **how: object) -> list[str]:
    with searched([place], without or place / "none", **how) as (found,):
        return [source.name for source in found.sources]


def test_a_nifti_file_is_an_exam(tmp_path: Path) -> None:
    exam = find_exams(_nifti(tmp_path / "volume-7.nii.gz")).sources[0].read()
    assert (exam.name, exam.hu.shape, exam.series) == ("volume-7", (5, 4, 3), None)


def test_a_link_has_its_own_name(tmp_path: Path) -> None:
    """As in git-annex and DVC, where the target is called after its digest."""
    target = _nifti(tmp_path / "store/SHA256E-s9--ab.nii.gz")
    (tmp_path / "liver-7.nii.gz").symlink_to(target)
    (tmp_path / "case-7").symlink_to(_series(tmp_path / "store/ab12", 2))
    assert _names(tmp_path / "liver-7.nii.gz") == ["liver-7"]
    assert _names(tmp_path / "case-7") == ["case-7"]


def test_a_folder_of_nifti_files_is_as_many_exams(tmp_path: Path) -> None:
    for name in ("b.nii", "a/x.nii.gz", "a/.hidden.nii.gz", ".trash/y.nii"):
        _nifti(tmp_path / name)
    assert _names(tmp_path) == ["a-x", "b"]


def test_results_below_the_folder_are_no_exams(tmp_path: Path) -> None:
    _nifti(tmp_path / "a.nii")
    _nifti(tmp_path / "results" / "a" / "segmentation.nii.gz")
    assert _names(tmp_path, without=tmp_path / "results") == ["a"]
    assert _names(tmp_path) == ["a", "results-a-segmentation"]


def test_exams_below_the_folder_for_results_are_exams(tmp_path: Path) -> None:
    _series(tmp_path / "ct", 2)
    assert _names(tmp_path / "ct", without=tmp_path) == ["ct"]
    _nifti(tmp_path / "more" / "a.nii")
    assert _names(tmp_path / "more", without=tmp_path) == ["a"]


def test_exams_in_the_folder_for_results_alone_are_refused(tmp_path: Path) -> None:
    _series(tmp_path / "results" / "ct", 2)
    _nifti(tmp_path / "results" / "more" / "a.nii")
    with pytest.raises(UserError, match="no exam outside of the folder for results"):
        find_exams(tmp_path, without=tmp_path / "results")


def test_a_series_in_a_folder_is_an_exam(tmp_path: Path) -> None:
    found = find_exams(_series(tmp_path / "ct", 2))
    assert [source.name for source in found.sources] == ["ct"]
    exam = found.sources[0].read()
    assert exam.series is not None
    assert exam.series.number == 2
    assert exam.hu.shape == (7, 12, 10)


def test_series_in_folders_of_their_own_are_exams(tmp_path: Path) -> None:
    for number in (1, 2):
        _series(tmp_path / f"s{number}", number)
    _series(tmp_path / "other" / "s1", 1, study="1.2.4")
    assert _names(tmp_path) == ["other-s1", "s1", "s2"]


def test_a_series_over_several_folders_is_one_exam(tmp_path: Path) -> None:
    images = Phantom().slices()
    write(images[:3], tmp_path / "a")
    write(images[3:], tmp_path / "b")
    (source,) = find_exams(tmp_path).sources
    assert source.name == tmp_path.name
    assert source.read().hu.shape[0] == 7


def test_series_of_one_study_in_one_folder_are_refused_until_one_is_named(tmp_path: Path) -> None:
    for number in (1, 2):
        _series(tmp_path / "mixed", number, SeriesDescription=f"phase {number}")
    _series(tmp_path / "alone", 3)
    mixed = find_exams(tmp_path).sources[1]
    assert mixed.name == "mixed"
    with pytest.raises(UserError) as refused:
        mixed.read()
    for part in ("2 CT series", "series 1 'phase 1' (1.2.3.1), 7 slices", "series 2 'phase 2'"):
        assert part in str(refused.value)
    assert "--" not in str(refused.value), "an exam of a sheet has no options"
    for wanted in ("2", "1.2.3.2"):
        (source,) = find_exams(tmp_path, series=wanted).sources
        series = source.read().series
        assert series is not None
        assert series.uid == "1.2.3.2"


def test_series_of_several_studies_in_one_folder_are_as_many_exams(tmp_path: Path) -> None:
    _series(tmp_path, 1)
    _series(tmp_path, 1, study="1.2.4")
    assert _names(tmp_path) == [tmp_path.name, f"{tmp_path.name}-2"]


def test_a_number_is_looked_for_in_every_study_and_a_uid_in_its_own(tmp_path: Path) -> None:
    for study in ("1.2.3", "1.2.4"):
        _series(tmp_path / study, 1, study)
    _series(tmp_path / "1.2.3", 2)
    one, other = find_exams(tmp_path, series="2").sources
    assert one.read().series is not None
    with pytest.raises(UserError, match="no CT series 2"):
        other.read()
    assert len(find_exams(tmp_path, series="1.2.3.2").sources) == 1
    with pytest.raises(UserError, match="no CT series 9"):
        find_exams(tmp_path, series="9")


def test_what_is_left_out_is_told_and_is_no_exam(tmp_path: Path) -> None:
    _series(tmp_path, 1)
    write(Phantom().slices(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesNumber=9)[:1], tmp_path)
    found = find_exams(tmp_path)
    assert len(found.sources) == 1
    assert "localizer" in str(found.left_out[0])


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Phantom_One", "exam-1"), ("p-77-x", "exam-1"), ("case-1", "case-1"), ("phantasm", "phantasm")],
)
def test_a_folder_named_after_the_patient_does_not_name_the_exam(tmp_path: Path, folder: str, name: str) -> None:
    _series(tmp_path / folder, 1, PatientID="P-77")
    assert _names(tmp_path) == [name]
    assert _names(tmp_path, keep_names=True) == [folder]


def test_a_nifti_file_beside_dicom_does_not_name_the_patient_either(tmp_path: Path) -> None:
    _series(tmp_path / "a", 1)
    _nifti(tmp_path / "phantom one.nii")
    assert _names(tmp_path) == ["a", "exam-1"]


def test_what_a_killed_run_left_in_its_results_is_no_exam(tmp_path: Path) -> None:
    _series(tmp_path / "a", 1)
    _series(tmp_path / "out" / ".unpacked.x" / "b", 1, study="1.2.4")
    assert _names(tmp_path, without=tmp_path / "out") == ["a"]


def test_no_message_names_the_patient(tmp_path: Path) -> None:
    _series(tmp_path / "Phantom^One" / "x", 1, SeriesDescription="of Phantom", GantryDetectorTilt=9)
    source = find_exams(tmp_path).sources[0]
    with pytest.raises(UserError, match="tilt") as refused:
        source.read()
    assert "Phantom" not in str(refused.value)
    assert "***" in str(refused.value)
    only = tmp_path / "other" / "Phantom"
    write(Phantom().slices(Modality="PT", SeriesDescription="of Phantom"), only)
    with pytest.raises(UserError, match="no CT series") as refused:
        find_exams(only)
    assert "Phantom" not in str(refused.value)


def test_an_image_beside_its_label_is_called_as_its_exam(tmp_path: Path) -> None:
    _nifti(tmp_path / "phantom-10.image.nii.gz")
    assert _names(tmp_path) == ["phantom-10"]
    assert find_exams(tmp_path / "phantom-10.image.nii.gz").sources[0].name == "phantom-10"
    _nifti(tmp_path / "b" / ".image.nii")
    _nifti(tmp_path / "phantom-10.nii")
    assert sorted(_names(tmp_path)) == ["phantom-10", "phantom-10-2"]


def test_names_lead_nowhere_and_are_unique(tmp_path: Path) -> None:
    for name in ("a b.nii", "a_b.nii.gz", "A b.nii.gz", "_.nii"):
        _nifti(tmp_path / name)
    assert sorted(_names(tmp_path)) == ["A_b", "a_b-2", "a_b-3", "exam"]


@pytest.mark.parametrize(("low", "high"), [(0, 2), (0, 255), (0, 1400), (24, 3000), (-3, 5)])
def test_what_is_no_ct_is_refused(tmp_path: Path, low: int, high: int) -> None:
    source = find_exams(_nifti(tmp_path / "a.nii", low=low, high=high)).sources[0]
    with pytest.raises(UserError, match=f"values from {low} to {high}"):
        source.read()


@pytest.mark.parametrize(("soft", "refused"), [(0.4, True), (0.6, False)])
def test_an_image_that_is_mostly_bone_counts_from_0_below_its_padding(
    tmp_path: Path, soft: float, refused: bool
) -> None:
    values = np.full((4, 10, 10), 1050, np.int16)
    values.ravel()[: round(soft * values.size)] = -100
    nib.save(nib.Nifti1Image(values, np.diag([1.5, 1.5, 3, 1])), tmp_path / "a.nii")
    source = find_exams(tmp_path / "a.nii").sources[0]
    if refused:
        with pytest.raises(
            UserError, match=r"from -100 to 1050, 60 % of them as hard as bone\n(.*\n)+.*subtract 1024"
        ):
            source.read()
    else:
        assert source.read().hu.max() == 1050


def test_one_exam_by_its_place(tmp_path: Path) -> None:
    assert read_exam(_nifti(tmp_path / "a.nii"), name="other").name == "other"
    assert read_exam(_series(tmp_path / "ct", 1), name="other").name == "other"
    with pytest.raises(UserError, match="2 exams"):
        read_exam(tmp_path, name="both")
    for place, found in ((tmp_path / "none", "no such file or folder"), (tmp_path / "a.nii", "NIfTI")):
        with pytest.raises(UserError, match=found):
            find_exams(place, series="1")


def test_exams_in_linked_folders_are_found(tmp_path: Path) -> None:
    root = tmp_path / "root"
    _series(root / "own", 1)
    _series(tmp_path / "elsewhere/case", 1, study="1.2.4")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    found = find_exams(root)
    assert [source.name for source in found.sources] == ["linked-case", "own"]
    assert found.sources[0].read().hu.shape == (7, 12, 10)
    assert [str(one) for one in found.left_out] == ["1 file: a link to a folder above (loop)"]


def test_what_is_no_exam_is_left_out_by_reason(tmp_path: Path) -> None:
    _series(tmp_path / "ct", 1)
    for name in ("a.nrrd", "b.hdr", "notes.txt", "results/report.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    _nifti(tmp_path / "c.NII.GZ")
    assert [str(one) for one in find_exams(tmp_path, without=tmp_path / "results").left_out] == [
        "2 files: in a format that is not read: convert to .nii.gz (a.nrrd, b.hdr)",
        "1 file: no image (notes.txt)",
    ]
    told = [str(one) for one in find_exams(tmp_path, series="1").left_out]
    assert "1 file: NIfTI, of which no series can be named (c.NII.GZ)" in told


def test_a_folder_without_exams_is_refused_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.mha").touch()
    for place in (tmp_path, tmp_path / "a.mha"):
        with pytest.raises(UserError, match=r"convert to \.nii\.gz \(a\.mha\)"):
            find_exams(place)


def test_no_name_of_what_is_left_out_names_the_patient(tmp_path: Path) -> None:
    _series(tmp_path / "ct", 1, PatientName="Mustermann^Erika")
    (tmp_path / "Mustermann Erika.nrrd").touch()
    (told,) = find_exams(tmp_path).left_out
    assert "Mustermann" not in str(told)


def _bad(folder: Path, value: bytes = b"NaN ", **elements: object) -> Path:
    images = Phantom().slices(PatientID="bad", **elements)
    for image in images:
        raw(image, "RescaleIntercept", value)
    return write(images, folder, seed=99)


def test_a_series_of_which_no_slice_can_be_used_is_an_exam_that_fails(tmp_path: Path) -> None:
    _series(tmp_path / "good", 1)
    _bad(tmp_path / "spoilt")
    found = find_exams(tmp_path)
    good, spoilt = found.sources
    assert good.read().hu.shape[0] == 7
    with pytest.raises(UserError, match=r"RescaleIntercept that is not a number, .* \(7 of 7 files\)"):
        spoilt.read()
    assert found.left_out == ()
    for wanted in (None, "3"):
        (source,) = find_exams(tmp_path / "spoilt", series=wanted).sources
        with pytest.raises(UserError, match="RescaleIntercept"):
            source.read()


def test_beside_a_good_series_of_its_study_it_is_left_out(tmp_path: Path) -> None:
    _series(tmp_path, 1)
    _bad(tmp_path, StudyInstanceUID="1.2.3", SeriesNumber=8)
    found = find_exams(tmp_path)
    assert len(found.sources) == 1
    assert found.sources[0].read().hu.shape[0] == 7
    assert str(found.left_out[0]).startswith("series 8 'Abdomen': 7 files: RescaleIntercept that is not a number")


def test_two_slices_without_a_place_are_a_picture_and_no_exam(tmp_path: Path) -> None:
    _series(tmp_path / "good", 1)
    images = Phantom().slices(SeriesNumber=9)[:2]
    for image in images:
        del image.ImagePositionPatient
    write(images, tmp_path / "picture")
    found = find_exams(tmp_path)
    assert [source.name for source in found.sources] == ["good"]
    assert [str(one) for one in found.left_out] == ["series 9 'Abdomen': 2 files: no ImagePositionPatient"]


def test_pictures_in_the_form_of_ct_are_no_exam(tmp_path: Path) -> None:
    _series(tmp_path / "good", 1)
    _bad(tmp_path / "pages", ImageType=["DERIVED", "SECONDARY", "AXIAL"])
    assert [source.name for source in find_exams(tmp_path).sources] == ["good"]


def test_the_one_exam_of_a_place_is_read_beside_one_that_cannot_be(tmp_path: Path) -> None:
    _series(tmp_path / "good", 1)
    _bad(tmp_path / "spoilt")
    assert read_exam(tmp_path, name="one").hu.shape[0] == 7
    with pytest.raises(UserError, match="RescaleIntercept"):
        read_exam(tmp_path / "spoilt", name="one")


def test_what_is_odd_about_a_series_is_told_with_the_exam(tmp_path: Path) -> None:
    images = Phantom().slices(SpacingBetweenSlices=5, SeriesDescription="Abdomen MIP of Phantom")
    for image in images:
        image.InstanceNumber += 1
    del images[-1].PixelSpacing
    write(images, tmp_path)
    told = find_exams(tmp_path).sources[0].read().warnings
    for words in ("1 file of the series left out: no PixelSpacing", "image numbers begin at 2",
                  "5 mm by SpacingBetweenSlices", "its description says 'mip'"):  # fmt: skip
        assert sum(words in one for one in told) == 1
    assert not any("Phantom" in one for one in told)


@pytest.mark.parametrize(("stored", "found"), [(0, "every voxel is 0"), (np.arange(12) * 20, "from 0 to 220")])
def test_values_of_dicom_are_held_to_what_those_of_nifti_are(tmp_path: Path, stored: object, found: str) -> None:
    phantom = Phantom()
    phantom.stored = (np.zeros_like(phantom.stored) + np.reshape(stored, (-1, 1))).astype(np.int16)
    write(phantom.slices(intercept=0), tmp_path)
    with pytest.raises(UserError, match=found):
        find_exams(tmp_path).sources[0].read()


@pytest.mark.parametrize("padding", [None, -2000])
def test_stored_values_without_a_rescale_that_count_from_zero_are_refused(
    tmp_path: Path, padding: int | None
) -> None:
    phantom = Phantom()
    phantom.stored = np.clip(phantom.stored, 24, 2000)
    phantom.stored[:, 0] = 24 if padding is None else padding
    elements = {} if padding is None else {"PixelPaddingValue": padding}
    images = phantom.slices(**elements)
    for image in images:
        del image.RescaleSlope, image.RescaleIntercept
    beside = "" if padding is None else ", beside padding of -1024"
    with pytest.raises(UserError, match=rf"values from 24 to 2000{beside}\n"):
        find_exams(write(images, tmp_path)).sources[0].read()


def test_padding_alone_makes_no_ct_of_a_nifti_file(tmp_path: Path) -> None:
    values = np.arange(60).reshape(3, 4, 5).astype(np.int16) * 20
    values[0] = -3024
    nib.save(nib.Nifti1Image(values, np.diag([1.5, 1.5, 3, 1])), tmp_path / "a.nii")
    with pytest.raises(UserError, match="values from 400 to 1180, beside padding of -3024"):
        find_exams(tmp_path / "a.nii").sources[0].read()


def test_stored_values_without_a_rescale_may_be_hu(tmp_path: Path) -> None:
    phantom = Phantom()
    phantom.stored -= 1000
    images = phantom.slices(PixelPaddingValue=-2000)
    for image in images:
        del image.RescaleSlope, image.RescaleIntercept
    exam = find_exams(write(images, tmp_path)).sources[0].read()
    assert "no RescaleIntercept: stored values are taken for HU" in exam.warnings
    np.testing.assert_array_equal(exam.hu.min(), phantom.stored.min())
