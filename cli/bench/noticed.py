"""``vigil bench noticed``: somebody of the simulated ward gets worse; when each link of the chain up to the nurse's ear knew."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from api.auth import Role
from cli.bench.ingestion.site import Site, open_site
from cli.bench.page_browser import browser, page_of
from cli.demo_token import token
from vigil.domain.errors import ServerUnreachable
from vigil.domain.times import SECOND, from_iso, to_iso
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Of the simulated ward: breathing fails, from well to ill within ten minutes of that life.
WHO = "demo-0004"
#: Colleagues look for what else calls, and take it, this often: else the ward would sound already.
_ROUND_S = 0.5
#: The tone and the tile may come so long after the alert: tiles change places at most once in 10 s.
_SHOWN_S = 30.0
#: Notes as they are put on the audio clock: pitch, and when each will sound (ms since 1970).
LISTEN = """globalThis.notes = [];
const { start } = OscillatorNode.prototype;
OscillatorNode.prototype.start = function (at) {
  notes.push({ hz: this.frequency.value, asked: Date.now(), sounds: Date.now() + (at - this.context.currentTime) * 1000 });
  start.call(this, at);
};"""
#: When the page was told of each alert, and since when each patient's tile is the first of the board.
_WATCH = """async () => {
  const { onAlert } = await import('/page/ward.js');
  globalThis.told = {};
  globalThis.first = {};
  onAlert(({ alert }) => (told[alert.id] ??= Date.now()));
  let was = null;
  const look = () => {
    const now = document.querySelector('.board [data-patient]')?.dataset.patient;
    if (now !== was) first[was = now] = Date.now();
  };
  new MutationObserver(look).observe(document.getElementById('app'), { childList: true, subtree: true });
}"""
_HZ = {"high": 523, "medium": 392}


@dataclass(frozen=True, slots=True)
class Chain:
    """Seconds since the first abnormal value was measured; ``delay``: how long the policy lets it stay so before it calls. None:
    it did not come in time."""

    title: str
    priority: str
    delay: float
    received: float
    decided: float
    told: float
    asked: float | None
    sounds: float | None
    on_top: float | None


def noticed(
    speed: Annotated[
        float, typer.Option(min=1, max=60, help="How fast their bodies live; time stamps stay real.")
    ] = 6.0,
    patience: Annotated[float, typer.Option(min=30, max=1200, help="Seconds until it is given up.")] = 400.0,
) -> None:
    """From a simulated deterioration to tone and tile, on a core with the demo policy. Needs mosquitto, chromium, playwright."""
    log.setup("bench", "warning")
    clock = SystemClock()
    with (
        tempfile.TemporaryDirectory(prefix="vigil-bench-") as name,
        open_site(Path(name), (), clock) as site,
        site.core(),
        browser() as running,
        page_of(running, token(site.keys, Role.NURSE, "bench"), LISTEN) as page,
    ):
        page.goto(f"{site.url}/#/ward")
        page.wait_for_selector(".ward .counts")
        page.evaluate(_WATCH)
        with _simulated(site, speed, patience + 60), httpx.Client(base_url=f"{site.url}/api/v1", timeout=10) as http:
            http.headers["Authorization"] = f"Bearer {token(site.keys, Role.NURSE, 'colleague')}"
            Console().print(table(_chain(http, page, clock, patience)))


@contextmanager
def _simulated(site: Site, speed: float, seconds: float) -> Iterator[None]:
    """The ward of the demonstration as ``vigil simulate`` makes it, in a process of its own."""
    command = [sys.executable, "-m", "cli.main", "simulate", "--data-dir", str(site.folder), "--speed", f"{speed:g}"]
    with (site.folder / "ward.log").open("ab") as out:
        process = subprocess.Popen([*command, "--seconds", f"{seconds:g}"], stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _chain(http: httpx.Client, page: Page, clock: Clock, patience: float) -> Chain:
    give_up = clock.monotonic() + patience
    while clock.monotonic() < give_up:
        alert = _called(http)
        if alert is not None:
            return _followed(http, page, clock, alert)
        clock.sleep(_ROUND_S)
    raise ServerUnreachable("nobody was called in that time")


def _called(http: httpx.Client) -> dict[str, Any] | None:
    """The alert of ``WHO`` that calls somebody now; colleagues take all others."""
    for alert in http.get("/alerts", params={"state": "open", "limit": 200}).raise_for_status().json()["items"]:
        loud = alert["priority"] in _HZ and (alert["call"] or {}).get("how") == "now"
        if alert["patient_id"] == WHO and loud and alert["evidence"]["limit"]:
            return dict(alert)
        if alert["handling"] == "unacknowledged":
            http.post(f"/alerts/{alert['id']}/acknowledge", json={"version": alert["version"]})
    return None


def _followed(http: httpx.Client, page: Page, clock: Clock, alert: dict[str, Any]) -> Chain:
    """Waits until it is shown and heard, and puts all times on one line."""
    onset, limit = from_iso(alert["onset_at"]), alert["evidence"]["limit"]
    give_up = clock.monotonic() + _SHOWN_S
    note, on_top = None, None
    while clock.monotonic() < give_up and (note is None or on_top is None):
        clock.sleep(_ROUND_S)
        note = page.evaluate(
            "([id, hz]) => notes.find(note => note.hz === hz && note.asked >= told[id])",
            [alert["id"], _HZ[alert["priority"]]],
        )
        on_top = page.evaluate("([id, who]) => first[who] >= told[id] ? first[who] : null", [alert["id"], WHO])

    def since(ms: float | None) -> float | None:
        return None if ms is None else ms / 1e3 - onset / SECOND

    told = since(page.evaluate("id => told[id]", alert["id"]))
    assert told is not None, "the page was told of it, or its note would not have been found"
    return Chain(
        alert["title"],
        alert["priority"],
        0.0 if limit.get("severe") is True else float(limit["delay_s"]),
        (_received(http, str(limit["vital"]), onset) - onset) / SECOND,
        (from_iso(alert["opened_at"]) - onset) / SECOND,
        told,
        since(note and note["asked"]),
        since(note and note["sounds"]),
        since(on_top),
    )


def _received(http: httpx.Client, vital: str, at: int) -> int:
    """When the core received the value that was measured then."""
    span: dict[str, str | int] = {"vital": vital, "from": to_iso(at), "to": to_iso(at + SECOND), "points": 10}
    body = http.get(f"/patients/{WHO}/vitals", params=span).raise_for_status().json()
    streams = (body["series"][0] if "series" in body else body)["streams"]
    return min(from_iso(one["received_at"]) for stream in streams for one in stream["raw"])


def table(chain: Chain) -> Table:
    shown = Table(
        "link", "seconds since it was measured", "since the link before", title=f"{chain.title}, {chain.priority}"
    )
    before = 0.0
    steps = {
        "first abnormal value measured": 0.0,
        "received by the core": chain.received,
        f"alert raised (the policy waits {chain.delay:g} s)": chain.decided,
        "page told": chain.told,
        "tone put on the audio clock": chain.asked,
        "tone sounds": chain.sounds,
    }
    for name, at in steps.items():
        shown.add_row(name, *(("not in time", "") if at is None else (f"{at:.2f}", f"{at - before:.2f}")))
        before = before if at is None else at
    top = chain.on_top
    shown.add_row(
        "tile at the top", *(("not in time", "") if top is None else (f"{top:.2f}", f"{top - chain.told:.2f} *"))
    )
    shown.caption = (
        "* since the page was told; tiles change places at most once in 10 s, a high alert stands above them at once"
    )
    return shown
