"""Drops what is stored already, in front of the store.

Packs with epoch and seq: by interval sets over all history. A known number with other content is a conflict and becomes a
dead letter. Senders without seq: value by value, by (stream, raw device time), looked up exactly in the store; without a clock
that was set as well, a value that is sent twice is stored twice, because the other mistake would lose one.
A pack without values says that what had its number is gone for good: a dead letter, unless it is stored.

Only what tells a re-sent pack from a conflict, its digest, is read from the store, and kept for the newest packs: after an
overload everybody re-sends, and a look at the disk for each pack would keep the overload going.
"""

from __future__ import annotations

import itertools

import numpy as np

from ingest.batch import Columns, Pack
from ingest.sequences import Sequences
from ingest.streams import Streams
from vigil.domain.errors import RefusalReason
from vigil.domain.quality import OLDEST
from vigil.domain.vitals import VITALS
from vigil.store import ReadingStore

#: Digests kept in memory (ours), 257 bytes each (measured): 17 MB.
RECENT_DIGESTS = 65_536


class Deduper:
    def __init__(self, store: ReadingStore, sequences: Sequences, streams: Streams) -> None:
        self._store = store
        self._sequences = sequences
        self._streams = streams
        self._recent: dict[tuple[str, int, int], int | None] = {}

    def packs(self, packs: list[Pack]) -> None:
        """Marks re-sent packs as duplicates, also inside the batch."""
        for key in list(itertools.islice(self._recent, max(0, len(self._recent) - RECENT_DIGESTS))):
            del self._recent[key]  # the oldest, and never one of this batch
        for pack in packs:
            values = pack.values
            if not values.sequenced:
                continue
            key = (pack.device_id, values.epoch, values.seq)
            known = self._recent.get(key)
            if known is None and self._sequences.has(*key):
                known = self._recent[key] = self._store.pack_digest(*key)
            gone = pack.refusal is None and not (values.vital or values.refused)
            if known is None:
                self._recent[key] = pack.digest
                if gone:
                    pack.refuse(RefusalReason.NEVER_SENT, f"epoch {values.epoch} seq {values.seq}")
            elif known == pack.digest or gone:
                pack.duplicate = True
            else:
                pack.refuse(RefusalReason.SEQUENCE_CONFLICT, f"epoch {values.epoch} seq {values.seq}")

    def values(self, packs: list[Pack], columns: Columns) -> int:
        """Clears ``keep`` for values that are stored already or come twice in one pack; returns how many were dropped."""
        dropped = self._inside(packs, columns)
        unsequenced = np.array([not pack.values.sequenced for pack in packs], np.bool_)
        # A clock that was never set tells the same times after each start: there they tell no value from another.
        told = columns.device_time >= OLDEST
        loose = np.flatnonzero(columns.keep & told & unsequenced[columns.pack]).tolist()
        if not loose:
            return dropped
        keys = [self._key(packs, columns, index) for index in loose]
        stored = self._store.has_unsequenced([key for key in keys if key[0] >= 0])
        seen: set[tuple[int, int, str]] = set()
        for index, key in zip(loose, keys, strict=True):
            name = (
                key[1],
                int(columns.vital[index]),
                packs[columns.pack[index]].device_id + "\0" + columns.site[index],
            )
            if key in stored or name in seen:
                columns.keep[index] = False
                dropped += 1
            seen.add(name)
        return dropped

    def _key(self, packs: list[Pack], columns: Columns, index: int) -> tuple[int, int]:
        device_id = packs[columns.pack[index]].device_id
        stream = self._streams.known(device_id, int(columns.vital[index]), columns.site[index])
        return (-1 if stream is None else stream, int(columns.device_time[index]))

    def _inside(self, packs: list[Pack], columns: Columns) -> int:
        """Two values of one name, site and time in one pack: the first counts; a different second one is refused."""
        order = np.lexsort((columns.device_time, columns.vital, columns.pack))
        same = (
            (np.diff(columns.pack[order]) == 0)
            & (np.diff(columns.vital[order]) == 0)
            & (np.diff(columns.device_time[order]) == 0)
        )
        dropped = 0
        for place in np.flatnonzero(same):
            first, second = sorted((int(order[place]), int(order[place + 1])))
            if columns.site[first] != columns.site[second] or not columns.keep[second]:
                continue
            columns.keep[second] = False
            if columns.value[first] == columns.value[second]:
                dropped += 1
            else:
                wire = VITALS[columns.vital[second]].wire
                packs[columns.pack[second]].values.refuse(
                    wire, RefusalReason.SEQUENCE_CONFLICT, "two values at one time"
                )
        return dropped
