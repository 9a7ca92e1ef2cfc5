"""What headers say of the patient is found in texts, and left out of them."""

import struct
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from hepaflow.dicom.headers import read_header
from hepaflow.dicom.identity import identifiers, named_in, redacted, retold


def _header(**elements: str) -> Dataset:
    header = Dataset()
    for name, value in elements.items():
        setattr(header, name, value)
    return header


def test_each_of_hundreds_of_identifiers_is_found_as_if_it_were_alone() -> None:
    letters = "abcdefgh"
    names = [f"{a}{b}{c}o{c}{b}{a}" for a in letters for b in letters for c in letters]
    found = {*names, "h-4711", "1956-02-03", "=lian", "li"}
    for text in ("BABOBAB", "abaoaba_h4711", "1956_02_03 H 4711", "Li An, lian, Liver"):
        alone = text
        for one in sorted(found, key=len, reverse=True):
            alone = redacted(alone, {one})
        assert redacted(text, found) == alone != text
    assert redacted("Liver, arterial phase", found) == "Liver, arterial phase"


def test_looking_for_many_patients_takes_no_longer_than_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []
    monkeypatch.setattr("hepaflow.dicom.identity._pattern", lambda word: looked_for.append(word) or word)
    found = frozenset(f"patient{number}" for number in range(5000)) | {"meier"}
    assert redacted("series of Meier", found) == "series of ***"
    assert set(looked_for) == {"meier"}


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
        "doe", "mary", "ann", "dr", "h-4711", "1956-02-03", "03-02-1956", "02-03-1956", "56-02-03", "03-02-56",
        "02-03-56", "acc99", "who", "=doeann", "=anndoe", "=doedr", "=drdoe", "=anndr", "=drann", "=doem", "=mdoe",
        "=doea", "=adoe", "=doed", "=ddoe", "=whod", "=dwho",
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
@pytest.mark.parametrize("number", ["H-4711", "H4711"])
def test_numbers_and_dates_are_found_however_they_are_parted(text: str, number: str) -> None:
    assert named_in(text, identifiers([_header(PatientID=number, PatientBirthDate="19560203")]))
    assert not named_in(text, identifiers([_header(PatientID="-----", AccessionNumber="0-1")]))


def test_the_empty_set_hides_nothing() -> None:
    assert redacted("İstanbul ﬁ", frozenset()) == "İstanbul ﬁ"


NAMED = [
    (
        "Li^Wu",
        "LiWu WuLi LIWU wuli liwu_ct Li_Wu Wu.Li li-wu Li2020 2020Wu LiWu2020 CT_LiWuCT CTLi LiCT Wu_Li_3 WLi LiW",
    ),
    ("Bo Xi", "BoXi XIBO bo.xi Xi2021"),
    ("Ng", "Ng NG_ct 3Ng"),
    ("Doe^Jo", "DoeJo JoDoe JDoe DoeJ jdoe doe_j DOEJO"),
    ("Wang^XiaoDong=王^小东=", "王小东 小东 王小东_CT CT王小东 王_ct wangxiaodong XiaoDongWang"),
    ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田太郎 太郎山田 ヤマダ やまだたろう ﾔﾏﾀﾞ Yamada_T"),
    ("Kim^Chulsoo=金^哲秀=김^철수", "김철수 철수 金哲秀 KimChulsoo 김철수_복부 Chulsoo.Kim"),
    ("이^지은", "이지은 이_ct"),
    ("Иванов^Пётр", "Иванов ИВАНОВ_ct ПЕТР Петр"),
    ("Łukasz^Żak", "Lukasz LUKASZ_CT Żak Zak_1"),
    ("Yıldız^Işık", "Yildiz YILDIZ Isik"),
    ("Mueller^Joerg", "Müller Mu\u0308ller MÜLLER Jörg Mueller"),
    ("Müller^Jörg", "Mu\u0308ller Mueller MUELLER Muller jo\u0308rg"),
    ("Núñez^Peña", "Nunez nu\u0301n\u0303ez PENA"),
    ("Ærø^Søren", "Aeroe Aero Soeren Soren"),
    ("O'Neil^Pat", "ONeil_x O_Neil oneil PatONeil"),
]
"""Names as headers have them, and names of folders and files that tell them."""


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in NAMED for text in texts.split()])
def test_names_are_found_however_folders_write_them(name: str, text: str) -> None:
    found = identifiers([_header(PatientName=name)])
    assert named_in(text, found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Li^Wu", "Liver LIVER_ct wuerzburg polish Series_01 liwuan"),
        ("Ana^Li", "Analysis analisi_1"),
        ("김^철수", "강영희 간_조영증강"),
        ("王^小东", "国王医院 李明"),
        ("Bo^Xi", "Boxes abox maxillary Xiphoid"),
    ],
)
def test_other_words_are_not_taken_for_names(name: str, text: str) -> None:
    found = identifiers([_header(PatientName=name)])
    assert [word for word in text.split() if named_in(word, found)] == []


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("王^小东", "gb18030"), ("王^小东", "utf-8"), ("陳^大文", "big5"), ("山田^太郎", "shift_jis"),
        ("山田^太郎", "euc_jp"),
        ("山田^太郎", "iso2022_jp"), ("김^철수", "euc_kr"), ("Иванов^Пётр", "cp1251"), ("Żak^Łukasz", "cp1250"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("declared", [None, "ISO_IR 100", "ISO_IR 192"])
def test_names_of_an_undeclared_character_set_are_found(
    tmp_path: Path, name: str, charset: str, declared: str | None
) -> None:
    with (tmp_path / "x.dcm").open("wb") as file:
        for tag, kind, value in (
            (0x00050008, b"CS", (declared or "").encode()),
            (0x00600008, b"CS", b"OT"),
            (0x00100010, b"PN", name.encode(charset)),
        ):
            value += b" " * (len(value) % 2)
            file.write(struct.pack("<I2sH", tag, kind, len(value)) + value)
    read = read_header(tmp_path / "x.dcm")
    assert read is not None
    found = identifiers([read.header])
    assert named_in(name.replace("^", ""), found)


@pytest.mark.parametrize("charset", ["gb18030", "shift_jis", "cp437", "latin-1"])
def test_names_of_folders_in_another_character_set_are_found(charset: str) -> None:
    name = "Jörg" if charset in ("cp437", "latin-1") else "太郎"
    found = identifiers([_header(PatientName=f"X^{name}")])
    as_on_a_disk = name.encode(charset).decode(errors="surrogateescape")
    from_a_zip = name.encode(charset).decode("cp437")
    for text in (as_on_a_disk, from_a_zip):
        assert named_in(f"CT_{text}", found)
        assert redacted(f"/data/CT_{text}/x", found).startswith("/data/")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Phantom^One", "expected: one of: series 3", "expected: one of: series 3"),
        ("Phantom^One", "file: /data/One/x.dcm", "file: /data/***/x.dcm"),
        ("Phantom^One", "values in ONE, not in HU", "values in ***, not in HU"),
        ("Phantom^One", "one series 'phase one'", "one series 'phase ***'"),
        ("Phantom^One", "cannot be decoded (ValueError: one)", "cannot be decoded (ValueError: ***)"),
        ("Mali^Will", "normalised, will be", "normalised, will be"),
        ("Mali^Will", "Mali, Will, mali/will", "***, ***, ***/***"),
        ("May^File", "the exam's file may be cut", "the exam's file may be cut"),
    ],
)
def test_messages_keep_their_own_words(name: str, text: str, expected: str) -> None:
    assert retold(text, identifiers([_header(PatientName=name)])) == expected
