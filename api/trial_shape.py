"""A trial of a policy as the page and scripts see it."""

from __future__ import annotations

from collections.abc import Sequence

from api.shape import Json, iso, iso_or_none
from api.trials import Change, Outcome, Side, Told, Trial, TrialPlan
from vigil.domain.policy import Policy
from vigil.domain.times import DAY

#: Patients of one nurse, as ``vigil backtest`` counts without ``--nurses``.
PATIENTS_A_NURSE = 10


def trial_row(trial: Trial) -> Json:
    plan = trial.plan
    return {
        "scope": plan.scope.value,
        "name": plan.name,
        "state": trial.state,
        "asked_by": plan.asked_by,
        "asked_at": iso(trial.asked_at),
        "start_at": iso(plan.start),
        "end_at": iso(plan.end),
        "version": plan.version,
        "patients": len(plan.people),
        "done": trial.done,
        "why": trial.why,
        "result": None if trial.outcome is None else _result(plan, trial.outcome),
    }


def _result(plan: TrialPlan, outcome: Outcome) -> Json:
    starts = range(plan.start, plan.end, DAY)
    days = [
        {"start_at": iso(start), "end_at": iso(start + DAY), "patients": patients}
        for start, patients in zip(starts, outcome.days, strict=True)
    ]
    hours = 24 * sum(outcome.days) / PATIENTS_A_NURSE
    return {
        "before": _side(outcome.before, hours, [one.before for one in plan.people]),
        "after": _side(outcome.after, hours, [one.after for one in plan.people]),
        "days": days,
        "patients": len(plan.people),
        "without_data": outcome.unmeasured,
        "same": outcome.kept,
        "changes": [_change(one) for one in outcome.changes],
        "more": outcome.more,
    }


def _side(side: Side, nurse_hours: float, policies: Sequence[Policy]) -> Json:
    versions = {one.version for one in policies}
    return {
        "policy_version": versions.pop() if len(versions) == 1 else None,
        "alerts": {name: side.by_priority.get(name, 0) for name in ("high", "medium", "low")},
        "alerts_by_rule": dict(sorted(side.by_rule.items())),
        "interruptions": side.calls,
        "interruptions_per_nurse_hour": round(side.calls / nurse_hours, 4) if nurse_hours else None,
    }


def _change(change: Change) -> Json:
    return {
        "patient_id": change.told.patient_id,
        "rule": change.told.rule,
        "before": _told(change.before),
        "after": _told(change.after),
        "alert_id": change.alert_id or None,
    }


def _told(told: Told | None) -> Json | None:
    if told is None:
        return None
    return {
        "priority": told.priority.value,
        "onset_at": iso(told.onset_at),
        "shown_at": iso(told.shown_at),
        "over_at": iso_or_none(told.over_at),
        "calls": told.calls,
    }
