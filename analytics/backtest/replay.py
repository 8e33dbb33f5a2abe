"""The notice log of one patient: the live pipeline on a virtual clock that jumps from one moment that matters to the next.

Live, the clock ticks each second. Here it ticks only when something can change: after a reading that changed a condition, when a
silence passes a threshold, when a minute's score calls for another priority, at a deadline, and when late data have settled. So
the notices are those of live, except that a score is looked at once a minute of measured time instead of each second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from analytics.backtest.fold import Folded
from analytics.backtest.foreseen import Foreseen, foreseeable
from analytics.backtest.quiet import Jumping, quiet
from analytics.backtest.world import World
from analytics.combination_rule import AtOnce
from analytics.directory import Directory
from analytics.engine.compiled import Kernels
from analytics.freshness import BACKLOG, WATCHED_VITALS, low_after, medium_after
from analytics.lapses import QUIET
from analytics.late import LONGEST
from analytics.minute_rules import GRACE
from analytics.missing import UNKNOWN_INTERVAL
from analytics.patient_detectors import DISAGREEMENT, MULTIVARIATE
from analytics.patient_detectors.runs import USUAL
from analytics.quality import COUNTS, first_gate
from analytics.slots import FOREVER
from analytics.state import State
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Handling, Step, Transition
from vigil.domain.calls import interrupts
from vigil.domain.lifecycle import Acknowledge, Stamp, apply
from vigil.domain.people import Device
from vigil.domain.policy import Policy
from vigil.domain.quality import AHEAD_ALLOWED
from vigil.domain.readings import I64, ReadingBatch
from vigil.domain.times import HOUR, MINUTE, SECOND
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics
from vigil.store import WardRecords

#: Late data and their past episodes settle in this time after the last reading; silence after that is no finding.
SETTLE = 20 * SECOND
#: How long the nurse of a back-test takes to acknowledge, seconds (ours).
RESPONSE_S = 60.0
#: How long after it opened she finds what called nobody (ours).
ROUND = HOUR
#: What people and deadlines do with an alert. It moves no condition, so that nothing but ``Pipeline.on_deadline`` looks at it.
_HANDLED = (Step.ACKNOWLEDGED, Step.REALARMED, Step.ESCALATED)


class Told(WardRecords, Protocol):
    """Records of one patient with their whole ``log``."""

    log: list[Transition]


class Nurse:
    """Comes a fixed time after a call and acknowledges all that is open about the patient, as an attentive person would; what
    called nobody she finds on her next round. Without her, escalations would never end and mean nothing."""

    def __init__(self, records: Told, policy: Policy, response_s: float) -> None:
        self._records = records
        self._policy = policy
        self._response = round(response_s * SECOND)
        self._read = 0
        self._called: int | None = None
        self._noted: dict[str, int] = {}

    def look(self, now: int) -> None:
        """Note who waits, and acknowledge when it is time."""
        for line in self._records.log[self._read :]:
            if self._called is None and interrupts(line):
                self._called = line.at
        self._read = len(self._records.log)
        comes = self._called is not None and now - self._called >= self._response
        noted = {}
        for alert in self._records.alerts(open_only=True):
            if alert.handling is Handling.UNACKNOWLEDGED:
                since = self._noted.get(alert.alert_id, now)
                if comes or now - since >= ROUND:
                    self._acknowledge(alert, now)
                else:
                    noted[alert.alert_id] = since
        self._noted = noted
        self._called = None if comes else self._called

    def next_due(self) -> int | None:
        dues = [since + ROUND for since in self._noted.values()]
        if self._called is not None:
            dues.append(self._called + self._response)
        return min(dues, default=None)

    def _acknowledge(self, alert: Alert, now: int) -> None:
        stamp = Stamp(f"command:{alert.alert_id}:{alert.version}", now, "nurse")
        line = apply(alert, Acknowledge(stamp, alert.version), self._policy)
        if line is not None:
            self._records.record(line)


def replay(
    world: World,
    folded: Folded,
    kernels: Kernels | None = None,
    response_s: float = RESPONSE_S,
    comes: Callable[[World, Policy, float], Nurse] = Nurse,
) -> list[Transition]:
    """Every alert transition of the patient, in order; also in ``world.log``. ``response_s``: see ``Nurse``; ``comes``: another
    one."""
    if len(world.history.batch):
        _Replay(world, folded, kernels, comes(world, world.history.policy, response_s)).run()
    return world.log


class _Replay:
    """One patient's readings, taken in up to the clock's time."""

    def __init__(self, world: World, folded: Folded, kernels: Kernels | None, nurse: Nurse) -> None:
        batch = world.history.batch
        self._world, self._batch, self._nurse, self._taken = world, batch, nurse, 0
        self._start, end = int(batch.received_at[0]), int(batch.received_at[-1]) + SETTLE
        directory = Directory(world)
        directory.refresh()
        self._state = _state(directory, world, kernels, folded)
        self._clock = ManualClock(self._start)
        self._pipeline = Jumping(self._state, directory, world, world, Bus(), self._clock, Metrics(), AtOnce)
        self._pipeline.begin(self._start, 0)
        silences, _, others = certain = _certain(world, folded, self._start, end)
        self._moments = _with_news2(folded, self._start, end, *certain)
        self._quiet = None
        if isinstance(self._state, Foreseen):
            silences = _between(self._start, end, silences)
            self._quiet = quiet(world, folded, self._moments, others, silences, self._state.engine.kernels)
        #: How long the log was when the last moment had taken in its readings: its tick has seen what these changed.
        self._before = 0

    def run(self) -> None:
        place, moments = 0, self._moments.tolist()
        while place < len(moments):
            self._tick_until(place, moments[place])
            place += 1
            # What a moment has changed may bring more at the next.
            if place < len(moments) and len(self._world.log) == self._before:
                due = self._due()
                last = len(moments) if due is None else int(np.searchsorted(self._moments, due))
                place = self._passed(place, last)
                self._clock.jump_to(moments[place - 1])

    def _passed(self, place: int, last: int) -> int:
        """The place of the next moment that needs a tick, ``last`` at the most."""
        if self._quiet is None or not self._pipeline.at_rest():
            return place
        return self._pipeline.pass_over(self._quiet, place, last, self._world, self._start)

    def _only_handled(self, place: int) -> bool:
        """Has nothing happened since the last readings but what people and deadlines do, and brings this moment nothing else?"""
        handled = all(line.step in _HANDLED for line in self._world.log[self._before :])
        return handled and self._passed(place, place + 1) > place

    def _due(self) -> int | None:
        """A deadline needs no readings; whatever does is a moment of its own, or late data, or a condition held back."""
        deadlines = [due for due in (self._pipeline.next_deadline(), self._nurse.next_due()) if due is not None]
        return min(deadlines, default=None)

    def _tick_until(self, place: int, moment: int) -> None:
        while True:
            others = _held(self._state, self._batch, self._taken, self._clock.now_us())
            if (late := self._state.late.next_due()) is not None:
                others.append(late)
            soonest = self._clock.now_us() + SECOND
            whole = min(moment, max(min(others, default=moment), soonest))
            due = self._due()
            now = whole if due is None else min(whole, max(due, soonest))
            if now > soonest:  # a tick of live would have come in between
                self._pipeline.book.sync()
            self._clock.jump_to(now)
            light = self._only_handled(place) if now == moment else now < whole
            if not light:
                self._take(now)
            if now == moment:
                self._before = len(self._world.log)
            if light:
                self._pipeline.on_deadline(now)
            else:
                self._tick(now, place if now == moment else None)
            self._nurse.look(now)
            if now == moment:
                return

    def _tick(self, now: int, place: int | None) -> None:
        """``place``: of the moment, None between two."""
        if self._quiet is not None and place is not None:
            if self._pipeline.on_turn(self._quiet, place, self._world, self._start):
                return
            if not self._quiet.looks.touched[place]:
                self._pipeline.forget_touched()
        self._pipeline.on_tick(now, self._start)

    def _take(self, now: int) -> None:
        upto = int(np.searchsorted(self._batch.received_at, now, side="right"))
        if upto > self._taken:
            state, span = self._state, (self._taken, upto)
            rows = state.mattering(*span) if isinstance(state, Foreseen) else slice(*span)
            self._pipeline.on_batch(self._batch.take(rows), now)
            self._taken = upto


def _state(directory: Directory, world: World, kernels: Kernels | None, folded: Folded) -> State:
    if foreseeable(world, folded):
        return Foreseen(directory, world, kernels, folded)
    return State(directory, world, kernels, checkpoints=not folded.in_order)


def _held(state: State, batch: ReadingBatch, taken: int, now: int) -> list[int]:
    """While a condition is held back, or was told because its data stopped, any reading may tell or end it; so may silence."""
    telling = state.telling
    if not telling.held and not any(told.lapsed for told in telling.told.values()):
        return []
    silence = [now + SECOND] if any(not held.passed for held in telling.held.values()) else []
    following: list[int] = batch.received_at[taken : taken + 1].tolist()
    return silence + following


def moments(world: World, folded: Folded, start: int, end: int) -> I64:
    """When something may change whatever the alerts do: server time, ascending."""
    return _with_news2(folded, start, end, *_certain(world, folded, start, end))


def _with_news2(folded: Folded, start: int, end: int, *certain: I64) -> I64:
    return _between(start, end, *certain, folded.batch.received_at[folded.decided], _scores(folded))


def _certain(world: World, folded: Folded, start: int, end: int) -> tuple[I64, I64, I64]:
    """The moments that are there for another reason than NEWS2: those of silences, of conditions that may call, the others."""
    others = np.concatenate([np.array([start, end]), _late(folded), _minutes(folded, end)])
    return _silences(world, folded, start, end), folded.batch.received_at[folded.told], others


def _between(start: int, end: int, *times: I64) -> I64:
    together = np.unique(np.concatenate(times))
    return together[(together >= start) & (together <= end)]


def _silences(world: World, folded: Folded, start: int, end: int) -> I64:
    """A second after each threshold that a silence passes, and when it is over."""
    slots = folded.state.slots
    told = [_told_interval(device) for device in world.devices()]
    intervals = sorted({*slots.interval[: slots.size].tolist(), *told})
    thresholds = np.array(sorted({after(each) for each in intervals for after in (low_after, medium_after)}))
    found = [start + thresholds + SECOND, np.array([start + BACKLOG + SECOND])]
    for slot in range(slots.size):
        first, last = np.searchsorted(folded.slot, (slot, slot + 1)).tolist()
        stale = int(slots.stale[slot])
        begun = folded.batch.received_at[first:last].min(initial=end)
        found.append(np.r_[begun, begun + thresholds + SECOND])
        rows = [_newest(folded, np.flatnonzero(folded.counts[first:last]) + first)]
        if not folded.in_order:
            # While readings are missing the gate may say otherwise, so that a late one is the newest that counts.
            good = first_gate(folded.batch.value[first:last], folded.batch.quality[first:last]) == COUNTS
            rows.append(_received(folded, np.flatnonzero(good) + first))
        for each in rows:
            measured = folded.batch.measured_at[each]
            at_once = folded.batch.received_at is folded.batch.measured_at
            received = measured if at_once else folded.batch.received_at[each]
            found += _of_silence(measured, received, stale, thresholds, start, end)
    return np.concatenate(found)


def _of_silence(measured: I64, received: I64, stale: int, thresholds: I64, start: int, end: int) -> list[I64]:
    """For one slot with these newest readings."""
    first, backlog = received[:1], received[: np.searchsorted(received, start + BACKLOG)]
    if received is measured and (received[1:] - received[:-1] <= min(stale, int(thresholds.min(initial=stale)))).all():
        measured = received = received[-1:]  # no silence but the last one, as mostly
    heard = np.where(received - measured <= stale, received, measured)
    old = np.flatnonzero(received - measured > stale - QUIET)
    old = old[np.r_[received, end][old + 1] - received[old] > QUIET]
    return [
        first,
        received[old] + QUIET + SECOND,
        _crossings(heard, received, thresholds, end),
        _crossings(measured, received, np.array([stale]), end),
        _crossings(backlog, backlog, thresholds, end),
    ]


def _told_interval(device: Device) -> int:
    """Of a device that has not sent anything yet; as in ``analytics.missing``."""
    told = [device.interval_s[name] for name in WATCHED_VITALS if name in device.interval_s]
    return round(min(told) * SECOND) if told else UNKNOWN_INTERVAL


def _received(folded: Folded, rows: I64) -> I64:
    """These rows in order of receipt."""
    if folded.in_order:
        return rows
    return rows[np.argsort(folded.batch.ordinal[rows], kind="stable")]


def _newest(folded: Folded, rows: I64) -> I64:
    """Those that were each the newest one when they came, in order of receipt."""
    if folded.in_order:
        return rows
    rows = _received(folded, rows)
    measured = folded.batch.measured_at[rows]
    return rows[measured >= np.maximum.accumulate(measured)]


def _crossings(since: I64, received: I64, thresholds: I64, end: int) -> I64:
    """When what is counted from ``since`` of the newest reading passes a threshold, and when a reading brings it back."""
    last = received.size - 1
    again, least = np.r_[received[1:], end][: received.size], int(thresholds.min(initial=FOREVER))
    old = np.append(received[1:] - since[1:], 0)[: received.size]  # of what brings it back
    # Only around these can anything pass a threshold: mostly a few of tens of thousands.
    rows = np.flatnonzero((again - since > least) | (old > least))
    since, received, again, old = since[rows], received[rows], again[rows], old[rows]
    found, comes = [], rows < last
    for threshold in thresholds.tolist():
        passes = since + threshold + SECOND
        found.append(passes[(passes > received) & (passes <= again)])
        found.append(again[comes & ((again - since > threshold) != (old > threshold))])
    return np.concatenate(found)


def _scores(folded: Folded) -> I64:
    """Ends of minutes in which NEWS2 calls for another grade than the minute before, or has lasted or been lower for a delay,
    and twice a minute later: the score of the last minute before a second may turn up to a minute after that of the full
    minute."""
    at = folded.minutes.minute_end
    if not at.size:
        return np.empty(0, np.int64)
    changed = np.flatnonzero((np.diff(folded.grades, prepend=0) != 0) | (folded.turns != 0))
    gone = np.flatnonzero(np.diff(at, prepend=at[0]) > MINUTE)
    turns: I64 = np.r_[at[changed], at[gone - 1] + MINUTE, at[gone]]
    return np.concatenate([turns, *(turns + each * MINUTE + SECOND for each in (1, 2))])


def _minutes(folded: Folded, end: int) -> I64:
    """Each minute of the episodes of those detectors that look once a minute, and a few more, which end them."""
    found = [np.empty(0, np.int64)]
    for logged in folded.log:
        if logged.rule.partition(".")[0] in (DISAGREEMENT, MULTIVARIATE) and logged.priority is not None:
            onset, over = logged.episode.onset, logged.episode.end
            last = end if over is None else over + (USUAL + 1) * MINUTE
            found.append(np.arange(onset // MINUTE, last // MINUTE + 1) * MINUTE + GRACE)
    return np.concatenate(found)


def _late(folded: Folded) -> I64:
    """Where what is known so far differs from what will be known in the end: from the time that a late reading speaks of until it
    has been judged, the clock ticks with each reading of its sensor and at the end of each minute."""
    batch, found = folded.batch, []
    if folded.in_order:
        return np.empty(0, np.int64)
    for slot in range(folded.state.slots.size):
        rows = _received(folded, np.flatnonzero(folded.slot == slot))
        measured, received = batch.measured_at[rows], batch.received_at[rows]
        late = measured < np.maximum.accumulate(measured)
        if not late.any():
            continue
        order = np.argsort(measured[late], kind="stable")
        first, last = measured[late][order] - AHEAD_ALLOWED, np.maximum.accumulate(received[late][order] + LONGEST)
        window = np.searchsorted(first, received, side="right") - 1
        inside = (window >= 0) & (received <= last[window])
        found += [received[inside], (np.unique(received[inside] // MINUTE) + 1) * MINUTE]
    return np.concatenate(found) if found else np.empty(0, np.int64)
