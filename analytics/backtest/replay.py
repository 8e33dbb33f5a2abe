"""The notice log of one patient: the live pipeline on a virtual clock that jumps from one moment that matters to the next.

Live, the clock ticks each second. Here it ticks only when something can change: after a reading that changed a condition, when a
silence passes a threshold, when a minute's score calls for another priority, at a deadline, and when late data have settled. So
the notices are those of live, except that a score is looked at once a minute of measured time instead of each second.
"""

from __future__ import annotations

import numpy as np

from analytics.backtest.fold import Folded, prepared
from analytics.backtest.world import World
from analytics.engine.compiled import Kernels
from analytics.freshness import LOW_AT_LEAST, LOW_INTERVALS, MEDIUM_AT_LEAST, MEDIUM_INTERVALS
from analytics.pipeline import Pipeline
from analytics.scores.bands import LOWER, SINGLE_3
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert, Handling, Transition
from vigil.domain.lifecycle import Acknowledge, Stamp, apply
from vigil.domain.readings import I64
from vigil.domain.times import MINUTE, SECOND
from vigil.runtime.clock import ManualClock
from vigil.runtime.metrics import Metrics

#: Late data and their past episodes settle in this time after the last reading; silence after that is no finding.
SETTLE = 20 * SECOND
#: How long the nurse of a back-test takes to acknowledge, seconds (ours).
RESPONSE_S = 60.0
#: While late readings come, the clock ticks at least so often.
_LATE_STEP = 5 * SECOND


class Nurse:
    """Acknowledges every alert a fixed time after it called, as an attentive person would. Without one, escalations would never
    end and mean nothing."""

    def __init__(self, world: World, response_s: float) -> None:
        self._world = world
        self._response = round(response_s * SECOND)
        self._waiting: dict[str, tuple[int, int]] = {}

    def look(self, now: int) -> None:
        """Note who waits, and acknowledge who has waited long enough."""
        calling = {}
        for alert in self._world.alerts(open_only=True):
            if alert.handling is Handling.UNACKNOWLEDGED:
                since = self._waiting.get(alert.alert_id, (now, 0))[0]
                if now - since >= self._response:
                    self._acknowledge(alert, now)
                else:
                    calling[alert.alert_id] = (since, since + self._response)
        self._waiting = calling

    def next_due(self) -> int | None:
        return min((due for _, due in self._waiting.values()), default=None)

    def _acknowledge(self, alert: Alert, now: int) -> None:
        stamp = Stamp(f"command:{alert.alert_id}:{alert.version}", now, "nurse")
        line = apply(alert, Acknowledge(stamp, alert.version), self._world.history.policy)
        if line is not None:
            self._world.record(line)


def replay(
    world: World, folded: Folded, kernels: Kernels | None = None, response_s: float = RESPONSE_S
) -> list[Transition]:
    """Every alert transition of the patient, in order; also in ``world.log``. ``response_s``: see ``Nurse``."""
    batch = world.history.batch
    if not len(batch):
        return []
    start, end = int(batch.received_at[0]), int(batch.received_at[-1]) + SETTLE
    state, directory, _ = prepared(world, kernels)
    clock, nurse = ManualClock(start), Nurse(world, response_s)
    pipeline = Pipeline(state, directory, world, world, Bus(), clock, Metrics())
    pipeline.begin(start, 0)
    taken = 0
    for moment in moments(world, folded, start, end).tolist():
        while True:
            waiting = [due for due in (pipeline.next_due(), nurse.next_due()) if due is not None]
            now = min(moment, max(min(waiting, default=moment), clock.now_us() + SECOND))
            upto = int(np.searchsorted(batch.received_at, now, side="right"))
            clock.jump_to(now)
            if upto > taken:
                pipeline.on_batch(batch.take(slice(taken, upto)), now)
                taken = upto
            pipeline.on_tick(now, start)
            nurse.look(now)
            if now == moment:
                break
    return world.log


def moments(world: World, folded: Folded, start: int, end: int) -> I64:
    """When the clock must tick whatever the alerts do: server time, ascending."""
    received = folded.batch.received_at
    found = [np.array([start, end]), received[folded.decided], _silences(folded, end), _scores(folded)]
    late = _late(world)
    found += [late] if late.size else []
    together = np.unique(np.concatenate(found))
    return together[(together >= start) & (together <= end)]


def _silences(folded: Folded, end: int) -> I64:
    """A second after each threshold that a silence passes, and when it is over."""
    slots, found = folded.state.slots, []
    for slot in range(slots.size):
        rows = np.flatnonzero((folded.slot == slot) & folded.counts)
        heard = np.sort(folded.batch.received_at[rows])
        interval, stale = int(slots.interval[slot]), int(slots.stale[slot])
        thresholds = (
            max(LOW_AT_LEAST, LOW_INTERVALS * interval),
            max(MEDIUM_AT_LEAST, MEDIUM_INTERVALS * interval),
            stale,
        )
        again = np.r_[heard[1:], end]
        silence = again - heard
        quiet = silence > min(thresholds)
        for threshold in thresholds:
            passed = silence > threshold
            found.append(heard[passed] + threshold + SECOND)
        found.append(again[quiet])
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _scores(folded: Folded) -> I64:
    """Ends of minutes in which NEWS2 calls for another priority than the minute before, and a clear delay later."""
    at, scores = folded.minutes.minute_end, folded.scores
    if not at.size:
        return np.empty(0, np.int64)
    lower = scores[:, LOWER]
    wanted = np.where(lower >= 7, 3, np.where(lower >= 5, 2, scores[:, SINGLE_3]))
    changed = np.flatnonzero(np.diff(wanted, prepend=0) != 0)
    gone = np.flatnonzero(np.diff(at, prepend=at[0]) > MINUTE)
    turns: I64 = np.r_[at[changed], at[gone - 1] + MINUTE, at[gone]]
    return np.concatenate([turns, turns + MINUTE + SECOND])


def _late(world: World) -> I64:
    """Where readings come out of order: every few seconds while they come."""
    batch = world.history.batch
    order = np.lexsort((batch.ordinal, batch.stream))
    same = batch.stream[order][1:] == batch.stream[order][:-1]
    if not (same & (np.diff(batch.measured_at[order]) < 0)).any():
        return np.empty(0, np.int64)
    steps: I64 = (np.unique(batch.received_at // _LATE_STEP) + 1) * _LATE_STEP
    return steps
