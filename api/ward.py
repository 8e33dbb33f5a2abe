"""The ward as the page shows it: one card a patient, kept in memory, changed only where something changed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import numpy as np

from api import shape
from api.cards import Shown, Written, card
from api.care import Care, View
from api.current import Columns, Current, Layout, Part
from api.glance import Glance
from api.openalerts import OpenAlerts
from api.recent import Recent
from api.score_course import ScoreCourse
from api.shape import Json
from api.ticks import Changes
from vigil.bus.board import Bus
from vigil.domain.alerts import Alert
from vigil.domain.calls import Call
from vigil.domain.errors import NotFound
from vigil.domain.order import Standing, ward_order, work_order
from vigil.domain.people import MANUAL_PREFIX, Binding, Patient
from vigil.domain.phrases.coverage import NONE_BOUND, NOT_JUDGED, STILL, covered
from vigil.domain.scores import Coverage, CoverageState, Score
from vigil.domain.times import SECOND
from vigil.domain.vitals import VITALS
from vigil.runtime.clock import Clock
from vigil.store import ReadingStore, RecordStore

#: The judging ticks once a second; when it has stood still for so long, nobody counts as watched (ours).
STILL_US = 10 * SECOND

#: A score whose numbers stand is sent again this often, so that the ages of its inputs stay true.
SCORE_AGAIN_S = 10


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known now: after tick ``number`` and alert log position ``seq``. ``alerts`` in work-list order."""

    number: int
    seq: int
    patients: list[Json]
    alerts: list[Json]


def _meaning(score: Score) -> tuple[Any, ...]:
    """What a nurse would notice of a score, without the ages that move all the time."""
    parts = tuple((part.points, part.stale) for part in score.parts)
    return (score.status, score.total, score.lower, score.upper, score.single_3, score.missing, score.why, parts)


def _plain_rows(current: Current, rows: Columns) -> Iterator[tuple[int, float, int, int, int, int, int]]:
    """The named rows as plain numbers: reading numpy scalars one by one would cost several times more."""
    return zip(
        current.candidate[rows].tolist(),
        current.value[rows].tolist(),
        current.measured_at[rows].tolist(),
        current.received_at[rows].tolist(),
        current.quality[rows].tolist(),
        current.state[rows].tolist(),
        current.bad_at[rows].tolist(),
        strict=True,
    )


