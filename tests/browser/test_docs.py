"""The API's description for people, at /docs."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser

from tests.browser.station import Site

pytestmark = pytest.mark.browser


def test_every_route_is_described_and_nothing_comes_from_outside(browser: Browser, site: Site) -> None:
    asked: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/docs")
    page.get_by_text("/api/v1/alerts/{alert_id}/acknowledge").click()
    page.get_by_text("command_id").first.wait_for()
    paths = httpx.get(f"{site.url}/openapi.json").json()["paths"]
    assert page.locator("details").count() == sum(len(methods) for methods in paths.values())
    page.close()
    assert asked
    assert all(url.startswith(site.url) for url in asked)
