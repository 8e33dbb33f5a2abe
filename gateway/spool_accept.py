"""The spool's way in: lines get their numbers and go into packs, inside the transaction of the caller."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gateway.decode import NewPack
from gateway.spool_join import Growing, moments_of
from gateway.spool_tables import check_sum
from vigil.domain.readings import NO_SEQUENCE
from vigil.wire import packs as wire
from vigil.wire.resend import new_epoch

#: A line that comes again within so many of its device is the same pack, for a sensor that lost the answer (ours).
REMEMBERED_LINES = 1024
#: Of a row and its indexes beside the payload (measured 84; rounded up).
ROW_BYTES = 100


@dataclass(frozen=True, slots=True)
class Accepted:
    """``seq`` None: refused because the spool is full. ``repeated``: this line was accepted before."""

    seq: int | None
    repeated: bool = False


@dataclass(slots=True)
class Batch:
    """What one commit will have changed. ``now``: microseconds UTC; ``stalled``: nobody takes packs at present."""

    size: int
    now: int
    stalled: bool
    packs: int = 0
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    growing: dict[str, Growing] = field(default_factory=dict)
    recent: dict[tuple[str, bytes], int] = field(default_factory=dict)
    forgotten: list[tuple[str, bytes]] = field(default_factory=list)


class Register:
    """The numbers of this start, the lines that are remembered, and the packs that may still grow."""

    def __init__(self, db: sqlite3.Connection, max_bytes: int, rng: np.random.Generator) -> None:
        self._db = db
        self._max_bytes = max_bytes
        self._rng = rng
        self._numbers: dict[str, tuple[int, int]] = {}
        self._used: set[tuple[str, int]] = set(
            db.execute("SELECT device, epoch FROM packs UNION SELECT device, epoch FROM dropped")
        )
        self._growing: dict[str, Growing] = {}
        self._recent: dict[tuple[str, bytes], int] = {
            (device, digest): seq for device, digest, seq in db.execute("SELECT device, digest, seq FROM recent")
        }
        self._lines: dict[str, int] = dict(db.execute("SELECT device, max(line) + 1 FROM recent GROUP BY device"))

    def write(self, new: Sequence[NewPack], batch: Batch) -> list[Accepted]:
        return [self._accept(pack, batch) for pack in new]

    def committed(self, batch: Batch) -> None:
        self._numbers |= batch.numbers
        self._lines |= batch.lines
        self._growing |= batch.growing
        for line in batch.forgotten:
            self._recent.pop(line, None)
        self._recent |= batch.recent

    def next_seq(self, device_id: str, epoch: int) -> int | None:
        """None when the device has not used this epoch since the start."""
        current, seq = self._numbers.get(device_id, (None, 0))
        return seq if current == epoch else None

    def grows_no_more(self, device_id: str, epoch: int, seq: int) -> None:
        """It was sent, or is gone."""
        growing = self._growing.get(device_id)
        if growing is not None and (growing.epoch, growing.seq) == (epoch, seq):
            del self._growing[device_id]

    def _accept(self, pack: NewPack, batch: Batch) -> Accepted:
        line = (pack.device_id, pack.digest)
        known = batch.recent.get(line, self._recent.get(line))
        if known is not None:
            return Accepted(known, repeated=True)
        growing = batch.growing.get(pack.device_id) or self._growing.get(pack.device_id)
        if growing is not None and growing.takes(pack, batch.now, stalled=batch.stalled):
            seq = self._join(pack, growing, batch)
        else:
            seq = self._insert(pack, batch)
        if seq is not None:
            self._remember(pack, seq, batch)
        return Accepted(seq)

    def _insert(self, pack: NewPack, batch: Batch) -> int | None:
        device = pack.device_id
        epoch, seq = batch.numbers.get(device) or self._numbers.get(device) or (self._new_epoch(device, batch.now), 0)
        payload = wire.write(device, epoch, seq, pack.samples)
        if batch.size + len(payload) + ROW_BYTES > self._max_bytes:
            return None
        self._db.execute(
            "INSERT INTO packs (device, epoch, seq, payload, crc, backfill, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (device, epoch, seq, payload, check_sum(device, epoch, seq, payload), pack.backfill, batch.now),
        )
        base_us = pack.samples[0].t_us
        batch.growing[device] = Growing(epoch, seq, payload, pack.backfill, batch.now, base_us, moments_of(pack))
        batch.numbers[device] = (epoch, seq + 1)
        batch.packs += 1
        batch.size += len(payload) + ROW_BYTES
        return seq

    def _new_epoch(self, device: str, now: int) -> int:
        epoch = new_epoch(self._rng, now)
        while (device, epoch) in self._used:
            epoch = (epoch + 1) % NO_SEQUENCE
        return epoch

    def _join(self, pack: NewPack, growing: Growing, batch: Batch) -> int | None:
        device, epoch, seq = pack.device_id, growing.epoch, growing.seq
        payload = wire.extend(growing.payload, growing.base_us, pack.samples)
        if batch.size + len(payload) - len(growing.payload) > self._max_bytes:
            return None
        self._db.execute(
            "UPDATE packs SET payload = ?, crc = ?, created_at = ? WHERE device = ? AND epoch = ? AND seq = ?",
            (payload, check_sum(device, epoch, seq, payload), batch.now, device, epoch, seq),
        )
        batch.growing[device] = replace(growing, payload=payload, moments=growing.moments | moments_of(pack))
        batch.size += len(payload) - len(growing.payload)
        return seq

    def _remember(self, pack: NewPack, seq: int, batch: Batch) -> None:
        device = pack.device_id
        line = batch.lines.get(device, self._lines.get(device, 0))
        old = self._db.execute(
            "DELETE FROM recent WHERE device = ? AND line <= ? RETURNING digest", (device, line - REMEMBERED_LINES)
        ).fetchall()
        batch.forgotten += [(device, digest) for (digest,) in old]
        self._db.execute("INSERT INTO recent VALUES (?, ?, ?, ?)", (device, line, seq, pack.digest))
        batch.recent[device, pack.digest] = seq
        batch.lines[device] = line + 1
