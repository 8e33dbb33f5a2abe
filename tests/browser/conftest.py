"""A browser, a line to the running product that can be frozen, and screens on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.station import Screens, Site
from tests.browser.wire import Wire

#: Playwright's own, whose list ours replaces, and the two of Chromium's that make two more pages for each of ours: half of what
#: it takes to open one.
WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
FLAGS = (
    f"--disable-features={','.join(WITHOUT)}",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)

# What must be quick is said where it is asked; everything else may take as long as a busy machine needs.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest) -> Site:
    """``VIGIL_TEST_URL`` and ``VIGIL_TEST_SECRET`` name a product that runs already; without them one is started."""
    url = os.environ.get("VIGIL_TEST_URL")
    if url:
        running = Site(url.rstrip("/"), os.environ["VIGIL_TEST_SECRET"])
    else:
        product = request.getfixturevalue("product")
        running = Site(product.url.rstrip("/"), product.secret)
    running.set_policy("Test")
    return running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Not for the whole session: while Playwright runs, this thread has an event loop, and ``asyncio.run`` elsewhere fails."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, headless=True, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    address = urlsplit(site.url)
    line = Wire(address.hostname or "127.0.0.1", address.port or 80)
    yield line
    line.close()


@pytest.fixture
def screens(browser: Browser, site: Site, wire: Wire) -> Iterator[Screens]:
    """Every test ends with a look at what the pages complained about and where they asked."""
    held = Screens(browser, site, wire)
    yield held
    complaints = [text for _, station in held.opened for text in station.complaints]
    foreign = [url for _, station in held.opened for url in station.foreign]
    for context, _ in held.opened:
        context.close()
    assert complaints == []
    assert foreign == []
