"""Figures as pages hold them: SVG, made lighter where that cannot be seen."""

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from PIL import Image

_PNG = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_PATH = re.compile(r'(?<= d=")[^"]*(?=")')
_LINE = re.compile(r"M [\d.\s-]+(?:L [\d.\s-]+)+z?\s*")
_QUALITY = 78
_OFF_THE_LINE = 0.02
"""Points (1/72 inch) by which a corner may miss the line between its neighbours to be none."""

_LONGEST = 1.3
"""Height by width above which a figure is cut into parts, as an A4 page is 1.41 with its margins."""

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_ASCENT = 14
"""Points above the foot of a line within which it lies."""

_PLAIN = " /:;,=+-.()'!*@$_~?[]{}"
"""Signs that an address in quotes may hold as they are."""


@dataclass(frozen=True)
class Picture:
    """A figure of a page.

    Attributes
    ----------
    addresses : list of str
        The figure itself, as data URIs: the parts of one that is longer than a page of paper, from top to bottom.
    words : str
        What it shows, for those who cannot see it.
    caption : str
        Stands below it.
    """

    addresses: list[str]
    words: str
    caption: str

    @classmethod
    def of(cls, svg: bytes, words: str, caption: str) -> "Picture":
        """Take a figure from the content of its file."""
        text = " ".join(lighter(svg.decode("utf-8")).split("\n"))
        return cls([f"data:image/svg+xml,{quote(one, safe=_PLAIN)}" for one in parts(text)], words, caption)


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


def parts(svg: str) -> list[str]:
    """Cut a figure that is longer than a page, above lines of text that stand beside no panel.

    Parameters
    ----------
    svg : str
        As matplotlib writes it.

    Returns
    -------
    list of str
        Figures of the same width that show the whole one below each other. The figure itself where it is short,
        has no such place, or where one part draws what another defines.
    """
    for prefix, address in (("", _SVG[1:-1]), ("xlink", _LINK[1 : _LINK.index("}")])):
        ElementTree.register_namespace(prefix, address)
    root = ElementTree.fromstring(svg)
    view = [float(number) for number in root.get("viewBox", "").split()]
    figure = root.find(f"{_SVG}g")
    if len(view) != 4 or figure is None or view[3] <= _LONGEST * view[2]:
        return [svg]
    panels = [one for one in figure if one.get("id", "").startswith("axes")]
    texts = [one for one in figure if one.get("id", "").startswith("text")]
    if len(panels) + len(texts) + 1 != len(figure):  # besides the background
        return [svg]
    above = min(map(_top, panels), default=view[3])
    starts = [0.0, *sorted({top for top in map(_top, texts) if top > above}), view[3]]
    cut = [
        _part(root, view[2], start, stop, [one for one in (*texts, *panels) if start <= _top(one) < stop])
        for start, stop in pairwise(starts)
    ]
    whole = len(cut) == 1 or any(one is None for one in cut)
    return [svg] if whole else [one for one in cut if one is not None]


def _top(group: Element) -> float:
    """Return where a text or a panel begins, from above."""
    if group.get("id", "").startswith("text"):
        found = next(group.iter(f"{_SVG}text"))
        return float(found.get("y", "0")) - _ASCENT
    corners = next(group.iter(f"{_SVG}path")).get("d", "")
    return min(float(number) for number in re.findall(r"[ML] ?-?[\d.]+ (-?[\d.]+)", corners))


def _part(root: Element, width: float, start: float, stop: float, groups: list[Element]) -> str | None:
    """Return some groups of a figure as a figure; None if they draw what another defines."""
    part = Element(root.tag, dict(root.attrib) | {
        "height": f"{stop - start:g}pt", "viewBox": f"0 {start:g} {width:g} {stop - start:g}",
    })  # fmt: skip
    part.extend([*root.findall(f"{_SVG}defs"), *groups])
    defined = {one.get("id") for one in part.iter()}
    for one in part.iter():
        wanted = {
            value.removeprefix("#") for name, value in one.items() if name == _LINK and value.startswith("#")
        }
        wanted |= {name for value in one.attrib.values() for name in _REFERENCE.findall(value)}
        if wanted - defined:
            return None
    return ElementTree.tostring(part, encoding="unicode")
