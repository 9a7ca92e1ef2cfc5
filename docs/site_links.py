"""Links of the documents, as the site has them.

They are written for readers of the repository's files. If the other file is a page of the site, the link leads
there; if not, its text stays.
"""

import re
from pathlib import PurePosixPath
from posixpath import normpath, relpath

ELSEWHERE = {
    "README.md": "index.md",
    "config/README.md": "configuration.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages that lie outside of docs/, by their path in the repository, and what they are called in the site."""

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")
_CODE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)


def source_of(page: str) -> str:
    """Return the path in the repository of a page of the site."""
    return {name: path for path, name in ELSEWHERE.items()}.get(page, f"docs/{page}")


def with_links_of_the_site(markdown: str, page: str) -> str:
    """Let the links of a page lead to pages of the site; what stands in blocks of code is left as it is.

    Parameters
    ----------
    markdown : str
        The page as the repository has it.
    page : str
        What it is called in the site.
    """
    parts = _CODE.split(markdown)
    return "".join(part if number % 2 else _rewritten(part, page) for number, part in enumerate(parts))


def _rewritten(text: str, page: str) -> str:
    folder = PurePosixPath(source_of(page)).parent

    def of_the_site(link: re.Match[str]) -> str:
        target, _, anchor = link["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return link[0]
        path = normpath(folder / target)
        name = ELSEWHERE.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
        if name is None:
            return link["text"]
        address = relpath(name, PurePosixPath(page).parent)
        return f"{link['image']}[{link['text']}]({address}{'#' if anchor else ''}{anchor})"

    return _LINK.sub(of_the_site, text)
