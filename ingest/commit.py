"""One transaction for a micro-batch: readings, packs, dead letters. Nothing is acknowledged before it returned."""

from __future__ import annotations

import logging

import numpy as np

from ingest.batch import Columns, Pack
from ingest.deadletter import dead_letters
from ingest.sequences import Sequences
from ingest.streams import Streams
from vigil.domain.errors import StoreError
from vigil.domain.readings import ReadingBatch
from vigil.runtime.clock import Clock
from vigil.store import DEAD, STORED, Commit, DeadLetter, PackRow, ReadingStore

logger = logging.getLogger(__name__)

RETRY_S = 1.0


class Committer:
    def __init__(self, store: ReadingStore, sequences: Sequences, streams: Streams, clock: Clock) -> None:
        self._store = store
        self._sequences = sequences
        self._streams = streams
        self._clock = clock
        self.failing = ""

    def commit(self, packs: list[Pack], columns: Columns) -> ReadingBatch:
        """Stores the batch and returns its readings with ordinals. While the store fails it waits and tries again: the
        broker keeps the messages, the senders keep their copies, ``failing`` says why."""
        rows = [
            PackRow(p.device_id, p.values.epoch, p.values.seq, STORED if p.refusal is None else DEAD, p.digest)
            for p in packs
            if p.values.sequenced
            and not p.duplicate
            and not self._sequences.has(p.device_id, p.values.epoch, p.values.seq)
        ]
        batch = Commit(self._readings(packs, columns), self._streams.pending(), rows, dead_letters(packs))
        readings = self._stored(batch)
        self._streams.stored()
        for row in rows:
            self._sequences.add(row.device_id, row.epoch, row.seq)
        return readings

    def keep(self, letters: list[DeadLetter]) -> None:
        """Stores dead letters that belong to no pack of a batch."""
        self._stored(Commit(ReadingBatch.empty(), [], [], letters))

    def _stored(self, batch: Commit) -> ReadingBatch:
        while True:
            try:
                readings = self._store.commit(batch)
            except StoreError as error:
                if not self.failing:
                    logger.error("cannot store readings, trying again each second: %s", error)
                self.failing = str(error)
                self._clock.sleep(RETRY_S)
            else:
                if self.failing:
                    logger.info("storing readings works again")
                self.failing = ""
                return readings

    def _readings(self, packs: list[Pack], columns: Columns) -> ReadingBatch:
        keep = np.flatnonzero(columns.keep)
        owner = columns.pack[keep]
        return ReadingBatch(
            ordinal=np.zeros(keep.size, np.uint64),
            stream=self._streams.numbers([pack.device_id for pack in packs], columns, keep),
            measured_at=columns.measured_at[keep],
            device_time=columns.device_time[keep],
            received_at=columns.received_at[keep],
            value=columns.value[keep],
            quality=columns.quality[keep],
            epoch=np.array([pack.values.epoch for pack in packs], np.uint32)[owner],
            seq=np.array([pack.values.seq for pack in packs], np.uint32)[owner],
        )
