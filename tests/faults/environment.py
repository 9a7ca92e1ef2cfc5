"""Cases of the process' environment, of files half written or not to be read, and of scores without order."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from cases import ACCEPTED, REFUSED, STOPS, Case, Table, neutral

from hepaflow.errors import UserError
from hepaflow.evaluation.flagging import answer_table
from hepaflow.evaluation.statistics import compare, summarise
from hepaflow.networks.weights import load_weights
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.tables.scores import comparison_table, score_table
from hepaflow.volumes.nifti import open_nifti

_SUMMARY = "import sys; from hepaflow.cli import main; sys.exit(main(['summary', '.']))"
_DRAW = """
import pandas as pd
from hepaflow.figures.style import save
from hepaflow.figures.training import training_figure
history = {"epoch": [1, 2], "learning_rate": [0.1, 0.05], "loss": [0.5, 0.3], "validation_loss": [0.6, 0.4]}
save(training_figure({"dense": pd.DataFrame(history)}, "liver"), "figure.svg", title="t")
"""
HOSTILE = """\
savefig.bbox: tight
savefig.transparent: True
svg.id: mine
svg.fonttype: path
text.usetex: True
axes.formatter.use_locale: True
path.simplify: False
font.size: 30
"""


def _python(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def draws(rc: str = "", **environment: str) -> Callable[[Path], str]:
    """Draw a figure in an environment and in a plain one, and compare the bytes."""

    def do(folder: Path) -> str:
        drawn = []
        for name, settings, variables in (("plain", "", {}), ("odd", rc, environment)):
            (folder / name).mkdir()
            if settings:
                (folder / name / "matplotlibrc").write_text(settings)
            ended = _python(_DRAW, folder / name, **variables)
            assert ended.returncode == 0, ended.stderr
            drawn.append((folder / name / "figure.svg").read_bytes())
        assert drawn[0] == drawn[1]
        return "the same bytes"

    return do


def tables(folder: Path, lesion: bytes | None = None) -> None:
    """Write the tables of a run that `hepaflow summary` prints."""
    (folder / "tables").mkdir()
    for name in ("liver", "lesion", "fusion_weights"):
        content = "method,95 % interval\nfusion,–\n".encode()
        (folder / f"tables/{name}.csv").write_bytes(content if lesion is None or name != "lesion" else lesion)


def prints(environment: Mapping[str, str], expected: str) -> Callable[[Path], str]:
    """Print the tables of a run where the terminal shows no dashes."""

    def do(folder: Path) -> str:
        tables(folder)
        ended = _python(_SUMMARY, folder, **environment)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.count(expected) == 3
        return expected

    return do


def decodes(folder: Path) -> str:
    """Import what decodes pixels, and ask pydicom which version's ways it has."""
    code = "import hepaflow.dicom.reading, pydicom.config; print(pydicom.config._use_future)"
    ended = _python(code, folder, PYDICOM_FUTURE="True")
    assert ended.stdout == "False\n", ended.stderr
    return ""


