"""Carries out trials of policies one at a time, in a process of low priority that can be ended at any moment.

The core reads the patient's readings day by day and passes them on: DuckDB lets no second process read its file. What is judged,
and all that takes long, happens in the other process.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from api.trials import MOST_CHANGES, Change, Outcome, Told, Trial, TrialPlan, TrialState, Tried
from cli.trials.compare import compared, side, together
from cli.trials.judge import Found
from cli.trials.worker import NO_MEMORY, Head, work
from vigil.domain.alerts import Alert
from vigil.domain.effective import Scope
from vigil.domain.errors import StoreError, VigilError
from vigil.domain.people import Binding
from vigil.domain.readings import ReadingBatch, Stream
from vigil.domain.times import DAY
from vigil.runtime.clock import Clock
from vigil.store import EVERY_READING, ReadingHistory, RecordStore

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

logger = logging.getLogger(__name__)

#: Trials that are kept to be looked at, the newest ones (ours).
KEPT = 16
#: Between two looks whether somebody has ended the trial, seconds.
_LOOK_S = 0.2
_END_WAIT_S = 5.0
_BY_ITSELF = "the trial ended by itself: try fewer days, or again"
#: Real alerts of one patient that are compared with (ours).
_MOST_REAL = 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one trial (ours). ``memory``: bytes of the judging process; ``nice`` 19: below everything else that the machine does."""

    seconds: float = 600.0
    memory: int = 3 << 30
    nice: int = 19


class _Over(VigilError):
    def __init__(self, state: TrialState, why: str = "") -> None:
        self.state, self.why = state, why
        super().__init__(why)


@dataclass(slots=True)
class _Run:
    """``pipe``: our end."""

    plan: TrialPlan
    process: SpawnProcess
    pipe: Connection[Any, Any]
    until: float
    before: list[Told] = field(default_factory=list)
    after: list[Told] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    unmeasured: int = 0
    kept: int = 0
    changes: list[Change] = field(default_factory=list)


