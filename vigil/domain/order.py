"""The two orders of the nurse's page, each one pure function: patients on the ward board, alerts on the work list.

After the reference page "The nurse station" sections 1 and 4 (our judgement there, to be tested with nurses): one order,
the same on every screen. Snooze, hand-over and assignment come with later work; their places in the list are free.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority
from vigil.domain.scores import Coverage, CoverageState, Score

#: An "unverified critical value" (a gated value beyond a severe limit) is technical in kind, but calls for the nurse like a
#: physiological alert; its rule is ``unverified.<vital>.<side>``.
UNVERIFIED_RULE_PREFIX = "unverified."

_UNSCORED = -1

_COVERAGE_RANK = {
    CoverageState.NOT_WATCHED: 0,
    CoverageState.NO_DEVICE: 1,
    CoverageState.PARTLY: 2,
    CoverageState.WATCHED: 3,
}


def in_main_lane(alert: Alert) -> bool:
    """Physiological alerts and unverified critical values; all other technical alerts have their own lane."""
    return alert.kind is Kind.PHYSIOLOGICAL or alert.rule.startswith(UNVERIFIED_RULE_PREFIX)


def lower_bound(score: Score | None) -> int:
    """The number a patient is sorted by: what the score is at least; -1 where there is none."""
    return _UNSCORED if score is None or score.lower is None else score.lower


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ward order looks at for one patient: his open alerts, his latest score and coverage."""

    patient_id: str
    alerts: tuple[Alert, ...] = ()
    score: Score | None = None
    coverage: Coverage | None = None


def _worst(alerts: Iterable[Alert]) -> int:
    return max((alert.priority.rank for alert in alerts), default=0)


def ward_key(standing: Standing) -> tuple[int, int, int, int, int, str]:
    """Sorts ascending: worst unacknowledged alert, then other open alerts (acknowledged, then technical), then the score's
    lower bound, then who is not watched, then the id."""
    main = [alert for alert in standing.alerts if alert.open and in_main_lane(alert)]
    technical = [alert for alert in standing.alerts if alert.open and not in_main_lane(alert)]
    waiting = [alert for alert in main if alert.handling is Handling.UNACKNOWLEDGED]
    state = standing.coverage.state if standing.coverage is not None else CoverageState.NO_DEVICE
    return (
        -_worst(waiting),
        -_worst(main),
        -_worst(technical),
        -lower_bound(standing.score),
        _COVERAGE_RANK[state],
        standing.patient_id,
    )


def ward_order(standings: Iterable[Standing]) -> list[str]:
    """Patient ids, who needs a nurse first on top."""
    return [standing.patient_id for standing in sorted(standings, key=ward_key)]


def _group(alert: Alert) -> int:
    """1 high waiting, 3 medium waiting, 4 acknowledged, 5 low waiting, 9 resolved (2 and 6 to 8 are for later work)."""
    if not alert.open:
        return 9
    if alert.handling is Handling.ACKNOWLEDGED:
        return 4
    return {Priority.HIGH: 1, Priority.MEDIUM: 3, Priority.LOW: 5}[alert.priority]


def work_key(alert: Alert, score: Score | None) -> tuple[bool, bool, int, bool, int, int, int, str]:
    """Sorts ascending: resolved ones last (newest first); main lane before technical; then the group; inside it acknowledged
    ones by re-alarm deadline, active or unknown before cleared, longest waiting, highest score lower bound, id."""
    group = _group(alert)
    deadline = alert.deadline_at if group == 4 and alert.deadline_at is not None else 0
    waiting_since = -(alert.resolved_at or 0) if group == 9 else alert.opened_at
    return (
        group == 9,
        group != 9 and not in_main_lane(alert),
        group,
        alert.condition is Condition.FALSE and group != 9,
        deadline,
        waiting_since,
        -lower_bound(score),
        alert.alert_id,
    )


def work_order(alerts: Iterable[Alert], scores: Mapping[str, Score | None]) -> list[Alert]:
    """The work list; ``scores`` by patient id, a patient without one is sorted as unscored."""
    return sorted(alerts, key=lambda alert: work_key(alert, scores.get(alert.patient_id)))
