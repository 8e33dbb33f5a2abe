"""Which devices were asked to measure now: the api asks, ingest tells them and hears their answers."""

from __future__ import annotations

import threading
from dataclasses import replace

from vigil.domain.measuring import SHOWN_US, STANDS_US, TOLD_WITHIN_US, Asked


class Asking:
    """The newest question of each device, in memory. Safe from any thread; ``now`` is server time, microseconds UTC."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[str, Asked] = {}

    def ask(self, device_id: str, by: str, now: int) -> Asked:
        """The question that stands now: an earlier one when it is quite new."""
        with self._lock:
            before = self._asked.get(device_id)
            if before is not None and now - before.at < STANDS_US:
                return before
            self._asked[device_id] = asked = Asked(by, now)
            return asked

    def waiting(self, now: int) -> list[tuple[str, Asked]]:
        """(device, question) of those that have not been told yet and may still be."""
        with self._lock:
            return [
                (device_id, one)
                for device_id, one in self._asked.items()
                if one.told_at is None and now - one.at <= TOLD_WITHIN_US
            ]

    def told(self, device_id: str, asked: Asked, now: int) -> None:
        with self._lock:
            if self._asked.get(device_id) == asked:
                self._asked[device_id] = replace(asked, told_at=now)

    def answered(self, device_id: str, request: int, accepted: bool, text: str) -> bool:
        """False: it answers nothing that stands."""
        with self._lock:
            asked = self._asked.get(device_id)
            if asked is None or asked.request != request:
                return False
            self._asked[device_id] = replace(asked, accepted=accepted, text=text)
            return True

    def shown(self, now: int) -> dict[str, Asked]:
        """By device; older ones are forgotten."""
        with self._lock:
            self._asked = {device_id: one for device_id, one in self._asked.items() if now - one.at <= SHOWN_US}
            return dict(self._asked)
