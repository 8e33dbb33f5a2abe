"""Tells a device that somebody wants its values now, and hears whether it measures. Part of the step "instruct".

``cmd/measure`` goes out once, to a device that is not known to be away. It is not repeated: whoever waits sees that nothing came.
"""

from __future__ import annotations

from collections.abc import Callable

from vigil.bus.board import Bus
from vigil.domain.presence import State
from vigil.runtime.clock import Clock
from vigil.wire import control


class Measure:
    """``send(device, command, payload)`` may lose a message."""

    def __init__(self, bus: Bus, send: Callable[[str, str, bytes], None], clock: Clock) -> None:
        self._bus = bus
        self._send = send
        self._clock = clock

    def take(self, device_id: str, payload: bytes, _at: int) -> str:
        """What the device says on ``res/measure``; why it counts for nothing, else ""."""
        said = control.read_measure_answer(payload)
        if said is None:
            return "unreadable"
        known = self._bus.asking.answered(device_id, said.request, said.accepted, said.text)
        return "" if known else "other_request"

    def tick(self) -> None:
        now = self._clock.now_us()
        for device_id, asked in self._bus.asking.waiting(now):
            seen = self._bus.presence.get(device_id)
            if seen is None or seen.state is not State.OFFLINE:
                self._send(device_id, "measure", control.write_measure(asked.request))
                self._bus.asking.told(device_id, asked, now)
