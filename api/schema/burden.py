"""Alarm burden: what alerts cost and how many were worth it. No patient is named or numbered in it."""

from __future__ import annotations

from typing import Any, Literal

from api.schema.base import Model, Moment, example
from vigil.domain.feedback import Verdict

_SHARE = {"count": 6, "of": 8, "share": 0.75, "low": 0.409, "high": 0.929}
_ROW: dict[str, Any] = {
    "rule": "limit.spo2.low",
    "policy_version": "1f2e3d4c5b6a",
    "priority": None,
    "alerts": 20,
    "carried": 3,
    "joined": 1,
    "held": 2,
    "interruptions": 15,
    "acknowledged": 16,
    "acknowledge_median_s": 95.0,
    "escalated": 4,
    "unanswered": 0,
    "self_limited": 7,
    "self_limited_share": 0.35,
    "busiest_tenth": 0.6,
    "interruptions_per_patient_day": 0.05,
    "interruptions_per_nurse_hour": 0.02,
    "verdicts": {"useful": 4, "not_useful": 2, "artefact": 1, "wrong_limit": 1},
    "true": _SHARE,
    "useful": {"count": 4, "of": 8, "share": 0.5, "low": 0.215, "high": 0.785},
}


class ShareOut(Model):
    """``low``, ``high``: Wilson's 95 % interval; null where nobody has said anything."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


class BurdenRow(Model):
    """``rule``, ``policy_version``, ``priority``: null = all. ``alerts``: opened in the time asked for. ``carried``, ``joined``,
    ``held``: alerts that another alert, another alert's call, or the budget kept from calling for a while. ``unanswered``: the
    whole chain was called in vain. ``self_limited``: over before anybody acknowledged. ``busiest_tenth``: the share of these
    alerts that the busiest tenth of the patients has. ``true``: useful or not; ``useful``: useful."""

    model_config = example(**_ROW)

    rule: str | None
    policy_version: str | None
    priority: Literal["high", "medium", "low"] | None
    alerts: int
    carried: int
    joined: int
    held: int
    interruptions: int
    acknowledged: int
    acknowledge_median_s: float | None
    escalated: int
    unanswered: int
    self_limited: int
    self_limited_share: float | None
    busiest_tenth: float | None
    interruptions_per_patient_day: float | None
    interruptions_per_nurse_hour: float | None
    verdicts: dict[Verdict, int]
    true: ShareOut
    useful: ShareOut


class GroupOut(Model):
    """``patients`` and all counts null: the group is too small to show, or would tell of one that is."""

    factor: Literal["age", "sex"]
    value: str
    patients: int | None
    patient_days: float | None
    alerts: int | None
    interruptions: int | None
    held: int | None


class BurdenOut(Model):
    """``nurse_hours``: by the rotas; a ward without somebody on call counts one nurse."""

    since: Moment
    until: Moment
    by: Literal["rule", "policy", "priority"]
    patients: int
    patient_days: float
    nurse_hours: float
    total: BurdenRow
    rows: list[BurdenRow]
    subgroups: list[GroupOut]
