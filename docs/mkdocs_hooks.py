"""What MkDocs asks while it builds the site: pages from elsewhere in the repository, and those made from the code.

Links are written for readers of the repository's files. Where the other file is a page of the site, the link leads
there; where it is none, its text stays.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import ROOT, commands_page, module_pages, settings_page

_ELSEWHERE = {
    "README.md": "index.md",
    "config/README.md": "configuration.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages that lie outside of docs/, by their path in the repository, and what they are called in the site."""

_DEMO = ROOT / "results/demo"
_MODULES = "modules"
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^()\s]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page for each room of the package where the navigation has `modules`."""
    config.nav = [_with_modules(entry) for entry in config.nav or []]
    return config


def _with_modules(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    ((title, value),) = entry.items()
    if value == _MODULES:
        return {title: [{room: f"{_MODULES}/{room}.md"} for room in module_pages()]}
    return {title: [_with_modules(one) for one in value]} if isinstance(value, list) else entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files of docs/, and what a finished demo shows."""
    for path, name in _ELSEWHERE.items():
        files.append(File.generated(config, name, content=(ROOT / path).read_text(encoding="utf-8")))
    pages = {"settings.md": settings_page(), "commands.md": commands_page(), "example.md": _example_page()}
    pages |= {f"{_MODULES}/{room}.md": page for room, page in module_pages().items()}
    for name, page in pages.items():
        files.append(File.generated(config, name, content=page))
    for path in _shown_of_demo():
        files.append(File.generated(config, f"demo/{path.relative_to(_DEMO)}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site."""
    sources = {name: path for path, name in _ELSEWHERE.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return "".join(_parts(markdown, source, page.file.src_uri))


def _parts(markdown: str, source: str, own: str) -> Iterator[str]:
    """Walk a page; what stands in blocks of code is left as it is."""
    for number, part in enumerate(re.split(r"^(```.*?^```)", markdown, flags=re.MULTILINE | re.DOTALL)):
        yield part if number % 2 else _LINK.sub(lambda link: _rewritten(link, source, own), part)


def _rewritten(link: re.Match[str], source: str, own: str) -> str:
    target, _, anchor = link["target"].partition("#")
    if not target or "://" in target or target.startswith("mailto:"):
        return link[0]
    path = normpath(PurePosixPath(source).parent / target)
    name = _ELSEWHERE.get(path) or (path.removeprefix("docs/") if path.startswith("docs/") else None)
    if name is None:
        return link["text"]
    address = relpath(name, PurePosixPath(own).parent)
    return f"{link['image']}[{link['text']}]({address}{'#' + anchor if anchor else ''})"


# The demo.


def _shown_of_demo() -> list[Path]:
    """Return the pages of a finished demo; none if there is none."""
    report = _DEMO / "report.html"
    return [report, *sorted(_DEMO.glob("viewer/*.html"))] if report.is_file() else []


def _example_page() -> str:
    lines = ["# Example of a run", ""]
    shown = _shown_of_demo()
    if not shown:
        missing = (
            "There was no finished demo when this site was built. `make demo`, and then `make docs`, puts its "
            "report and its viewers here."
        )
        return "\n".join([*lines, missing, ""])
    report, *viewers = (path.relative_to(_DEMO).as_posix() for path in shown)
    lines += [
        "These are pages of the demo, as a run writes them; each opens on its own, without a server. The exams "
        "are phantoms.",
        "",
        f"- [The report](demo/{report})",
        *(f"- [The viewer of {PurePosixPath(viewer).stem}](demo/{viewer})" for viewer in viewers),
    ]
    return "\n".join(lines) + "\n"
