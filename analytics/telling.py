"""From the engine's events to what is told now: a condition whose readings were all old when they came is held back.

A held one is told as soon as an odd value arrives fresh, or after a minute of holding back (a slow device clock), and as a past
episode when it ends before that. This belongs to the notice log: it depends on when readings came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.changes import Change, What
from analytics.columns import Saved
from analytics.detectors.contract import LOW
from analytics.engine.conditions import BEGAN, DROPPED, ENDED, WORSE
from analytics.intake import Taken
from analytics.slots import Slots
from vigil.domain.readings import I64, ReadingBatch
from vigil.domain.times import MINUTE

#: A condition is not held back longer than this, by receipt: a sensor whose clock is slow never becomes fresh (ours).
HELD_AT_MOST = MINUTE

#: Slot, number of the detector, side.
Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Held:
    """``since``: receipt of the reading that made it true. ``passed``: told as a past episode already, because the newest values
    are normal, though not for long enough to end it; it is told live when they turn odd again."""

    since: int
    level: int
    onset: int
    peak: float
    peak_at: int
    passed: bool = False


def not_to_be_told(since: int, event: Any) -> Held:
    """A doubt that only old values speak for."""
    return Held(since, 2, int(event["onset"]), float(event["peak"]), int(event["peak_at"]), passed=True)


@dataclass(slots=True)
class Told:
    """``level`` 1 or 2. ``lapsed``: told because its data stopped while it was pending, so that the engine does not know of it;
    then ``normal_since`` is the first normal value after that, 0 = none yet."""

    level: int
    onset: int
    lapsed: bool = False
    normal_since: int = 0


@dataclass(slots=True)
class _Rows:
    """The judged readings of a batch."""

    slot: I64
    batch: ReadingBatch
    taken: Taken
    fresh: NDArray[np.bool_]
    checked: dict[Key, int] = field(default_factory=dict)


class Telling:
    def __init__(self, slots: Slots, doubts: int) -> None:
        """``doubts``: the number of the detector of unverified critical values, which are told fresh or not at all."""
        self._slots = slots
        self._doubts = doubts
        self.told: dict[Key, Told] = {}
        self.held: dict[Key, Held] = {}
        self.self_limited = 0

    def take(self, slot: I64, batch: ReadingBatch, taken: Taken) -> list[Change]:
        """``slot`` and ``batch``: the judged readings. The changes in order of reading."""
        if not taken.events.size and not self.held:
            return []
        fresh = self._slots.speaks_for_now(slot, batch.measured_at, batch.received_at)
        rows = _Rows(slot, batch, taken, fresh)
        changes: list[tuple[int, int, Change]] = []
        for number, event in zip(taken.events["detector"].tolist(), taken.events["event"], strict=True):
            row = int(event["row"])
            key = (int(slot[row]), number, int(event["side"]))
            self._look_again(key, rows, row, changes)
            change = self._event(key, event, rows, row)
            if change is not None:
                changes.append((row, number, change))
        for key in list(self.held):
            self._look_again(key, rows, slot.size, changes)
        return [change for _, _, change in sorted(changes, key=lambda each: each[:2])]

    def _event(self, key: Key, event: Any, rows: _Rows, row: int) -> Change | None:
        what, level = int(event["what"]), int(event["level"])
        told, held = self.told.get(key), self.held.get(key)
        make = _Maker(key, event, rows, row)
        if key[1] == self._doubts:
            return self._doubt(key, what, event, rows, row, make)
        if what == BEGAN:
            return self._began(key, level, event, rows, row, make)
        if what == DROPPED:
            self.self_limited += told is None
            if told is not None:
                told.normal_since = int(event["end"])
            return None
        if what == ENDED:
            self.told.pop(key, None)
            self.held.pop(key, None)
            rows.checked.pop(key, None)
            news = told is not None or (held is not None and not held.passed)
            return make(What.ENDED if told is not None else What.PASSED) if news else None
        if held is not None:
            self.held[key] = replace(held, level=level, peak=float(event["peak"]), peak_at=int(event["peak_at"]))
            if what == WORSE and rows.fresh[row]:
                return self._tell_held(key, rows, row)
            return None
        if told is None:
            return None
        told.level = level
        return make(What.WORSE if what == WORSE else What.EASED)

    def _began(self, key: Key, level: int, event: Any, rows: _Rows, row: int, make: _Maker) -> Change | None:
        told = self.told.get(key)
        if told is not None:  # its data stopped while it was pending, and now the engine says so too
            worse, told.level, told.lapsed, told.normal_since = level > told.level, level, False, 0
            return make(What.WORSE) if worse else None
        if rows.fresh[row]:
            self.told[key] = Told(level, int(event["onset"]))
            return make(What.BEGAN)
        received = int(rows.batch.received_at[row])
        self.held[key] = Held(received, level, int(event["onset"]), float(event["peak"]), int(event["peak_at"]))
        rows.checked[key] = row + 1
        return None

    def _doubt(self, key: Key, what: int, event: Any, rows: _Rows, row: int, make: _Maker) -> Change | None:
        """Old bad values can no longer be checked, so they raise nothing until a fresh one comes."""
        if what == BEGAN and not rows.fresh[row]:
            self.held[key] = not_to_be_told(int(rows.batch.received_at[row]), event)
            rows.checked[key] = row + 1
            return None
        if what == BEGAN:
            self.told[key] = Told(2, int(rows.batch.measured_at[row]))
            return make(What.DOUBTED)
        self.held.pop(key, None)
        if what in (WORSE, ENDED) and self.told.pop(key, None) is not None:
            return make(What.DOUBT_CONFIRMED if what == WORSE else What.DOUBT_ENDED)
        return None

    def _look_again(self, key: Key, rows: _Rows, end: int, changes: list[tuple[int, int, Change]]) -> None:
        """Tell a held condition by the first odd value before row ``end`` that is fresh or has waited long enough."""
        held = self.held.get(key)
        if held is None:
            return
        slot, number, side = key
        start = rows.checked.get(key, 0)
        rows.checked[key] = end
        odd = (rows.slot[start:end] == slot) & ((rows.taken.judged.codes[number, start:end] & (LOW << side)) != 0)
        received = rows.batch.received_at[start:end]
        waited = (received - held.since >= HELD_AT_MOST) & (self._slots.end[slot] > received) & (number != self._doubts)
        due = np.flatnonzero(odd & (rows.fresh[start:end] | waited))
        if due.size:
            row = start + int(due[0])
            changes.append((row, number, self._tell_held(key, rows, row)))

    def _tell_held(self, key: Key, rows: _Rows, row: int) -> Change:
        held = self.held.pop(key)
        rows.checked.pop(key, None)
        self.told[key] = Told(held.level, held.onset)
        what = What.DOUBTED if key[1] == self._doubts else What.BEGAN
        return _change(
            what, key, rows.batch, row, level=held.level, onset=held.onset, peak=held.peak, peak_at=held.peak_at
        )

    # --- by decision or time ------------------------------------------------------------------------------------------

    def forget(self, key: Key) -> None:
        self.told.pop(key, None)
        self.held.pop(key, None)

    def saved(self, prefix: str) -> Saved:
        number = len(self.told)
        keys = [*sorted(self.told), *sorted(self.held)]
        every: list[Told | Held] = [self.told[key] for key in keys[:number]]
        every += [self.held[key] for key in keys[number:]]
        return {
            f"{prefix}.key": np.array(keys, np.int64).reshape(len(keys), 3),
            f"{prefix}.told": np.arange(len(keys)) < number,
            f"{prefix}.level": np.array([each.level for each in every], np.int64),
            f"{prefix}.onset": np.array([each.onset for each in every], np.int64),
            f"{prefix}.flag": np.array(
                [each.lapsed if isinstance(each, Told) else each.passed for each in every], np.bool_
            ),
            f"{prefix}.since": np.array(
                [each.normal_since if isinstance(each, Told) else each.since for each in every], np.int64
            ),
            f"{prefix}.peak": np.array([0.0 if isinstance(each, Told) else each.peak for each in every], np.float64),
            f"{prefix}.peak_at": np.array([0 if isinstance(each, Told) else each.peak_at for each in every], np.int64),
        }

    def load(self, saved: Mapping[str, NDArray[Any]], prefix: str) -> None:
        """Raises ``KeyError`` when an array is missing."""
        names = ("key", "told", "level", "onset", "flag", "since", "peak", "peak_at")
        columns = [saved[f"{prefix}.{name}"].tolist() for name in names]
        for key, told, level, onset, flag, since, peak, peak_at in zip(*columns, strict=True):
            if told:
                self.told[tuple(key)] = Told(level, onset, flag, since)
            else:
                self.held[tuple(key)] = Held(since, level, onset, peak, peak_at, flag)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the change that an event brings."""

    key: Key
    event: Any
    rows: _Rows
    row: int

    def __call__(self, what: What) -> Change:
        event = self.event
        level = 2 if what in (What.DOUBTED, What.DOUBT_CONFIRMED, What.DOUBT_ENDED) else int(event["level"])
        return _change(
            what, self.key, self.rows.batch, self.row,
            level=level, onset=int(event["onset"]), peak=float(event["peak"]), peak_at=int(event["peak_at"]),
            ended_at=int(event["end"]),
        )  # fmt: skip


def _change(
    what: What,
    key: Key,
    batch: ReadingBatch,
    row: int,
    *,
    level: int,
    onset: int,
    peak: float,
    peak_at: int,
    ended_at: int = 0,
) -> Change:
    return Change(
        what=what,
        slot=key[0],
        side=key[2],
        level=level,
        ordinal=int(batch.ordinal[row]),
        measured_at=int(batch.measured_at[row]),
        received_at=int(batch.received_at[row]),
        value=float(batch.value[row]),
        quality=int(batch.quality[row]),
        onset_at=onset,
        peak=peak,
        peak_at=peak_at,
        ended_at=ended_at,
        detector=key[1],
    )
