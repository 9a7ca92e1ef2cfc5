"""Adds to the site: pages from elsewhere in the repository, pages made from the code, and a finished demo."""

from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from reference import ROOT, commands_page, module_pages, settings_page
from site_links import ELSEWHERE, with_links_of_the_site

_DEMO = ROOT / "results/demo"
_MODULES = "modules"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put a page for each room of the package where the navigation has `modules`."""
    config.nav = [_with_modules(entry) for entry in config.nav or []]
    return config


def _with_modules(entry: object) -> object:
    if not isinstance(entry, dict):
        return entry
    ((title, value),) = entry.items()
    if value == _MODULES:
        return {title: [f"{_MODULES}/{page}.md" for page in module_pages()]}
    return {title: [_with_modules(one) for one in value]} if isinstance(value, list) else entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are no files of docs/, and what a finished demo shows."""
    pages = {name: (ROOT / path).read_text(encoding="utf-8") for path, name in ELSEWHERE.items()}
    pages |= {"settings.md": settings_page(), "commands.md": commands_page(), "example.md": _example_page()}
    pages |= {f"{_MODULES}/{name}.md": page for name, page in module_pages().items()}
    for name, page in pages.items():
        files.append(File.generated(config, name, content=page))
    for path in _shown_of_demo():
        files.append(File.generated(config, f"demo/{path.relative_to(_DEMO)}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site."""
    return with_links_of_the_site(markdown, page.file.src_uri)


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
