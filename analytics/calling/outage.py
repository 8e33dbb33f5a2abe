"""Devices that fell silent together: one technical alert of the platform carries each person's own "no data".

The cause is a gateway, the network or the broker, and one call says it. Each person's alert stays on the page, the coverage
lights stay dark, and nothing but missing data is carried, so that no value beyond a limit ever waits for this.
"""

from __future__ import annotations

from analytics.book import Book
from analytics.calling.ask import Ask
from vigil.domain.alerts import Alert
from vigil.domain.calls import Call, How, because
from vigil.domain.phrases import phrase, title_of
from vigil.domain.self_test import PLATFORM

#: The rule of the whole installation's outage; a ward's is ``outage.<ward>``.
EVERYWHERE = "outage"
OF_WARD = f"{EVERYWHERE}."


def outage_rule(ward: str | None) -> str:
    """None = the whole installation.

    >>> outage_rule("north"), outage_rule(None)
    ('outage.north', 'outage')
    """
    return EVERYWHERE if ward is None else OF_WARD + ward


def is_outage(alert: Alert) -> bool:
    return alert.patient_id == PLATFORM and (alert.rule == EVERYWHERE or alert.rule.startswith(OF_WARD))


def outage_over(book: Book, ward: str) -> Alert | None:
    """The outage that a ward is in now: its own, or everybody's."""
    return book.active(PLATFORM, EVERYWHERE) or book.active(PLATFORM, outage_rule(ward))


def carried_by(alert: Alert, outage: Alert | None) -> bool:
    """A snoozed outage carries too: who set it aside has read how many people it is about."""
    return outage is not None and alert.suppressed_by == outage.alert_id


def silent_together(ask: Ask) -> Call | None:
    if ask.outage is None or not carried_by(ask.alert, ask.outage):
        return None
    return because(How.INHIBITED, phrase("call.part_of", alert=title_of(ask.outage)), ask.outage.alert_id)
