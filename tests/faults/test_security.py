"""No file runs code, no name reaches a shell or a page as anything but text, the report tells nobody's paths."""

import ast
import base64
import os
import pickle
import re
import socket
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import REFUSED, Case, Table, Tell, ids, neutral, refusal
from made import HU, LABELS
from small_exams import grid_of
from smoke_run import ROOT, Checkout

from hepaflow.errors import UserError
from hepaflow.masks.file import Masks
from hepaflow.masks.fusion import Fusion
from hepaflow.networks.pretrained import read_weights
from hepaflow.networks.weights import load_weights
from hepaflow.preprocessing.slices import SliceFile
from hepaflow.segment.archive import unpack
from hepaflow.viewer.exam import ViewedExam
from hepaflow.viewer.page import viewer_pages

LINK = zipfile.ZipInfo("link")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16

ZIPS = tuple(
    Case(f"zip with {what}", REFUSED, (words,), lambda member=member: member)
    for what, member, words in (
        ("a member that climbs out: ../stolen", zipfile.ZipInfo("../stolen"), "leads out of its folder"),
        ("a member with a full path: /tmp/stolen", zipfile.ZipInfo("/tmp/stolen"), "leads out of its folder"),
        ("a member with a full path: C:\\stolen", zipfile.ZipInfo("C:\\stolen"), "leads out of its folder"),
        ("a member that is a link", LINK, "is a link"),
    )
)
SOURCES = Case("calls that would unpickle, unpack or run what a file holds, in all of the code", "none is there")
RULES = Case("shell commands in the rules", "none is there")
PAGE = Case("viewer of an exam and methods with names of HTML and JavaScript", "shown as text")
REPORT = Case("folder, home and host of a run, in its report, viewers and tables", "none is told")


