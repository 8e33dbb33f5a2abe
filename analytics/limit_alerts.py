"""Alerts of the limits: a patient's changed condition becomes an event of the life cycle, with the evidence for it.

A valid condition has the rule ``limit.<vital>.<side>``. A gated value, or one with a weak signal, beyond a severe limit has
``unverified.<vital>.<side>`` and is technical until a sound severe value confirms it; then that same alert goes on as the
physiological one.
"""

from __future__ import annotations

from dataclasses import replace

from analytics.alerting import Alerting
from analytics.changes import Change, What
from analytics.conditions import Conditions
from analytics.directory import Directory
from analytics.evidence import change_row, limit_row
from analytics.past import PastEpisodes
from analytics.slots import SIDES, Slots
from analytics.wording import limit_text, limit_title, unknown_text, unverified_text, unverified_title
from vigil.domain.alerts import Alert, Evidence, Kind
from vigil.domain.lifecycle import Amended, Began, Confirmed, Eased, Ended, Event, Finding, Stamp, Withdraw, Worsened
from vigil.domain.phrases import Told, tell
from vigil.domain.policy import LimitRule
from vigil.domain.vitals import VITALS

#: Names of the detectors whose changes come here.
LIMIT, UNVERIFIED = "limit", "unverified"

CONFIRMED_ELSEWHERE = "confirmed by a valid value"
CONTRADICTED = "Readings that came later show that this condition did not hold."


class LimitAlerts:
    def __init__(
        self,
        numbers: tuple[int, int],
        slots: Slots,
        conditions: Conditions,
        directory: Directory,
        alerting: Alerting,
        past: PastEpisodes,
    ) -> None:
        """``numbers``: of the detectors of limits and of unverified critical values."""
        self._numbers = numbers
        self._slots = slots
        self._conditions = conditions
        self._directory = directory
        self._alerting = alerting
        self._past = past

    def take(self, changes: list[Change]) -> None:
        """Changes of slots, in order; those of other detectors are left out."""
        for change in changes:
            if change.detector not in self._numbers:
                continue
            for merged in self._conditions.merge(change):
                patient_id, vital, side = self._conditions.key(change.slot, change.side)
                if patient_id:
                    self._take(patient_id, f"{VITALS[vital].name}.{SIDES[side]}", merged)

    def carrier(self, patient_id: str, name: str) -> Alert | None:
        """The active physiological alert of a limit ``<vital>.<side>``: under its own rule, or a confirmed doubt."""
        book = self._alerting.book
        own = book.active(patient_id, f"limit.{name}")
        if own is not None:
            return own
        confirmed = book.active(patient_id, f"unverified.{name}")
        return confirmed if confirmed is not None and confirmed.kind is Kind.PHYSIOLOGICAL else None

    def doubt(self, patient_id: str, name: str) -> Alert | None:
        """The active unverified critical value, while it is one."""
        alert = self._alerting.book.active(patient_id, f"unverified.{name}")
        return alert if alert is not None and alert.kind is Kind.TECHNICAL else None

    def _take(self, patient_id: str, name: str, change: Change) -> None:
        vital, _, side = name.partition(".")
        rule = self._directory.policy(patient_id).limit(vital, side)
        what = change.what
        if what is What.PASSED:
            behind = self._alerting.book.is_behind(patient_id, f"limit.{name}", change.ordinal, retrospective=True)
            if rule is not None and not behind:
                self._past.add(patient_id, rule, change, self._slots.device[change.slot])
        elif what is What.DOUBT_ENDED:
            self._close(patient_id, self.doubt(patient_id, name), change)
        elif what is What.DOUBT_CONFIRMED:
            self._close(patient_id, self.doubt(patient_id, name), replace(change, reason=CONFIRMED_ELSEWHERE))
        elif what in (What.ENDED, What.WITHDRAWN, What.CONTRADICTED) or rule is None:
            self._close(patient_id, self.carrier(patient_id, name), change)
        elif what is What.DOUBTED:
            self._submit(
                patient_id,
                f"unverified.{name}",
                change,
                Began(self._stamp(change), self._doubt(patient_id, rule, change)),
            )
        else:
            self._hold(patient_id, name, rule, change)

    def _hold(self, patient_id: str, name: str, rule: LimitRule, change: Change) -> None:
        """Began, worse or eased, by valid values."""
        carrier, doubt = self.carrier(patient_id, name), self.doubt(patient_id, name)
        stamp, finding = self._stamp(change), self._finding(patient_id, rule, change)
        if carrier is None and doubt is not None and change.level == 2:
            self._submit(patient_id, doubt.rule, change, Confirmed(stamp, replace(finding, rule=doubt.rule)))
            return
        target = carrier.rule if carrier is not None else rule.rule
        finding = replace(finding, rule=target)
        event: Event = Began(stamp, finding, unknown=bool(change.due))
        if change.what is not What.BEGAN:
            event = Worsened(stamp, finding) if change.what is What.WORSE else Eased(stamp, finding)
        self._submit(patient_id, target, change, event)

    def _close(self, patient_id: str, alert: Alert | None, change: Change) -> None:
        if alert is not None:
            stamp = self._stamp(change)
            event: Event = Withdraw(stamp, change.reason) if change.reason else Ended(stamp, change.ended_at)
            if change.what is What.CONTRADICTED:
                event = Amended(stamp, change.reason)
            self._submit(patient_id, alert.rule, change, event)

    def _submit(self, patient_id: str, rule: str, change: Change, event: Event) -> None:
        by_reading = event.stamp.cause.startswith("ordinal:")
        if not (by_reading and self._alerting.book.is_behind(patient_id, rule, change.ordinal)):
            self._alerting.submit(patient_id, rule, event)

    def _stamp(self, change: Change) -> Stamp:
        cause = f"ordinal:{change.ordinal}"
        if change.due:
            cause = f"deadline:{change.due}"
        elif change.what is What.WITHDRAWN or change.reason not in ("", CONFIRMED_ELSEWHERE, CONTRADICTED):
            cause = self._directory.cause(change.reason)
        return self._alerting.stamp(cause, change.measured_at)

    def _finding(self, patient_id: str, rule: LimitRule, change: Change) -> Finding:
        severe = change.level == 2
        lasted = change.measured_at - change.onset_at
        text = limit_text(rule, change.value, lasted, change.quality, severe)
        if change.due:
            text = unknown_text(rule, change.value, change.measured_at)
        told = tell(limit_title(rule), *text)
        return Finding(
            patient_id=patient_id,
            rule=rule.rule,
            kind=Kind.PHYSIOLOGICAL,
            priority=rule.severe_priority if severe else rule.priority,
            title=told.title,
            evidence=self._evidence(patient_id, rule, change, told),
            onset_at=change.onset_at,
            device_id=self._slots.device[change.slot],
        )

    def _doubt(self, patient_id: str, rule: LimitRule, change: Change) -> Finding:
        told = tell(unverified_title(rule), unverified_text(rule, change.value, change.quality))
        return Finding(
            patient_id=patient_id,
            rule=f"unverified.{rule.vital}.{rule.side}",
            kind=Kind.TECHNICAL,
            priority=rule.severe_priority,
            title=told.title,
            evidence=self._evidence(patient_id, rule, change, told),
            onset_at=change.onset_at,
            device_id=self._slots.device[change.slot],
        )

    def _evidence(self, patient_id: str, rule: LimitRule, change: Change, told: Told) -> Evidence:
        version = self._directory.policy_version(patient_id)
        values, limit = (change_row(rule.vital, change),), limit_row(rule, change.level == 2)
        return Evidence(told.text, values, limit, None, version, told.said)
