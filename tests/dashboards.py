"""A real browser for tests and pictures of the dashboard: the system's Chromium, by playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NO_BROWSER = "no Chromium on PATH, or the package playwright is not installed"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def browser_path() -> str | None:
    """The system's Chromium; None without it or without playwright."""
    try:
        import playwright.sync_api  # noqa: F401 # pyright: ignore
    except ImportError:
        return None
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def signed_in(url: str, key: str, *, width: int, dark: bool, height: int = 900) -> Iterator[Any]:
    """A page of a browser that has signed in."""
    from playwright.sync_api import sync_playwright  # pyright: ignore

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        try:
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
            )
            page.goto(f"{url}/sign-in")
            page.get_by_label("Key").fill(key)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(f"{url}/")
            yield page
        finally:
            browser.close()