class TrialBook:
    """See ``api.trials.Trials``."""

    def __init__(
        self, readings: ReadingHistory, records: RecordStore, clock: Clock, limits: Limits | None = None
    ) -> None:
        self._readings, self._records, self._clock = readings, records, clock
        self._limits = limits or Limits()
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._trials: list[Trial] = []
        self._thread: threading.Thread | None = None

    def start(self, plan: TrialPlan) -> Trial | None:
        with self._lock:
            if self._trials and self._trials[0].state is TrialState.RUNNING:
                return None
            trial = Trial(plan, self._clock.now_us())
            self._trials = [trial, *self._trials[: KEPT - 1]]
            self._ending.clear()
            self._thread = threading.Thread(target=self._carry_out, args=(plan,), name="trial", daemon=True)
            self._thread.start()
            return trial

    def of(self, scope: Scope, name: str) -> list[Trial]:
        with self._lock:
            return [one for one in self._trials if one.plan.key == (scope, name)]

    def end(self, scope: Scope, name: str) -> bool:
        with self._lock:
            newest = self._trials[0] if self._trials else None
            if newest is None or newest.state is not TrialState.RUNNING or newest.plan.key != (scope, name):
                return False
            self._ending.set()
            return True

    def stop(self) -> None:
        """With the core; the process of a running trial is gone when this returns."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(_END_WAIT_S)

    def _note(self, **change: Any) -> None:
        """Of the newest one, which is the only one that can be running."""
        with self._lock:
            self._trials[0] = replace(self._trials[0], **change)

    def _carry_out(self, plan: TrialPlan) -> None:
        """Whatever happens it ends with one last note, so that the next one need not wait for a trial that nobody carries out."""
        end: dict[str, Any] = {"state": TrialState.FAILED, "why": _BY_ITSELF}
        try:
            end = {"state": TrialState.FINISHED, "outcome": self._judged(plan)}
        except _Over as over:
            end = {"state": over.state, "why": over.why}
        except StoreError as error:
            logger.warning("a trial of a policy could not read what it needs", exc_info=error)
            end["why"] = "the readings could not be read; try again"
        except OSError as error:
            logger.warning("the process of a trial of a policy could not be started", exc_info=error)
        finally:
            self._note(**end)

    def _judged(self, plan: TrialPlan) -> Outcome:
        """Raises ``_Over``, ``StoreError``, and ``OSError`` when there can be no other process."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        given = theirs, self._limits.memory, self._limits.nice
        process = context.Process(target=work, args=given, name="trial", daemon=True)
        with ours, theirs:
            process.start()
            try:
                theirs.close()  # or its end would not be seen
                until = self._clock.monotonic() + self._limits.seconds
                run = _Run(plan, process, ours, until, days=[0] * ((plan.end - plan.start) // DAY))
                for done, tried in enumerate(plan.people, 1):
                    self._try(run, tried)
                    self._note(done=done)
                return _outcome(run)
            finally:
                process.kill()
                process.join()

    def _try(self, run: _Run, tried: Tried) -> None:
        patient_id = tried.patient.patient_id
        worn = [one for one in self._records.bindings() if one.patient_id == patient_id and _covers(one, run.plan)]
        devices = {one.device_id for one in worn}
        streams = sorted((one for one in self._readings.streams() if one.device_id in devices), key=_number)
        self._send(run, Head(tried, [replace(one, stream=place) for place, one in enumerate(streams)], run.plan.start))
        for batch in self._batches(run.plan, worn, streams):
            self._send(run, batch)
        self._send(run, None)
        self._add(run, self._answer(run), patient_id)

    def _batches(self, plan: TrialPlan, worn: Sequence[Binding], streams: Sequence[Stream]) -> Iterator[ReadingBatch]:
        """What was measured while the patient wore the device; a day at once, so that a ward needs no more memory than a
        patient."""
        known = np.array([one.stream for one in streams], np.uint32)
        for binding in worn:
            numbers = [one.stream for one in streams if one.device_id == binding.device_id]
            last = plan.end if binding.end is None else min(binding.end, plan.end)
            for day in range(max(binding.start, plan.start), last, DAY):
                batch = self._readings.range(numbers, day, min(day + DAY, last), EVERY_READING) if numbers else None
                if batch is not None and len(batch):
                    yield replace(batch, stream=np.searchsorted(known, batch.stream).astype(np.uint32))

    def _send(self, run: _Run, what: Head | ReadingBatch | None) -> None:
        self._look(run)
        try:
            run.pipe.send(what)
        except OSError as error:
            raise _gone(run) from error

    def _answer(self, run: _Run) -> Found:
        while not run.pipe.poll(_LOOK_S):
            self._look(run)
        try:
            found = run.pipe.recv()
        except (EOFError, OSError) as error:
            raise _gone(run) from error
        if found == NO_MEMORY:
            raise _Over(TrialState.FAILED, "too many readings for one trial: try fewer days")
        assert isinstance(found, Found)
        return found

    def _look(self, run: _Run) -> None:
        """Raises ``_Over`` when it is not wanted any more, or takes too long."""
        if self._ending.is_set():
            raise _Over(TrialState.ENDED)
        if self._clock.monotonic() > run.until:
            words = f"not finished in {self._limits.seconds:g} s: try fewer days, or one patient"
            raise _Over(TrialState.FAILED, words)

    def _add(self, run: _Run, found: Found, patient_id: str) -> None:
        kept, changes = compared(found.before, found.after)
        run.before += found.before
        run.after += found.after
        run.kept += kept
        run.unmeasured += not found.days
        for day in found.days:
            run.days[day] += 1
        if changes:
            real = self._records.alerts(patient_id=patient_id, resolved_since=run.plan.start, limit=_MOST_REAL)
            run.changes += map(partial(_with_alert, real), changes)


def _number(stream: Stream) -> int:
    return stream.stream


def _covers(binding: Binding, plan: TrialPlan) -> bool:
    return binding.start < plan.end and (binding.end is None or binding.end > plan.start)


def _gone(run: _Run) -> _Over:
    run.process.join(_END_WAIT_S)
    logger.warning("the process of a trial of a policy ended with code %s", run.process.exitcode)
    return _Over(TrialState.FAILED, _BY_ITSELF)


def _outcome(run: _Run) -> Outcome:
    changes = sorted(run.changes, key=lambda one: one.told.shown_at)
    return Outcome(
        side(run.before),
        side(run.after),
        run.days,
        run.unmeasured,
        run.kept,
        changes[-MOST_CHANGES:],
        max(len(changes) - MOST_CHANGES, 0),
    )


def _with_alert(real: Sequence[Alert], change: Change) -> Change:
    """With the alert that was really shown at that time, if there was one."""
    told = change.before
    if told is None:
        return change
    was = [one for one in real if one.rule == told.rule and together(told, _told(one))]
    nearest = min(was, key=lambda one: abs(one.onset_at - told.onset_at), default=None)
    return change if nearest is None else replace(change, alert_id=nearest.alert_id)


def _told(alert: Alert) -> Told:
    over = alert.ended_at if alert.ended_at is not None else alert.resolved_at
    return Told(alert.patient_id, alert.rule, alert.priority, alert.onset_at, alert.opened_at, over, 0)
