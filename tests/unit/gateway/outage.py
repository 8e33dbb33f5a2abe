"""A gateway that was offline for hours, on its return: what was spooled, sent and stored, and how long live values waited.

    python -m tests.unit.gateway.outage [HOURS] [DEVICES] [BYTES_PER_S]

The real spool, publisher, pruner and the platform's own book of numbers, on a clock that only the simulation moves; the line is a
model: so many bytes a second one after the other, 50 ms each way, 20 messages under way as in paho, a disk that takes 5 ms.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from gateway.asked import Asked
from gateway.await_ack import Acknowledgements
from gateway.count import Counts
from gateway.prune import Pruner
from gateway.publish import Publisher
from gateway.settings import GatewaySettings
from gateway.spool import Spool
from gateway.spool_thread import SpoolThread
from gateway.unable import Unable
from ingest.sequences import Sequences
from tests.unit.gateway.lines import NOON_S, new, opened
from vigil.runtime.clock import ManualClock
from vigil.runtime.link import BrokerLogin, Connection
from vigil.runtime.metrics import Metrics
from vigil.wire import packs as wire
from vigil.wire import topics

_T = TypeVar("_T")
VALUES = 3
SETTLE_S = 20
LATENCY_S, DISK_S, IN_FLIGHT, ACK_EVERY_S = 0.05, 0.005, 20, 1.0
#: Fixed header, packet id and the lengths of an MQTT message.
_OVERHEAD = 10


class _Jumping(selectors.SelectSelector):
    """Waits by moving the clock."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing would ever happen again"
        if timeout > 0:
            self._clock.advance(max(timeout, 1e-6))
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: ManualClock) -> None:
        self._manual = clock
        super().__init__(_Jumping(clock))

    def time(self) -> float:
        return self._manual.monotonic()


