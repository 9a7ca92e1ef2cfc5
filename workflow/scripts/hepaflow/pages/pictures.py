"""Figures as pages hold them: SVG, made lighter where that cannot be seen."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote

from PIL import Image

_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_PATH = re.compile(r'(?<= d=")[^"]*(?=")')
_LINE = re.compile(r"M [\d.\s-]+(?:L [\d.\s-]+)+z?\s*")
_QUALITY = 78
_OFF_THE_LINE = 0.02
"""Points (1/72 inch) by which a corner may miss the line between its neighbours to be none."""

_PLAIN = " /:;,=+-.()'!*@$_~?[]{}"
"""Signs that an address in quotes may hold as they are."""


@dataclass(frozen=True)
class Picture:
    """A figure of a page.

    Attributes
    ----------
    address : str
        The figure itself, as a data URI.
    words : str
        What it shows, for those who cannot see it.
    caption : str
        Stands below it.
    """

    address: str
    words: str
    caption: str

    @classmethod
    def of(cls, svg: bytes, words: str, caption: str) -> "Picture":
        """Take a figure from the content of its file."""
        text = " ".join(lighter(svg.decode("utf-8")).split("\n"))
        return cls(f"data:image/svg+xml,{quote(text, safe=_PLAIN)}", words, caption)


def lighter(svg: str) -> str:
    """Return a figure that is smaller and looks the same.

    Its slices are JPEG, of a white background where they are transparent, and its outlines have corners alone, in
    hundredths of a point.
    """
    return _PATH.sub(lambda path: _LINE.sub(_corners, path[0]), _PNG.sub(_as_jpeg, svg))


def _as_jpeg(found: re.Match[str]) -> str:
    with Image.open(io.BytesIO(base64.b64decode(found[1]))) as picture:
        opaque = picture.convert("RGBA")
    white = Image.new("RGBA", opaque.size, "white")
    colours = Image.alpha_composite(white, opaque).convert("RGB")
    grey = len({band.tobytes() for band in colours.split()}) == 1
    written = io.BytesIO()
    colours.convert("L" if grey else "RGB").save(written, "JPEG", quality=_QUALITY, optimize=True)
    jpeg = f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"
    return jpeg if len(jpeg) < len(found[0]) else found[0]


def _corners(found: re.Match[str]) -> str:
    """Return an outline without the points that lie on the line between their neighbours."""
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", found[0])]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    kept = [" ".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in point) for point in _without_flat(points)]
    return f"M{'L'.join(kept)}{'z' if found[0].rstrip().endswith('z') else ''} "


def _without_flat(points: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    last = points[0]
    yield last
    for point, following in pairwise(points[1:]):
        along, up = following[0] - last[0], following[1] - last[1]
        off = along * (point[1] - last[1]) - up * (point[0] - last[0])
        before = along * (point[0] - last[0]) + up * (point[1] - last[1])  # else the line turns back in it
        length = (along**2 + up**2) ** 0.5
        if abs(off) > _OFF_THE_LINE * length or not 0 <= before <= length**2:
            last = point
            yield point
    yield points[-1]
