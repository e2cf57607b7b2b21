"""The machine's own browser, for tests that look at pages as a person would."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def opened(path: Path, **options: Any) -> Iterator[Any]:
    """Yield a page of playwright at a file; it fails where the page asks for anything else."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the extra browser is not installed"
    )
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("this machine has no Chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(**{"viewport": {"width": 1100, "height": 800}, **options})
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        page.on("console", lambda said: wrong.append(f"console: {said.text}"))
        page.on("request", lambda asked: wrong.append(asked.url) if asked.url.startswith("http")
                else None)  # fmt: skip
        page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
        page.goto(path.as_uri())
        try:
            yield page
        finally:
            browser.close()
        assert not wrong
