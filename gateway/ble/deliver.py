"""From the hub to the spool: frames wait here, in order, until they are on the disk.

A Bluetooth stack has confirmed a frame before we see it, so it cannot be refused as a line can: while the spool is full or the
disk does not write, frames are held in memory and tried again. ``kill -9`` loses what is in between, usually a few milliseconds
of values; a peripheral that sends its memory again at the next connection makes up for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from gateway.ble.count import BluetoothCounts
from gateway.ble.frames import FrameBook
from gateway.ble.packs import Aside, Reading
from gateway.count import Counts
from gateway.spool import Spool
from gateway.spool_thread import SpoolThread
from vigil.domain.errors import SpoolError

logger = logging.getLogger(__name__)

#: Frames in one commit, and held while there is no room (both ours: over an hour of a strap and an oximeter at 1 Hz each).
BATCH_FRAMES = 500
HELD_FRAMES = 10_000

_Item = Reading | Aside


@dataclass(slots=True)
class Outcome:
    """``left``: what the spool had no room for. ``trouble``: with the database of frames, which holds no reading back."""

    accepted: int
    repeated: int
    left: list[_Item]
    waiting: int
    size: int
    trouble: str


class Delivery:
    """``on_accepted`` is called after each commit that stored something. ``retry_s``: until the next try (ours)."""

    def __init__(
        self,
        spool: SpoolThread,
        book: FrameBook,
        counts: Counts,
        bluetooth: BluetoothCounts,
        on_accepted: Callable[[], None],
        retry_s: float = 1.0,
    ) -> None:
        self._spool = spool
        self._book = book
        self._counts = counts
        self._bluetooth = bluetooth
        self._on_accepted = on_accepted
        self._retry_s = retry_s
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(HELD_FRAMES)
        self._batch: list[_Item] = []
        self._complaint = ""

    def put(self, item: _Item) -> None:
        """Never waits: it is called by the Bluetooth stack. Without room the frame is dropped, counted and said."""
        if isinstance(item, Aside):
            self._bluetooth.frames.labels(item.outcome).inc()
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            self._bluetooth.frames.labels("dropped").inc()
            self._complain(f"{HELD_FRAMES} frames wait already: new ones are lost")

    async def run(self) -> NoReturn:
        """Until cancelled; then what is here is stored once more if that is possible."""
        try:
            while True:
                self._batch.append(await self._queue.get())
                self._fill(BATCH_FRAMES)
                while self._batch:
                    await self._store()
                    if self._batch:
                        await asyncio.sleep(self._retry_s)
        finally:
            self._fill(len(self._batch) + self._queue.qsize())
            await self._store()
            if self._batch:
                logger.error("%d Bluetooth frames are lost: they could not be stored before the end", len(self._batch))

    def _fill(self, most: int) -> None:
        while len(self._batch) < most and not self._queue.empty():
            self._batch.append(self._queue.get_nowait())

    async def _store(self) -> None:
        """Leaves in ``_batch`` what is not on the disk."""
        batch = list(self._batch)
        try:
            outcome = await self._spool.do(lambda spool: stored(spool, self._book, batch))
        except SpoolError as error:
            self._complain(str(error))
            return
        self._batch = outcome.left
        self._bluetooth.frames.labels("accepted").inc(outcome.accepted)
        self._bluetooth.frames.labels("repeated").inc(outcome.repeated)
        self._counts.spool(outcome.waiting, outcome.size)
        if outcome.left:
            self._complain("the spool is full")
        elif outcome.trouble:
            self._complain(f"{outcome.trouble}; readings are, but one that is sent again may be taken twice")
        elif self._complaint:
            logger.info("Bluetooth frames are stored again")
            self._complaint = ""
        if outcome.accepted:
            self._on_accepted()

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            logger.error("Bluetooth frames cannot be stored: %s", text)


def stored(spool: Spool, book: FrameBook, batch: Sequence[_Item]) -> Outcome:
    readings = [item for item in batch if isinstance(item, Reading)]
    trouble, fresh = "", readings
    try:
        fresh = [each for each in readings if not (each.identified and book.is_taken(*_key(each)))]
    except SpoolError as error:
        trouble = str(error)
    answers = spool.accept([each.pack for each in fresh])
    kept = [each for each, answer in zip(fresh, answers, strict=True) if answer.seq is not None]
    left: list[_Item] = [each for each, answer in zip(fresh, answers, strict=True) if answer.seq is None]
    aside = [item for item in batch if isinstance(item, Aside)]
    identified = [_key(each) for each in kept if each.identified]
    if identified or aside:
        try:
            book.write(identified, aside)
        except SpoolError as error:
            trouble = str(error)
    new = sum(answer.seq is not None and not answer.repeated for answer in answers)
    return Outcome(new, len(readings) - len(left) - new, left, spool.packs, spool.size, trouble)


def _key(reading: Reading) -> tuple[str, bytes]:
    return reading.pack.device_id, reading.pack.digest
