"""The page of a table: one file that holds the table, and not more than the report can show."""

import base64
import gzip
import re
from pathlib import Path

from hepaflow.pages.table import table_page, write_table_pages

HOSTILE = "</script><img src=x onerror=alert(1)>"


def packed_in(page: str) -> bytes:
    (found,) = re.findall(r'data-packed="([^"]*)"', page)
    return gzip.decompress(base64.b64decode(found))


def test_the_download_is_the_file_byte_for_byte() -> None:
    csv = 'a,"ä, b"\n0.123456789,x\n'.encode()
    page = table_page(csv, name="tables/mine.csv", title="Mine", caption="<p>Words.</p>")
    assert packed_in(page) == csv
    assert 'data-name="mine.csv"' in page
    assert "<p>Words.</p>" in page
    assert page == table_page(csv, name="tables/mine.csv", title="Mine", caption="<p>Words.</p>")


def test_text_is_shown_as_it_is() -> None:
    page = table_page(f'exam,"{HOSTILE}"\n"{HOSTILE}",1\n'.encode(), name="x.csv", title=HOSTILE, caption="")
    assert HOSTILE not in page
    assert page.count("&lt;img src=x") == 4


def test_it_asks_for_nothing() -> None:
    page = table_page(b"a\n1\n", name="x.csv", title="t", caption="")
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "http" not in re.sub(r'startsWith\("http"\)|http-equiv', "", page)
    assert "default-src 'none'" in page


def test_long_tables_are_filtered_and_too_long_ones_cut() -> None:
    csv = b"number\n" + b"".join(b"%d\n" % number for number in range(3000))
    whole = table_page(csv, name="x.csv", title="t", caption="")
    assert whole.count("<tr>") == 3001
    assert 'type="search"' in whole
    assert "first" not in whole.partition("<script>")[0].partition("</table>")[2]
    cut = table_page(csv, name="x.csv", title="t", caption="", limit=40_000)
    assert len(cut.encode()) <= 40_000
    rows = cut.count("<tr>") - 1
    assert 300 < rows < 3000
    assert f"first {rows} of 3000" in cut
    assert packed_in(cut) == csv
    assert 'type="search"' not in table_page(b"a\n1\n", name="x.csv", title="t", caption="")


def test_a_table_that_does_not_fit_is_named_instead() -> None:
    random = "\n".join(f"{hash((number, 'x')) % 10**12}" for number in range(20_000))
    page = table_page(f"n\n{random}\n".encode(), name="x.csv", title="t", caption="", limit=20_000)
    assert len(page.encode()) <= 20_000
    assert "data-packed" not in page.partition("<script>")[0]
    assert "tables/x.csv" in page


def test_pages_are_written_each_with_its_own_caption(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(f"a\n{name}\n")
        (tmp_path / f"of_{name}.rst").write_text(f"Of *{name}*: {{{{ count }}}}.")
    names = ("one", "two")
    write_table_pages(
        {name: name.upper() for name in names},
        tables={name: str(tmp_path / f"{name}.csv") for name in names} | {"captions": "x"},
        pages={name: str(tmp_path / f"{name}.html") for name in names} | {"record": "x"},
        captions={name: f"of_{name}" for name in names},
        files=[str(tmp_path / f"of_{name}.rst") for name in names],
        count=7,
    )
    page = (tmp_path / "two.html").read_text("utf-8")
    assert "Of <em>two</em>: 7." in page
    assert "<h1>TWO</h1>" in page
    assert ">two</td>" in page


def test_the_leading_column_comes_first_and_the_download_stays_as_it_is() -> None:
    csv = b"metric,a,b,fusion,c\nDice,1,2,3,4\n"
    page = table_page(csv, name="x.csv", title="t", caption="", leading="fusion")
    heads = re.findall(r"<th [^>]*><button>(\w+)</button>", page)
    assert heads == ["metric", "fusion", "a", "b", "c"]
    assert [int(one) for one in re.findall(r"<td[^>]*>(\d)</td>", page)] == [3, 1, 2, 4]
    assert packed_in(page) == csv
    other = table_page(csv, name="x.csv", title="t", caption="", leading="elsewhere")
    assert re.findall(r"<th [^>]*><button>(\w+)</button>", other) == ["metric", "a", "b", "fusion", "c"]
