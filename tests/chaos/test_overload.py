"""Ten times more than can be stored: memory stays bounded, others stay live, what was acknowledged is there, and it passes."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from simulators.packs import Pack, Record
from simulators.publish import DeviceAccess, Fleet
from tests.chaos.conftest import Size
from tests.chaos.flood import VALUES, Flood, Flooded
from tests.chaos.load import ALL_DEVICES
from tests.chaos.observer import Observer
from tests.chaos.plan import CORE
from tests.chaos.runs import STORE
from tests.chaos.site import ROOT, TENANT, Site, gateway_account, patient_of, running_site, until
from tests.chaos.verdict import Stored, untrue
from tests.chaos.watch import Watch
from tests.product import clean_environment
from vigil.domain.times import SECOND
from vigil.runtime.broker import BrokerLimits
from vigil.runtime.clock import SystemClock
from vigil.runtime.link import BrokerLogin

FLOODERS, QUIET = ALL_DEVICES[:40], ALL_DEVICES[40:45]
#: Packs of the measurement of what is sustainable, and the flood's multiple and seconds.
MEASURED_PACKS = 6000
TIMES, SECONDS = 10, 60.0
#: What the broker may take (ours): the limit of its own books, and a tenth for what they do not count.
BROKER_BYTES = BrokerLimits().memory * 11 // 10
#: What the core may grow by: its queue, the batch under way as columns, analytics' share, DuckDB's write-ahead (ours).
CORE_BYTES = 1 << 30
#: It is over when the page shows a quiet patient's value so young again, nothing waits and the health check is content (ours).
LIVE_S = 3.0
#: It is never older during the flood (ours): until that is seen and set apart (decision 0058), and a batch under way.
OLDEST_S = 15.0
RECOVERY_S = 400.0
_MIB = 1 << 20


async def _flood(site: Site, login: BrokerLogin, epoch: int, rate: float, seconds: float, count: int) -> Flooded:
    order = Flood(site.broker_port, login.user, login.password, TENANT, list(FLOODERS), epoch, rate, seconds, count)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.flood", json.dumps(asdict(order))),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=clean_environment(),
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return Flooded(**json.loads(said))


async def _sustainable(site: Site, login: BrokerLogin, watch: Watch) -> float:
    """Values a second: a burst, from its first pack until all of it is stored, with broker, sender and core on this machine."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    await _flood(site, login, 1, 0.0, 0.0, MEASURED_PACKS)
    await until(lambda: _flooded(watch) >= MEASURED_PACKS * VALUES, RECOVERY_S, "the burst is stored")
    return MEASURED_PACKS * VALUES / (watch.samples[-1].at - started)


def _flooded(watch: Watch) -> int:
    return watch.samples[-1].stored if watch.samples else 0


class Quiet:
    """Devices that send once a second through it all. ``sent`` has the seconds of the clock, by device and number."""

    def __init__(self, accounts: Mapping[str, BrokerLogin]) -> None:
        self.sent: dict[str, list[int]] = {device: [] for device in QUIET}
        self._clock = SystemClock()
        access = [
            DeviceAccess(one, accounts[one].host, accounts[one].port, one, accounts[one].password) for one in QUIET
        ]
        self._fleet = Fleet(access, TENANT, self._clock, np.random.default_rng(1))

    async def run(self, stop: asyncio.Event) -> None:
        """Also until all of it is acknowledged: what got lost goes again after 30, 60, 120 s."""
        async with self._fleet as fleet:
            while not stop.is_set():
                for device in QUIET:
                    now = self._clock.now_us()
                    self.sent[device].append(now)
                    await fleet.send(Pack(device, (now,), (Record("hr", now, 70), Record("spo2", now, 97))))
                await asyncio.sleep(1.0)
            await fleet.drain(RECOVERY_S)

    def acknowledged(self, observer: Observer, start_us: int, end_us: int) -> str:
        """From the sending to the ``cmd/ack`` that covers it, of what was sent then."""
        delays, waiting = [], 0
        for device, times in self.sent.items():
            acks = [(ack.seq, ack.at) for ack in observer.acks if ack.device == device]
            for seq, sent in enumerate(times):
                if start_us <= sent < end_us:
                    at = min((at for covered, at in acks if covered >= seq), default=None)
                    waiting += at is None
                    delays += [] if at is None else [(at - sent) / SECOND]
        return f"{_quantiles(delays)}, {waiting} still to come"


