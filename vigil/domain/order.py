"""The two orders of the nurse's page, each one pure function: patients on the ward board, alerts on the work list.

After the reference page "The nurse station" sections 1 and 4 (our judgement there, to be tested with nurses): one order,
the same on every screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vigil.domain.alerts import Alert, Condition, Handling, Kind, Priority
from vigil.domain.scores import Coverage, CoverageState, Score
from vigil.domain.self_test import MISSING_RULE

#: An "unverified critical value" (a gated value beyond a severe limit) is technical in kind, but calls for the nurse like a
#: physiological alert; its rule is ``unverified.<vital>.<side>``.
UNVERIFIED_RULE_PREFIX = "unverified."
#: Missing data: nothing valid from a device (``no_data.<device>``), nothing valid of a vital though the device sends
#: (``no_signal.<vital>``), the data behind an open alert stopped (``signal_lost.<rule of that alert>``).
NO_DATA_PREFIX, NO_SIGNAL_PREFIX, SIGNAL_LOST_PREFIX = "no_data.", "no_signal.", "signal_lost."
SILENT_PREFIXES = (NO_DATA_PREFIX, NO_SIGNAL_PREFIX)
GAP_PREFIXES = (*SILENT_PREFIXES, SIGNAL_LOST_PREFIX)

#: Technical alerts that say that other alerts reach nobody: nobody has answered, or the self-test is missing.
ALARM_PATH_RULES = frozenset({"unanswered", MISSING_RULE})

_UNSCORED = -1

_COVERAGE_RANK = {
    CoverageState.NOT_WATCHED: 0,
    CoverageState.NO_DEVICE: 1,
    CoverageState.PARTLY: 2,
    CoverageState.PAUSED: 3,
    CoverageState.WATCHED: 4,
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


def silent(alert: Alert) -> bool:
    """Set aside by a person, or carried by another open alert: it waits for nobody now."""
    return alert.snoozed_until is not None or bool(alert.suppressed_by)


def ward_key(standing: Standing) -> tuple[int, int, int, int, int, str]:
    """Sorts ascending: worst alert that waits for somebody, then other open alerts (acknowledged, snoozed, suppressed, then
    technical), then the score's lower bound, then who is not watched, then the id."""
    main = [alert for alert in standing.alerts if alert.open and in_main_lane(alert)]
    technical = [alert for alert in standing.alerts if alert.open and not in_main_lane(alert)]
    waiting = [alert for alert in main if alert.handling is Handling.UNACKNOWLEDGED and not silent(alert)]
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


#: Places in the work list, top to bottom (reference page, section 4); suppressed ones only where their cause is not in the list.
_HANDED_OVER, _ACKNOWLEDGED, _SNOOZED, _SUPPRESSED, _RESOLVED = 2, 4, 6, 7, 9
_WAITING = {Priority.HIGH: 1, Priority.MEDIUM: 3, Priority.LOW: 5}


def _group(alert: Alert) -> int:
    if not alert.open:
        return _RESOLVED
    if alert.suppressed_by:
        return _SUPPRESSED
    if alert.snoozed_until is not None:
        return _SNOOZED
    if alert.accept_by is not None:
        return _HANDED_OVER
    return _ACKNOWLEDGED if alert.handling is Handling.ACKNOWLEDGED else _WAITING[alert.priority]


def _due(alert: Alert, group: int) -> int:
    """What a group that waits for a time is sorted by; 0 in the others."""
    times = {_HANDED_OVER: alert.accept_by, _ACKNOWLEDGED: alert.deadline_at, _SNOOZED: alert.snoozed_until}
    return times.get(group) or 0


def work_key(alert: Alert, score: Score | None) -> tuple[bool, bool, bool, int, bool, int, int, int, str]:
    """Sorts ascending: resolved ones last (newest first); main lane before technical, which begins with what says that alerts do
    not reach anybody; then the group; inside it active or unknown before cleared, then what waits for a time by that time,
    longest waiting, highest score lower bound, id."""
    group = _group(alert)
    resolved = group == _RESOLVED
    return (
        resolved,
        not resolved and not in_main_lane(alert),
        not (alert.rule in ALARM_PATH_RULES and group in _WAITING.values()),
        group,
        alert.condition is Condition.FALSE and not resolved,
        _due(alert, group),
        -(alert.resolved_at or 0) if resolved else alert.opened_at,
        -lower_bound(score),
        alert.alert_id,
    )


def work_order(alerts: Iterable[Alert], scores: Mapping[str, Score | None]) -> list[Alert]:
    """The work list; ``scores`` by patient id, a patient without one is sorted as unscored. A suppressed alert stands directly
    under the one that carries it."""
    ordered = sorted(alerts, key=lambda alert: work_key(alert, scores.get(alert.patient_id)))
    leads = {alert.alert_id for alert in ordered if not alert.suppressed_by}
    carried: dict[str, list[Alert]] = {}
    for alert in ordered:
        if alert.suppressed_by in leads:
            carried.setdefault(alert.suppressed_by, []).append(alert)
    placed = (alert for alert in ordered if alert.suppressed_by not in leads)
    return [each for alert in placed for each in (alert, *carried.get(alert.alert_id, ()))]
