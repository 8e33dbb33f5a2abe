"""Policies tried on the readings of the last days: what a change would have called for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schema.base import Model, Moment, example
from api.schema.policies import PolicyChange, PriorityName
from api.trials import MOST_DAYS, TrialState


class TrialAsked(PolicyChange):
    """A change as it would be sent to be kept, but nothing is kept, and no reason is needed. ``days``: of 24 hours, up to now."""

    model_config = example(limits=[{"vital": "spo2", "side": "low", "limit": 88}], days=7)

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = MOST_DAYS


class ToldOut(Model):
    """``shown_at``: when the alert would have been shown. ``over_at`` null = it lasts. ``calls``: interruptions."""

    priority: PriorityName
    onset_at: Moment
    shown_at: Moment
    over_at: Moment | None
    calls: int


class ChangeOut(Model):
    """``before`` null: the alert appears; ``after`` null: it vanishes; both: it is shown at another time or priority.
    ``alert_id``: of the alert that there really was then; null = none."""

    patient_id: str
    rule: str
    before: ToldOut | None
    after: ToldOut | None
    alert_id: str | None


class SideOut(Model):
    """``policy_version`` null: the patients have different ones. ``interruptions_per_nurse_hour``: of a nurse for ten patients,
    counted on days with data only; null without one."""

    policy_version: str | None
    alerts: dict[PriorityName, int]
    alerts_by_rule: dict[str, int]
    interruptions: int
    interruptions_per_nurse_hour: float | None


class TrialDay(Model):
    """``patients``: of how many there is a valid value in it."""

    start_at: Moment
    end_at: Moment
    patients: int


class TrialResult(Model):
    """``same``: alerts that both policies have; ``changes``: the others, ``more`` older ones left out.
    ``without_data``: patients of whom there is no valid value; nothing is said of them."""

    before: SideOut
    after: SideOut
    days: list[TrialDay]
    patients: int
    without_data: int
    same: int
    changes: list[ChangeOut]
    more: int


class TrialOut(Model):
    """``done`` of ``patients`` are judged. ``version``: of the document that was edited, 0 = there was none; send it as ``after``
    to keep the change only if nobody else has changed it meanwhile. ``why``: of a trial that failed."""

    scope: Literal["ward", "patient"]
    name: str
    state: TrialState
    asked_by: str
    asked_at: Moment
    start_at: Moment
    end_at: Moment
    version: int
    patients: int
    done: int
    why: str
    result: TrialResult | None


class TrialList(Model):
    """Newest first; kept in memory, a few of them."""

    items: list[TrialOut]
