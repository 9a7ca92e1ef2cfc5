"""Pages that are opened from disk, and what they ask for and complain about."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request


class Opened:
    """Opens files in a browser, and notes every request that leaves the page, every error and every dialog."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._pages: list[Page] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []

    def __call__(
        self,
        path: Path,
        size: tuple[int, int] = (1366, 768),
        fragment: str = "",
        beside: Collection[Path] = (),
        **options: Any,
    ) -> Page:
        """Open a file; it may lead to the files beside it that are named."""
        page = self._browser.new_page(viewport={"width": size[0], "height": size[1]}, **options)
        self._pages.append(page)
        own = {one.as_uri() for one in (path, *beside)}

        def note_request(request: Request) -> None:
            if request.url.partition("#")[0] not in own and not request.url.startswith(("data:", "blob:")):
                self.requests.append(request.url)

        def note_message(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.complaints.append(message.text)

        page.on("request", note_request)
        page.on("console", note_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        page.goto(path.as_uri() + fragment)
        return page

    def close(self) -> None:
        """Close the pages, which must not have asked for anything nor complained."""
        for page in self._pages:
            page.context.close()
        assert self.requests == []
        assert self.complaints == []
