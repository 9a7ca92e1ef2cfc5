"""Which exams are LiTS17's."""

from pathlib import Path

import pytest

from hepaflow.exams.lits17 import are_lits17
from hepaflow.exams.sheet import read_sheet

ROOT = Path(__file__).parents[3]


def images(sheet: str) -> list[str]:
    exams = read_sheet(ROOT / "config/exams" / sheet)
    return [exams[name].image for name in exams.names("train", "test")]


def test_the_thesis_sheet_is_of_lits17_and_the_demo_s_is_not() -> None:
    assert are_lits17(images("lits17.tsv"))
    assert not are_lits17(images("demo.tsv"))


@pytest.mark.parametrize("image", ["imagesTr/liver_7.nii.gz", "batch 1/volume-130.nii", "volume-0.nii.gz"])
def test_other_layouts_of_the_same_exams_are_lits17(image: str) -> None:
    assert are_lits17([image])


@pytest.mark.parametrize("image", ["a.nii", "my-volume-1.nii", "volume-1/ct.nii", "liver_1.dcm", "liver.nii"])
def test_one_other_exam_is_enough_to_be_another_data_set(image: str) -> None:
    assert not are_lits17([*images("lits17.tsv"), image])


def test_no_exams_are_no_data_set() -> None:
    assert not are_lits17([])
