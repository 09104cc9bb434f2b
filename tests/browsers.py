"""A browser for tests of pages, if there is one: Chromium or Chrome, driven by Playwright."""

import contextlib
import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb"),
)


def find_browser():
    """Return the program that the variable NG_TEST_BROWSER names, or that is on the path; None if there is none."""
    named = os.environ.get("NG_TEST_BROWSER")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


@contextlib.contextmanager
def open_browser():
    """Yield a browser without a window; skip the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = find_browser()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed, and NG_TEST_BROWSER names none")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        yield browser
        browser.close()


def describe_browser():
    """Say in one line whether tests of pages run."""
    program = find_browser()
    if program is None:
        return f"Not run: the tests of pages in a browser, as there is none of {', '.join(NAMES)}."
    return f"The tests of pages run in {program}."


if __name__ == "__main__":
    print(describe_browser())
