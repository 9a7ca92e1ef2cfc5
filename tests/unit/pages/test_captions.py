"""Captions as HTML."""

import pytest
from jinja2 import UndefinedError

from hepaflow.pages.captions import caption_html


def test_what_a_caption_does_not_know_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        caption_html("{{ snakemake.params.count }}", snakemake=object())


def test_blocks_of_their_own_line_leave_no_line() -> None:
    assert caption_html("One.\n{% if yes %}\nTwo.\n{% endif %}\nThree.", yes=True) == "<p>One.\nTwo.\nThree.</p>\n"


def test_a_caption_reads_no_file_and_holds_no_html() -> None:
    assert "root:" not in caption_html(".. include:: /etc/passwd\n\n.. raw:: html\n\n   <script>1</script>\n")
    assert "<script>" not in caption_html(".. raw:: html\n\n   <script>1</script>\n")


def test_a_link_that_only_the_report_knows_stays_readable() -> None:
    assert "1 Run" in caption_html("See `1 Run`_.")
