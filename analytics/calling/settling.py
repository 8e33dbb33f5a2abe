"""What often settles by itself in a moment is shown at once but calls a little later, if it still stands.

A value of bad quality beyond a severe limit waits for a valid one to confirm or contradict it: motion alone makes two such values
a patient-day. A weak signal does not wait: it lasts, and may be shock. Missing data wait ten minutes: a sensor that is put on
again calls nobody. The coverage light goes out at once.
"""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.alerts import Alert, Kind, Priority, Step
from vigil.domain.calls import Call, How, because
from vigil.domain.order import GAP_PREFIXES, UNVERIFIED_RULE_PREFIX
from vigil.domain.phrases import phrase
from vigil.domain.quality import GATED
from vigil.domain.times import MINUTE, SECOND

#: How long a doubt waits for a valid value, microseconds (ours, needs clinical sign-off).
DOUBT_WAITS = 90 * SECOND
#: How long missing data may come back before they call, microseconds (ours); those of an alert of high priority never wait.
GAP_WAITS = 10 * MINUTE


def unsettled(ask: Ask) -> Call | None:
    alert = ask.alert
    if ask.line.step not in (Step.OPENED, Step.RECURRED, Step.WORSENED):
        return None
    if _is_gap(alert) and alert.priority is not Priority.HIGH:
        return because(How.HELD, phrase("call.gap"))
    if _is_doubt(alert) and alert.kind is Kind.TECHNICAL and _of_gated(alert):
        return because(How.HELD, phrase("call.doubt"))
    return None


def waits(alert: Alert) -> int | None:
    """How long such an alert is held, whatever room the budget has; None = it is none of them."""
    if _is_gap(alert):
        return GAP_WAITS
    return DOUBT_WAITS if _is_doubt(alert) else None


def _is_gap(alert: Alert) -> bool:
    return alert.rule.startswith(GAP_PREFIXES)


def _of_gated(alert: Alert) -> bool:
    return any(each["quality"] & GATED for each in alert.evidence.values)


def _is_doubt(alert: Alert) -> bool:
    return alert.rule.startswith(UNVERIFIED_RULE_PREFIX)
