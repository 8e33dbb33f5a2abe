"""Stream numbers: device × vital × site, interned once and for ever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ingest.batch import Columns
from vigil.domain.readings import U32, Stream
from vigil.domain.vitals import VITALS


class Streams:
    def __init__(self, known: Iterable[Stream]) -> None:
        self._numbers = {(s.device_id, s.vital, s.site): s.stream for s in known}
        self._next = max(self._numbers.values(), default=-1) + 1
        self._new: list[Stream] = []

    def known(self, device_id: str, vital: int, site: str) -> int | None:
        return self._numbers.get((device_id, vital, site))

    def numbers(self, device_ids: Sequence[str], columns: Columns, rows: NDArray[np.intp]) -> U32:
        """The stream of each of these rows of ``columns``; ``device_ids``: of each pack. New ones are numbered in order of row.

        Looked up once for each device, vital and site: a batch has many rows of each.
        """
        codes: dict[str, int] = {}
        device = np.array([codes.setdefault(each, len(codes)) for each in device_ids], np.int64)
        sites = {"": 0}
        site: NDArray[np.int64] | int = 0
        if any(columns.site):
            site = np.array([sites.setdefault(each, len(sites)) for each in columns.site], np.int64)[rows]
        key = (device[columns.pack[rows]] * len(sites) + site) * len(VITALS) + columns.vital[rows]
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
        number = np.zeros(first.size, np.uint32)
        for each in np.argsort(first).tolist():
            row = int(rows[first[each]])
            number[each] = self._number(device_ids[columns.pack[row]], int(columns.vital[row]), columns.site[row])
        found: U32 = number[place]
        return found

    def _number(self, device_id: str, vital: int, site: str) -> int:
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
