"""Cases of exam sheets: each is a sheet's bytes, in a folder with the files of three exams."""

from pathlib import Path
from typing import Any

from cases import ACCEPTED, REFUSED, Case, Table

HEADER = "exam\timage\tlabel\tsplit\n"
ONE = "one\ta.nii\ta-l.nii\ttrain\n"
TWO = "two\tb.nii\tb-l.nii\ttest\n"
GOOD = HEADER + ONE + TWO
FILES = ("a", "b", "c", "with space", "größe-肝", "$(touch stolen)", "a;touch stolen;b", "{exam}", "x" * 200)


def written(text: str | bytes) -> Any:
    """A sheet; FOLDER in it stands for the folder's full path."""

    def do(folder: Path) -> Path:
        for name in FILES:
            for suffix in (".nii", "-l.nii"):
                (folder / f"{name}{suffix}").touch()
        if not (folder / "link.nii").is_symlink():
            (folder / "link.nii").symlink_to("c.nii")
            (folder / "other-link.nii").symlink_to(folder / "a.nii")
            (folder / "broken.nii").symlink_to("nowhere.nii")
            (folder / "loop.nii").symlink_to("loop.nii")
        raw = text if isinstance(text, bytes) else text.replace("FOLDER", str(folder)).encode()
        (folder / "sheet.tsv").write_bytes(raw)
        return folder / "sheet.tsv"

    return do


def third(name: str = "three", image: str = "c.nii", label: str = "c-l.nii", split: str = "test") -> Any:
    return written(f"{GOOD}{name}\t{image}\t{label}\t{split}\n")


NAME = ("the name", "letters, digits")
TWICE = "could be trained on and scored"