class _Disk:
    """As ``SpoolThread``, without a thread: one act after the other, each taking its time."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._one = asyncio.Lock()

    async def do(self, act: Callable[[Spool], _T]) -> _T:
        async with self._one:
            await asyncio.sleep(DISK_S)
            return act(self._spool)


@dataclass
class _Line:
    """The connection, and the platform behind it: stores by number, acknowledges once a second."""

    clock: ManualClock
    bytes_s: float
    acknowledge: Callable[[str, bytes], None]
    sequences: Sequences = field(default_factory=Sequences)
    arrivals: dict[tuple[str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    packs: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    sent_bytes: int = 0
    repeated: int = 0
    _owed: set[tuple[str, int]] = field(default_factory=set)
    _free_at: float = 0.0
    _in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))

    async def subscribe(self, filters: list[str]) -> None:
        await asyncio.sleep(2 * LATENCY_S)

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None) -> None:
        async with self._in_flight:
            size = len(topic) + len(payload) + _OVERHEAD
            self._free_at = max(self._free_at, self.clock.monotonic()) + size / self.bytes_s
            await asyncio.sleep(self._free_at - self.clock.monotonic() + LATENCY_S)
            self._arrive(topic, payload, size)
            await asyncio.sleep(LATENCY_S)

    def _arrive(self, topic: str, payload: bytes, size: int) -> None:
        if "/tel/" not in topic:
            return
        device = topics.device_of(topic)
        pack = wire.read(payload, device)
        self.sent_bytes += size
        self.packs[topic.rsplit("/", 1)[1]] += 1
        self._owed.add((device, pack.epoch))
        if self.sequences.has(device, pack.epoch, pack.seq):
            self.repeated += 1
            return
        self.sequences.add(device, pack.epoch, pack.seq)
        for at in pack.time_us[::VALUES]:
            self.arrivals[device, at // 1_000_000].append(self.clock.monotonic())

    async def acknowledge_for_ever(self) -> None:
        while True:
            await asyncio.sleep(ACK_EVERY_S)
            for device, epoch in sorted(self._owed):
                seq = self.sequences.acknowledged(device, epoch)
                if seq is not None:
                    self.acknowledge(topics.command("home", device, "ack"), wire.write_ack(epoch, seq))
            self._owed.clear()


@dataclass(frozen=True)
class Report:
    """``waits``: seconds from a live line's being handed over to its arrival, while history drained. In the first ``SETTLE_S``
    the values of the last minute of the outage go, which are live too; ``first_waits`` are of that time."""

    offline_lines: int
    offline_packs: int
    offline_bytes: int
    drained_s: float
    live_lines: int
    first_waits: tuple[float, ...]
    waits: tuple[float, ...]
    stored_lines: int
    doubled_lines: int
    repeated_packs: int
    live_packs: int
    history_packs: int
    sent_bytes: int
    left_packs: int

    @property
    def lost_lines(self) -> int:
        return self.offline_lines + self.live_lines - self.stored_lines

    def table(self) -> str:
        middle = sorted(self.waits)[len(self.waits) // 2]
        rows = [
            ("lines spooled while offline", f"{self.offline_lines:,} in {self.offline_packs:,} packs"),
            ("payload a reading, spooled", f"{self.offline_bytes / (self.offline_lines * VALUES):.1f} bytes"),
            ("history drained in", f"{self.drained_s:.0f} s"),
            ("live lines meanwhile", f"{self.live_lines:,}"),
            (f"live wait in the first {SETTLE_S} s", f"{max(self.first_waits):.2f} s at most"),
            ("live wait then, median, greatest", f"{middle:.2f} s, {max(self.waits):.2f} s"),
            (
                "packs sent, live and history",
                f"{self.live_packs:,}, {self.history_packs:,} ({self.repeated_packs} again)",
            ),
            ("sent in all", f"{self.sent_bytes / 1e6:.2f} MB"),
            ("lines stored", f"{self.stored_lines:,}: {self.lost_lines} lost, {self.doubled_lines} doubled"),
            ("packs left in the spool", f"{self.left_packs}"),
        ]
        return "\n".join(f"{name:34} {value}" for name, value in rows)


def outage(
    folder: Path, hours: float, devices: int = 3, bytes_s: float = 8192.0, history_packs_s: float = 100.0
) -> Report:
    """One line of three values a second and device, for ``hours`` without and then with a connection until all is stored."""
    clock = ManualClock(NOON_S * 1_000_000)
    names = tuple(f"w-{1 + number}" for number in range(devices))
    spool = opened(folder / "spool.db", clock, max_bytes=1 << 30)
    spool._db.execute("PRAGMA synchronous = OFF")  # hours in seconds; what a power cut does is another test
    for second in range(int(hours * 3600)):
        spool.accept([_reading(second, name) for name in names])
        clock.advance(1)
    settings = GatewaySettings(
        BrokerLogin("", 0, "g-1", ""), "home", names, folder / "spool.db", history_packs_s=history_packs_s
    )
    try:
        with asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
            return runner.run(_drained(clock, spool, settings, int(hours * 3600), bytes_s))
    finally:
        spool.close()


def _reading(second: int, device: str) -> Any:
    values = {"hr": 60 + second % 40, "spo2": 97 - second % 3, "rr": 14 + second % 5}
    return new(second, device, values=values)


async def _drained(
    clock: ManualClock, spool: Spool, settings: GatewaySettings, offline_s: int, bytes_s: float
) -> Report:
    disk, counts = cast(SpoolThread, _Disk(spool)), Counts(Metrics())
    acknowledgements = Acknowledgements("home", settings.devices)
    publisher = Publisher(
        settings, disk, Asked("home", settings.devices), Unable("home", settings.devices), counts, clock
    )
    pruner = Pruner(acknowledgements, disk, counts, publisher.wake)
    line = _Line(clock, bytes_s, acknowledgements.take_message)
    offline = (spool.packs, spool._db.execute("SELECT sum(length(payload)) FROM packs").fetchone()[0])
    started, second, handed = clock.monotonic(), offline_s, {}
    work = [publisher.session(cast(Connection, line)), pruner.run(), line.acknowledge_for_ever()]
    tasks = [asyncio.create_task(part) for part in work]
    drained_at = 0.0
    while not drained_at or clock.monotonic() < drained_at + 5:
        await asyncio.sleep(1.0)
        for device in settings.devices:
            handed[device, NOON_S + second] = clock.monotonic()
        lines = [_reading(second, device) for device in settings.devices]
        await disk.do(partial(Spool.accept, new=lines))
        publisher.wake()
        second += 1
        if not drained_at and len(line.arrivals.keys() - handed.keys()) == len(settings.devices) * offline_s:
            drained_at = clock.monotonic()
    await asyncio.sleep(5.0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    waits = [line.arrivals[key][0] - at for key, at in handed.items() if key in line.arrivals]
    return Report(
        offline_lines=len(settings.devices) * offline_s,
        offline_packs=offline[0],
        offline_bytes=offline[1],
        drained_s=drained_at - started,
        live_lines=len(handed),
        first_waits=tuple(waits[: SETTLE_S * len(settings.devices)]),
        waits=tuple(waits[SETTLE_S * len(settings.devices) :]),
        stored_lines=len(line.arrivals),
        doubled_lines=sum(len(times) > 1 for times in line.arrivals.values()),
        repeated_packs=line.repeated,
        live_packs=line.packs["vitals"],
        history_packs=line.packs["backfill"],
        sent_bytes=line.sent_bytes,
        left_packs=spool.packs,
    )


def main() -> None:
    hours, devices, bytes_s = (*map(float, sys.argv[1:]), *(6.0, 3.0, 8192.0)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as folder:
        print(outage(Path(folder), hours, int(devices), bytes_s).table())


if __name__ == "__main__":
    main()