class Ward:
    """Safe to use from several threads; each public call takes the lock for as long as it reads."""

    def __init__(self, readings: ReadingStore, records: RecordStore, bus: Bus, clock: Clock, care: Care) -> None:
        self._readings, self._records, self._board, self._clock = readings, records, bus.board, clock
        self._care = care
        self._lock = threading.RLock()
        self._alerts = OpenAlerts(records)
        self._glance = Glance(Recent(readings, bus, clock), ScoreCourse(readings, bus.board, clock), clock)
        self._revision = -1
        self._streams = -1
        self._board_tick = -1
        self._patients: dict[str, Patient] = {}
        self._bindings: list[Binding] = []
        self._with_device: set[str] = set()
        self._layout = Layout([], [], {}, [])
        self._parts: dict[str, Part] = {}
        self._members: dict[str, set[str]] = {}
        self._current: Current | None = None
        self._values: dict[str, dict[str, Json]] = {}
        self._scores: dict[str, tuple[Score, int]] = {}
        self._shown_scores: dict[str, tuple[Score, Json]] = {}
        self._coverage: dict[str, Coverage] = {}
        self._unjudged: dict[str, Coverage] = {}
        self._still: Coverage | None = None
        self._order: list[str] = []
        self._ranks: dict[str, int] = {}
        self._touched: set[str] = set()
        self._changes = Changes()
        self._written = Written()

    def take_changes(self) -> Changes:
        """Looks at everything and hands over what changed since the last time it was called."""
        with self._lock:
            self._refresh()
            changes, self._changes = self._changes, Changes(self._changes.number + 1, self._order)
            return changes

    def snapshot(self, names: bool, view: View) -> Snapshot:
        with self._lock:
            patients, calls = self.cards(names, view), self._alerts.calls
            alerts = [shape.alert(one, names, calls.get(one.alert_id)) for one in self.open_alerts(view)]
            return Snapshot(self._changes.number - 1, self._alerts.seq, patients, alerts)

    def seed(self) -> None:
        """Reads a little of the past that curves and trends need; called between ticks until all is there."""
        with self._lock:
            self._glance.seed()

    def cards(self, names: bool, view: View, ward: str | None = None) -> list[Json]:
        """All of ``view`` who are not discharged, or of them those of one ward, in ward order. Their ranks count everybody
        of ``view``; with a ``ward`` they are those of the last tick."""
        with self._lock:
            return [self._card(one, names) for one in self._listed(view, ward)]

    def written(self, names: bool, view: View, ward: str | None = None) -> list[msgspec.Raw]:
        """The same as bytes, made anew where something changed."""
        with self._lock:
            return [self._written.of(one, names, self._card) for one in self._listed(view, ward)]

    def _listed(self, view: View, ward: str | None) -> Iterator[Shown]:
        if ward is None:
            self._refresh()
        else:
            self._refresh_ward(ward)
        today, ranks = self._today(), self._ranks_in(view)
        own = ranks if ward is None else sorted(self._members.get(ward, set()) & ranks.keys(), key=ranks.__getitem__)
        return (self._shown(patient_id, ranks[patient_id], today) for patient_id in own)

    def card(self, patient_id: str, names: bool, view: View) -> Json:
        """Raises ``NotFound`` for an unknown or discharged patient, and for one who is not of ``view``."""
        with self._lock:
            self._refresh_layout()
            patient = self._patients.get(patient_id)
            if patient is None or not view.patient(patient_id):
                raise NotFound("no such patient")
            self._refresh_ward(patient.ward)
            return self._card(self._shown(patient_id, self._ranks_in(view)[patient_id], self._today()), names)

    def _ranks_in(self, view: View) -> dict[str, int]:
        """In order. How many others there are, and how ill, is not to be told by the ranks of those whom somebody sees."""
        if view.reach.wards is None:
            return self._ranks
        own = {one for ward in view.reach.wards for one in self._members.get(ward, ())}
        own |= view.reach.opened & self._patients.keys()
        return {one: rank for rank, one in enumerate(sorted(own, key=self._ranks.__getitem__), 1)}

    def open_alerts(self, view: View) -> list[Alert]:
        """Those of ``view``, in work-list order."""
        with self._lock:
            self._refresh_alerts()
            found = [one for one in self._alerts.all() if view.alert(one)]
            whose = {one.patient_id for one in found} & self._patients.keys()
            return work_order(found, {one: self._board.score(one) for one in whose})

    def calls(self) -> dict[str, Call]:
        """By open alert: what its newest line that asked for somebody did."""
        with self._lock:
            self._refresh_alerts()
            return dict(self._alerts.calls)

    def coverage(self, patient_id: str) -> Coverage:
        with self._lock:
            self._refresh()
            return self._coverage_of(patient_id)

    def patient(self, patient_id: str) -> Patient | None:
        """From memory; None when unknown or discharged."""
        with self._lock:
            return self._patients.get(patient_id)

    def wards(self) -> list[str]:
        """Those that have patients now, sorted."""
        with self._lock:
            self._refresh_layout()
            return sorted(self._members)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock.now_us() / SECOND, UTC).date()

    def _refresh(self) -> None:
        self._refresh_layout()
        self._refresh_values()
        told = self._glance.refresh(self._layout, self._current, self._patients)
        self._changes.trends.update(told.trends)
        self._changes.sparks.update(told.sparks)
        self._changes.befores.update(told.befores)
        self._touched |= self._alerts.refresh()
        judged = self._refresh_board()
        if self._touched or judged or self._changes.reset:
            self._touched = set()
            self._refresh_order()

    def _refresh_alerts(self) -> None:
        self._refresh_layout()
        self._touched |= self._alerts.refresh()

    def _refresh_ward(self, ward: str) -> None:
        """The values and alerts of one ward; the rest waits for the next tick, unless there was none yet or people changed."""
        self._refresh_alerts()
        if self._current is None or self._changes.reset:
            self._refresh()
            return
        part = self._parts.get(ward)
        if part is None:
            own = self._members.get(ward, set())
            places = [row for row, (one, _) in enumerate(self._layout.rows) if one in own]
            part = self._parts[ward] = self._layout.part(np.array(places, np.int64))
        found = part.pick(self._readings.latest(), self._clock.now_us())
        changed = found.changed(self._current.take(part.rows))
        self._current.put(part.rows[changed], found.take(changed))
        self._take_over(part.rows[changed])

    def _refresh_layout(self) -> None:
        revision = self._records.revision()
        streams = self._readings.streams()
        if revision == self._revision and len(streams) == self._streams:
            return
        bindings = self._records.bindings()
        if revision != self._revision:
            patients = {patient.patient_id: patient for patient in self._records.patients()}
            # A changed policy or device also raises the revision, but needs no snapshot.
            self._changes.reset |= patients != self._patients or bindings != self._bindings or self._revision < 0
            self._patients, self._bindings = patients, bindings
            self._members = {}
            for one in patients.values():
                self._members.setdefault(one.ward, set()).add(one.patient_id)
            self._with_device = {
                one.patient_id for one in bindings if one.end is None and not one.device_id.startswith(MANUAL_PREFIX)
            }
            self._unjudged = {}
        devices = {device.device_id: device for device in self._records.devices()}
        self._layout = Layout(list(self._patients), bindings, devices, streams)
        held = set(self._layout.rows)
        self._values = {
            patient_id: {name: value for name, value in values.items() if (patient_id, _VITAL_INDEX[name]) in held}
            for patient_id, values in self._values.items()
        }
        self._current, self._parts = None, {}
        self._revision, self._streams = revision, len(streams)

    def _refresh_values(self) -> None:
        layout = self._layout
        current = layout.pick(self._readings.latest(), self._clock.now_us())
        rows = np.arange(len(layout.rows)) if self._current is None else current.changed(self._current)
        self._current = current
        self._take_over(rows)

    def _take_over(self, rows: Columns) -> None:
        """What these rows of ``_current`` say, into the values."""
        layout = self._layout
        assert self._current is not None
        for row, found in zip(rows, _plain_rows(self._current, rows), strict=True):
            candidate, value, measured, received, quality, state, bad_at = found
            patient_id, vital = layout.rows[int(row)]
            name = VITALS[vital].name
            if candidate < 0:
                if self._values.get(patient_id, {}).pop(name, None) is not None:
                    self._changes.reset = True
                continue
            device_id = layout.device_ids[candidate]
            new = shape.current_value(vital, device_id, value, measured, received, quality, state, bad_at)
            values = self._values.setdefault(patient_id, {})
            if values.get(name) != new:
                values[name] = new
                self._changes.vitals.setdefault(patient_id, {})[name] = new

    def _refresh_board(self) -> bool:
        """True when a score's bounds or a coverage changed, so that the order may have."""
        now = self._clock.now_us()
        turned = self._turned_still(now)
        if self._board.tick == self._board_tick and not self._changes.reset and not turned:
            return False
        self._board_tick = self._board.tick
        changed = False
        for patient_id in self._patients:
            score = self._board.score(patient_id)
            coverage = self._coverage_of(patient_id) if turned or self._still else self._board.coverage(patient_id)
            if score is not None:
                changed |= self._put_score(patient_id, score, now)
            if coverage is not None and self._coverage.get(patient_id) != coverage:
                self._coverage[patient_id] = coverage
                self._changes.coverage[patient_id] = shape.coverage(coverage)
                changed = True
        return changed

    def _turned_still(self, now: int) -> bool:
        """Has the judging stopped, or begun again, since the last look? Its thread may hang while this one goes on."""
        judged_at = self._board.judged_at
        still = bool(judged_at) and now - judged_at > STILL_US
        if still is (self._still is not None):
            return False
        self._still = covered("", CoverageState.NOT_WATCHED, judged_at, STILL) if still else None
        return True

    def _put_score(self, patient_id: str, score: Score, now: int) -> bool:
        known = self._scores.get(patient_id)
        if known is not None and known[0] is score:
            return False
        changed = known is None or _meaning(known[0]) != _meaning(score)
        if changed or known is None or now - known[1] >= SCORE_AGAIN_S * SECOND:
            # The first times are spread, so that not all patients' scores come again in the same second.
            sent = now if known is not None else now - len(self._scores) % SCORE_AGAIN_S * SECOND
            self._scores[patient_id] = (score, sent)
            self._changes.scores[patient_id] = self._shown_score(patient_id, score)
        return changed

    def _shown_score(self, patient_id: str, score: Score) -> Json:
        known = self._shown_scores.get(patient_id)
        if known is None or known[0] is not score:
            known = self._shown_scores[patient_id] = (score, shape.score(score))
        return known[1]

    def _refresh_order(self) -> None:
        standings = [
            Standing(one, self._alerts.of(one), self._board.score(one), self._coverage_of(one))
            for one in self._patients
        ]
        order = ward_order(standings)
        if order != self._order:
            self._order = order
            self._ranks = {patient_id: rank for rank, patient_id in enumerate(order, 1)}
            self._changes.order = order

    def _coverage_of(self, patient_id: str) -> Coverage:
        """Until analytics has judged, and when it has stopped, nobody counts as watched."""
        if self._still is not None and patient_id in self._with_device:
            return replace(self._still, patient_id=patient_id)
        known = self._board.coverage(patient_id)
        if known is not None:
            return known
        if patient_id not in self._unjudged:
            has_device = patient_id in self._with_device
            state = CoverageState.NOT_WATCHED if has_device else CoverageState.NO_DEVICE
            why = NOT_JUDGED if has_device else NONE_BOUND
            self._unjudged[patient_id] = covered(patient_id, state, self._clock.now_us(), why)
        return self._unjudged[patient_id]

    def _shown(self, patient_id: str, rank: int, today: date) -> Shown:
        calls = self._alerts.calls
        return Shown(
            self._patients[patient_id],
            dict(self._values.get(patient_id, {})),
            self._glance.trend(patient_id),
            self._glance.sparks(patient_id),
            self._board.score(patient_id),
            self._glance.before(patient_id),
            self._coverage_of(patient_id),
            [(one, calls.get(one.alert_id)) for one in work_order(self._alerts.of(patient_id), {})],
            self._care.opened(patient_id),
            rank,
            today,
        )

    def _card(self, shown: Shown, names: bool) -> Json:
        score = self._shown_score(shown.patient.patient_id, shown.score) if shown.score is not None else None
        return card(shown, score, names)


_VITAL_INDEX = {kind.name: kind.index for kind in VITALS}
