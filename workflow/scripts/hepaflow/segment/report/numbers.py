"""How volumes are written for people."""


def ml_in_words(ml: float) -> str:
    """Return millilitres in as many digits as a measurement deserves.

    Examples
    --------
    >>> ml_in_words(1526.14), ml_in_words(12.34), ml_in_words(0.1234)
    ('1526', '12.3', '0.12')
    """
    return f"{ml:.0f}" if ml >= 100 else f"{ml:.1f}" if ml >= 1 else f"{ml:.2f}"


def volume_in_html(ml: float | None, voxels: int) -> str:
    """Return a volume with its unit, as HTML; in voxels where millimetres are not to be trusted."""
    if ml is None:
        return f"{voxels:,} <small>voxels</small>".replace(",", " ")
    return f"{ml_in_words(ml)} <small>ml</small>"
