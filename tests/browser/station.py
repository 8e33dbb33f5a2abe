"""The page as a nurse meets it, in Debian's Chromium, and the people on the ward, entered through the real API."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.browser.wire import Wire
from tests.e2e.publishers import Device
from tests.product import eventually

#: Answers with these codes and lines that a test cuts are part of it; Chromium writes a console line for each (the second: the
#: service worker's own script, asked for while the line is cut).
EXPECTED = re.compile(
    r"Failed to load resource: (the server responded with a status of (401|403|409|422)|net::ERR_)"
    r"|An unknown error occurred when fetching the script\."
)

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}

#: Who is entered by hand in these tests is called for at once: the page is tried here, not the delays of the starting policy.
AT_ONCE: dict[str, Any] = {
    "news2_delay_s": {"high": 0, "medium": 0, "low": 0},
    "limit": [
        {"vital": "bp_sys", "side": "low", "limit": 91, "delay_s": 0, "severe": 75},
        {"vital": "body_temp", "side": "high", "limit": 39, "delay_s": 0, "severe": 41},
    ],
}

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_numbers = itertools.count(1)


@dataclass
class Site:
    """A running product: its address and the access key of its first run. Each name is logged in once."""

    url: str
    secret: str
    _tokens: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def token(self, name: str, role: str) -> dict[str, str]:
        if (name, role) not in self._tokens:
            body = {"secret": self.secret, "role": role, "name": name}
            answer = httpx.post(f"{self.url}/api/v1/auth/token", json=body, timeout=10)
            answer.raise_for_status()
            self._tokens[name, role] = answer.json()
        return self._tokens[name, role]

    def request(
        self, method: str, path: str, body: Any = None, *, name: str = "Ward office", role: str = "admin"
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token(name, role)['access_token']}"}
        answer = httpx.request(method, f"{self.url}/api/v1{path}", json=body, headers=headers, timeout=20)
        answer.raise_for_status()
        return answer.json()

    def set_policy(self, ward: str, **more: Any) -> None:
        """``AT_ONCE`` and more for a ward of these tests."""
        document = {"document": {**AT_ONCE, **more}, "reason": "the page is tried"}
        self.request("PUT", f"/policies/wards/{ward}", document)

    def set_team(self, *people: str, ward: str = "Test", **more: Any) -> None:
        """A team whose first member is on call all week; everybody is called next."""
        document = {
            "id": f"{ward}-nurses",
            "ward": ward,
            "timezone": "Europe/Berlin",
            "member": [{"id": one, "name": f"{one} of {ward}", "channels": ["app"]} for one in people],
            "shift": [{"days": list(DAYS), "from": "08:00", "to": "08:00", "person": people[0]}],
            **more,
        }
        self.request("PUT", "/teams", {"team": document, "reason": "the page is tried"})

    def admit(self, family: str, given: str = "Test", patient_id: str | None = None, ward: str = "Test") -> str:
        """A new demo patient; returns the id."""
        body = {"family": family, "given": given, "born": "1948-03-03", "sex": "female", "ward": ward, "demo": True}
        body |= {"id": patient_id} if patient_id else {}
        return str(self.request("POST", "/patients", body)["id"])

    def enter(self, patient_id: str, **values: float | str) -> None:
        """Values measured by hand, stored through the product's ordinary door."""
        entries = [{"vital": vital, "value": value} for vital, value in values.items()]
        self.request("POST", f"/patients/{patient_id}/observations", {"values": entries}, role="nurse")

    def wears(self, patient_id: str, device_id: str, model: str) -> Device:
        """A new device that the patient has worn for years, ready to publish."""
        mqtt = self.request("POST", "/devices", {"id": device_id, "model": model})["mqtt"]
        since = {"patient_id": patient_id, "start_at": "2020-01-01T00:00:00Z"}
        self.request("POST", f"/devices/{device_id}/binding", since)
        return Device(device_id, patient_id, mqtt["host"], mqtt["port"], mqtt["password"])

    def ill(self, priority: str = "medium") -> tuple[str, str]:
        """A new patient with one open alert of a low systolic pressure; returns (id, family name)."""
        family = f"Testperson{next(_numbers)}"
        patient_id = self.admit(family)
        self.enter(patient_id, bp_sys=70 if priority == "high" else 85)
        return patient_id, family

    def alert_that_comes(self, patient_id: str, rule: str = "limit.bp_sys.low") -> dict[str, Any]:
        """The patient's open alert of this rule, as soon as the value is judged."""

        def found() -> list[dict[str, Any]]:
            return [one for one in self.open_alerts(patient_id) if one["rule"] == rule]

        return eventually(found, what=rule)[0]

    def open_alerts(self, patient_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.request("GET", f"/patients/{patient_id}/alerts?state=open", role="nurse")[
            "items"
        ]
        return found

    def notices(self, alert_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.request("GET", f"/alerts/{alert_id}/deliveries", role="nurse")["items"]
        return found


@dataclass
class Station:
    """One screen. ``complaints`` must be empty at the end: script errors, blocked content, console errors."""

    page: Page
    complaints: list[str]
    foreign: list[str]

    def line(self, alert_id: str) -> Locator:
        return self.page.locator(f'.alert-line[data-alert="{alert_id}"]')

    def change(self, alert: dict[str, Any]) -> None:
        """The page takes the alert as if the server had sent it, and again after each snapshot, which knows nothing of it."""
        self.page.evaluate(
            """async alert => {
                const { applyAlert } = await import(new URL("page/ward.js", location.origin));
                globalThis.said ??= new Map();
                if (!said.size) setInterval(() => said.forEach(applyAlert), 200);
                said.set(alert.id, alert);
                applyAlert(alert);
            }""",
            alert,
        )

    def row(self, patient_id: str) -> Locator:
        return self.page.locator(f'.main-lane .row[data-patient="{patient_id}"]')

    def wait_for_row(self, patient_id: str) -> Locator:
        """The row is there; when the list is held still, new alerts are shown by their button."""
        row = self.row(patient_id)
        for _ in range(10):
            expect(row.or_(self.page.locator(".main-lane .new-band .new")).first).to_be_visible(timeout=15_000)
            if row.count():
                break
            self.page.keyboard.press("n")
        expect(row).to_be_visible(timeout=15_000)
        row.hover()  # holds the list still
        expect(self.page.locator('.main-lane .rows[aria-busy="true"]')).to_have_count(0)
        return row

    def view(self, name: str) -> None:
        link = self.page.locator(f'.main-bar a[href="#/{name}"]')
        link.click()
        expect(link).to_have_attribute("aria-current", "page")

    def open_patient(self, patient_id: str) -> None:
        self.page.evaluate("id => { location.hash = `#/patient/${id}` }", patient_id)
        expect(self.page.locator(".patient-banner")).to_be_visible()

    def show(self, alert_id: str) -> Locator:
        """The card of this alert, whichever of its row it is."""
        self.page.evaluate("id => { location.hash = `#/worklist/${id}` }", alert_id)
        card = self.page.locator(".card-side .alert-card")
        expect(card).to_be_visible()
        return card

    def open_card(self, patient_id: str) -> Locator:
        self.wait_for_row(patient_id).locator(".who").click()
        card = self.page.locator(".card-side .alert-card")
        expect(card).to_be_visible()
        return card


def _listen(page: Page, origin: str) -> Station:
    station = Station(page, [], [])

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not EXPECTED.match(message.text):
            station.complaints.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((origin, "data:", "blob:")):
            station.foreign.append(request.url)

    page.on("console", said)
    page.on("pageerror", lambda error: station.complaints.append(str(error)))
    page.on("request", asked)
    return station


class Screens:
    """Opens screens on one product; each in a browser context of its own."""

    def __init__(self, browser: Browser, site: Site, wire: Wire) -> None:
        self._browser, self._site, self._origin = browser, site, f"http://127.0.0.1:{wire.port}"
        self.opened: list[tuple[BrowserContext, Station]] = []

    def blank(self, **options: Any) -> Station:
        """A screen where nobody has logged in; nothing is loaded yet."""
        options = {"viewport": DESKTOP, "locale": "en-GB", "timezone_id": "Europe/London", **options}
        context = self._browser.new_context(**options)
        station = _listen(context.new_page(), self._origin)
        self.opened.append((context, station))
        return station

    def open(self, *, name: str = "Li Na", role: str = "nurse", lang: str = "en", **options: Any) -> Station:
        station = self.blank(**options)
        token = self._site.token(name, role)
        kept = {"token": token["access_token"], "role": role, "name": name, "expiresAt": token["expires_at"]}
        preferences = json.dumps(json.dumps({"lang": lang}))
        station.page.add_init_script(
            f"sessionStorage.setItem('vigil.session', {json.dumps(json.dumps(kept))});"
            f"if (!localStorage.getItem('vigil.preferences')) localStorage.setItem('vigil.preferences', {preferences});"
        )
        station.page.goto(f"{self._origin}/")
        expect(station.page.locator(".strip .data time")).to_be_visible(timeout=15_000)
        return station

    @property
    def origin(self) -> str:
        return self._origin