async def _overload(folder: Path, notes: list[str]) -> None:
    clock, observer = SystemClock(), Observer(TENANT, (*FLOODERS, *QUIET))
    async with running_site(folder, proxied=False, gateways=()) as site:
        with site.client("admin") as api:
            login = gateway_account(api, "g-flood", FLOODERS)
        assert site.observer is not None
        watch, quiet, stop = Watch(site, patient_of(QUIET[0])), Quiet(site.accounts), asyncio.Event()
        loop = asyncio.get_running_loop()
        async with observer.watching(site.observer), watch.watching(), asyncio.TaskGroup() as group:
            sustainable = await _sustainable(site, login, watch)
            before = watch.samples[-1]
            group.create_task(quiet.run(stop))
            await until(lambda: watch.calm(loop.time() - LIVE_S, LIVE_S), RECOVERY_S, "the quiet ones are seen")
            start, start_us = loop.time(), clock.now_us()
            flooded = await _flood(site, login, 2, TIMES * sustainable / VALUES, SECONDS, 0)
            end, end_us = loop.time(), clock.now_us()
            await until(lambda: watch.calm(end, LIVE_S), RECOVERY_S, "recovery")
            recovered = loop.time() - end
            stop.set()
        rules = {alert["rule"] for alert in site.alerts() if alert["kind"] == "technical"}
        await site.stop(CORE)
        stored = Stored.read(site.data / STORE, (*FLOODERS, *QUIET))
    notes += _told(watch, flooded, sustainable, start, end, recovered)
    notes.append(f"quiet devices, sent to cmd/ack: {quiet.acknowledged(observer, start_us, end_us)}")
    about_load = ", ".join(sorted(rule for rule in rules if rule.startswith("ingest"))) or "none"
    notes.append(f"technical alerts about it: {about_load}; {len(observer.acks)} cmd/ack observed")
    assert untrue(observer.acks, stored) == []
    packs = {
        device: sum(len(found) for (owner, _), found in stored.packs.items() if owner == device) for device in QUIET
    }
    assert packs == {device: len(times) for device, times in quiet.sent.items()}
    assert max(sample.age_s for sample in watch.between(start, end)) <= OLDEST_S
    assert max(sample.broker_bytes for sample in watch.samples) <= BROKER_BYTES
    assert max(sample.core_bytes for sample in watch.samples) <= before.core_bytes + CORE_BYTES


def _told(watch: Watch, flooded: Flooded, sustainable: float, start: float, end: float, recovered: float) -> list[str]:
    offered = flooded.sent * VALUES / flooded.seconds
    samples = watch.between(start, end)
    assert len(samples) > 1, "the core answered nobody during the flood"
    stored = (samples[-1].stored - samples[0].stored) / (samples[-1].at - samples[0].at)
    words = {name: words for sample in samples for name, words in sample.trouble.items()}
    core, broker = (max(getattr(s, f"{name}_bytes") for s in watch.samples) / _MIB for name in ("core", "broker"))
    return [
        *watch.lines(start, 10),
        f"overload: sustainable {sustainable:,.0f} values/s; offered {offered:,.0f} for {flooded.seconds:.0f} s "
        f"({offered / sustainable:.1f} times); stored {stored:,.0f} values/s",
        f"the broker took {flooded.taken:,} of {flooded.sent:,} packs, {flooded.bytes / _MIB:,.0f} MiB, "
        f"and ended {flooded.ended} connections of the flood",
        f"most memory: core {core:.0f} MiB, broker {broker:.0f} MiB; empty and content {recovered:.1f} s after the end",
        f"a quiet patient's value on the page was at most {max(s.age_s for s in samples):.1f} s old during the flood, "
        f"{max(s.age_s for s in watch.between(end, end + recovered)):.1f} s until the recovery",
        f"the health check said: {'; '.join(f'{name}: {said}' for name, said in words.items()) or 'nothing'}",
    ]


def _quantiles(delays: list[float]) -> str:
    if not delays:
        return "none"
    p50, p99 = np.quantile(delays, (0.5, 0.99))
    return f"p50 {p50:.2f} s, p99 {p99:.2f} s, most {max(delays):.2f} s of {len(delays)}"


@pytest.mark.mosquitto
@pytest.mark.timeout(900)
def test_ten_times_too_much(tmp_path: Path, size: Size) -> None:
    asyncio.run(_overload(tmp_path, size.notes))
