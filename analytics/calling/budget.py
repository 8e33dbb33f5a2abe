"""The ward's budget: at most so many interruptions per nurse-hour. What is beyond it waits, shown on the work list, for room.

Never held: high priority, a NEWS2 of 5 or more, a single 3, a severe limit. Nothing is held longer than ten minutes. What waits
is called in the order of its expected value when there is room.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from analytics.calling.ask import Ask
from analytics.calling.inhibit import NEWS2
from vigil.domain.alerts import Alert, Priority, Step
from vigil.domain.calls import Call, How, because
from vigil.domain.feedback import expected_share, rule_name
from vigil.domain.lifecycle import crossed_severe_limit
from vigil.domain.news2 import WORST_POINTS, vital_points
from vigil.domain.phrases import phrase
from vigil.domain.times import HOUR, MINUTE

HELD_AT_MOST = 10 * MINUTE


class Spent:
    """Interruptions of the last hour by ward."""

    def __init__(self) -> None:
        self._at: defaultdict[str, deque[int]] = defaultdict(deque)

    def note(self, ward: str, at: int) -> None:
        self._at[ward].append(at)

    def number(self, ward: str, now: int) -> int:
        """Of the hour before ``now``."""
        times = self._at[ward]
        while times and times[0] <= now - HOUR:
            times.popleft()
        return len(times)


def over_budget(ask: Ask) -> Call | None:
    if ask.line.step is Step.CALLED or exempt(ask.alert) or ask.room():
        return None
    return because(How.HELD, phrase("call.budget"))


def exempt(alert: Alert) -> bool:
    """Whom no budget holds back."""
    if alert.priority is Priority.HIGH or crossed_severe_limit(alert) or alert.rule == NEWS2:
        return True
    limit = alert.evidence.limit
    if limit is None or not alert.rule.startswith("limit."):
        return False
    values = [row["value"] for row in alert.evidence.values if row["vital"] == limit["vital"]]
    return any(vital_points(limit["vital"], value) == WORST_POINTS for value in values)


def worth(alert: Alert, ppv: float) -> float:
    """Priority first, which says what harm is possible; then ``ppv``, how likely the alert is true, above 0 and below 1."""
    return alert.priority.rank + ppv


def by_expected_value(held: Iterable[Alert], shares: Mapping[str, tuple[int, int]]) -> list[Alert]:
    """The most urgent first, of these the rule that people found true most often, then who has waited longest.

    ``shares``: by rule, alerts that were true and alerts judged by people.
    """

    def order(alert: Alert) -> tuple[float, int, str]:
        ppv = expected_share(*shares.get(rule_name(alert.rule), (0, 0)))
        return (-worth(alert, ppv), alert.opened_at, alert.alert_id)

    return sorted(held, key=order)
