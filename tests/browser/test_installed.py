"""The page as an installed app: opened without a server it says so and keeps nothing; a silent screen is known to the server."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Response, expect

from tests.browser.conftest import FLAGS
from tests.browser.station import Screens, Site
from tests.browser.wire import Wire
from tests.product import eventually

pytestmark = pytest.mark.browser

CONTROLLED = "navigator.serviceWorker.ready.then(() => true)"
KEPT = """async () => {
    const found = [];
    for (const name of await caches.keys()) {
        for (const asked of await (await caches.open(name)).keys()) found.push(new URL(asked.url).pathname);
    }
    return found.sort();
}"""


def test_opened_without_a_server_it_says_so_and_nothing_of_a_patient_is_kept(
    screens: Screens, site: Site, wire: Wire
) -> None:
    patient_id, family = site.ill()
    station = screens.open()
    page = station.page
    assert page.evaluate(CONTROLLED)
    station.open_patient(patient_id)
    expect(page.locator(".patient-banner")).to_contain_text(family)
    assert page.evaluate(KEPT) == ["/favicon.svg", "/offline.css", "/offline.html"]
    wire.cut()
    page.reload()
    banner = page.get_by_role("heading", name="No connection to Vigil")
    expect(banner).to_be_visible()
    expect(page.locator("main")).to_contain_text("Nobody is watched on this screen")
    expect(page.get_by_role("heading", name="无法连接 Vigil")).to_be_visible()
    assert banner.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(196, 22, 28)"
    assert family not in page.content()
    wire.restore()  # and it comes back by itself
    expect(page.locator(".strip .data time")).to_be_visible(timeout=30_000)


def test_it_can_be_installed(screens: Screens) -> None:
    page = screens.open().page
    assert page.evaluate(CONTROLLED)
    told = page.context.new_cdp_session(page)
    manifest = told.send("Page.getAppManifest")
    assert (manifest["errors"], manifest["url"]) == ([], f"{screens.origin}/manifest.webmanifest")
    errors = told.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert [one["errorId"] for one in errors if one["errorId"] != "in-incognito"] == []


def heard(site: Site) -> dict[str, Any]:
    items = site.request("GET", "/screens", role="nurse")["items"]
    found: dict[str, Any] = next(one for one in items if one["ward"] == "Test")
    return found


def test_the_server_knows_that_a_screen_cannot_be_heard(browser: Browser, site: Site, wire: Wire) -> None:
    """A browser as people have it: it gives no sound to a page that nobody has touched."""
    site.ill()
    flags = [*FLAGS, "--autoplay-policy=document-user-activation-required"]
    strict = browser.browser_type.launch(executable_path=shutil.which("chromium"), headless=True, args=flags)
    screens = Screens(strict, site, wire)
    page, token = screens.blank().page, site.token("Li Na", "nurse")
    kept = {"token": token["access_token"], "role": "nurse", "name": "Li Na", "expiresAt": token["expires_at"]}
    page.add_init_script(f"sessionStorage.setItem('vigil.session', {json.dumps(json.dumps(kept))})")
    with page.expect_response(says(False)):  # nothing is asked of the page: each question of a test counts as a touch
        page.goto(screens.origin)
    assert heard(site)["silent"] >= 1
    with page.expect_response(says(True)):
        page.locator(".sound-off").click()
    assert heard(site)["audible"] >= 1
    strict.close()


def says(audible: bool) -> Callable[[Response], bool]:
    """The page has told the server this of itself."""
    return lambda one: (
        one.url.endswith("/screens/audible") and f'"audible":{str(audible).lower()}' in str(one.request.post_data)
    )


#: A phone: nobody looks at the page, and only its worker may show a notice.
PHONE = """
document.hasFocus = () => false;
globalThis.Notification = class { static permission = "granted"; constructor() { throw new TypeError("Illegal constructor"); } };
"""
SHOWN = "navigator.serviceWorker.ready.then(own => own.getNotifications()).then(all => all.map(one => [one.title, one.body]))"


def everything_taken(site: Site) -> bool:
    """False when something still called; what escalated meanwhile (409) is read again by the next question."""
    found = [
        one
        for one in site.request("GET", "/alerts?state=open", role="nurse")["items"]
        if one["handling"] == "unacknowledged"
    ]
    for one in found:
        with contextlib.suppress(httpx.HTTPStatusError):
            site.request("POST", f"/alerts/{one['id']}/acknowledge", {"version": one["version"]}, role="nurse")
    return not found


def test_on_a_phone_the_worker_shows_the_notice_and_takes_it_away(screens: Screens, site: Site) -> None:
    station = screens.open()
    page = station.page
    page.context.grant_permissions(["notifications"], origin=screens.origin)
    page.add_init_script(PHONE)
    page.reload()
    assert page.evaluate(CONTROLLED)
    site.ill("high")
    eventually(lambda: page.evaluate(SHOWN) == [["Vigil calls: open the work list", ""]], what="a notice")
    eventually(lambda: everything_taken(site) and page.evaluate(SHOWN) == [], what="its end")
