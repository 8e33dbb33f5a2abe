"""What often settles by itself in a moment is shown at once but calls a little later, if it still stands.

A value of bad quality beyond a severe limit waits for a valid one to confirm or contradict it: motion alone makes two such values
a patient-day. Missing data wait until the alert has escalated once: a sensor that is put on again calls nobody.
"""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.alerts import Kind, Step
from vigil.domain.calls import Call, How
from vigil.domain.order import UNVERIFIED_RULE_PREFIX
from vigil.domain.times import SECOND

#: How long a doubt waits for a valid value, microseconds (ours, needs clinical sign-off).
DOUBT_WAITS = 90 * SECOND
_GAPS = ("no_data.", "no_signal.")


def unsettled(ask: Ask) -> Call | None:
    alert = ask.alert
    if ask.line.step not in (Step.OPENED, Step.RECURRED, Step.WORSENED):
        return None
    if alert.rule.startswith(_GAPS):
        return Call(How.LIST, "calls if no data come")
    if alert.rule.startswith(UNVERIFIED_RULE_PREFIX) and alert.kind is Kind.TECHNICAL:
        return Call(How.HELD, "waits for a valid value")
    return None
