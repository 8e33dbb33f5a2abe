"""A gateway whose line is cut for hours, and back: real spool, broker and ingest. All arrives once, and live values need not wait
behind the history."""

from __future__ import annotations

import asyncio
from pathlib import Path

import duckdb
import numpy as np
import pytest

from simulators.packs import Pack, Record
from simulators.send_lines import SocketFleet
from tests.chaos.conftest import FULL, Size
from tests.chaos.load import ALL_DEVICES, Key, devices
from tests.chaos.observer import Observer
from tests.chaos.plan import CORE
from tests.chaos.runs import STORE
from tests.chaos.site import TENANT, Site, patient_of, running_site, until
from tests.chaos.verdict import Stored, judge, untrue
from tests.chaos.watch import Watch
from vigil.domain.times import SECOND
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.clock import SystemClock

GATEWAY = "g-1"
DEVICES = devices(GATEWAY)[:3]
#: Without a line, one value of each kind a second meanwhile; then a slow line: each piece takes so long either way.
HOURS, SLOW_S = (6.0, 0.1) if FULL else (1.0, 0.2)
#: A live value waits at most so long for history (issue 6), beside what it needs when there is none, here for so many seconds.
BEHIND_S, AFTER_S = 2.0, 10
DEADLINE_S = 300.0
_WAITS = """
SELECT r.device_time, r.received_at FROM readings r JOIN streams s USING (stream)
WHERE s.vital = ? AND list_contains(?, s.device_id)
"""


class Wearers:
    """``sent``: value by (device, vital, time)."""

    def __init__(self, fleet: SocketFleet) -> None:
        self.sent: dict[Key, float] = {}
        self._fleet = fleet
        self._clock = SystemClock()

    def now_us(self) -> int:
        """In whole milliseconds, as the lines say it."""
        return self._clock.now_us() // 1000 * 1000

    async def measure(self, at: int, *, backfill: bool = False) -> None:
        number = at // SECOND
        for device in DEVICES:
            values = {"hr": 60 + number % 40, "spo2": 97, "rr": 12 + number % 6}
            self.sent |= {(device, BY_WIRE[name].index, at): float(value) for name, value in values.items()}
            records = tuple(Record(name, at, value) for name, value in values.items())
            await self._fleet.send(Pack(device, (at,), records, backfill=backfill))

    async def live(self) -> None:
        """Once a second, until cancelled."""
        while True:
            await self.measure(self.now_us())
            await asyncio.sleep(1.0)


async def _away_and_back(site: Site, watch: Watch, fleet: SocketFleet) -> tuple[Wearers, int, int]:
    """What was sent; when live values began; how many values are history."""
    wearers = Wearers(fleet)
    site.proxy.shut_out(GATEWAY)
    end = wearers.now_us() - 61 * SECOND  # younger than a minute is no history
    for second in range(int(HOURS * 3600), 0, -1):
        await wearers.measure(end - second * SECOND, backfill=True)  # an hour in a minute: nothing of it is live
    history = len(wearers.sent)
    await until(lambda: _safe(fleet), DEADLINE_S, "all of it is on the gateway's disk")
    site.proxy.delay(GATEWAY, SLOW_S)
    site.proxy.let_in(GATEWAY)
    await until(lambda: site.proxy.connected(GATEWAY), DEADLINE_S, "the gateway is back")
    began = wearers.now_us()
    live = asyncio.create_task(wearers.live())
    await until(lambda: watch.samples[-1].stored >= history, DEADLINE_S, "the history is stored")
    await asyncio.sleep(AFTER_S)
    live.cancel()
    await asyncio.gather(live, return_exceptions=True)
    await fleet.drain(DEADLINE_S)
    return wearers, began, history


def _safe(fleet: SocketFleet) -> bool:
    return all(count.packs_acked == count.packs_sent for count in fleet.counts.values())


def waits(store: Path, began: int) -> tuple[list[float], list[float], float]:
    """Seconds from measured to received of the live values: while history still came, and afterwards. And how long it came."""
    with duckdb.connect(str(store), read_only=True) as con:
        rows = con.execute(_WAITS, [BY_WIRE["hr"].index, list(DEVICES)]).fetchall()
    done = max(received for measured, received in rows if measured < began)
    live = [(measured, (received - measured) / SECOND) for measured, received in rows if measured >= began]
    during = [wait for measured, wait in live if measured < done]
    return during, [wait for measured, wait in live if measured >= done], (done - began) / SECOND


async def _offline(folder: Path, notes: list[str]) -> None:
    observer = Observer(TENANT, ALL_DEVICES)
    async with running_site(folder, gateways=(GATEWAY,)) as site:
        assert site.observer is not None
        watch = Watch(site, patient_of(DEVICES[0]))
        async with (
            observer.watching(site.observer),
            watch.watching(),
            SocketFleet(site.sockets[GATEWAY], devices(GATEWAY)) as fleet,
        ):
            wearers, began, history = await _away_and_back(site, watch, fleet)
        await site.stop(CORE)
    verdict = judge(wearers.sent, Stored.read(folder / "data" / STORE, ALL_DEVICES))
    during, after, drained = waits(folder / "data" / STORE, began)
    notes.append(
        f"offline {HOURS:g} h, {len(DEVICES)} devices: {history:,} values spooled, drained in {drained:.1f} s; "
        f"sent {verdict.sent:,}, stored {verdict.stored:,}, lost {verdict.lost}, doubled {verdict.doubled}; live values waited "
        f"{np.median(during):.2f} s, at most {max(during):.2f} s while history came, {max(after):.2f} s afterwards"
    )
    assert verdict.holds, verdict
    assert untrue(observer.acks, Stored.read(folder / "data" / STORE, ALL_DEVICES)) == []
    assert len(during) >= len(DEVICES), "the history was gone before a live value came: nothing was tried"
    assert max(during) < BEHIND_S + max(after)


@pytest.mark.mosquitto
@pytest.mark.timeout(900)
def test_a_gateway_that_was_offline_for_hours(tmp_path: Path, size: Size) -> None:
    asyncio.run(_offline(tmp_path, size.notes))
