"""A page in headless Chromium, driven from a thread of its own: Django's ORM shuns threads with an event loop."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

CHROMIUM = shutil.which("chromium")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


class Tab:
    """`do` calls something with the page, and gives what that gives."""

    def __init__(self, thread: ThreadPoolExecutor, page: Page) -> None:
        self._thread = thread
        self._page = page

    def do[T](self, work: Callable[[Page], T]) -> T:
        return self._thread.submit(work, self._page).result()


@contextmanager
def tab(url: str, *cookies: tuple[str, str]) -> Iterator[Tab]:
    """With these cookies, at this page."""
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("there is no chromium here; with CI=true there has to be")
    with ThreadPoolExecutor(1, "browser") as thread:
        playwright = thread.submit(sync_playwright().start).result()
        try:
            browser = thread.submit(launched, playwright).result()
            yield Tab(thread, thread.submit(opened, browser, url, cookies).result())
            thread.submit(browser.close).result()
        finally:
            thread.submit(playwright.stop).result()


def launched(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)


def opened(browser: Browser, url: str, cookies: tuple[tuple[str, str], ...]) -> Page:
    context = browser.new_context()
    for name, value in cookies:
        context.add_cookies([{"name": name, "value": value, "url": urljoin(url, "/")}])
    page = context.new_page()
    page.goto(url)
    return page