SHEETS = Table(
    "Exam sheets",
    "The whole sheet is checked before the first job.",
    (
        Case("sheet with a byte order mark", ACCEPTED, (), written(b"\xef\xbb\xbf" + GOOD.encode())),
        Case("sheet with CRLF", ACCEPTED, (), written(GOOD.replace("\n", "\r\n"))),
        Case("sheet with blank lines", ACCEPTED, (), written(GOOD.replace("\n", "\n\n \t\n"))),
        Case("sheet without a last line end", ACCEPTED, (), written(GOOD.rstrip())),
        Case("sheet with cells in quotation marks", ACCEPTED, (), written(GOOD.replace("one", '"one"'))),
        Case("sheet with spaces around its cells", ACCEPTED, (), written(GOOD.replace("\t", " \t "))),
        Case("sheet that is not there", REFUSED, ("cannot be read",), lambda folder: folder / "sheet.tsv"),
        Case("sheet that is a folder", REFUSED, ("cannot be read",), lambda folder: folder),
        Case("sheet in UTF-16", REFUSED, ("save it as UTF-8",), written(GOOD.encode("utf-16"))),
        Case(
            "sheet in Latin-1",
            REFUSED,
            ("save it as UTF-8",),
            written(GOOD.replace("a.nii", "ä.nii").encode("latin-1")),
        ),
        Case("sheet of zero bytes", REFUSED, ("columns (none)",), written("")),
        Case("sheet with commas for tabs", REFUSED, ("separated by tabs",), written(GOOD.replace("\t", ","))),
        Case(
            "sheet without the column split",
            REFUSED,
            ("columns exam, image, label",),
            written(GOOD.replace("\tsplit", "")),
        ),
        Case(
            "sheet with its columns in another order",
            REFUSED,
            ("columns image, exam",),
            written(GOOD.replace("exam\timage", "image\texam")),
        ),
        Case("sheet of a header alone", REFUSED, ("no exam of the split 'train'",), written(HEADER)),
        Case("sheet without test exams", REFUSED, ("no exam of the split 'test'",), written(HEADER + ONE)),
        Case("line with a cell too few", REFUSED, ("a line of 3 cells",), written(GOOD + "three\tc.nii\ttest\n")),
        Case(
            "line with a lone quotation mark",
            REFUSED,
            ("lone quotation marks",),
            written(GOOD + '"three\tc.nii\tc-l.nii\ttest\n'),
        ),
        Case(
            "cell of 200,000 letters",
            REFUSED,
            ("field larger than field limit",),
            third(image="x" * 200_000),
            mended="a traceback of Python's CSV reader",
        ),
        Case("exam listed twice", REFUSED, ("listed twice",), third("one")),
        Case("exams that differ in the case of a letter", REFUSED, ("'one' and 'One'",), third("One")),
        Case("unknown split", REFUSED, ("the split 'validation'",), third(split="validation")),
        Case("split in capitals", REFUSED, ("in lower case",), third(split="TEST")),
        Case("training exam without label", REFUSED, ("give it the split 'new'",), third(label="", split="train")),
        Case("exam without image", REFUSED, ("no image",), third(image="")),
        Case("name that climbs: ../three", REFUSED, NAME, third("../three")),
        Case("name that is a full path", REFUSED, NAME, third("/etc/three")),
        Case("name of dots", REFUSED, NAME, third("..")),
        Case("name with a space", REFUSED, NAME, third("exam three")),
        Case("name with letters beyond ASCII", REFUSED, NAME, third("größe")),
        Case("name of 101 letters", REFUSED, NAME, third("x" * 101)),
        Case("name of 100 letters", ACCEPTED, (), third("x" * 100)),
        Case("name that is a shell command", REFUSED, NAME, third("$(touch stolen)")),
        Case("name that is HTML", REFUSED, NAME, third("<script>alert(1)</script>")),
        Case("name that is a wildcard", REFUSED, NAME, third("{exam}")),
        Case(
            "name with control characters of a terminal",
            REFUSED,
            ("\\x1b[31m",),
            third("three\x1b[31m"),
            mended="the terminal obeyed the name in the message",
        ),
        Case(
            "name that ends like another table of an exam",
            REFUSED,
            ("not ending in .overlap or .uncertainty",),
            third("two.overlap"),
            mended="two exams' tables had one name",
        ),
        Case("image path with a space", ACCEPTED, (), third(image="with space.nii")),
        Case("image path with letters beyond ASCII", ACCEPTED, (), third(image="größe-肝.nii")),
        Case(
            "image path with shell commands",
            ACCEPTED,
            (),
            third(image="$(touch stolen).nii", label="a;touch stolen;b.nii"),
        ),
        Case(
            "image path with braces",
            REFUSED,
            ("the path '{exam}.nii'", "without braces"),
            third(image="{exam}.nii"),
            mended="Snakemake put the exam's name into the path and missed the file",
        ),
        Case("image path of 200 letters", ACCEPTED, (), third(image="x" * 200 + ".nii")),
        Case(
            "image path of 300 letters",
            REFUSED,
            ("no such image",),
            third(image="x" * 300 + ".nii"),
            mended="a traceback: no file can have such a name",
        ),
        Case("image path with a null byte", REFUSED, ("the path 'c\\x00.nii'",), third(image="c\0.nii")),
        Case("image path with ..", ACCEPTED, (), third(image="../DATA/c.nii")),
        Case(
            "full path of an image",
            ACCEPTED,
            (),
            third(image="FOLDER/c.nii", label="FOLDER/c-l.nii"),
            mended="passed the check of the files, and then was sought below the folder `data`",
        ),
        Case("image that is a symbolic link", ACCEPTED, (), third(image="link.nii")),
        Case("image that is a broken link", REFUSED, ("no such image",), third(image="broken.nii")),
        Case("image that is a link to itself", REFUSED, ("no such image",), third(image="loop.nii")),
        Case("image that is a folder", REFUSED, ("no such image",), third(image=".")),
        Case("image that is not there", REFUSED, ("no such image",), third(image="d.nii")),
        Case(
            "image of another exam",
            REFUSED,
            ("as one: a.nii", TWICE),
            third(image="./a.nii"),
            mended="one exam could be trained on and scored",
        ),
        Case(
            "link to the image of another exam",
            REFUSED,
            ("as one: a.nii", TWICE),
            third(image="other-link.nii"),
            mended="one exam could be trained on and scored",
        ),
        Case(
            "image that is its own label",
            REFUSED,
            (TWICE,),
            third(image="c.nii", label="c.nii"),
            mended="only its values were refused, in the survey",
        ),
    ),
)
