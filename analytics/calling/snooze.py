"""A snoozed alert calls nobody until the snooze ends; the life cycle ends it when the alert gets worse."""

from __future__ import annotations

from analytics.calling.ask import Ask
from vigil.domain.calls import Call, How, because
from vigil.domain.phrases import phrase


def snoozed(ask: Ask) -> Call | None:
    until = ask.alert.snoozed_until
    return None if until is None else because(How.SNOOZED, phrase("call.snoozed", until=until))
