"""Captions of the report as HTML, as Snakemake renders them in it."""

from docutils.core import publish_parts
from jinja2 import Environment, StrictUndefined

_RENDERED = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "report_level": 5,  # a link that only the report can resolve stays as it is written
    "initial_header_level": 2,
}


def caption_html(caption: str, **names: object) -> str:
    r"""Render a caption: reStructuredText with Jinja in it.

    Parameters
    ----------
    caption : str
    **names : object
        What it may name: `snakemake`, as a script has it.

    Raises
    ------
    jinja2.UndefinedError
        If it names something else.

    Examples
    --------
    >>> caption_html("Dice of *{{ count }}* exams.", count=3)
    '<p>Dice of <em>3</em> exams.</p>\n'
    """
    # Blocks are trimmed as Snakemake does, or line breaks would differ from the report's.
    engine = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    text = engine.from_string(caption).render(**names)
    html: str = publish_parts(text, writer="html", settings_overrides=_RENDERED)["body"]
    return html
