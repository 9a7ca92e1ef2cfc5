"""Nothing that the basic profile (PS3.15, annex E) removes comes through `--anonymise`; dates are today's."""

import re
from collections.abc import Iterator
from datetime import date

import numpy as np
import pydicom
import pytest
from dicom_series import Phantom, write
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from thresholds import LIVER_HU, thresholds

from hepaflow.segment.output import write_exam
from hepaflow.segment.source import find_exams

PROFILE = """
AccessionNumber AcquisitionComments AcquisitionDate AcquisitionDateTime AcquisitionDeviceProcessingDescription
AcquisitionProtocolDescription AcquisitionTime AcquisitionUID ActualHumanPerformersSequence
AdditionalPatientHistory
AdmissionID AdmittingDate AdmittingDiagnosesDescription AdmittingTime Allergies
AuthorObserverSequence BranchOfService CassetteID CommentsOnThePerformedProcedureStep ConcatenationUID
ConfidentialityConstraintOnPatientDataDescription ConsultingPhysicianName ContentCreatorName ContentDate
ContentTime ContrastBolusAgent ContrastBolusStartTime ContrastBolusStopTime CountryOfResidence
CurrentObserver CurrentPatientLocation CustodialOrganizationSequence DataSetTrailingPadding DateOfLastCalibration
DateOfSecondaryCapture DerivationDescription DetectorID DeviceSerialNumber DeviceUID DigitizationDateTime
DistributionAddress DistributionName EthnicGroup FillerOrderNumberImagingServiceRequest FrameComments
FrameOfReferenceUID FrameReferenceDateTime GantryID GeneratorID HangingProtocolCreationDateTime IdentifyingComments
ImageComments ImagePresentationComments ImagingServiceRequestComments Impressions InstanceCoercionDateTime
InstanceCreationDate InstanceCreationTime InstanceCreatorUID InstitutionAddress InstitutionName
InstitutionalDepartmentName InsurancePlanIdentification IssueDateOfImagingServiceRequest IssuerOfAdmissionID
IssuerOfPatientID LastMenstrualDate MedicalAlerts MedicalRecordLocator MilitaryRank ModifyingSystem
NamesOfIntendedRecipientsOfResults Occupation OperatorsName OrderEntererLocation OrderEnteredBy OtherPatientIDs
OtherPatientNames PatientAddress PatientAge PatientBirthDate PatientBirthName PatientBirthTime PatientComments
PatientID PatientInstitutionResidence PatientMotherBirthName PatientName PatientReligiousPreference
PatientSize PatientState PatientTelephoneNumbers PatientTransportArrangements PatientWeight
PerformedLocation PerformedProcedureStepDescription PerformedProcedureStepID PerformedProcedureStepStartDate
PerformedProcedureStepStartTime PerformedStationAETitle PerformedStationName PerformingPhysicianName
PersonAddress PersonName PersonTelephoneNumbers PhysiciansOfRecord PlateID PreMedication ProtocolName
ReasonForStudy ReasonForTheImagingServiceRequest ReferringPhysicianAddress ReferringPhysicianName
ReferringPhysicianTelephoneNumbers RegionOfResidence RequestAttributesSequence RequestedContrastAgent
RequestedProcedureComments RequestedProcedureDescription RequestedProcedureID RequestedProcedureLocation
RequestingPhysician RequestingService ResponsibleOrganization ResponsiblePerson ResultsComments
ReviewerName ScheduledPerformingPhysicianName ScheduledProcedureStepDescription ScheduledStationAETitle
SeriesDate SeriesDescription SeriesInstanceUID SeriesTime ServiceEpisodeDescription ServiceEpisodeID
SmokingStatus SOPInstanceUID SourceSerialNumber SpecialNeeds StationName StudyComments StudyDate StudyDescription
StudyID StudyIDIssuer StudyInstanceUID StudyTime SynchronizationFrameOfReferenceUID TimeOfSecondaryCapture
TimezoneOffsetFromUTC VerifyingObserverName VisitComments PositionReferenceIndicator
"""
"""Elements of the profile's table that a CT image may hold (PS3.15 table E.1-1), and one with free text."""

SECRET = {
    "DA": "19710419", "TM": "031759.713", "DT": "19710419031759.713", "UI": "1.2.826.77.41.9973.5511",
    "AS": "037Y", "DS": "61.737", "IS": "73719", "PN": "Zebulon^Quentin", "UL": 73719, "US": 7371,
}  # fmt: skip
TEXT = "ZEBULON 7"
DATES = re.compile(r"19710419|031759|1\.2\.826\.77\.41|037Y|61\.737|73719|zebulon", re.IGNORECASE)


def _with_secrets(images: list[Dataset]) -> int:
    count = 0
    for name in PROFILE.split():
        try:
            kind = dictionary_VR(name)
        except (KeyError, ValueError):  # retired, or of another edition
            continue
        if kind in ("SQ", "OB", "OW"):
            continue
        count += 1
        for image in images:
            value = SECRET.get(kind, TEXT)
            if name == "SOPInstanceUID":
                value = f"{value}.{image.InstanceNumber}"
            setattr(image, name, value)
    return count


def _told(dataset: Dataset) -> Iterator[str]:
    for element in dataset.iterall():
        if element.keyword != "PixelData":
            yield f"{element.keyword}: {element.value}"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, list[Dataset]]:
    folder = tmp_path_factory.mktemp("anonymous")
    phantom = Phantom()
    phantom.stored = np.array([-1000, LIVER_HU, 200], np.int16)[phantom.labels]
    images = phantom.slices(intercept=0)
    assert _with_secrets(images) > 100
    write(images, folder / "ct")
    (source,) = find_exams(folder / "ct").sources
    exam = source.read()
    found = thresholds(exam.hu)
    objects = {}
    for anonymise in (False, True):
        out = folder / f"out{anonymise}"
        assert write_exam(out, exam, found.labels, found.disagreement, anonymise=anonymise).missing == ()
        objects[anonymise] = [
            pydicom.dcmread(path) for path in (out / "segmentation.dcm", *(out / "overlay").iterdir())
        ]
    return objects


def test_no_date_number_or_name_of_the_patient_comes_through(written: dict[bool, list[Dataset]]) -> None:
    for dataset in written[True]:
        assert [told for told in _told(dataset) if DATES.search(told)] == []
        assert [told for told in _told(dataset.file_meta) if DATES.search(told)] == []


def test_what_belongs_to_the_study_does_come_through_otherwise(written: dict[bool, list[Dataset]]) -> None:
    """Else the test above could not fail."""
    overlay = written[False][1]
    for name in (
        "AcquisitionDate",
        "AcquisitionTime",
        "StudyDate",
        "PatientName",
        "PatientAge",
        "StudyInstanceUID",
    ):
        assert DATES.search(str(overlay[name].value)), name


def test_dates_and_times_are_those_of_the_making(written: dict[bool, list[Dataset]]) -> None:
    dates = {
        str(element.value)
        for dataset in written[True]
        for element in dataset.iterall()
        if element.VR in ("DA", "DT") and element.value
    }
    assert {one[:8] for one in dates} <= {date.today().strftime("%Y%m%d"), date.today().isoformat()}
