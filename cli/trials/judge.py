"""One patient's readings under the policy in force and under the edited one, through the code of the back-test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.backtest.arrange import arrange
from analytics.backtest.fold import Folded, fold
from analytics.backtest.replay import replay
from analytics.backtest.rows import Source
from analytics.backtest.stored import rows_of
from analytics.backtest.world import History, World
from analytics.engine.compiled import Kernels
from api.trials import Told, Tried
from vigil.domain.alerts import Transition
from vigil.domain.calls import How, call_of, interrupts
from vigil.domain.policy import Policy
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY

#: Answers with which an alert stands before a person on its own, as ``analytics.backtest.counts`` has it.
_SHOWN = (How.NOW, How.LIST, How.HELD)


@dataclass(frozen=True, slots=True)
class Found:
    """``days``: numbers of the days with a valid value, from 0."""

    before: Sequence[Told]
    after: Sequence[Told]
    days: frozenset[int]


def judged(tried: Tried, streams: Sequence[Stream], readings: ReadingBatch, start: int, kernels: Kernels) -> Found:
    """``streams``: numbered from 0. ``start``: of the first day, microseconds UTC."""
    history = _history(tried, streams, readings, kernels)
    before, days = _told(history, tried.before, start, kernels)
    after = before if tried.after == tried.before else _told(history, tried.after, start, kernels)[0]
    return Found(before, after, days)


def _history(tried: Tried, streams: Sequence[Stream], readings: ReadingBatch, kernels: Kernels) -> History:
    """As the readings of a store are arranged for a back-test: in order of receipt, copies left out."""
    sources = [Source(tried.patient.patient_id, stream.device_id, stream.site) for stream in streams]
    rows = rows_of(readings, streams, readings.stream.astype(np.int32), sources)
    arranged = arrange(rows, np.ones(len(rows), np.bool_), kernels)
    patient = replace(tried.patient, discharged_at=None)
    return History(patient, arranged.streams, arranged.readings, tried.before)


def _told(history: History, policy: Policy, start: int, kernels: Kernels) -> tuple[list[Told], frozenset[int]]:
    world = World(replace(history, policy=policy))
    folded = fold(world, kernels)
    return told(replay(world, folded, kernels)), _days(folded, start)


def _days(folded: Folded, start: int) -> frozenset[int]:
    return frozenset(np.unique((folded.batch.measured_at[folded.counts] - start) // DAY).tolist())


def told(log: Iterable[Transition]) -> list[Told]:
    """The alerts that somebody would have been shown, in the order in which they were. ``log``: of one patient."""
    found: dict[str, Told] = {}
    for line in log:
        alert, call = line.after, call_of(line)
        known = found.get(alert.alert_id)
        if known is None and call is not None and call.how in _SHOWN:
            known = Told(alert.patient_id, alert.rule, alert.priority, alert.onset_at, line.at, None, 0)
        if known is not None:
            over = alert.ended_at if alert.ended_at is not None else alert.resolved_at
            found[alert.alert_id] = replace(known, over_at=over, calls=known.calls + interrupts(line))
    return list(found.values())
