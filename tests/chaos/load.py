"""The readings of a run: 50 devices behind 5 gateways, each line four values measured now."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulators.packs import Pack, Record
from simulators.send_lines import SocketFleet
from tests.chaos.plan import GATEWAYS
from vigil.domain.vitals import BY_WIRE
from vigil.runtime.clock import SystemClock

DEVICES_EACH = 10
#: From here on the first device behind each gateway has a low SpO2, without delay by its severe limit of 80 (policy.py).
ILL_FROM = 0.3
_MS = 1000

#: (device, vital number, raw time of the device in microseconds): what a reading is. The value is kept with it.
Key = tuple[str, int, int]


def devices(gateway: str) -> tuple[str, ...]:
    return tuple(f"w-{gateway[2:]}-{number}" for number in range(DEVICES_EACH))


ALL_DEVICES = tuple(device for gateway in GATEWAYS for device in devices(gateway))
ILL = tuple(devices(gateway)[0] for gateway in GATEWAYS)


class Load:
    """Sends ``lines_each`` of every device, evenly over ``seconds``, and remembers each value of them.

    ``progress``: the part of this run's lines that was handed over, 0 to 1.
    """

    def __init__(self, lines_each: int, seconds: float) -> None:
        self.lines_each = lines_each
        self.seconds = seconds
        self.sent: dict[Key, float] = {}
        self.lines = 0
        self._before = 0
        self._ill = False
        self._fleets: list[SocketFleet] = []
        self._clock = SystemClock()
        self._last: dict[str, int] = defaultdict(int)

    @property
    def progress(self) -> float:
        return (self.lines - self._before) / (self.lines_each * len(ALL_DEVICES))

    @property
    def refused(self) -> Counter[str]:
        """What the gateways refused for now, by what they said."""
        return sum((Counter(fleet.refusals) for fleet in self._fleets), Counter[str]())

    async def run(self, sockets: Mapping[str, Path], deadline_s: float) -> None:
        """Returns when the platform has everything, by what the gateways say; ``AssertionError`` when that takes too long."""
        self._before = self.lines
        async with asyncio.TaskGroup() as group:
            for gateway in GATEWAYS:
                group.create_task(self._gateway(gateway, sockets[gateway], deadline_s))
        self._ill = True

    async def _gateway(self, gateway: str, socket: Path, deadline_s: float) -> None:
        async with SocketFleet(socket, devices(gateway)) as fleet:
            self._fleets.append(fleet)
            try:
                async with asyncio.timeout(deadline_s):
                    await self._send(fleet, devices(gateway))
                    counts = await fleet.drain(2 * deadline_s)
            except TimeoutError:
                acked = sum(count.packs_acked for count in fleet.counts.values())
                raise AssertionError(
                    f"{gateway} has not delivered all in {deadline_s:g} s; it took {acked} lines"
                ) from None
        assert all(count.packs_acked == count.packs_sent for count in counts.values()), fleet.refusals

    async def _send(self, fleet: SocketFleet, its: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        pause, started = self.seconds / self.lines_each, loop.time()
        for number in range(self.lines_each):
            ill = self._ill or number >= ILL_FROM * self.lines_each
            for device in its:
                await fleet.send(self._pack(device, number, ill and device in ILL))
            await asyncio.sleep(max(0.0, started + number * pause - loop.time()))

    def between(self, start: int, end: int) -> dict[Key, float]:
        """What was measured then, microseconds UTC, ``end`` not included."""
        return {key: value for key, value in self.sent.items() if start <= key[2] < end}

    def now_us(self) -> int:
        """In whole milliseconds, as the lines say it."""
        return self._clock.now_us() // _MS * _MS

    def _pack(self, device: str, number: int, ill: bool) -> Pack:
        at = max(self.now_us(), self._last[device] + _MS)
        self._last[device] = at
        values = {"hr": 60 + number % 40, "spo2": 75 if ill else 97, "rr": 12 + number % 6, "pi": 2 + number % 5}
        for name, value in values.items():
            self.sent[device, BY_WIRE[name].index, at] = float(value)
        self.lines += 1
        return Pack(device, (at,), tuple(Record(name, at, value) for name, value in values.items()))