def leaves(folder: Path) -> str:
    """Close the pipe before the tables are printed."""
    tables(folder)
    process = subprocess.Popen(
        [sys.executable, "-c", _SUMMARY], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 128 + signal.SIGPIPE
    return said


def half(content: bytes) -> Callable[[Path], str]:
    """Let `hepaflow summary` read a table that is not whole."""

    def do(folder: Path) -> str:
        tables(folder, content)
        ended = _python(_SUMMARY, folder)
        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        return neutral(ended.stderr.partition("\n")[2], folder)

    return do


def killed(ended_by: signal.Signals) -> Callable[[Path], str]:
    """End a process that has written half a table."""

    def do(folder: Path) -> str:
        (folder / "table.csv").write_text("old\n")
        code = (
            "import time; from hepaflow.system.atomic import replacing\n"
            "with replacing('table.csv') as partial:\n"
            "    partial.write_text('half'); print(flush=True); time.sleep(60)\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(ended_by)
        process.wait(60)
        assert (folder / "table.csv").read_text() == "old\n"
        return "the earlier table is there, whole"

    return do


def unreadable(read: Callable[[Path], object]) -> Callable[[Path], str]:
    """Read a file as a user who has no right to; root has every right, and so gives it up meanwhile."""

    def do(folder: Path) -> str:
        path = folder / "file.nii"
        path.write_bytes(b"sound")
        path.chmod(0)
        with _without_rights(folder):
            try:
                read(path)
            except UserError as error:
                return neutral(str(error), folder)
        raise AssertionError("it was read")

    return do


@contextlib.contextmanager
def _without_rights(folder: Path):
    if os.geteuid():
        yield
        return
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == 0 and parent != Path("/") and "pytest" in parent.name:
            parent.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _load(path: Path) -> None:
    from torch import nn

    load_weights(nn.Linear(1, 1), path)


HOSTILE_RUN = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "TZ": "Asia/Tokyo",
    "COLUMNS": "20",
    "SOURCE_DATE_EPOCH": "0",
    "PYTHONHASHSEED": "7",
}
WHOLE_RUN = Case(
    "a whole run with all of these variables, and a matplotlibrc in its folder",
    "the same bytes",
    mended="a traceback of MONAI's import of matplotlib; without it other figures, and no report: Snakemake read "
    "the captions in the encoding of the locale",
)

ENVIRONMENT = Table(
    "The environment of a process",
    "Environment variables and settings files of the user or the machine. Figures are compared byte by byte with "
    "those of a plain environment.",
    (
        Case(
            "a matplotlibrc in the working folder (margins, transparency, ids, fonts as paths, TeX, commas)",
            ACCEPTED,
            do=draws(HOSTILE),
            mended="other margins, ids, background and labels: matplotlib's own defaults stood around the "
            "drawing, not around the writing",
        ),
        Case(
            "MPLBACKEND of a Jupyter notebook that is not installed here",
            ACCEPTED,
            do=draws(MPLBACKEND="module://matplotlib_inline.backend_inline"),
            mended="a traceback of matplotlib before any figure, and before a U-Net was trained: MONAI imports it",
        ),
        Case("a folder for matplotlib's cache that cannot be made", ACCEPTED, do=draws(MPLCONFIGDIR="/proc/none")),
        Case(
            "another locale, time zone, width of the terminal, date of the build and seed of hashes",
            ACCEPTED,
            do=draws(
                LC_ALL="de_DE.UTF-8", TZ="Asia/Tokyo", COLUMNS="20", SOURCE_DATE_EPOCH="0", PYTHONHASHSEED="7"
            ),
        ),
        Case(
            "hepaflow summary where the locale is C",
            ACCEPTED,
            (r"\u2013",),
            prints({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "fusion  \\u2013"),
            mended="a traceback: UnicodeEncodeError",
        ),
        WHOLE_RUN,
        Case(
            "PYDICOM_FUTURE=True of pydicom's developers",
            ACCEPTED,
            do=decodes,
            mended="every DICOM series was refused: pixels that cannot be decoded",
        ),
        Case(
            "hepaflow summary into a pipe that nobody reads",
            "ends",
            do=leaves,
            mended="a traceback: BrokenPipeError",
        ),
    ),
)

_DAMAGED = "the advice to delete it, or to copy it again: every error of reading got the advice for wrong contents"

WHOLE = Table(
    "Files half written, or not to be read",
    "Tables, scores, statistics, figures, viewers, reports, segmentations and the model get their name when they "
    "are complete (`test_atomic.py`). Slices, masks and weights are protected by their records.",
    (
        *(
            Case(
                f"{name} to a process that has written half a table",
                "the earlier file stays",
                do=killed(number),
                mended="half a table under the name of a result",
            )
            for name, number in (("SIGTERM", signal.SIGTERM), ("SIGKILL", signal.SIGKILL))
        ),
        Case(
            "hepaflow summary of a table that is cut short",
            REFUSED,
            ("a table that was cut short", "what to do"),
            half(b"method,95 % interval\nfusion"),
            mended="a traceback: ValueError",
        ),
        Case(
            "hepaflow summary of an empty table",
            REFUSED,
            ("a table that was cut short", "what to do"),
            half(b""),
            mended="nothing was printed for it, with status 0",
        ),
        Case(
            "weights of a network without the right to read them",
            STOPS,
            ("Permission denied", "leave the file as it is"),
            unreadable(_load),
            mended='"No such file", and ' + _DAMAGED,
        ),
        Case(
            "slices without the right to read them",
            STOPS,
            ("Permission denied", "leave the file as it is"),
            unreadable(SliceFile),
            mended='"No such file", and ' + _DAMAGED,
        ),
        Case(
            "a CT volume without the right to read it",
            STOPS,
            ("Permission denied", "leave the file as it is"),
            unreadable(lambda path: open_nifti(path, "exam")),
            mended='"Cannot work out file type", and ' + _DAMAGED,
        ),
    ),
)


def _metrics(fusion: list[float], other: list[float], **counts: list[float]) -> pd.DataFrame:
    rows = [
        (f"exam-{exam}", "liver", method, "clean", metric, value)
        for method, dice in (("fusion", fusion), ("other", other))
        for metric, values in ({"dice": dice} | counts).items()
        for exam, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=["exam", "structure", "method", "processing", "metric", "value"])


def compares(fusion: list[float], other: list[float]) -> Callable[[Path], str]:
    """Compare two methods, and return the p-value as the table gives it."""

    def do(_: Path) -> str:
        table = comparison_table(compare(_metrics(fusion, other), "fusion"), "liver")
        return f"p = {table['Wilcoxon p'][0]}"

    return do


def answers(disagreement: list[float], dice: list[float], line: int) -> Callable[[Path], str]:
    """Ask whether disagreement flags low scores, and return one of the answers."""

    def do(_: Path) -> str:
        exams = pd.DataFrame({"exam": list("abcdefgh")[: len(dice)], "dice": dice, "disagreement": disagreement})
        exams = exams.sort_values("disagreement", ascending=False, kind="stable", ignore_index=True)
        levels = pd.DataFrame(columns=["exam", "structure", "disagreement", "segmented", "voxels", "errors"])
        return str(answer_table(levels, exams)["answer"][line])

    return do


def sums_up(row: str, *values: float) -> Callable[[Path], str]:
    """Sum up the Dice of some exams, and return a cell of the table of scores."""

    def do(_: Path) -> str:
        zeros = [0.0] * len(values)
        counts = dict.fromkeys(("common_voxels", "voxels", "reference_voxels"), zeros)
        undefined = {"assd_mm": [np.nan] * len(values)}
        summary = summarise(_metrics(list(values), list(values), **counts, **undefined))
        return str(score_table(summary, "liver").set_index("metric")["fusion"][row])

    return do


_TIES = ([1.0] * 6 + [0.5] * 12, [0.5] * 6 + [1.0] * 12)
_ORDER = "the first of the table was named, and halves were counted that its order had made"

EQUAL = Table(
    "Scores that are equal, few or undefined",
    "Each value is known in closed form. If a value is undefined, the reason is given instead of a number.",
    (
        Case(
            "18 exams that differ, all by as much: Wilcoxon's test is one of signs",
            "the exact p",
            ("p = 0.238",),
            compares(*_TIES),
            mended="the p of a normal approximation, 0.157",
        ),
        Case("two methods that are equal in every exam", "no p", ("no difference",), compares([0.5, 1], [0.5, 1])),
        Case(
            "a single exam that differs: what p could be at the least",
            "told",
            ("never below 1",),
            compares([0.5], [0.25]),
        ),
        Case(
            "all exams have the same Dice: the one with the lowest",
            "undefined",
            ("undefined: all exams have the same Dice",),
            answers([4, 3, 2, 1], [0.5] * 4, 2),
            mended=_ORDER,
        ),
        Case(
            "all exams have the same disagreement: the place of the lowest Dice",
            "all places that it shares",
            ("numbers 1 to 4",),
            answers([7] * 4, [0.9, 0.2, 0.8, 0.7], 2),
            mended="it was number 1 of 4",
        ),
        Case(
            "exams of the same Dice on both sides of the middle: halves",
            "undefined",
            ("undefined: exams of the same Dice",),
            answers([4, 3, 2, 1], [0.1, 0.5, 0.5, 0.9], 3),
            mended=_ORDER,
        ),
        Case(
            "all but one exam have the same Dice: whether disagreement flags it",
            "cannot be told",
            ("so many exams have the same Dice",),
            answers([5, 4, 3, 2, 1], [0.1, 0.9, 0.9, 0.9, 0.9], 0),
            mended='"not shown by these exams", as if they could have shown it',
        ),
        Case(
            "all exams have the same Dice: its interval",
            "of no width",
            ("(0.500 to 0.500)",),
            sums_up("Dice, mean", 0.5, 0.5),
        ),
        Case("one exam: the interval of its Dice", "none", ("0.500",), sums_up("Dice, mean", 0.5)),
        Case(
            "a distance that is undefined in every exam",
            "undefined",
            ("undefined",),
            sums_up("ASSD, mm", 0.5, 0.5),
        ),
        Case(
            "masks and references without a voxel: global Dice", "1", ("1.000",), sums_up("Dice, global", 1.0, 1.0)
        ),
    ),
)
