"""Whether exams are those of LiTS17, of which the thesis reports its figures."""

import re
from collections.abc import Iterable
from pathlib import PurePath

_IMAGE = re.compile(r"(volume-|liver_)\d{1,3}\.nii(\.gz)?")
"""What LiTS17 calls its images, and what the Medical Segmentation Decathlon calls its copies of them (Task03)."""


def are_lits17(images: Iterable[str]) -> bool:
    """Return whether exams are LiTS17's, by the names of their images; others' exams have other names.

    Parameters
    ----------
    images : iterable of str
        Paths, as an exam sheet has them.

    Examples
    --------
    >>> are_lits17(["a/volume-0.nii", "b/volume-130.nii.gz"]), are_lits17(["volume-0.nii", "mine.nii"])
    (True, False)
    """
    names = [PurePath(image).name for image in images]
    return bool(names) and all(map(_IMAGE.fullmatch, names))
