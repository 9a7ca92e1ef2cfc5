"""What headers say of the patient is found in texts, and left out of them."""

import pytest
from pydicom.dataset import Dataset

from hepaflow.dicom.identity import identifiers, named_in, redacted


def _header(**elements: str) -> Dataset:
    header = Dataset()
    for name, value in elements.items():
        setattr(header, name, value)
    return header


def test_names_and_numbers_identify() -> None:
    header = _header(
        PatientName="Doe^Mary Ann^^Dr",
        PatientID="H-4711",
        PatientBirthDate="19560203",
        AccessionNumber="ACC99",
        StudyID="1",
        ReferringPhysicianName="Who^D",
        StudyDescription="CT Abdomen",
    )
    assert identifiers([header]) == {
        "doe", "mary", "ann", "dr", "h-4711", "1956-02-03", "03-02-1956", "02-03-1956", "acc99", "who",
    }  # fmt: skip
    assert identifiers([Dataset()]) == frozenset()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Doe^John", "DOE_JOHN_ct.nii", "***_***_ct.nii"),
        ("Müller^Jörg", "mueller and MULLER, jorg", "*** and ***, ***"),
        ("Müller^Jörg", "müller", "***"),
        ("Li^Na", "Liver of Li, native", "Liver of ***, native"),
        ("Johnson", "xJohnsonx", "x***x"),
        ("Doe^Doering", "Doering", "***"),
        ("Doe", "", ""),
        ("Pancreas-CT-CB_001", "CT DI, pancreas-ct-cb_001.zip", "CT DI, ***-ct-***_***.zip"),
    ],
)
def test_texts_are_told_without_them(name: str, text: str, expected: str) -> None:
    found = identifiers([_header(PatientName=name)])
    assert redacted(text, found) == expected
    assert named_in(text, found) == (text != expected)


@pytest.mark.parametrize(
    "text", ["H-4711", "h4711", "x_H_4711", "19560203", "3/1956-02-03", "03.02.1956", "02/03/1956"]
)
def test_numbers_and_dates_are_found_however_they_are_parted(text: str) -> None:
    assert named_in(text, identifiers([_header(PatientID="H-4711", PatientBirthDate="19560203")]))
    assert not named_in(text, identifiers([_header(PatientID="-----", AccessionNumber="0-1")]))


def test_the_empty_set_hides_nothing() -> None:
    assert redacted("İstanbul ﬁ", frozenset()) == "İstanbul ﬁ"
