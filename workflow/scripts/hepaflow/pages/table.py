"""The page of a table: its twin that opens in a browser, with the table itself to download."""

import base64
import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

import pandas as pd

from hepaflow.pages.captions import caption_html
from hepaflow.pages.shown import Shown, read_table
from hepaflow.system.atomic import write_text
from hepaflow.web.template import file, page

LIMIT = 1_400_000
"""Bytes of a page that the report can hold (see `viewer.page.EMBEDDED_LIMIT`)."""

_FILTERED = 20
"""Rows above which a page offers to filter them."""


def table_page(csv: bytes, *, name: str, title: str, caption: str, leading: str = "", limit: int = LIMIT) -> str:
    """Return the page of a table.

    Parameters
    ----------
    csv : bytes
        The table as it lies on disk; it is the page's download, byte for byte.
    name : str
        Its file.
    title : str
        What it is, in a line.
    caption : str
        HTML that stands above it.
    leading : str, optional
        The column that people look for: it comes first of those beside the names of the rows, if there is one.
    limit : int, optional
        Bytes that the page may have: where all rows take more, the first are shown, and it says so.
    """
    shown = Shown.of(_leading_first(read_table(csv), leading))
    packed = base64.b64encode(gzip.compress(csv, 9, mtime=0)).decode("ascii")
    count = len(shown.rows)
    while True:
        filled = page(
            "pages",
            "table.html",
            script=file("pages", "page.js"),
            title=title,
            caption=caption,
            table=shown,
            rows=shown.rows[:count],
            name=PurePath(name).name,
            packed=packed if len(packed) < limit else "",
            filtered=len(shown.rows) > _FILTERED,
        )
        size = len(filled.encode())
        if size <= limit or not count:
            return filled
        count = min(count - 1, int(0.95 * count * limit / size))


def _leading_first(table: pd.DataFrame, leading: str) -> pd.DataFrame:
    names, *others = table.columns
    return table[[names, *sorted(others, key=lambda column: column != leading)]]


def write_table_pages(
    titles: Mapping[str, str],
    tables: Mapping[str, str],
    pages: Mapping[str, str],
    captions: Mapping[str, str],
    files: Iterable[str],
    leading: str = "",
    **names: object,
) -> None:
    """Write the pages of some tables.

    Parameters
    ----------
    titles : mapping of str to str
        Title of each page; its keys are those of the tables, the pages and the captions.
    tables, pages : mapping of str to str
        Paths.
    captions : mapping of str to str
        Which file a caption is in, without suffix.
    files : iterable of str
        Captions, in reStructuredText with Jinja.
    leading : str, optional
        The method that leads: its column comes first in tables that have one.
    **names : object
        What captions may name.
    """
    texts = {Path(path).stem: Path(path).read_text(encoding="utf-8") for path in files}
    for name, title in titles.items():
        table = Path(tables[name])
        caption = caption_html(texts[captions[name]], **names)
        page = table_page(table.read_bytes(), name=table.name, title=title, caption=caption, leading=leading)
        write_text(pages[name], page)
