"""Trying a policy on the readings of the last days before it is put into force: what is asked for and what comes of it.

``cli`` hands ``create_app`` the one that carries trials out, because judging is another stage. All times microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from vigil.domain.alerts import Priority
from vigil.domain.effective import Scope
from vigil.domain.people import Patient
from vigil.domain.policy import Policy

#: Of how many days at most, and how many of a trial's changed alerts are listed (ours).
MOST_DAYS, MOST_CHANGES = 7, 500


@dataclass(frozen=True, slots=True)
class Tried:
    """A patient, whose name is left out, with the policy in force and the edited one."""

    patient: Patient
    before: Policy
    after: Policy


@dataclass(frozen=True, slots=True)
class TrialPlan:
    """``name``: of the ward, or the patient's id. Readings measured in [``start``, ``end``), whole days of 24 hours.
    ``version``: of the document that was edited, 0 = there was none."""

    scope: Scope
    name: str
    people: Sequence[Tried]
    start: int
    end: int
    version: int
    asked_by: str

    @property
    def key(self) -> tuple[Scope, str]:
        return self.scope, self.name


class TrialState(StrEnum):
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    ENDED = "ended"  # by a person


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as it would have been. ``onset_at``: measured; the others when Vigil would have known. ``priority``: when first
    shown. ``calls``: how often it would have interrupted somebody."""

    patient_id: str
    rule: str
    priority: Priority
    onset_at: int
    shown_at: int
    over_at: int | None
    calls: int


@dataclass(frozen=True, slots=True)
class Change:
    """``before`` None: it appears; ``after`` None: it vanishes; both: it is shown at another time or priority. ``alert_id``: of
    the alert that there really was at the time, empty = none."""

    before: Told | None
    after: Told | None
    alert_id: str = ""

    @property
    def told(self) -> Told:
        """As it is now; as it would be where it is not there now."""
        told = self.before or self.after
        assert told is not None
        return told


@dataclass(frozen=True, slots=True)
class Side:
    """What one policy comes to. ``calls``: interruptions."""

    by_priority: Mapping[str, int]
    by_rule: Mapping[str, int]
    calls: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """``days``: by day of the trial, how many had a valid value in it. ``unmeasured``: patients without any. ``kept``: alerts
    that are the same under both; ``changes``: the others in order of time, ``more`` of them left out."""

    before: Side
    after: Side
    days: Sequence[int]
    unmeasured: int
    kept: int
    changes: Sequence[Change]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """``done``: patients judged. ``why``: of one that failed, in words that name nobody."""

    plan: TrialPlan
    asked_at: int
    state: TrialState = TrialState.RUNNING
    done: int = 0
    why: str = ""
    outcome: Outcome | None = field(default=None, repr=False)


class Trials(Protocol):
    """Carries out one trial at a time; keeps some of those that are over in memory. Safe to use from several threads."""

    def start(self, plan: TrialPlan) -> Trial | None:
        """None: another one is running."""
        ...

    def of(self, scope: Scope, name: str) -> list[Trial]:
        """Newest first."""
        ...

    def end(self, scope: Scope, name: str) -> bool:
        """Ends the one that runs for this scope; False when none does."""
        ...
