"""The rule "news2": a lower bound of 7 or more calls at high priority, 5 or more at medium, a single 3 at low.

After the RCP's response bands, each when it has lasted for the policy's delay; worse by one band tells again. It eases or ends
only when the score stayed lower for the clear delay while every input that counted in the alert is still known: a score that
falls because data stopped is unknown, not better.
"""

from __future__ import annotations

from typing import Any

from analytics.alerting import Alerting
from analytics.data_loss import DataLoss
from analytics.directory import Directory
from analytics.scores.persistence import NOT_KNOWN, Persistence
from analytics.wording import score_text, score_title
from vigil.domain.alerts import Alert, Evidence, Kind, Priority
from vigil.domain.lifecycle import Began, Eased, Ended, Finding
from vigil.domain.scores import Score, ScoreStatus
from vigil.domain.times import MINUTE

RULE = "news2"
SETTLING = MINUTE


def priority_of(score: Score) -> Priority | None:
    """What the known part of the score calls for; None = nothing."""
    if score.lower is None:
        return None
    if score.lower >= 7:
        return Priority.HIGH
    if score.lower >= 5:
        return Priority.MEDIUM
    return Priority.LOW if score.single_3 else None


_OF_RANK = {priority.rank: priority for priority in Priority}


def _level(score: Score, wanted: Priority | None) -> int:
    if all(part.points is None for part in score.parts):
        return NOT_KNOWN
    return 0 if wanted is None else wanted.rank


def score_row(score: Score) -> dict[str, Any]:
    """The score as it is kept in the evidence."""
    return {
        "name": score.name,
        "status": score.status.value,
        "total": score.total,
        "lower": score.lower,
        "upper": score.upper,
        "band": None if score.band is None else score.band.value,
        "single_3": score.single_3,
        "missing": list(score.missing),
        "parts": [
            {"name": part.name, "value": part.value, "points": part.points, "measured_at": part.measured_at}
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
        wanted = priority_of(score)
        policy = self._directory.policy(patient_id)
        if score.status is ScoreStatus.NOT_APPLICABLE or not policy.news2:
            return
        level, delays = _level(score, wanted), policy.news2_delays_us
        lasted = self._persistence.reached(patient_id, level, now, delays, live_since)
        alert = self._alerting.book.active(patient_id, RULE)
        if alert is None or (wanted is not None and wanted.rank >= alert.priority.rank):
            self._lower_since.pop(patient_id, None)
            if lasted and (alert is None or lasted > alert.priority.rank):
                self._call(score, _OF_RANK[lasted], cause)
            elif alert is not None:
                self._data_loss.back(alert, cause)
            return
        if now - live_since < SETTLING:
            return
        if not self._known_as_then(alert, score):
            self._lower_since.pop(patient_id, None)
            text = f'Inputs of "{alert.title}" are missing now. {score_text(score)}'
            self._data_loss.lost(alert, now, text)
            return
        self._data_loss.back(alert, cause)
        self._lower(score, wanted, alert, now, cause)

    def _call(self, score: Score, priority: Priority, cause: str) -> None:
        """Opens or worsens."""
        finding = self._finding(score, priority)
        stamp = self._alerting.stamp(cause, finding.onset_at)
        self._alerting.submit(score.patient_id, RULE, Began(stamp, finding))

    def _lower(self, score: Score, wanted: Priority | None, alert: Alert, now: int, cause: str) -> None:
        since = self._lower_since.setdefault(score.patient_id, now)
        clear_us = self._directory.policy(score.patient_id).news2_clear_delay_s * 1e6
        if now - since < clear_us:
            return
        self._lower_since.pop(score.patient_id, None)
        finding = self._finding(score, wanted or Priority.LOW)
        stamp = self._alerting.stamp(cause, finding.onset_at)
        event = Ended(stamp, since) if wanted is None else Eased(stamp, finding)
        self._alerting.submit(alert.patient_id, RULE, event)

    def _known_as_then(self, alert: Alert, score: Score) -> bool:
        """Are all inputs that scored in the alert still known?"""
        known = {part.name for part in score.parts if part.points is not None}
        parts = (alert.evidence.score or {}).get("parts", ())
        return {part["name"] for part in parts if part["points"]} <= known

    def _finding(self, score: Score, priority: Priority) -> Finding:
        version = self._directory.policy_version(score.patient_id)
        counted = [part.measured_at for part in score.parts if part.points and part.measured_at is not None]
        return Finding(
            patient_id=score.patient_id,
            rule=RULE,
            kind=Kind.PHYSIOLOGICAL,
            priority=priority,
            title=score_title(score),
            evidence=Evidence(score_text(score), (), None, score_row(score), version),
            onset_at=max(counted, default=score.at),
        )
