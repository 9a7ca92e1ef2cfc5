"""The page of a table: its twin that opens in a browser, with the table itself to download."""

import base64
import gzip
from pathlib import PurePath

from markupsafe import Markup

from hepaflow.pages.shown import Shown, read_table
from hepaflow.pages.template import page

LIMIT = 1_400_000
"""Bytes of a page that the report can hold (see `viewer.page.EMBEDDED_LIMIT`)."""

_FILTERED = 20
"""Rows above which a page offers to filter them."""


def table_page(csv: bytes, *, name: str, title: str, caption: str, limit: int = LIMIT) -> str:
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
    limit : int, optional
        Bytes that the page may have: where all rows take more, the first are shown, and it says so.
    """
    shown = Shown.of(read_table(csv))
    packed = base64.b64encode(gzip.compress(csv, 9, mtime=0)).decode("ascii")
    count = len(shown.rows)
    while True:
        filled = page(
            "table.html",
            title=title,
            caption=Markup(caption),
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
