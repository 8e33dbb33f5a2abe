"""What the platform asks for on ``cmd/backfill``, until the step that publishes has looked for it."""

from __future__ import annotations

from vigil.wire import topics
from vigil.wire.commands import Backfill, read_backfill

#: Questions of one device that wait (ours): the platform asks for one range at a time, and asks again.
_WAITING = 16


class Asked:
    """``take_message`` comes from the broker connection, ``taken`` is called by the step that publishes."""

    def __init__(self, tenant: str, devices: tuple[str, ...]) -> None:
        self._devices = {topics.command(tenant, device, "backfill"): device for device in devices}
        self._waiting: dict[str, list[Backfill]] = {}

    def take_message(self, topic: str, payload: bytes) -> None:
        """Anything but a question to one of our devices is ignored."""
        device = self._devices.get(topic)
        asked = read_backfill(payload) if device is not None else None
        if device is not None and asked is not None:
            self._waiting[device] = [*self._waiting.get(device, []), asked][-_WAITING:]

    def taken(self) -> list[tuple[str, Backfill]]:
        """Each is handed out once."""
        waiting, self._waiting = self._waiting, {}
        return [(device, asked) for device, questions in waiting.items() for asked in questions]
