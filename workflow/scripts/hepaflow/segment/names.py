"""What exams are called: names of folders that file systems take and that lead nowhere."""

import re
from hashlib import sha256

from hepaflow.volumes.nifti_name import stem

_LONGEST = 80
_MOST_BYTES = 120
"""Of a name: file systems end at 255, encrypted ones at 143, and Chinese characters take three."""

_IMAGE = ".image"
"""End of the names of images that have their label beside them, as phantoms do."""


def exam_name(name: str) -> str:
    """Return what the exam in a file or folder is called: its name without what only tells the kind of file.

    Examples
    --------
    >>> exam_name("a.nii.gz"), exam_name("phantom-10.image.nii.gz"), exam_name("CT.image")
    ('a', 'phantom-10', 'CT.image')
    """
    own = stem(name)
    if own is None:
        return name
    return own.removesuffix(_IMAGE) or own


def as_name(text: str) -> str:
    """Return a text as the name of a folder: letters, digits and a few signs, and never a way to elsewhere.

    Examples
    --------
    >>> as_name("../CT Abdomen: portal/"), as_name("..")
    ('CT_Abdomen_portal', 'exam')
    """
    return re.sub(r"[^\w.-]+", "_", text).strip("._-") or "exam"


def shortened(name: str) -> str:
    """Return a name as long as file systems take it: of a longer one the beginning, and a digest of the whole.

    Examples
    --------
    >>> shortened("ct"), shortened(79 * "a" + "bc") == 71 * "a" + "-8978687b"
    ('ct', True)
    """
    if len(name) <= _LONGEST and len(name.encode()) <= _MOST_BYTES:
        return name
    end = f"-{sha256(name.encode()).hexdigest()[:8]}"
    begin = name[: _LONGEST - len(end)].encode()[: _MOST_BYTES - len(end)].decode(errors="ignore")
    return begin.strip("._-") + end
