"""Limits with delay and hysteresis, severe limits without delay: the condition engine, one state per (slot, side).

Conditions are judged on measured time, reading by reading in order of ordinal, so that the result is the same for any split
into batches. Slots whose readings in a batch are in order, inside the limits, and which have nothing pending are handled by
numpy for the whole batch; only the others are stepped one by one.

Late data. A condition whose readings were all older than the staleness limit when they came is held back: it is told live as
soon as an abnormal value arrives fresh, or after a minute of holding back (a slow device clock), and as a past episode when it
ends before that. A reading older than the newest of its
slot is compared with the severe limit only; it does not move the condition otherwise (re-evaluating a patient for late data
comes with a later issue). What is older than 24 h on arrival never alarms. A gated value that is old, or out of order and old,
can no longer be checked and raises nothing.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analytics.changes import Change, What
from analytics.columns import Columns, Spec
from analytics.slots import Slots
from vigil.domain.policy import Policy
from vigil.domain.readings import F64, I64, ReadingBatch
from vigil.domain.times import DAY, MINUTE, SECOND
from vigil.domain.vitals import VITALS

IDLE, PENDING, TRUE, HELD = range(4)
LOW, HIGH = 0, 1
SIDES = ("low", "high")
#: Readings that were older than this when they came never alarm.
LATENESS_WINDOW = DAY
#: A condition is not held back longer than this, by receipt: a sensor whose clock is slow never becomes fresh (ours).
HELD_AT_MOST = MINUTE

LIMIT_CHANGED = "limit changed"
DEVICE_UNBOUND = "device unbound"
PATIENT_DISCHARGED = "patient discharged"


class Limits(Columns):
    """``limit``, ``severe``: NaN = none. ``inner``: the first value that counts as normal again. ``delay``: microseconds.

    ``status``: idle, pending (delay runs), true (told), held (true, but all of it old; since ``held_from`` by receipt).
    ``doubt``: a gated value lay beyond the severe limit and nothing has cleared that up. ``*_since`` 0 = not running; the
    other times are measured ones, microseconds UTC.
    """

    SPEC: ClassVar[Spec] = {
        "limit": (np.float64, (2,), np.nan),
        "inner": (np.float64, (2,), np.nan),
        "severe": (np.float64, (2,), np.nan),
        "delay": (np.int64, (2,), 0),
        "status": (np.uint8, (2,), IDLE),
        "level": (np.uint8, (2,), 0),
        "doubt": (np.bool_, (2,), False),
        "doubt_quiet_since": (np.int64, (2,), 0),
        "onset": (np.int64, (2,), 0),
        "held_from": (np.int64, (2,), 0),
        "normal_since": (np.int64, (2,), 0),
        "eased_since": (np.int64, (2,), 0),
        "peak": (np.float64, (2,), np.nan),
        "peak_at": (np.int64, (2,), 0),
    }
    limit: F64
    inner: F64
    severe: F64
    delay: I64
    status: NDArray[np.uint8]
    level: NDArray[np.uint8]
    doubt: NDArray[np.bool_]
    doubt_quiet_since: I64
    onset: I64
    held_from: I64
    normal_since: I64
    eased_since: I64
    peak: F64
    peak_at: I64

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self.slots = slots
        self.self_limited = 0
        self._changes: list[Change] = []

    # --- limits --------------------------------------------------------------------------------------------------

    def configure(self, slot: int, policy: Policy | None) -> None:
        """Take the limits that hold for the slot now; None = nobody wears the sensor."""
        name = VITALS[int(self.slots.vital[slot])].name
        for side, word in enumerate(SIDES):
            rule = None if policy is None else policy.limit(name, word)
            if rule is None or not rule.enabled:
                self.limit[slot, side] = self.inner[slot, side] = self.severe[slot, side] = np.nan
                continue
            inward = 1 if side == LOW else -1
            self.limit[slot, side] = rule.limit
            self.inner[slot, side] = rule.limit + inward * rule.hysteresis
            self.severe[slot, side] = np.nan if rule.severe is None else rule.severe
            self.delay[slot, side] = round(rule.delay_s * SECOND)

    def busy(self) -> NDArray[np.bool_]:
        """By slot: is anything pending, true, held or in doubt?"""
        size = self.slots.size
        result: NDArray[np.bool_] = ((self.status[:size] != IDLE) | self.doubt[:size]).any(axis=1)
        return result

    # --- readings --------------------------------------------------------------------------------------------------

    def judge(
        self, slot: I64, batch: ReadingBatch, gated: NDArray[np.bool_], critical: NDArray[np.bool_]
    ) -> list[Change]:
        """Feed readings, ascending by ordinal. ``slot`` -1 is left out. Returns the changes in order of ordinal."""
        keep = (slot >= 0) & (batch.received_at - batch.measured_at <= LATENESS_WINDOW)
        if not keep.all():
            slot, batch, gated, critical = slot[keep], batch.take(keep), gated[keep], critical[keep]
        if not slot.size:
            return []
        self.extend_to(self.slots.size)
        hot = self._hot(slot, batch, gated, critical)
        self._pass_by(slot, batch, gated, ~hot)
        self._changes = []
        for row in np.flatnonzero(hot):
            self._step(int(slot[row]), batch, int(row), bool(gated[row]), bool(critical[row]))
        return self._changes

    def _hot(
        self, slot: I64, batch: ReadingBatch, gated: NDArray[np.bool_], critical: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Which rows must be stepped: all rows of a slot that is busy, sees an abnormal value, or is out of order."""
        value = batch.value
        edge = np.where(gated[:, None], self.severe[slot], self.limit[slot])
        beyond = (value < edge[:, LOW]) | (value > edge[:, HIGH])
        marked = self.busy()
        marked[slot[beyond & (critical | ~gated)]] = True
        order = np.argsort(slot, kind="stable")
        sorted_slot, measured = slot[order], batch.measured_at[order]
        before = np.empty_like(measured)
        before[1:] = measured[:-1]
        first = np.empty(slot.size, np.bool_)
        first[0] = True
        first[1:] = sorted_slot[1:] != sorted_slot[:-1]
        before[first] = self.slots.seen_at[sorted_slot[first]]
        marked[sorted_slot[measured < before]] = True
        result: NDArray[np.bool_] = marked[slot]
        return result

    def _pass_by(self, slot: I64, batch: ReadingBatch, gated: NDArray[np.bool_], rows: NDArray[np.bool_]) -> None:
        """Remember the newest values of slots that are in order: the last row of each wins."""
        slots = self.slots
        at = slot[rows]
        new = at[slots.first_received[at] == 0]
        if new.size:
            # The first row of a slot wins, so assign backwards.
            fresh = rows & (slots.first_received[slot] == 0)
            slots.first_received[slot[fresh][::-1]] = batch.received_at[fresh][::-1]
        slots.seen_at[at] = batch.measured_at[rows]
        slots.seen_received[at] = batch.received_at[rows]
        valid = rows & ~gated
        at = slot[valid]
        slots.valid_at[at] = batch.measured_at[valid]
        slots.valid_received[at] = batch.received_at[valid]
        slots.valid_value[at] = batch.value[valid]
        slots.valid_quality[at] = batch.quality[valid]
        slots.valid_ordinal[at] = batch.ordinal[valid]

    def _step(self, slot: int, batch: ReadingBatch, row: int, gated: bool, critical: bool) -> None:
        slots = self.slots
        reading = _Reading(batch, row)
        measured, received = reading.measured_at, reading.received_at
        late = measured < slots.seen_at[slot]
        fresh = received - measured <= slots.stale[slot] and slots.end[slot] > received
        if slots.first_received[slot] == 0:
            slots.first_received[slot] = received
        if gated:
            if critical and fresh:
                self._doubt(slot, reading)
        elif late:
            self._late(slot, reading, fresh)
        else:
            broken = bool(slots.valid_at[slot]) and measured - int(slots.valid_at[slot]) > slots.gap[slot]
            for side in (LOW, HIGH):
                self._valid(slot, side, reading, fresh, broken)
        if not late:
            slots.seen_at[slot] = measured
        slots.seen_received[slot] = max(received, int(slots.seen_received[slot]))
        if not gated and measured >= slots.valid_at[slot]:
            slots.valid_at[slot], slots.valid_received[slot] = measured, received
            slots.valid_value[slot], slots.valid_quality[slot] = reading.value, reading.quality
            slots.valid_ordinal[slot] = reading.ordinal

    def _beyond(self, edge: F64, slot: int, side: int, value: float) -> bool:
        return bool(value < edge[slot, LOW]) if side == LOW else bool(value > edge[slot, HIGH])

    def _valid(self, slot: int, side: int, reading: _Reading, fresh: bool, broken: bool) -> None:
        """A valid value in order of measured time."""
        if np.isnan(self.limit[slot, side]):
            return
        value, at, status = reading.value, reading.measured_at, int(self.status[slot, side])
        severe = self._beyond(self.severe, slot, side, value)
        if self._beyond(self.limit, slot, side, value):
            self.normal_since[slot, side] = 0
            if status == IDLE:
                self._start(slot, side, at)
            self._note_peak(slot, side, value, at)
            if status in (IDLE, PENDING):
                if severe or at - int(self.onset[slot, side]) >= self.delay[slot, side]:
                    self._come_true(slot, side, 2 if severe else 1, reading, fresh)
            else:
                self._go_on(slot, side, severe, reading, fresh)
                self._ease(slot, side, severe, reading, broken)
        elif status != IDLE:
            if self._beyond(self.inner, slot, side, value):
                self.normal_since[slot, side] = 0
                self._ease(slot, side, False, reading, broken)
            else:
                self._normal(slot, side, reading, broken)
        self._undoubt(slot, side, severe, reading, broken)

    def _start(self, slot: int, side: int, at: int) -> None:
        self.status[slot, side], self.onset[slot, side] = PENDING, at
        self.normal_since[slot, side] = self.eased_since[slot, side] = 0
        self.peak[slot, side] = np.nan

    def _note_peak(self, slot: int, side: int, value: float, at: int) -> None:
        peak = self.peak[slot, side]
        if np.isnan(peak) or (value < peak if side == LOW else value > peak):
            self.peak[slot, side], self.peak_at[slot, side] = value, at

    def _come_true(self, slot: int, side: int, level: int, reading: _Reading, fresh: bool) -> None:
        self.level[slot, side] = level
        self.status[slot, side] = TRUE if fresh else HELD
        self.held_from[slot, side] = reading.received_at
        if fresh:
            self._tell(What.BEGAN, slot, side, reading)

    def _go_on(self, slot: int, side: int, severe: bool, reading: _Reading, fresh: bool) -> None:
        """Still beyond the limit."""
        worse = severe and self.level[slot, side] < 2
        if worse:
            self.level[slot, side] = 2
        if self.status[slot, side] == HELD:
            waited = reading.received_at - int(self.held_from[slot, side]) >= HELD_AT_MOST
            if fresh or (waited and self.slots.end[slot] > reading.received_at):
                self.status[slot, side] = TRUE
                self._tell(What.BEGAN, slot, side, reading)
        elif worse:
            self._tell(What.WORSE, slot, side, reading)

    def _ease(self, slot: int, side: int, severe: bool, reading: _Reading, broken: bool) -> None:
        """From severe to merely abnormal, when it stayed so for as long as it takes to count as normal again."""
        if severe or self.level[slot, side] < 2:
            self.eased_since[slot, side] = 0
            return
        if broken or not self.eased_since[slot, side]:
            self.eased_since[slot, side] = reading.measured_at
        if reading.measured_at - int(self.eased_since[slot, side]) >= self.slots.clear[slot]:
            self.level[slot, side] = 1
            self.eased_since[slot, side] = 0
            if self.status[slot, side] == TRUE:
                self._tell(What.EASED, slot, side, reading)

    def _normal(self, slot: int, side: int, reading: _Reading, broken: bool) -> None:
        if self.status[slot, side] == PENDING:
            self.status[slot, side] = IDLE
            self.self_limited += 1
            return
        if broken or not self.normal_since[slot, side]:
            self.normal_since[slot, side] = reading.measured_at
        if reading.measured_at - int(self.normal_since[slot, side]) >= self.slots.clear[slot]:
            what = What.ENDED if self.status[slot, side] == TRUE else What.PASSED
            self._tell(what, slot, side, reading, ended_at=int(self.normal_since[slot, side]))
            self.status[slot, side] = IDLE
            self.level[slot, side] = 0

    def _late(self, slot: int, reading: _Reading, fresh: bool) -> None:
        """Older than the newest reading of its slot: only the severe limits."""
        value, at = reading.value, reading.measured_at
        for side in (LOW, HIGH):
            if not self._beyond(self.severe, slot, side, value):
                continue
            status = int(self.status[slot, side])
            if not fresh:
                told = status == TRUE and self.onset[slot, side] <= at
                if not told:
                    self._tell(What.PASSED, slot, side, reading, level=2, onset_at=at, peak=value, ended_at=at)
                continue
            if status in (IDLE, PENDING):
                self._start(slot, side, at)
                self._note_peak(slot, side, value, at)
                self._come_true(slot, side, 2, reading, fresh)
            else:
                self._note_peak(slot, side, value, at)
                self._go_on(slot, side, True, reading, fresh)
            self._undoubt(slot, side, True, reading, False)

    def _doubt(self, slot: int, reading: _Reading) -> None:
        """A gated value beyond a severe limit: somebody must check, unless a valid one has said so already."""
        for side in (LOW, HIGH):
            if not self._beyond(self.severe, slot, side, reading.value):
                continue
            self.doubt_quiet_since[slot, side] = 0
            known = self.status[slot, side] == TRUE and self.level[slot, side] == 2
            if not known and not self.doubt[slot, side]:
                self.doubt[slot, side] = True
                at = reading.measured_at
                self._tell(What.DOUBTED, slot, side, reading, level=2, onset_at=at, peak=reading.value)

    def _undoubt(self, slot: int, side: int, severe: bool, reading: _Reading, broken: bool) -> None:
        """Valid values clear up a doubt: a severe one confirms it, others must go on for the clear delay."""
        if not self.doubt[slot, side]:
            return
        if severe:
            if self.status[slot, side] == TRUE:
                self.doubt[slot, side] = False
                self._tell(What.DOUBT_CONFIRMED, slot, side, reading)
            return
        if broken or not self.doubt_quiet_since[slot, side]:
            self.doubt_quiet_since[slot, side] = reading.measured_at
        since = int(self.doubt_quiet_since[slot, side])
        if reading.measured_at - since >= self.slots.clear[slot]:
            self.doubt[slot, side] = False
            self._tell(What.DOUBT_ENDED, slot, side, reading, ended_at=since)

    def _tell(
        self,
        what: What,
        slot: int,
        side: int,
        reading: _Reading,
        *,
        level: int | None = None,
        onset_at: int | None = None,
        peak: float | None = None,
        ended_at: int = 0,
    ) -> None:
        self._changes.append(
            Change(
                what=what,
                slot=slot,
                side=side,
                level=int(self.level[slot, side]) if level is None else level,
                ordinal=reading.ordinal,
                measured_at=reading.measured_at,
                received_at=reading.received_at,
                value=reading.value,
                quality=reading.quality,
                onset_at=int(self.onset[slot, side]) if onset_at is None else onset_at,
                peak=float(self.peak[slot, side]) if peak is None else peak,
                peak_at=int(self.peak_at[slot, side]) if onset_at is None else onset_at,
                ended_at=ended_at,
            )
        )


class _Reading:
    """One row as plain numbers."""

    __slots__ = ("measured_at", "ordinal", "quality", "received_at", "value")

    def __init__(self, batch: ReadingBatch, row: int) -> None:
        self.ordinal = int(batch.ordinal[row])
        self.measured_at = int(batch.measured_at[row])
        self.received_at = int(batch.received_at[row])
        self.value = float(batch.value[row])
        self.quality = int(batch.quality[row])
