"""Sent against stored, read from the store's own file once the core has let go of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.chaos.load import Key
from tests.chaos.observer import Ack

_READINGS = """
SELECT s.device_id, s.vital, r.device_time, r.measured_at, r.value
FROM readings r JOIN streams s USING (stream) WHERE list_contains(?, s.device_id) ORDER BY r.ordinal
"""
_PACKS = "SELECT device_id, epoch, seq FROM packs WHERE list_contains(?, device_id)"
_LAST_RECEIVED = """
SELECT s.device_id, r.epoch, r.seq, max(r.received_at)
FROM readings r JOIN streams s USING (stream) WHERE list_contains(?, s.device_id) GROUP BY ALL
"""


@dataclass(frozen=True)
class Stored:
    """``rows``: (device, vital number, raw device time, measured time, value) in the order of the commits. ``packs``: (device,
    epoch) to the numbers committed, each with when it was received, microseconds UTC (0 for a dead letter)."""

    rows: list[tuple[str, int, int, int, float]]
    packs: dict[tuple[str, int], dict[int, int]]
    doubled_packs: int

    @staticmethod
    def read(file: Path, devices: Iterable[str]) -> Stored:
        """The core must have stopped: DuckDB lets nobody else read its file."""
        names = [list(devices)]
        with duckdb.connect(str(file), read_only=True) as con:
            rows = con.execute(_READINGS, names).fetchall()
            listed = con.execute(_PACKS, names).fetchall()
            received = {tuple(row[:3]): int(row[3]) for row in con.execute(_LAST_RECEIVED, names).fetchall()}
        packs: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
        for device, epoch, seq in listed:
            packs[device, epoch][seq] = received.get((device, epoch, seq), 0)
        return Stored(rows, dict(packs), len(listed) - sum(map(len, packs.values())))

    def between(self, start: int, end: int) -> Stored:
        """The rows that the devices measured then, by their own clocks."""
        return Stored([row for row in self.rows if start <= row[2] < end], {}, 0)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of readings; all but the first two must be 0. ``altered``: stored with another value, or never sent."""

    sent: int
    stored: int
    lost: int
    doubled: int
    altered: int
    disordered: int

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.altered or self.disordered)


def judge(sent: Mapping[Key, float], stored: Stored) -> Verdict:
    counts = Counter(row[:3] for row in stored.rows)
    values = {row[:3]: row[4] for row in stored.rows}
    return Verdict(
        sent=len(sent),
        stored=len(stored.rows),
        lost=sum(key not in counts for key in sent),
        doubled=sum(count - 1 for count in counts.values()) + stored.doubled_packs,
        altered=sum(sent.get(key) != value for key, value in values.items()),
        disordered=_disordered(stored),
    )


def _disordered(stored: Stored) -> int:
    """Readings that come before an older one of their stream when the stream is sorted by measured time."""
    streams: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for device, vital, device_time, measured_at, _ in stored.rows:
        streams[device, vital].append((measured_at, device_time))
    return sum(
        later[1] < earlier[1]
        for rows in streams.values()
        for earlier, later in zip(sorted(rows), sorted(rows)[1:], strict=False)
    )


def untrue(acks: Sequence[Ack], stored: Stored) -> list[Ack]:
    """Acknowledgements of a pack that is not stored, or that only arrived after it was acknowledged."""
    safe = {key: _safe_at(packs) for key, packs in stored.packs.items()}
    found = []
    for ack in acks:
        times = safe.get((ack.device, ack.epoch), [])
        if ack.seq >= len(times) or times[ack.seq] > ack.at:
            found.append(ack)
    return found


def _safe_at(packs: Mapping[int, int]) -> list[int]:
    """By number, from 0 up to the first gap, when it and all before it had arrived."""
    times: list[int] = []
    while len(times) in packs:
        times.append(max(packs[len(times)], times[-1] if times else 0))
    return times


def doubled_alerts(alerts: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], int]:
    """An episode that was told as past is told once more when it turns odd again: that is another alert."""
    counts = Counter(
        (str(a["patient_id"]), str(a["rule"]), str(a["onset_at"]), str(a["retrospective"]))
        for a in alerts
        if a["kind"] == "physiological"
    )
    return {key: count for key, count in counts.items() if count > 1}
