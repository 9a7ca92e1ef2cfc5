"""How names, counts, times and numbers are written for people: in tables, pages, figures and on the screen."""

from collections.abc import Mapping

IN_WORDS: Mapping[str, str] = {"liver": "liver", "lesion": "lesions"}
"""What structures are called in sentences."""

_MINUTE, _HOUR = 60, 3600


def structure_in_words(name: str) -> str:
    """Return what a structure is called in a sentence; another name as it is."""
    return IN_WORDS.get(name, name)


def heading(text: str) -> str:
    """Return a text as a heading begins: with a capital letter, and else as it is.

    Examples
    --------
    >>> heading("lesions"), heading("the fusion of CT")
    ('Lesions', 'The fusion of CT')
    """
    return text[:1].upper() + text[1:]


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun.

    Parameters
    ----------
    count : int
    noun : str
        Of one.
    plural : str, optional
        Of several, where it is not the noun with an s.

    Examples
    --------
    >>> counted(1, "epoch"), counted(0, "exam"), counted(2, "mini-batch", "mini-batches")
    ('1 epoch', '0 exams', '2 mini-batches')
    """
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return a time in the unit that fits: seconds, minutes or hours, in two digits at least.

    Examples
    --------
    >>> duration(0.34), duration(60.5), duration(619.2), duration(9000), duration(360000)
    ('0.3 s', '60 s', '10 min', '2.5 h', '100 h')
    """
    if seconds < 9.95:
        return f"{seconds:z.1f} s"
    if seconds < 100 * _MINUTE:
        return f"{seconds:.0f} s" if seconds < 99.5 else _two_digits(seconds / _MINUTE, "min")
    return _two_digits(seconds / _HOUR, "h")


def _two_digits(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def number(value: float, decimals: int) -> str:
    """Return a number with its decimals; a zero has no sign, however it was rounded to.

    Examples
    --------
    >>> number(0.12345, 4), number(-0.0004, 3)
    ('0.1235', '0.000')
    """
    return f"{value:z.{decimals}f}"


def signed(value: float, decimals: int) -> str:
    """Return a difference: with its sign, but for one that is rounded to zero.

    Examples
    --------
    >>> signed(0.12345, 4), signed(-0.5, 1), signed(-0.0004, 3), signed(0.0004, 3)
    ('+0.1235', '-0.5', '0.000', '0.000')
    """
    text = number(value, decimals)
    return f"+{text}" if value > 0 and float(text) else text