class Bomb:
    """What a pickle can hold: it makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., None], tuple[str, str]]:
        return os.makedirs, (str(self.path),)


def pickled(path: Path, bomb: Bomb) -> Path:
    path.write_bytes(pickle.dumps({"a": bomb}))
    return path


def saved_by_torch(path: Path, bomb: Bomb) -> Path:
    torch.save({"a": bomb}, path)
    return path


def npz(path: Path, bomb: Bomb) -> Path:
    np.savez(path, **{"one.masks": np.array([bomb], object)})
    return path


def npy(path: Path, bomb: Bomb) -> Path:
    with open(path, "wb") as file:
        np.save(file, np.array([bomb], object))
    return path


def read_masks(path: Path) -> None:
    dict(Masks(path))


def into_network(path: Path) -> None:
    load_weights(torch.nn.Linear(1, 1), path)


PICKLES = tuple(
    Case(f"pickled code {how} {what}", REFUSED, (), lambda pair=(make, read, name): pair)
    for how, make, what, read, name in (
        ("instead of", pickled, "trained weights", into_network, "dense.safetensors"),
        ("saved by torch instead of", saved_by_torch, "trained weights", into_network, "dense.safetensors"),
        ("saved by torch instead of", saved_by_torch, "ImageNet weights", read_weights, "dense.pth"),
        ("instead of", pickled, "ImageNet weights", read_weights, "dense.pth"),
        ("in an object array of", npz, "masks", read_masks, "dense.test.npz"),
        ("instead of", npy, "masks", read_masks, "dense.test.npz"),
        ("instead of", pickled, "slices", SliceFile, "one.safetensors"),
        ("instead of", pickled, "fusion weights", Fusion.load, "liver.json"),
    )
)
SECURITY = Table(
    "Security",
    "Files are data; names are text.",
    (*PICKLES, *ZIPS, SOURCES, RULES, PAGE, REPORT),
)


@pytest.mark.parametrize("case", PICKLES, ids=ids)
def test_no_file_runs_code(case: Case, tmp_path: Path, tell: Tell) -> None:
    make, read, name = case.do()
    path = make(tmp_path / name, Bomb(tmp_path / "stolen"))
    with pytest.raises(UserError) as caught:
        read(path)
    assert not (tmp_path / "stolen").exists()
    message = str(caught.value)
    assert f"file: {path}" in message
    assert "what to do: " in message
    tell(case, re.split(r"[(:]", neutral(str(caught.value), tmp_path).partition("found: ")[2])[0].strip())


@pytest.mark.parametrize("case", ZIPS, ids=ids)
def test_no_member_climbs_out(case: Case, tmp_path: Path, tell: Tell) -> None:
    with zipfile.ZipFile(tmp_path / "exam.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("exam/one.dcm"), b"one")
        archive.writestr(case.do(), b"stolen")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError) as caught:
        unpack(tmp_path / "exam.zip", tmp_path / "folder")
    assert list((tmp_path / "folder").iterdir()) == []  # not even the good members
    tell(case, neutral(refusal(caught.value, file=tmp_path / "exam.zip"), tmp_path))


FORBIDDEN = {
    *("eval", "exec", "compile", "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "marshal.loads", "shelve.open"),
    *("yaml.load", "yaml.unsafe_load", "shutil.unpack_archive", "tempfile.mktemp"),
}
MUST_HAVE = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


def python_files() -> Iterator[Path]:
    yield from sorted((ROOT / "workflow").rglob("*.py"))


def calls(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield every call in a file: its name, and its keywords with constant values."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            keywords = {
                word.arg: word.value.value
                for word in node.keywords
                if word.arg and isinstance(word.value, ast.Constant)
            }
            yield ast.unparse(node.func), keywords


def test_no_call_unpickles_or_runs(tell: Tell) -> None:
    seen = set()
    for path in python_files():
        for name, keywords in calls(path):
            assert name not in FORBIDDEN, f"{path}: {name}"
            unpacks = name.endswith((".extractall", ".extract"))
            assert not unpacks or path.name == "archive.py", f"{path}: {name}"  # which checks all members first
            assert not keywords.get("shell"), f"{path}: {name} with a shell"
            if name in MUST_HAVE:
                word, value = MUST_HAVE[name]
                assert keywords.get(word) is value, f"{path}: {name} without {word}={value}"
                seen.add(name)
    assert seen == set(MUST_HAVE)  # the names are those that the code uses
    tell(SOURCES, "")


def test_no_rule_has_a_shell(tell: Tell) -> None:
    files = [ROOT / "Snakefile", ROOT / "workflow/Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]
    assert len(files) > 5
    for path in files:
        assert not re.search(r"^\s+(shell|run):|\bshell\(", path.read_text(encoding="utf-8"), re.MULTILINE), path
    tell(RULES, "")


HTML = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>{{data}}&amp;\"'"


def test_names_are_text_in_the_viewer(tell: Tell) -> None:
    shown = ViewedExam(
        name=HTML,
        hu=HU,
        reference=LABELS,
        methods={HTML: LABELS},
        grid=grid_of(HU.shape),
        disagreement={HTML: np.zeros_like(LABELS)},
    )
    for page in viewer_pages(shown):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert page.count("</script>") == page.count("<script")
    sources = [path.read_text() for path in (ROOT / "workflow/scripts/hepaflow/viewer").glob("*.js")]
    swatch = r'insertAdjacentHTML(?!\("beforeend", swatch\()'  # has a colour in it, and no name
    assert not re.search(swatch + r"|(inner|outer)HTML|document\.write|eval\(", "".join(sources))
    tell(PAGE, "")


def layers(data: bytes) -> Iterator[bytes]:
    """Yield a file's content, and what is packed in it as data URIs or base64, to any depth."""
    yield data
    for found in re.finditer(rb"[A-Za-z0-9+/]{64,}={0,2}", data):
        text = found[0][: len(found[0]) // 4 * 4]
        inner = base64.b64decode(text)
        yield from layers(inner)
        if inner[:1] == b"\x78":
            try:
                yield zlib.decompress(inner)
            except zlib.error:
                continue


def test_nobodys_paths_are_in_what_is_handed_on(completed: Checkout, tell: Tell) -> None:
    results = completed.folder / "results/smoke"
    private = [str(completed.folder), str(completed.folder.parent), str(Path.home()) + "/", str(ROOT)]
    private += [name for name in (socket.gethostname(), os.environ.get("USER", "")) if len(name) > 4]
    files = [
        results / "report.html",
        results / "summary.html",
        *results.glob("viewer/**/*.html"),
        *results.glob("tables/[!.]*"),
    ]
    files += results.glob("figures/[!.]*.svg")
    assert len(files) > 20
    for path in files:
        for layer in layers(path.read_bytes()):
            for words in private:
                assert words.encode() not in layer, f"{path.name}: {words}"
    tell(REPORT, "")
