"""The results in a folder, read again from what stands beside every exam's page."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hepaflow.model.origin import UNRECORDED, Origin
from hepaflow.segment.output import PAGE, THUMBNAIL
from hepaflow.segment.result_folder import MEASUREMENTS

_NEEDED = {"liver_voxels", "lesion_voxels", "liver_ml", "lesion_ml", "tumour_burden_percent", "lesions"}
_OF_A_LESION = {
    "number", "voxels", "ml", "diameter_mm", "slice", "instance_number", "voxel", "position_lps_mm",
    "disagreement_percent",
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """One exam's result.

    Attributes
    ----------
    name : str
        Of its folder.
    told : mapping
        Its measurements, as the file of them holds them.
    page : str
        Name of its page; empty where it has none.
    picture : bytes
        A slice in small, WebP; empty where it has none.
    """

    name: str
    told: Mapping[str, Any]
    page: str = ""
    picture: bytes = b""

    def at(self, *keys: str) -> Any:
        """Return what the measurements hold at a path of keys; None where they hold nothing there."""
        place: Any = self.told
        for key in keys:
            place = place.get(key) if isinstance(place, Mapping) else None
        return place

    @property
    def notes(self) -> list[str]:
        """What gives reason to doubt the result, and what is odd about the exam."""
        return [str(note) for key in ("warnings", "exam_warnings") for note in self.at(key) or ()]

    @property
    def longest_mm(self) -> float | None:
        """The longest diameter of a lesion; None without one, and where millimetres are not to be trusted."""
        return max(
            (one["diameter_mm"] for one in self.at("lesions") if one["diameter_mm"] is not None), default=None
        )

    @property
    def model(self) -> str:
        """What tells its model from others; empty where nobody has said it."""
        return str(self.at("model", "model") or "")

    @property
    def origin(self) -> str:
        """What its model was made from, in words."""
        return str(self.at("model_origin", "in_words") or UNRECORDED)

    @property
    def of_simple_phantoms(self) -> bool:
        """Whether its model has seen a few simple phantoms alone."""
        try:
            return Origin.of_json(json.dumps(self.at("model_origin"))).of_simple_phantoms
        except (ValueError, KeyError, TypeError):  # nobody has recorded it
            return False


@dataclass(frozen=True)
class Results:
    """What a folder for results holds.

    Attributes
    ----------
    found : tuple of Result
        In the order of their names, `exam-2` before `exam-10`.
    unread : dict of str to str
        Folders whose measurements cannot be read, and why.
    """

    found: tuple[Result, ...]
    unread: dict[str, str]


def read_results(folder: Path) -> Results:
    """Read all results in a folder."""
    found, unread = [], {}
    for own in sorted(folder.iterdir(), key=lambda path: (_natural(path.name), path.name)):
        if own.name.startswith(".") or own.is_symlink() or not own.name.isprintable():
            continue
        try:
            told = json.loads((own / MEASUREMENTS).read_text(encoding="utf-8"))
            picture = (own / THUMBNAIL).read_bytes() if (own / THUMBNAIL).is_file() else b""
            page = PAGE if (own / PAGE).is_file() else ""
        except (FileNotFoundError, NotADirectoryError):  # no result, and no folder
            continue
        except OSError as error:
            unread[own.name] = f"cannot be read ({error.strerror})"
        except ValueError:
            unread[own.name] = f"{MEASUREMENTS} is damaged"
        else:
            if _is_whole(told):
                found.append(Result(own.name, told, page, picture))
            else:
                unread[own.name] = f"{MEASUREMENTS} is of another program, or of an earlier version"
    return Results(tuple(found), unread)


def _is_whole(told: Any) -> bool:
    """Tell whether a file holds what the overview needs; another program's file may have its name."""
    if not isinstance(told, Mapping) or not told.keys() >= _NEEDED or not isinstance(told["lesions"], list):
        return False
    return all(isinstance(one, Mapping) and one.keys() >= _OF_A_LESION for one in told["lesions"])


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", name)]
