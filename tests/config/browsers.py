"""A page in headless Chromium, driven from a thread of its own: Django's ORM shuns threads with an event loop."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Dialog, Page, Playwright, Request, sync_playwright

CHROMIUM = shutil.which("chromium")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
WIDE, NARROW = (1440, 900), (375, 800)
TIMEOUT_MS = 30_000

Cookie = tuple[str, str]


class Tab:
    """`do` calls something with the page, and gives what that gives.

    `complaints`: what went wrong in the page or was refused there, each dialog, and each request to a stranger.
    """

    def __init__(self, thread: ThreadPoolExecutor, page: Page) -> None:
        self._thread = thread
        self._page = page
        self.complaints: list[str] = []
        self.do(self._listen)

    def do[T](self, work: Callable[[Page], T]) -> T:
        return self._thread.submit(work, self._page).result()

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._hear)
        page.on("dialog", self._dismiss)
        page.on("request", partial(self._look, urlsplit(page.url).netloc))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(f"console: {said.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _look(self, home: str, asked: Request) -> None:
        address = urlsplit(asked.url)
        if address.scheme.startswith("http") and address.netloc != home:
            self.complaints.append(f"request: {asked.url}")


@contextmanager
def tab(
    url: str, *cookies: Cookie, size: tuple[int, int] = WIDE, scripts: bool = True, dark: bool = False
) -> Iterator[Tab]:
    """With these cookies, at this page; `size` in pixels."""
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("there is no chromium here; with CI=true there has to be")
    options = {
        "viewport": {"width": size[0], "height": size[1]},
        "java_script_enabled": scripts,
        "color_scheme": "dark" if dark else "light",
    }
    with ThreadPoolExecutor(1, "browser") as thread:
        playwright = thread.submit(sync_playwright().start).result()
        try:
            page = thread.submit(opened, playwright, url, cookies, options).result()
            yield Tab(thread, page)
        finally:
            thread.submit(playwright.stop).result()


def opened(playwright: Playwright, url: str, cookies: tuple[Cookie, ...], options: dict[str, Any]) -> Page:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
    context = browser.new_context(**options)
    context.set_default_timeout(TIMEOUT_MS)
    for name, value in cookies:
        context.add_cookies([{"name": name, "value": value, "url": urljoin(url, "/")}])
    page = context.new_page()
    page.goto(url)
    return page
