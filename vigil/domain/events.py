"""What can happen to an alert: the events that ``lifecycle.apply`` takes. Each carries its ``Stamp``."""

from __future__ import annotations

from dataclasses import dataclass

from vigil.domain.alerts import Evidence, Kind, Priority

#: ``Stamp.actor`` where no person acted.
VIGIL = "vigil"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where an event comes from. ``cause`` is ``ordinal:<n>``, ``deadline:<us>``, ``command:<id>`` or
    ``overlay:<alert>:<version>`` (what follows from another alert, or from that one, as it stands); ``at`` is server time and
    ``measured_at`` device time, microseconds UTC; ``actor`` is a person's user id or ``VIGIL``."""

    cause: str
    at: int
    actor: str = VIGIL
    measured_at: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has found about a patient. ``onset_at`` microseconds UTC on the rule's own time line."""

    patient_id: str
    rule: str
    kind: Kind
    priority: Priority
    title: str
    evidence: Evidence
    onset_at: int
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Began:
    """The condition holds (its delay is over, or the limit has none). ``unknown``: it was pending when the data stopped.
    ``begun_in_last_hour``: how often this occurrence began inside an hour before, by its log."""

    stamp: Stamp
    finding: Finding
    unknown: bool = False
    begun_in_last_hour: int = 0


@dataclass(frozen=True, slots=True)
class Passed:
    """One or more whole episodes in the past, shown by readings that came late: onset in the finding, the last end here."""

    stamp: Stamp
    finding: Finding
    ended_at: int


@dataclass(frozen=True, slots=True)
class Worsened:
    stamp: Stamp
    finding: Finding


@dataclass(frozen=True, slots=True)
class Eased:
    """Still abnormal, but for ``clear_delay`` no longer as bad."""

    stamp: Stamp
    finding: Finding


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A valid value agrees with an unverified critical one: the technical alert becomes a physiological one."""

    stamp: Stamp
    finding: Finding


@dataclass(frozen=True, slots=True)
class DataLost:
    """No valid sample for longer than the staleness limit."""

    stamp: Stamp


@dataclass(frozen=True, slots=True)
class DataBack:
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Ended:
    """Normal for ``clear_delay``. ``ended_at``: measured time of the first normal value."""

    stamp: Stamp
    ended_at: int


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """``version`` is the one the person saw."""

    stamp: Stamp
    version: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReturnToList:
    """The owner of an acknowledged alert gives it back; a snooze, and what was assigned and is not accepted yet, anybody takes
    back."""

    stamp: Stamp
    version: int


@dataclass(frozen=True, slots=True)
class Assign:
    """A person asks another one, user id ``to``, to deal with the alert. ``version`` is the one the person saw."""

    stamp: Stamp
    version: int
    to: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallNextLevel:
    """A person asks for the next level of the escalation at once. ``version`` is the one the person saw."""

    stamp: Stamp
    version: int


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """``due`` is the stored ``deadline_at`` that has come."""

    stamp: Stamp
    due: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    """The ground for the alert is gone by decision: limit edited, device unbound, patient discharged."""

    stamp: Stamp
    reason: str


@dataclass(frozen=True, slots=True)
class Amended:
    """Readings that came later contradict the alert. ``note``: one sentence for its card. It is never deleted."""

    stamp: Stamp
    note: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """No calls for this alert before ``until``, microseconds UTC. ``version`` is the one the person saw."""

    stamp: Stamp
    version: int
    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class SnoozeEnded:
    """``due`` is the stored ``snoozed_until`` that has come."""

    stamp: Stamp
    due: int


@dataclass(frozen=True, slots=True)
class Suppress:
    """The open alert with the id ``by`` says the same and more."""

    stamp: Stamp
    by: str


@dataclass(frozen=True, slots=True)
class Unsuppress:
    """Nothing carries this alert any more. ``reason``: for the log."""

    stamp: Stamp
    reason: str


@dataclass(frozen=True, slots=True)
class CallDue:
    """A call that was held back is let go: there is room for it, or it has waited long enough. ``due``: stored ``held_until``."""

    stamp: Stamp
    due: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """The owner's shift ends. ``incoming``: user id of who takes over; empty = nobody does."""

    stamp: Stamp
    incoming: str


@dataclass(frozen=True, slots=True)
class Accept:
    """A person takes over what was handed over or assigned. ``version`` is the one the person saw."""

    stamp: Stamp
    version: int


@dataclass(frozen=True, slots=True)
class AcceptDue:
    """``due`` is the stored ``accept_by`` that has come."""

    stamp: Stamp
    due: int


#: What can open an alert.
Beginning = Began | Worsened | Passed
#: What a person asks for; refused when the alert is not what the person saw.
Command = Acknowledge | ReturnToList | Assign | CallNextLevel | Snooze | Accept
#: What changes only an open alert.
Continuing = (
    Eased
    | Confirmed
    | DataLost
    | DataBack
    | Ended
    | Withdraw
    | DeadlineReached
    | SnoozeEnded
    | Suppress
    | Unsuppress
    | CallDue
    | HandOver
    | AcceptDue
)
Event = Beginning | Continuing | Amended | Command
