"""A real browser for tests: how it is started, and what it saw and complained about."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Request,
    Response,
    StorageState,
    sync_playwright,
)
from playwright.sync_api import Page as Tab

from tests import chromium

PHONE: Final = (390, 844)
DESK: Final = (1366, 768)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start it for a while, without a screen."""
    found = chromium.program()
    assert found is not None, chromium.MISSING
    with sync_playwright() as driver:
        # Root, as in a container, has no sandbox; a small /dev/shm is no reason to crash.
        started = driver.chromium.launch(
            executable_path=found,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        try:
            yield started
        finally:
            started.close()


class Eyes:
    """One tab, in a session of its own, that remembers what went over the line and went wrong.

    complaints: errors and warnings of the console, broken rules of the policy among them.
    hosts: everybody who was asked for anything. state: cookies of another session to begin with.
    """

    def __init__(
        self,
        browser: Browser,
        size: tuple[int, int] = PHONE,
        *,
        locale: str = "vi-VN",
        state: StorageState | None = None,
    ) -> None:
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self._answers: list[Response] = []
        width, height = size
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, storage_state=state
        )
        self.tab: Tab = self.context.new_page()
        self.tab.on("console", self._heard)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", self._asked)
        self.tab.on("response", self._came)

    def text(self) -> str:
        """What is to be read in the middle of the page, blanks folded."""
        return " ".join(self.tab.inner_text("#main").split())

    def weight(self) -> int:
        """Bytes that have come so far, each answer gzipped."""
        return sum(len(gzip.compress(answer.body(), 6)) for answer in self._answers if answer.ok)

    def close(self) -> None:
        """Forget the session."""
        self.context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https"):
            self.hosts.add(parts.netloc)

    def _came(self, answer: Response) -> None:
        self._answers.append(answer)
