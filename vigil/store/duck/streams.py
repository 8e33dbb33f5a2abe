"""What each stream number stands for. Numbers are dense, from 0 up, because they index the latest-value arrays."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from vigil.domain.errors import StoreError
from vigil.domain.readings import U32, Stream
from vigil.store.duck.readings import insert_columns

#: 16 million streams = 800,000 devices of 20 vitals; a greater number is a mistake and would ask for gigabytes.
MAX_STREAM = 1 << 24


def stored(con: duckdb.DuckDBPyConnection) -> list[Stream]:
    rows = con.execute("SELECT stream, device_id, vital, site FROM streams ORDER BY stream").fetchall()
    return [Stream(*row) for row in rows]


def append(con: duckdb.DuckDBPyConnection, new: Sequence[Stream]) -> None:
    if not new:
        return
    columns = {
        "stream": np.array([one.stream for one in new], np.uint32),
        "device_id": np.array([one.device_id for one in new], object),
        "vital": np.array([one.vital for one in new], np.int32),
        "site": np.array([one.site for one in new], object),
    }
    insert_columns(con, "streams", columns, "stream, device_id, vital, site")


class StreamBook:
    """The streams committed so far. ``fresh`` checks before a commit, ``add`` takes over after it."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._by_number: dict[int, Stream] = {}
        self._by_meaning: dict[tuple[str, int, str], int] = {}
        self._listed: list[Stream] = []
        self._known = np.zeros(64, np.bool_)
        self.add(streams)

    @property
    def size(self) -> int:
        """One more than the greatest number."""
        return max(self._by_number, default=-1) + 1

    def listed(self) -> list[Stream]:
        listed = self._listed
        if len(listed) != len(self._by_number):
            by_number = self._by_number.copy()  # in one step, so that a commit in another thread does not disturb
            listed = self._listed = [by_number[number] for number in sorted(by_number)]
        return listed.copy()

    def fresh(self, offered: Sequence[Stream]) -> list[Stream]:
        """The ones not stored yet; raises ``StoreError`` if one contradicts what its number or meaning stands for."""
        new: dict[int, Stream] = {}
        meanings: dict[tuple[str, int, str], int] = {}
        for one in offered:
            meaning = (one.device_id, one.vital, one.site)
            number = self._by_meaning.get(meaning, meanings.get(meaning, one.stream))
            before = self._by_number.get(one.stream, new.get(one.stream, one))
            if number != one.stream or before != one or not 0 <= one.stream < MAX_STREAM:
                raise StoreError(f"stream {one.stream} of device {one.device_id} contradicts the streams stored before")
            if one.stream not in self._by_number:
                new[one.stream] = one
                meanings[meaning] = one.stream
        return list(new.values())

    def check(self, used: U32, fresh: Sequence[Stream]) -> None:
        """Raises ``StoreError`` for a reading of a stream that nobody has described: it could never be attributed."""
        if not used.size:
            return
        inside = used < self._known.size
        strange = set(used[~inside].tolist()) | set(used[inside][~self._known[used[inside]]].tolist())
        strange -= {one.stream for one in fresh}
        if strange:
            raise StoreError(f"readings of unknown streams: {sorted(strange)[:10]}")

    def add(self, streams: Sequence[Stream]) -> None:
        for one in streams:
            self._by_number[one.stream] = one
            self._by_meaning[(one.device_id, one.vital, one.site)] = one.stream
        top = max((one.stream for one in streams), default=0)
        if top >= self._known.size:
            known = np.zeros(2 * top + 1, np.bool_)
            known[: self._known.size] = self._known
            self._known = known
        self._known[[one.stream for one in streams]] = True
