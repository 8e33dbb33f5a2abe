"""Packs that lack: asked for on ``cmd/backfill``, and passed over when their sender plainly has them no more.

An acknowledgement covers a run without gaps, so one pack that never comes would hold it up for ever. A gap is passed over, with a
dead letter ``never_sent`` that keeps the numbers, when

- its sender says on ``res/backfill`` that it has them no more: the same JSON as the question, with the numbers that it lacks (for
  a single one it may as well send an empty pack under its number: see ``dedupe``); or
- it was asked for ``ASKS`` times with back-off, a pack of the same epoch came after each time, and nothing of what lacked did.
  Since senders re-send whatever is unacknowledged, lowest first, it has then had half an hour of its own presence to offer it.

Whatever makes packs get lost on the way starts this count anew: a new connection of ours to the broker, and packs that the intake
dropped. A pack that comes after all is stored like any other: passing over says nothing about what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ingest.acknowledge import Acknowledger
from ingest.batch import Pack
from ingest.count import Counts
from ingest.sequences import Sequences
from vigil.domain.errors import RefusalReason
from vigil.runtime.clock import Clock
from vigil.store import DeadLetter, ReadingStore
from vigil.wire import commands, topics
from vigil.wire.resend import ResendRule

#: Packs that overtook one another are no gap: so long after a gap was seen it is asked for (ours).
SETTLE_S = 5.0
#: While it is being filled nobody needs to be asked: so long after the last pack that filled it (ours).
FILLED_S = 30.0
#: With the back-off of a sender (30 s doubling to 10 min) that is over 2,135 s after the first sight (ours).
ASKS = 7
_RULE = ResendRule()
_PAGE = 10_000


@dataclass(slots=True)
class _Gap:
    """Of one (device, epoch). ``top``: its greatest number when the gap was seen, or first asked for. ``first``..``last`` is what
    was asked for. Monotonic seconds."""

    top: int
    due: float
    heard_at: float
    asked: int = 0
    asked_at: float = 0.0
    first: int = 0
    last: int = -1


class Gaps:
    """One range at a time for each (device, epoch) that speaks, the oldest first; what is silent is not asked.

    ``publish`` may lose a message. ``keep`` stores dead letters before it returns. State is in memory only: after a restart a
    gap is seen again at the first pack, and its count starts anew.
    """

    def __init__(
        self,
        tenant: str,
        sequences: Sequences,
        acknowledger: Acknowledger,
        publish: Callable[[str, bytes], None],
        keep: Callable[[list[DeadLetter]], None],
        clock: Clock,
        counts: Counts,
    ) -> None:
        self._tenant = tenant
        self._sequences = sequences
        self._acknowledger = acknowledger
        self._publish = publish
        self._keep = keep
        self._clock = clock
        self._counts = counts
        self._gaps: dict[str, dict[int, _Gap]] = {}

    def note(self, packs: list[Pack]) -> None:
        """After the commit of these packs, duplicates too: who has spoken, and what has come."""
        filled = self._sequences.take_filled()
        now = self._clock.monotonic()
        for key in {(pack.device_id, pack.values.epoch) for pack in packs if pack.values.sequenced}:
            self._hear(key, filled.get(key), now)

    def lost_on_the_way(self, device_id: str | None = None) -> None:
        """Packs of the device (None = of anybody) may have got lost between its sending and us: the counts start anew."""
        if device_id is None:
            self._gaps.clear()
        else:
            self._gaps.pop(device_id, None)

    def denied(self, device_id: str, payload: bytes) -> None:
        """``res/backfill``: the device has these no more. Believed only of numbers that it was asked for."""
        said = commands.read_backfill(payload)
        gap = self._gaps.get(device_id, {}).get(said.epoch) if said is not None else None
        if said is None or gap is None or not gap.first <= said.from_ <= said.to <= gap.last:
            return
        if self._sequences.lacking(device_id, said.epoch, said.from_, said.to):
            self._pass_over(device_id, said.epoch, said.from_, said.to, "are gone, says their sender")
        if not self._sequences.lacking(device_id, said.epoch, gap.first, gap.last):
            self._forget(device_id, said.epoch)

    def flush(self) -> None:
        """Asks for what is due, or gives it up."""
        now = self._clock.monotonic()
        due = [
            (device_id, epoch, gap)
            for device_id, epochs in self._gaps.items()
            for epoch, gap in epochs.items()
            if gap.due <= now and (not gap.asked or gap.heard_at > gap.asked_at)
        ]
        for device_id, epoch, gap in due:
            if gap.asked < ASKS:
                self._ask(device_id, epoch, gap, now)
            else:
                self._give_up(device_id, epoch, gap)

    def _hear(self, key: tuple[str, int], filled: int | None, now: float) -> None:
        device_id, epoch = key
        gap = self._gaps.get(device_id, {}).get(epoch)
        if self._sequences.missing(device_id, epoch, _RULE.window) is None:
            if gap is not None:
                self._forget(device_id, epoch)
        elif gap is None or (filled is not None and filled < gap.top):
            due = now + (SETTLE_S if gap is None else FILLED_S)
            self._gaps.setdefault(device_id, {})[epoch] = _Gap(self._sequences.top(device_id, epoch), due, now)
        else:
            if now - gap.heard_at > _RULE.longest_s:
                gap.due = max(gap.due, now + _RULE.first_s)  # it was away, and comes back with what it has
            gap.heard_at = now

    def _ask(self, device_id: str, epoch: int, gap: _Gap, now: float) -> None:
        if not gap.asked:
            found = self._sequences.missing(device_id, epoch, _RULE.window)
            assert found is not None
            gap.first, gap.last = found
            gap.top = self._sequences.top(device_id, epoch)
        gap.asked += 1
        gap.asked_at = now
        gap.due = now + _RULE.delay_s(gap.asked)
        self._counts.backfills.inc()
        question = commands.write_backfill(epoch, gap.first, gap.last)
        self._publish(topics.command(self._tenant, device_id, "backfill"), question)

    def _give_up(self, device_id: str, epoch: int, gap: _Gap) -> None:
        """The lowest hole alone: of what is above it a sender may hold packs that are not within its window yet."""
        hole = self._sequences.missing(device_id, epoch, 1)
        assert hole is not None  # filled ones are forgotten when their pack is noted
        self._pass_over(device_id, epoch, *hole, f"never came, although they were asked for {gap.asked} times")
        self._forget(device_id, epoch)

    def _pass_over(self, device_id: str, epoch: int, first: int, last: int, why: str) -> None:
        lacking = self._sequences.lacking(device_id, epoch, first, last)
        detail = f"{lacking} packs of epoch {epoch} from seq {first} to {last} {why}"
        topic = topics.command(self._tenant, device_id, "backfill")
        question = commands.write_backfill(epoch, first, last)
        reason = RefusalReason.NEVER_SENT.value
        self._keep([DeadLetter(self._clock.now_us(), topic, device_id, reason, detail, question)])
        self._sequences.pass_over(device_id, epoch, first, last)
        self._counts.never_sent.inc(lacking)
        self._acknowledger.owe(device_id, epoch)

    def _forget(self, device_id: str, epoch: int) -> None:
        del self._gaps[device_id][epoch]
        if not self._gaps[device_id]:
            del self._gaps[device_id]


def passed_over(store: ReadingStore) -> Iterator[tuple[str, int, int, int]]:
    """(device, epoch, first, last) of all that was ever passed over, from the dead letters."""
    before: int | None = None
    while True:
        letters = store.dead_letters(_PAGE, before, None, RefusalReason.NEVER_SENT.value)
        for letter in letters:
            asked = commands.read_backfill(letter.payload)
            if asked is not None:
                yield letter.device_id, asked.epoch, asked.from_, asked.to
        if len(letters) < _PAGE:
            return
        before = letters[-1].dead_id
