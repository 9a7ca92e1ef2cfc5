"""Names of NIfTI files."""

SUFFIXES = (".nii.gz", ".nii")


def stem(name: str) -> str | None:
    """Return a file's name without the suffix of NIfTI, in whatever case it is; None where it has none.

    Examples
    --------
    >>> stem("a.nii.gz"), stem("B.NII"), stem("a.nii.txt")
    ('a', 'B', None)
    """
    return next((name[: -len(suffix)] for suffix in SUFFIXES if name.lower().endswith(suffix)), None)
