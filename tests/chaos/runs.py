"""One run: the readings of a load, the faults of a plan at their points, and then everything delivered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.load import ALL_DEVICES, Load
from tests.chaos.observer import Observer
from tests.chaos.plan import CORE, INGEST, Act, Fault, plan
from tests.chaos.site import ILL_PATIENTS, Site, until
from tests.chaos.verdict import Stored, doubled_alerts, judge, untrue

#: For all readings of a run to be stored after its worst fault (ours): a re-send comes 30, then 60 s after the one before.
DEADLINE_S = 400.0
#: For a point in the stream to be reached, and for a killed core to be ready again (ours).
_POINT_S = 300.0
STORE = "readings.duckdb"


@dataclass
class Row:
    """A line of the table. ``start`` and ``end`` of the measuring, microseconds UTC."""

    name: str
    seed: int
    faults: str
    start: int = 0
    end: int = 0
    sent: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    resent: int = 0
    seconds: float = 0.0


async def run(site: Site, load: Load, kind: str, seed: int) -> Row:
    """With the faults of a plan. ``AssertionError``: not everything was delivered in time, or a process ended by itself."""
    faults = plan(kind, seed)
    row = Row(kind, seed, "; ".join(map(str, faults)))
    print(f"{kind}, seed {seed}: {row.faults}", flush=True)
    await measured(site, load, row, _strike(site, load, faults))
    return row


async def measured(site: Site, load: Load, row: Row, trouble: Coroutine[Any, Any, None]) -> None:
    """Runs the load beside the trouble and writes into the row what can be said before the store is read."""
    loop = asyncio.get_running_loop()
    row.start, started, before = load.now_us(), loop.time(), site.proxy.resent.total()
    async with asyncio.TaskGroup() as group:
        group.create_task(load.run(site.sockets, DEADLINE_S))
        group.create_task(trouble)
    assert site.dead() == [], "they ended by themselves"
    row.end = load.now_us()
    row.seconds = loop.time() - started
    row.resent = site.proxy.resent.total() - before


async def _strike(site: Site, load: Load, faults: Sequence[Fault]) -> None:
    for fault in faults:
        await point(load, fault.start, f"the start of {fault}")
        _begin(site, fault)
        await point(load, fault.end, f"the end of {fault}")
        await _end(site, fault)


async def point(load: Load, part: float, what: str) -> None:
    await until(lambda: load.progress >= part, _POINT_S, what)


def _begin(site: Site, fault: Fault) -> None:
    for victim in fault.victims:
        match fault.act:
            case Act.KILL:
                site.kill(victim)
            case Act.CUT:
                site.proxy.cut(victim)
            case Act.DELAY:
                site.proxy.delay(victim, fault.seconds)
            case Act.HALF_OPEN:
                site.proxy.silence(victim)


async def _end(site: Site, fault: Fault) -> None:
    for victim in fault.victims:
        if fault.act is Act.KILL:
            site.start(victim)
        elif fault.act is Act.DELAY:
            site.proxy.delay(victim, 0.0)
        elif fault.told and victim == INGEST:
            site.proxy.cut(victim)
    if CORE in fault.victims:
        await until(site.ready, _POINT_S, "the core is ready again")


async def settle(site: Site, load: Load, observer: Observer, rows: Sequence[Row]) -> None:
    """Stops the core and fills the rows with what its store holds: nothing lost, doubled or acknowledged in vain."""
    await until(site.ready, _POINT_S, "the core is ready")
    await until(site.judged, _POINT_S, "analytics has looked at everything")
    alerts = site.alerts()
    await site.stop(CORE)
    stored = Stored.read(site.data / STORE, ALL_DEVICES)
    for row in rows:
        verdict = judge(load.between(row.start, row.end), stored.between(row.start, row.end))
        row.sent, row.stored, row.lost, row.doubled = verdict.sent, verdict.stored, verdict.lost, verdict.doubled
    total = judge(load.sent, stored)
    assert total.holds, total
    assert observer.acks
    assert untrue(observer.acks, stored) == []
    assert doubled_alerts(alerts) == {}
    told = {alert["patient_id"] for alert in alerts if alert["rule"] == "limit.spo2.low"}
    assert told == ILL_PATIENTS
