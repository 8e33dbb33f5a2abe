"""Delays at a steady rate: from the sending of a pack to ``cmd/ack`` (it is stored), and to its value on the event stream.

Open loop: packs leave when their time has come, whether earlier ones were answered or not, and each delay counts from that time.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

import numpy as np

from api.auth import Role
from cli.bench.ingestion.backlog import publisher, records
from cli.bench.ingestion.site import TENANT, Site
from cli.client import Client
from cli.demo_token import token
from vigil.domain.errors import ServerUnreachable
from vigil.domain.readings import F64
from vigil.domain.times import SECOND, from_iso
from vigil.wire import packs, topics

#: Delays of the first seconds are left out: the compiled kernels may not be ready.
WARM_UP_S = 5.0
_READY_S, _LAST_S = 60.0, 20.0
_EPOCH = 900


@dataclass(slots=True)
class _Times:
    """Monotonic seconds by device and seq, and by device and measured time in milliseconds."""

    due: dict[tuple[str, int], float] = field(default_factory=dict)
    acked: dict[tuple[str, int], float] = field(default_factory=dict)
    shown: dict[tuple[str, int], float] = field(default_factory=dict)
    next_unacked: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds; ``sent`` packs counted after the warm-up. A value that a newer one overtook within a second was never shown: of
    each device only the newest goes out with each tick."""

    sent: int
    stored: F64
    shown: F64


def delays(site: Site, devices: tuple[str, ...], seconds: float) -> Delays:
    """``devices`` send a pack of six values once a second, spread over the second, for so long. Raises ``ServerUnreachable``."""
    times = _Times()

    def take(topic: str, payload: bytes) -> None:
        ack, device = packs.read_ack(payload), topics.device_of(topic)
        if ack is None or ack.epoch != _EPOCH:
            return
        now = site.clock.monotonic()
        for seq in range(times.next_unacked.get(device, 0), ack.seq + 1):
            times.acked[device, seq] = now
        times.next_unacked[device] = ack.seq + 1

    with site.core(), publisher(site, take) as client:
        stop = threading.Event()
        watcher = threading.Thread(target=lambda: asyncio.run(_watch(site, times, stop)), name="event stream")
        watcher.start()
        start = site.clock.monotonic() + 1.0
        rounds = round(WARM_UP_S + seconds)
        for number in range(rounds * len(devices)):
            seq, place = divmod(number, len(devices))
            device, due = devices[place], start + number / len(devices)
            site.clock.sleep(max(0.0, due - site.clock.monotonic()))
            at = site.clock.now_us() // 1000 * 1000
            payload = packs.write(device, _EPOCH, seq, records(seq, at))
            times.due[device, seq] = times.due[device, -at // 1000] = due
            client.publish(topics.telemetry(TENANT, device), payload, qos=1)
        give_up = site.clock.monotonic() + _LAST_S
        while len(times.acked) < rounds * len(devices) and site.clock.monotonic() < give_up:
            site.clock.sleep(0.1)
        stop.set()
        watcher.join()
    return _found(times, start + WARM_UP_S)


def _found(times: _Times, since: float) -> Delays:
    counted = {key: due for key, due in times.due.items() if due >= since}
    stored = [times.acked[key] - due for key, due in counted.items() if key in times.acked]
    shown = [at - times.due[key] for key, at in times.shown.items() if key in counted]
    return Delays(sum(seq >= 0 for _, seq in counted), np.array(stored), np.array(shown))


async def _watch(site: Site, times: _Times, stop: threading.Event) -> None:
    """Notes when each patient's newest heart rate goes out."""
    client = Client(site.url, token(site.keys, Role.NURSE, "bench"))
    try:
        await client.wait_ready(_READY_S)
        async for event in client.events("/api/v1/stream"):
            now = site.clock.monotonic()
            if stop.is_set():
                return
            for patient_id, change in event.data.get("patients", {}).items() if event.name == "tick" else ():
                rate = change.get("vitals", {}).get("heart_rate")
                if rate is not None:
                    at = from_iso(rate["measured_at"]) // (SECOND // 1000)
                    times.shown.setdefault((patient_id.removeprefix("p-"), -at), now)
    except ServerUnreachable:
        if not stop.is_set():
            raise
    finally:
        await client.close()
