"""The rule "news2": a lower bound of 7 or more calls at high priority, 5 or more at medium, a single 3 at low.

After the RCP's response bands, each when it has lasted for the policy's delay; worse by one grade tells again. A 7 that is one
only by a doubtful signal calls at medium, and at high when it has lasted without the doubt (``analytics.scores.grades``). It
eases or ends only when the score stayed lower for the clear delay while every input that counted in the alert is still known: a
score that falls because data stopped, or because a signal became doubtful, is unknown, not better.
"""

from __future__ import annotations

from typing import Any

from analytics.alerting import Alerting
from analytics.data_loss import DataLoss
from analytics.directory import Directory
from analytics.scores.grades import EMERGENCY, EMERGENCY_IN_DOUBT, PRIORITY, SINGLE, URGENT, grade
from analytics.scores.persistence import NOT_KNOWN, Before, Persistence, in_numbers
from analytics.wording import before_text, doubt_text, score_text, score_title
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Eased, Ended, Finding, Worsened
from vigil.domain.phrases import phrase, tell, title_of
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.times import MINUTE

RULE = "news2"
SETTLING = MINUTE


#: Alerts from before there were grades.
_GRADE = {Priority.LOW: SINGLE, Priority.MEDIUM: URGENT, Priority.HIGH: EMERGENCY}


def _told_grade(alert: Alert) -> int:
    return int((alert.evidence.score or {}).get("grade", _GRADE[alert.priority]))


def _holds(wanted: int, alert: Alert) -> bool:
    """Does the score, be it doubtful or not, still call for as much?"""
    return min(wanted, EMERGENCY_IN_DOUBT) >= alert.priority.rank


def score_row(score: Score, lasted: int) -> dict[str, Any]:
    """The score as it is kept in the evidence, with the grade that it was told for."""
    return {
        "grade": lasted,
        "name": score.name,
        "status": score.status.value,
        "total": score.total,
        "lower": score.lower,
        "upper": score.upper,
        "band": None if score.band is None else score.band.value,
        "single_3": score.single_3,
        "missing": list(score.missing),
        "parts": [
            {
                "name": part.name,
                "value": part.value,
                "points": part.points,
                "measured_at": part.measured_at,
                "doubt": part.doubt,
            }
            for part in score.parts
        ],
    }


class News2Rule:
    def __init__(self, directory: Directory, alerting: Alerting, data_loss: DataLoss, persistence: Persistence) -> None:
        self._directory = directory
        self._persistence = persistence
        self._alerting = alerting
        self._data_loss = data_loss
        self._lower_since: dict[str, int] = {}

    def judge(self, score: Score, now: int, cause: str, live_since: int) -> None:
        """``cause`` is the newest reading behind the scores, or the time when none came. In the first minute after
        ``live_since`` inputs may be missing because the platform was down, so nothing is lost or eased."""
        patient_id = score.patient_id
        wanted = grade(score)
        policy = self._directory.policy(patient_id)
        if score.status is ScoreStatus.NOT_APPLICABLE or not policy.news2:
            return
        known = any(part.points is not None for part in score.parts)
        lasted = self._persistence.reached(
            patient_id,
            wanted if known else NOT_KNOWN,
            now,
            policy.news2_delays_us,
            in_numbers(score),
            live_since,
        )
        alert = self._alerting.book.active(patient_id, RULE)
        if alert is None or _holds(wanted, alert):
            self._lower_since.pop(patient_id, None)
            if lasted > (0 if alert is None else _told_grade(alert)):
                self._call(score, lasted, alert, cause)
            elif alert is not None:
                self._data_loss.back(alert, cause)
            return
        if now - live_since < SETTLING:
            return
        if not self._known_as_then(alert, score):
            self._lower_since.pop(patient_id, None)
            text = phrase("signal_lost.score", alert=title_of(alert)), score_text(score)
            self._data_loss.lost(alert, now, *text)
            return
        self._data_loss.back(alert, cause)
        self._lower(score, wanted, alert, now, cause)

    def _call(self, score: Score, lasted: int, alert: Alert | None, cause: str) -> None:
        """Opens or worsens, be it within one priority."""
        finding = self._finding(score, lasted, self._persistence.before(score.patient_id, lasted))
        stamp = self._alerting.stamp(cause, finding.onset_at)
        event = Began if alert is None or finding.priority.rank > alert.priority.rank else Worsened
        self._alerting.submit(score.patient_id, RULE, event(stamp, finding))

    def _lower(self, score: Score, wanted: int, alert: Alert, now: int, cause: str) -> None:
        since = self._lower_since.setdefault(score.patient_id, now)
        clear_us = self._directory.policy(score.patient_id).news2_clear_delay_s * 1e6
        if now - since < clear_us:
            return
        self._lower_since.pop(score.patient_id, None)
        finding = self._finding(score, wanted or SINGLE)
        stamp = self._alerting.stamp(cause, finding.onset_at)
        event = Eased(stamp, finding) if wanted else Ended(stamp, since)
        self._alerting.submit(alert.patient_id, RULE, event)

    def _known_as_then(self, alert: Alert, score: Score) -> bool:
        """Are all inputs that scored in the alert still known?"""
        known = {part.name for part in score.parts if part.points is not None}
        parts = (alert.evidence.score or {}).get("parts", ())
        return {part["name"] for part in parts if part["points"]} <= known

    def _finding(self, score: Score, lasted: int, before: Before | None = None) -> Finding:
        version = self._directory.policy_version(score.patient_id)
        counted = [part.measured_at for part in score.parts if part.points and part.measured_at is not None]
        told = tell(score_title(score), score_text(score), *before_text(score, before), *doubt_text(score))
        row = score_row(score, lasted)
        if before is not None:
            row["before"] = {"known_at": before.at, "lower": before.lower, "upper": before.upper}
        return Finding(
            patient_id=score.patient_id,
            rule=RULE,
            kind=Kind.PHYSIOLOGICAL,
            priority=PRIORITY[lasted],
            title=told.title,
            evidence=Evidence(told.text, (), None, row, version, told.said),
            onset_at=max(counted, default=score.at),
        )
