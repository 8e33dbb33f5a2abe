"""``vigil bench latency``: from the sending of a critical value to its alert on the event stream, on the running product."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from api.auth import Role
from cli.client import Client
from cli.demo_token import token
from cli.fleet import AnyFleet, open_fleet, until_stopped
from cli.installation import ConfigFile, DataDir, Running, settings
from simulators.packs import Pack, Record
from vigil.domain.errors import ServerUnreachable
from vigil.domain.times import MINUTE, SECOND, to_iso
from vigil.runtime import log
from vigil.runtime.clock import Clock, SystemClock
from vigil.runtime.keys import load_keys

#: What a resting adult shows, and by how much it differs from second to second: what stands still for minutes is taken for a
#: stuck sensor. And a systolic pressure below the severe limit of the starting policy: it has no delay, and a cuff reading is not
#: asked to be confirmed.
CALM = {"hr": (70.0, 4.0), "spo2": (97.0, 1.0), "rr": (15.0, 2.0), "pi": (3.0, 0.4)}
CRITICAL_PRESSURE = 70.0
WARM_UP_S = 5.0
#: Seconds between two critical values, so that each alert is measured alone.
APART_S = 0.37
LAST_ALERT_S = 20.0


def latency(
    patients: Annotated[int, typer.Option(min=2, max=1000, help="Simulated people, each sending once a second.")] = 100,
    via: Annotated[str, typer.Option(help="mqtt or gateway.")] = "mqtt",
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Each person in turn gets one critical value; how long until its alert is on the event stream."""
    chosen = settings(config, data_dir)
    log.setup("bench", "warning")
    running = Running.require(chosen.data_dir)
    access = token(load_keys(chosen.data_dir), Role.ADMIN, "bench")
    asyncio.run(until_stopped(_run(running, access, chosen.data_dir, patients, via, SystemClock())))


async def _run(running: Running, access: str, data_dir: Path, patients: int, via: str, clock: Clock) -> None:
    client = Client(running.http_url, access)
    run = clock.now_us() // SECOND  # people of an earlier run are discharged and stay so
    names = [f"bench-{run}-{number:04d}" for number in range(patients)]
    try:
        await client.wait_ready(60)
        for name in names:
            await client.ensure_patient(_patient(name))
        devices = [(name, "bench") for name in names]
        async with open_fleet(via, "bench", running, client, devices, data_dir, clock) as fleet:
            for name in names:
                await client.bind(name, name, to_iso(clock.now_us() - MINUTE))
            sent: dict[str, float] = {}
            seen: dict[str, float] = {}
            critical: set[str] = set()
            listener = asyncio.create_task(_listen(running.http_url, access, set(names), seen, clock))
            senders = asyncio.create_task(_send(fleet, names, critical, sent, clock))
            await _make_critical(names, critical, seen, clock)
            for task in (senders, listener):
                if task.done():
                    task.result()  # what ended early measured nothing: say why
                task.cancel()
            await fleet.drain(30)
        for name in names:
            await client.call("POST", f"/api/v1/patients/{name}/discharge")
        _print(patients, sent, seen)
    finally:
        await client.close()


async def _make_critical(names: list[str], critical: set[str], seen: dict[str, float], clock: Clock) -> None:
    await asyncio.sleep(WARM_UP_S)
    for name in names:
        critical.add(name)
        await asyncio.sleep(APART_S)
    give_up = clock.monotonic() + LAST_ALERT_S
    while len(seen) < len(names) and clock.monotonic() < give_up:
        await asyncio.sleep(0.1)


async def _send(fleet: AnyFleet, names: list[str], critical: set[str], sent: dict[str, float], clock: Clock) -> None:
    """Each device once a second, spread over the second; notes when the first critical value leaves."""
    start = clock.monotonic()
    turn = 0
    while True:
        name = names[turn % len(names)]
        turn += 1
        now = clock.now_us()
        breath = math.sin(0.7 * turn)
        values = {wire: round(middle + swing * breath, 1) for wire, (middle, swing) in CALM.items()}
        if name in critical:
            values["sbp"] = CRITICAL_PRESSURE
            sent.setdefault(name, clock.monotonic())
        records = tuple(Record(wire, now, value) for wire, value in values.items())
        await fleet.send(Pack(name, (now,), records))
        await asyncio.sleep(max(0.0, start + turn / len(names) - clock.monotonic()))


async def _listen(url: str, access: str, names: set[str], seen: dict[str, float], clock: Clock) -> None:
    async for event, data in _events(f"{url}/api/v1/stream", access):
        if event != "alert":
            continue
        alert = json.loads(data)["alert"]
        if alert["rule"] == "limit.bp_sys.low" and alert["patient_id"] in names:
            seen.setdefault(alert["patient_id"], clock.monotonic())


async def _events(url: str, access: str) -> AsyncIterator[tuple[str, str]]:
    headers = {"Authorization": f"Bearer {access}"}
    try:
        async with (
            httpx.AsyncClient(timeout=httpx.Timeout(10, read=30), trust_env=False) as http,
            http.stream("GET", url, headers=headers) as answer,
        ):
            event, data = "", ""
            async for line in answer.aiter_lines():
                if line.startswith("event:"):
                    event = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    data = line.removeprefix("data:").strip()
                elif not line:
                    yield event, data
                    event, data = "", ""
        raise ServerUnreachable("the event stream ended: closed by the server")
    except httpx.HTTPError as error:
        raise ServerUnreachable(f"the event stream ended: {type(error).__name__}") from error


def _patient(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "family": f"{name} (bench)",
        "given": "",
        "born": "1960-01-01",
        "sex": "unknown",
        "ward": "Bench",
        "demo": True,
    }


def _print(patients: int, sent: dict[str, float], seen: dict[str, float]) -> None:
    delays = np.array([seen[name] - sent[name] for name in sent if name in seen])
    table = Table("figure", "value", title="Critical value sent → alert on the event stream")
    table.add_row("patients at 1 Hz, 4 vitals each", str(patients))
    table.add_row("critical values sent / alerts seen", f"{len(sent)} / {len(seen)}")
    if delays.size:
        for name, share in (("p50", 50), ("p90", 90), ("p99", 99), ("max", 100)):
            table.add_row(name, f"{np.percentile(delays, share) * 1000:.0f} ms")
    Console().print(table)
