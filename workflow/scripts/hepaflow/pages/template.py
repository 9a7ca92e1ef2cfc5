"""The template of the pages: HTML, style and script lie beside this module, and end in one file."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_FOLDER = Path(__file__).parent


@cache
def _engine() -> Environment:
    engine = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    for name in ("page.css", "page.js"):
        engine.globals[name.replace(".", "_")] = (_FOLDER / name).read_text(encoding="utf-8")
    return engine


def page(template: str, **names: object) -> str:
    """Fill in a template of this folder; text is escaped.

    Parameters
    ----------
    template : str
        `table.html` or `summary.html`; both are in `page.html`.
    **names : object
        What it names.
    """
    return _engine().get_template(template).render(**names)
