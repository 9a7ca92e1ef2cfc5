"""The templates of web pages: HTML, style and scripts lie beside the modules that use them; a page is one file."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hepaflow.colours import COLOURS

_PACKAGE = Path(__file__).parents[1]


@cache
def _engine(room: str) -> Environment:
    engine = Environment(
        loader=FileSystemLoader([_PACKAGE / room, _PACKAGE / "web"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    engine.globals.update(colours=COLOURS, script="")
    engine.filters.update(pieces=pieces)
    return engine


def page(room: str, template: str, **names: object) -> str:
    """Fill in a template; text is escaped, but for what the template marks as safe.

    Parameters
    ----------
    room : str
        Folder of the package in which the template lies: `segment/report`, say. It extends `base.html` or, if it
        is a text to be read from top to bottom, `document.html`, and has its style in `page.css`.
    template : str
    **names : object
        What it names. `title` is the page's; `script` its scripts, without which it can run none.
    """
    return _engine(room).get_template(template).render(**names)


def file(room: str, name: str) -> str:
    """Return a file of a page, such as a script, which lies in a folder of the package."""
    return (_PACKAGE / room / name).read_text(encoding="utf-8")


def pieces(text: str) -> list[str]:
    """Return the pieces of a text between which a line may end: behind signs within a name.

    Examples
    --------
    >>> pieces("methods.modern.epochs"), pieces("0.25 of a/b")
    (['methods.', 'modern.', 'epochs'], ['0.25 of a/', 'b'])
    """
    return re.split(r"(?<=[^\W\d][._/])(?=\w)|(?<=\w[._/])(?=[^\W\d])", text)
