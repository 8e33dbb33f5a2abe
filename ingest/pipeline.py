"""The steps of stage 3 in order; each is one small module.

subscribe -> decode -> time -> validate -> repeats -> bind -> dedupe -> whose -> commit -> acknowledge, ask for gaps, tell errors
-> hand on; refused -> dead letter.
"""

from __future__ import annotations

from ingest.acknowledge import Acknowledger
from ingest.batch import columns_of
from ingest.bind import Binder
from ingest.commit import Committer
from ingest.count import Counts
from ingest.decode import decode
from ingest.dedupe import Deduper
from ingest.gaps import Gaps
from ingest.manual import Entry, as_batch
from ingest.repeats import Repeats
from ingest.tell import Teller
from ingest.time import Timekeeper, stand
from ingest.validate import validate
from ingest.whose import Whose
from vigil.bus.board import Bus
from vigil.domain.readings import ReadingBatch
from vigil.runtime.mqtt import Message


class Pipeline:
    """Runs one micro-batch through the steps. Once ``run`` has returned it is stored; telling the broker (PUBACK), telling the
    senders (``flush``) and handing on are then the caller's, in this order: analytics may let him wait."""

    def __init__(
        self,
        binder: Binder,
        deduper: Deduper,
        committer: Committer,
        acknowledger: Acknowledger,
        gaps: Gaps,
        teller: Teller,
        counts: Counts,
        bus: Bus,
        timekeeper: Timekeeper,
        repeats: Repeats,
        whose: Whose,
    ) -> None:
        self._binder = binder
        self._deduper = deduper
        self._committer = committer
        self._acknowledger = acknowledger
        self._gaps = gaps
        self._teller = teller
        self._counts = counts
        self._bus = bus
        self._timekeeper = timekeeper
        self._repeats = repeats
        self._whose = whose

    def run(self, messages: list[Message]) -> ReadingBatch:
        packs = [decode(message) for message in messages]
        self._binder.refresh()
        self._binder.check_devices(packs)
        self._deduper.packs(packs)
        columns = columns_of(packs)
        self._timekeeper.settle(packs, columns)
        validate(packs, columns)
        self._repeats.mark(packs, columns)
        dropped = self._deduper.values(packs, columns)
        self._whose.mark(packs, columns)
        self._counts.unbound.inc(self._binder.unbound(packs, columns))
        readings = self._committer.commit(packs, columns)
        self._counts.add(packs, len(readings), dropped)
        self._acknowledger.note(packs)
        self._gaps.note(packs)
        self._teller.note(packs)
        return readings

    def enter(self, entry: Entry) -> None:
        """A person's entry, the same way from the commit on."""
        packs, columns = as_batch(entry)
        stand(packs, columns)
        validate(packs, columns)
        readings = self._committer.commit(packs, columns)
        self._counts.add(packs, len(readings), 0)
        self.hand_on(readings)
        entry.done.set_result(readings.ordinal.tolist())

    def hand_on(self, readings: ReadingBatch) -> None:
        """Waits while analytics is full: then this stage stops reading, and what comes waits in the intake (``fair``)."""
        if len(readings):
            self._bus.readings.publish(readings)

    def flush(self) -> None:
        self._gaps.flush()
        self._acknowledger.flush()
        self._teller.flush()
