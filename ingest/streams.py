"""Stream numbers: device × vital × site, interned once and for ever."""

from __future__ import annotations

from collections.abc import Iterable

from vigil.domain.readings import Stream


class Streams:
    def __init__(self, known: Iterable[Stream]) -> None:
        self._numbers = {(s.device_id, s.vital, s.site): s.stream for s in known}
        self._next = max(self._numbers.values(), default=-1) + 1
        self._new: list[Stream] = []

    def known(self, device_id: str, vital: int, site: str) -> int | None:
        return self._numbers.get((device_id, vital, site))

    def number(self, device_id: str, vital: int, site: str) -> int:
        key = (device_id, vital, site)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._next
            self._next += 1
            self._new.append(Stream(number, device_id, vital, site))
        return number

    def pending(self) -> list[Stream]:
        """Streams that are not stored yet; they go into the next commit."""
        return list(self._new)

    def stored(self) -> None:
        self._new.clear()
