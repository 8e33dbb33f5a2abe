"""Alerts: nouns of the alarm life cycle (IEC 60601-1-8 words as mirrored in BICEPS). The rules are in ``lifecycle``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    PHYSIOLOGICAL = "physiological"
    TECHNICAL = "technical"
    #: Nothing is wrong yet, with the patient or with the equipment.
    ADVISORY = "advisory"


class Priority(StrEnum):
    """high = immediate, medium = prompt response, low = awareness."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """3 for high, 1 for low."""
        return {"high": 3, "medium": 2, "low": 1}[self.value]


class Condition(StrEnum):
    TRUE = "true"
    UNKNOWN = "unknown"
    FALSE = "false"


class Handling(StrEnum):
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"


class Step(StrEnum):
    """What happened to an alert, one word a transition."""

    OPENED = "opened"
    WORSENED = "worsened"
    EASED = "eased"
    CONFIRMED = "confirmed"
    DATA_LOST = "data_lost"
    DATA_BACK = "data_back"
    CLEARED = "cleared"
    RECURRED = "recurred"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    ESCALATED = "escalated"
    REALARMED = "realarmed"
    RESOLVED = "resolved"
    WITHDRAWN = "withdrawn"
    AMENDED = "amended"
    SNOOZED = "snoozed"
    SNOOZE_ENDED = "snooze_ended"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    CALLED = "called"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alert was decided on, kept with it for ever.

    ``text``: one sentence for the nurse, value first, no patient's name. ``values``: the readings used
    (``{"vital", "value", "unit", "measured_at", "received_at", "quality", "ordinal"}``). ``limit``: the limit in force
    (``{"vital", "side", "value", "unit", "delay_s", "severe", "set_by"}``; ``severe``: the value is beyond the
    severe limit) or None. ``score``: parts and bounds of the score or None. ``said``: title and text as phrases, from which other
    languages are rendered (``vigil.domain.phrases``), or None.
    """

    text: str
    values: tuple[dict[str, Any], ...] = ()
    limit: dict[str, Any] | None = None
    score: dict[str, Any] | None = None
    policy_version: str = ""
    said: dict[str, Any] | None = None


@dataclass(frozen=True)  # without slots, for ``changed``
class Alert:
    """One occurrence. All times are microseconds UTC: ``onset_at``/``ended_at`` measured, the others server time.

    ``cause`` is what opened it; (patient, rule, cause) is unique, so a replay after a crash cannot open it twice.
    ``version`` grows by one a transition: a command that names an older one is refused.
    ``resolved_reason`` is empty while the alert is open.

    Overlays, each None or empty when there is none: ``snoozed_until`` with by whom and why (``snoozes``: how many in a row),
    ``suppressed_by`` the open alert that carries this one, ``held_until`` the time up to which the ward's budget holds back the
    call. ``owner`` deals with an acknowledged alert; after a hand-over he has until ``accept_by`` to accept it.
    """

    alert_id: str
    patient_id: str
    rule: str
    kind: Kind
    priority: Priority
    peak_priority: Priority
    condition: Condition
    handling: Handling
    title: str
    cause: str
    onset_at: int
    opened_at: int
    updated_at: int
    evidence: Evidence
    device_id: str = ""
    ended_at: int | None = None
    retrospective: bool = False
    recurrence: int = 0
    acknowledged_by: str = ""
    acknowledged_at: int | None = None
    note: str = ""
    escalation_level: int = 0
    deadline_at: int | None = None
    resolved_at: int | None = None
    resolved_reason: str = ""
    snoozed_until: int | None = None
    snoozed_by: str = ""
    snooze_reason: str = ""
    snoozes: int = 0
    suppressed_by: str = ""
    held_until: int | None = None
    owner: str = ""
    accept_by: int | None = None
    version: int = 1

    @property
    def next_due(self) -> int | None:
        """When time alone changes this alert, server time; None = never."""
        times = (self.deadline_at, self.snoozed_until, self.held_until, self.accept_by)
        return min((at for at in times if at is not None), default=None)

    @property
    def open(self) -> bool:
        return not self.resolved_reason

    @property
    def active(self) -> bool:
        return self.open and self.condition is not Condition.FALSE

    @property
    def cleared(self) -> bool:
        """Ended by itself but nobody has acknowledged it: latched."""
        return self.open and self.condition is Condition.FALSE


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of an alert's log. ``cause``: ``ordinal:<n>:<step>``, ``deadline:<us>:<step>`` or ``command:<id>``;
    ``seq`` is given by the store, grows over all alerts, and is the position on the event stream."""

    step: Step
    cause: str
    at: int
    actor: str
    after: Alert
    measured_at: int | None = None
    note: str = ""
    seq: int = 0
    detail: dict[str, Any] = field(default_factory=dict)


def labels_of(alert: Alert) -> dict[str, str]:
    """By which a program knows the alert: the same in the notices sent to an Alertmanager and in what is answered like one, so
    that one alert is one alert in both."""
    return {
        "alertname": alert.rule,
        "alert": alert.alert_id,
        "patient": alert.patient_id,
        "rule": alert.rule,
        "kind": alert.kind.value,
        "priority": alert.priority.value,
    }
