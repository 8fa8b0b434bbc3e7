"""A served workbench, and a browser, for each worker's whole run."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from holdfast.serving.people import COOKIE
from tests import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.serving import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session", autouse=True)
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An account of these tests' own."""
    with serving.account(tmp_path_factory.mktemp("home")):
        yield


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with the fake bank's case, to be copied."""
    return serving.bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="session")
def workbench(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served workbench for tests that only read."""
    vault = tmp_path_factory.mktemp("read") / "vault"
    shutil.copytree(bank, vault)
    with serving.served(vault) as one:
        yield one


@pytest.fixture
def fresh_workbench(bank: Path, tmp_path: Path) -> Iterator[Served]:
    """A served workbench of the test's own."""
    shutil.copytree(bank, tmp_path / "vault")
    with serving.served(tmp_path / "vault", "localhost") as one:
        yield one


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; ./dev test installs it as root")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a tab, signed in: `tab(workbench, "lena", "/cases/…", java_script_enabled=False)`."""
    contexts = []

    def open_tab(served: Served, name: str, path: str = "/", **options: Any) -> Page:
        context = browser.new_context(base_url=served.url, locale="en-GB", **options)
        contexts.append(context)
        if name:
            context.add_cookies([{"name": COOKIE, "value": served.secret(name), "url": served.url}])
        page = context.new_page()
        page.goto(path)
        return page

    yield open_tab
    for context in contexts:
        context.close()
