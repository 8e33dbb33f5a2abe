"""Do the alarms work? The self-test's readings and its alert must keep coming, or a technical alert of the platform says so.

This is the half that a nurse sees on the page. It cannot speak when the core itself is dead or hung: then the watchdog, another
process, tells by its own way (``cli.watchdog``). Times are server time and count from when the platform was live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analytics.alerting import Alerting
from analytics.directory import Directory
from analytics.slots import Slots
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Ended, Finding
from vigil.domain.people import SELF_TEST_PREFIX, is_test
from vigil.domain.phrases import Phrase, phrase, tell
from vigil.domain.self_test import ALARM_RULE, MISSING_RULE, PLATFORM
from vigil.domain.times import HOUR, MINUTE, SECOND

_TITLE = phrase("self_test.title")
#: The self-test's own log lines are kept so long: longer than the hour in which the life cycle counts beginnings.
KEPT = 2 * HOUR
_FORGET_EVERY = 10 * MINUTE
#: A second that took longer than this was a halt of our own: a suspended machine, a stopped process (ours).
_STILL = 5 * SECOND


@dataclass(frozen=True, slots=True)
class SelfTestPlan:
    """``silence``: how long it may be missing, medium after that, high after twice that; ``every``: a new alert comes so often;
    microseconds. ``wanted`` False: nobody runs one, so nothing is missed. ``forget``: deletes log lines of before a time."""

    silence: int
    every: int
    wanted: bool
    forget: Callable[[int], object]


@dataclass(slots=True)
class _Seen:
    """Of one synthetic patient: which occurrence of its alert was the last, and since when we know that. ``came``: it came before
    our eyes; the one that we found at the start proves nothing."""

    occurrence: tuple[str, int]
    at: int
    came: bool


class SelfTest:
    def __init__(self, plan: SelfTestPlan, slots: Slots, directory: Directory, alerting: Alerting) -> None:
        self._plan = plan
        self._slots = slots
        self._directory = directory
        self._alerting = alerting
        self._seen: dict[str, _Seen] = {}
        self._forgot_at = 0
        self._ticked_at = 0
        self._awake_since = 0

    def tick(self, now: int, live_since: int) -> None:
        """Once a second. While we stood still ourselves we could not have heard anything: that is the watchdog's to tell."""
        if now - self._ticked_at > _STILL:
            self._awake_since = now
        self._ticked_at = now
        live_since = max(live_since, self._awake_since)
        if now - self._forgot_at >= _FORGET_EVERY:
            self._forgot_at = now
            self._plan.forget(now - KEPT)
        tests = sorted(one for one in self._directory.patients if is_test(one))
        self._seen = {one: self._look(one, now) for one in tests}
        lacking = [found for one in tests for found in self._lacks(one, live_since)]
        since, key, name = min(lacking, default=(live_since, "self_test.no_watchdog", ""))
        alert = self._alerting.book.active(PLATFORM, MISSING_RULE)
        if self._plan.wanted and now - since > self._plan.silence:
            of = {"name": name} if name else {}
            self._call(alert, since, phrase(key, silent=(now - since) // SECOND, **of), now)
        elif alert is not None and (not self._plan.wanted or self._works(tests, alert.updated_at)):
            self._alerting.submit(PLATFORM, MISSING_RULE, Ended(self._alerting.stamp(f"deadline:{now}"), now))

    def _look(self, patient_id: str, now: int) -> _Seen:
        alert = self._alerting.book.newest(patient_id, ALARM_RULE)
        occurrence = ("", 0) if alert is None else (alert.alert_id, alert.recurrence)
        seen = self._seen.get(patient_id)
        if seen is not None and seen.occurrence == occurrence:
            return seen
        return _Seen(occurrence, now, came=seen is not None)

    def _lacks(self, patient_id: str, live_since: int) -> list[tuple[int, str, str]]:
        """Since when its readings, and its alert beyond the round in which it is not due, have not come: time, phrase, name."""
        name = patient_id.removeprefix(SELF_TEST_PREFIX)
        begun = max([live_since, *(binding.start for binding in self._directory.bindings_of(patient_id))])
        alert_due = self._seen[patient_id].at + self._plan.every
        return [
            (max(begun, self._received(patient_id)), "self_test.no_reading", name),
            (max(begun, alert_due), "self_test.overdue", name),
        ]

    def _received(self, patient_id: str) -> int:
        """When its newest reading came; 0 = never."""
        return max((int(self._slots.valid_received[slot]) for slot in self._slots.of(patient_id)), default=0)

    def _works(self, tests: list[str], since: int) -> bool:
        """Have readings and an alert come after ``since``, of each?"""
        return bool(tests) and all(
            self._seen[one].came and min(self._seen[one].at, self._received(one)) > since for one in tests
        )

    def _call(self, alert: Alert | None, since: int, text: Phrase, now: int) -> None:
        level = 2 if now - since > 2 * self._plan.silence else 1
        priority = Priority.HIGH if level == 2 else Priority.MEDIUM
        if alert is not None and alert.priority.rank >= priority.rank:
            return
        told = tell(_TITLE, text)
        evidence = Evidence(told.text, said=told.said)
        finding = Finding(PLATFORM, MISSING_RULE, Kind.TECHNICAL, priority, told.title, evidence, since)
        stamp = self._alerting.stamp(f"deadline:{since + level * self._plan.silence}")
        self._alerting.submit(PLATFORM, MISSING_RULE, Began(stamp, finding))
