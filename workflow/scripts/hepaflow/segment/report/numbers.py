"""How volumes, shares and notes are written for people."""

from hepaflow.words import heading, number


def ml_in_words(ml: float) -> str:
    """Return millilitres in as many digits as a measurement deserves.

    Examples
    --------
    >>> ml_in_words(1526.14), ml_in_words(12.34), ml_in_words(0.1234)
    ('1526', '12.3', '0.12')
    """
    return f"{ml:.0f}" if ml >= 100 else f"{ml:.1f}" if ml >= 1 else f"{ml:.2f}"


def percent_in_html(percent: float | None) -> str:
    """Return a percentage with one decimal, as HTML; of what is there but rounds to nothing, that it is less.

    Examples
    --------
    >>> percent_in_html(12.34), percent_in_html(0), percent_in_html(0.04), percent_in_html(None)
    ('12.3 %', '0.0 %', '&lt; 0.1 %', '–')
    """
    if percent is None:
        return "–"
    return "&lt; 0.1 %" if 0 < percent < 0.05 else f"{number(percent, 1)} %"


def sentence(text: str) -> str:
    """Return a note as a sentence; a question keeps its mark.

    Examples
    --------
    >>> sentence("no liver was found"), sentence("is the image in HU?")
    ('No liver was found.', 'Is the image in HU?')
    """
    return heading(text) + ("" if text.endswith((".", "?", "!")) else ".")


def volume_in_html(ml: float | None, voxels: int) -> str:
    """Return a volume with its unit, as HTML; in voxels where millimetres are not to be trusted."""
    if ml is None:
        return f"{voxels:,} <small>voxels</small>".replace(",", " ")
    return f"{ml_in_words(ml)} <small>ml</small>"
