"""After late readings: what was told is compared with what the readings say now.

A condition that holds now is told when it is fresh and held back otherwise; a past episode that no alert covers becomes a
retrospective alert; an alert that no episode supports any more is annotated, never deleted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.alerting import Alerting
from analytics.changes import Change, What
from analytics.detectors.contract import LOW
from analytics.engine.engine import Engine
from analytics.episodes import Episode, covered
from analytics.late import Again
from analytics.limit_alerts import CONTRADICTED, LIMIT, UNVERIFIED
from analytics.slots import Slots
from analytics.telling import Held, Key, Telling, Told
from vigil.domain.alerts import Alert
from vigil.domain.lifecycle import Amended
from vigil.domain.vitals import VITALS
from vigil.store import WardRecords

Span = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class _Side:
    """One detector's side of a slot that was judged again."""

    again: Again
    number: int
    side: int
    spans: list[Episode]

    @property
    def key(self) -> Key:
        return self.again.slot, self.number, self.side

    @property
    def odd_now(self) -> bool:
        return bool(int(self.again.codes[self.number]) & (LOW << self.side))


class Amend:
    def __init__(
        self, engine: Engine, slots: Slots, telling: Telling, alerting: Alerting, records: WardRecords
    ) -> None:
        self._engine = engine
        self._slots = slots
        self._telling = telling
        self._alerting = alerting
        self._records = records

    def reconcile(self, again: Again) -> list[Change]:
        """The changes that late readings bring; alerts without ground are annotated on the spot."""
        patient_id = self._slots.patient[again.slot]
        alerts = self._records.alerts(patient_id=patient_id) if patient_id else []
        changes: list[Change] = []
        for number in range(len(self._engine.detectors)):
            for side in (0, 1):
                spans = again.spans.get((number, side), [])
                of_side = _Side(again, number, side, spans)
                if number == self._engine.numbers[UNVERIFIED]:
                    changes += self._doubt(of_side)
                    continue
                known = [alert for alert in alerts if alert.rule in self._rules(of_side)]
                told = self._telling.told.get(of_side.key)
                changes += self._now(of_side)
                changes += self._past(of_side, known, told)
                self._annotate(of_side, known)
        return changes

    def _rules(self, of_side: _Side) -> tuple[str, ...]:
        detector, vital = (
            self._engine.detectors[of_side.number],
            VITALS[int(self._slots.vital[of_side.again.slot])].name,
        )
        own = detector.rule(vital, of_side.side)
        return (own, own.replace(LIMIT, UNVERIFIED, 1)) if detector.name == LIMIT else (own,)

    # --- now ----------------------------------------------------------------------------------------------------------

    def _now(self, of_side: _Side) -> list[Change]:
        key, telling = of_side.key, self._telling
        told, last = telling.told.get(key), of_side.spans[-1] if of_side.spans else None
        if last is not None and last.end is None:
            return self._holds(of_side, told, last)
        telling.held.pop(key, None)
        if told is None or self._pending(of_side):
            return []
        telling.forget(key)
        over = next((each for each in reversed(of_side.spans) if each.overlaps(told.onset, None)), None)
        if over is not None or told.lapsed:
            end = self._newest_at(of_side) if over is None or over.end is None else over.end
            return [self._change(of_side, What.ENDED, last, ended_at=end)]
        return [self._change(of_side, What.CONTRADICTED, last, reason=CONTRADICTED)]

    def _holds(self, of_side: _Side, told: Told | None, last: Episode) -> list[Change]:
        running = self._engine.condition(of_side.number, of_side.again.slot)
        level = last.level if running is None else int(running["level"][of_side.side])
        if told is not None:
            before, told.level, told.onset, told.lapsed = told.level, level, last.onset, False
            if level == before:
                return []
            return [self._change(of_side, What.WORSE if level > before else What.EASED, last, level=level)]
        urgent = of_side.again.dirty.urgent and level == 2
        if (of_side.odd_now or urgent) and self._fresh(of_side.again):
            self._telling.forget(of_side.key)
            self._telling.told[of_side.key] = Told(level, last.onset)
            return [self._change(of_side, What.BEGAN, last, level=level)]
        since = of_side.again.dirty.received_at
        known = self._telling.held.get(of_side.key)
        since = since if known is None else known.since
        self._telling.held[of_side.key] = Held(since, level, last.onset, last.peak, last.peak_at)
        return []

    def _doubt(self, of_side: _Side) -> list[Change]:
        """A doubt that the readings in between have cleared up. A new one is old, and can no longer be checked."""
        key = of_side.key
        last = of_side.spans[-1] if of_side.spans else None
        if last is not None and last.end is None:
            if key not in self._telling.told:
                since = of_side.again.dirty.received_at
                self._telling.held[key] = Held(since, 2, last.onset, last.peak, last.peak_at, passed=True)
            return []
        self._telling.held.pop(key, None)
        if self._telling.told.pop(key, None) is None:
            return []
        end = self._newest_at(of_side) if last is None or last.end is None else last.end
        return [self._change(of_side, What.DOUBT_ENDED, last, ended_at=end)]

    def _pending(self, of_side: _Side) -> bool:
        running = self._engine.condition(of_side.number, of_side.again.slot)
        return running is not None and bool(running["status"][of_side.side])

    def _fresh(self, again: Again) -> bool:
        newest = again.newest
        slot = np.full(len(newest), again.slot, np.int64)
        return bool(self._slots.speaks_for_now(slot, newest.measured_at, newest.received_at).any())

    # --- the past -----------------------------------------------------------------------------------------------------

    def _past(self, of_side: _Side, alerts: list[Alert], told: Told | None) -> list[Change]:
        """Episodes that are over and that nobody was told of."""
        known = [_span(alert) for alert in alerts]
        if told is not None:
            known.append((told.onset, None))
        return [
            self._change(of_side, What.PASSED, each, level=each.level, ended_at=each.end or 0)
            for each in of_side.spans
            if each.end is not None and not covered(each, known)
        ]

    def _annotate(self, of_side: _Side, alerts: list[Alert]) -> None:
        """Alerts of this sensor inside the time that was judged again, without an episode, whose condition is over."""
        again = of_side.again
        device = self._slots.device[again.slot]
        for alert in alerts:
            if alert.active or alert.device_id != device or alert.onset_at < again.start:
                continue
            start, end = _span(alert)
            said = CONTRADICTED in alert.evidence.text
            if not said and not any(each.overlaps(start, end) for each in of_side.spans):
                stamp = self._alerting.stamp(f"ordinal:{again.dirty.ordinal}:{alert.alert_id}", again.dirty.since)
                self._alerting.amend(alert, Amended(stamp, CONTRADICTED))

    # --- parts --------------------------------------------------------------------------------------------------------

    def _newest_at(self, of_side: _Side) -> int:
        newest = of_side.again.newest
        return int(newest.measured_at[0]) if len(newest) else of_side.again.dirty.since

    def _change(
        self,
        of_side: _Side,
        what: What,
        each: Episode | None,
        *,
        level: int = 0,
        ended_at: int = 0,
        reason: str = "",
    ) -> Change:
        """By the newest late reading: it completed the picture."""
        again, newest = of_side.again, of_side.again.newest
        has = bool(len(newest))
        return Change(
            what=what,
            slot=again.slot,
            side=of_side.side,
            level=level,
            ordinal=again.dirty.ordinal,
            measured_at=int(newest.measured_at[0]) if has else again.dirty.since,
            received_at=again.dirty.received_at,
            value=float(newest.value[0]) if has else float("nan"),
            quality=int(newest.quality[0]) if has else 0,
            onset_at=again.dirty.since if each is None else each.onset,
            peak=float("nan") if each is None else each.peak,
            peak_at=again.dirty.since if each is None else each.peak_at,
            ended_at=ended_at,
            reason=reason,
            detector=of_side.number,
        )


def _span(alert: Alert) -> Span:
    if alert.active:
        return alert.onset_at, None
    return alert.onset_at, alert.updated_at if alert.ended_at is None else alert.ended_at
