"""Step "await ack": gathers what the platform says it has, the highest number for each device and epoch."""

from __future__ import annotations

import asyncio

from vigil.wire import packs as wire
from vigil.wire import topics


class Acknowledgements:
    """``take_message`` comes from the broker connection, ``next`` is called by the step that prunes."""

    def __init__(self, tenant: str, devices: tuple[str, ...]) -> None:
        self._devices = {topics.command(tenant, device, "ack"): device for device in devices}
        self._waiting: dict[tuple[str, int], int] = {}
        self._any = asyncio.Event()

    def take_message(self, topic: str, payload: bytes) -> None:
        """Anything but an acknowledgement to one of our devices is ignored: their packs are then simply kept."""
        device = self._devices.get(topic)
        ack = wire.read_ack(payload) if device is not None else None
        if device is not None and ack is not None:
            self.put_back({(device, ack.epoch): ack.seq})

    def put_back(self, acknowledged: dict[tuple[str, int], int]) -> None:
        for key, seq in acknowledged.items():
            self._waiting[key] = max(seq, self._waiting.get(key, seq))
        self._any.set()

    async def next(self) -> dict[tuple[str, int], int]:
        """Waits for at least one; each is handed out once."""
        await self._any.wait()
        self._any.clear()
        taken, self._waiting = self._waiting, {}
        return taken
