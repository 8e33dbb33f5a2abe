"""The monitoring policy: limits, delays and hysteresis for each vital, and its validation.

Every number here is a starting value of ours that needs clinical sign-off. Limits follow the outer NEWS2 bands (RCP 2017). Those
of mean pressure and glucose, which NEWS2 does not know, are general knowledge and were not read in a source (glucose below
54 mg/dL is harm on the reference page "Physiology"). Delays follow the reference page "Alarms and alerts" section 5 (SpO2 low
15 s, 0 s below 80 %; heart rate 10 s, 0 s below 30 or above 180; breathing rate 30 s; spot checks 0 s).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from vigil.domain.alerts import Priority
from vigil.domain.errors import PolicyError
from vigil.domain.vitals import BY_NAME

MAX_DELAY_S = 120.0


@dataclass(frozen=True, slots=True)
class LimitRule:
    """One limit on one vital.

    ``side`` is "low" or "high": abnormal means value < ``limit`` or value > ``limit`` (the limit itself is normal). ``delay_s``
    is the alarm condition delay on measurement time. ``severe`` has no delay and raises ``severe_priority``. ``hysteresis``:
    how far inside the limit a value must be to count as normal again, in the vital's unit. ``set_by``: who chose it.
    """

    vital: str
    side: str
    limit: float
    delay_s: float
    hysteresis: float
    priority: Priority
    severe: float | None = None
    severe_priority: Priority = Priority.HIGH
    enabled: bool = True
    set_by: str = "Vigil starting value, not signed off"

    @property
    def rule(self) -> str:
        """Name of the rule in alerts: ``limit.<vital>.<side>``."""
        return f"limit.{self.vital}.{self.side}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one patient. ``staleness_s``: no valid value for longer makes a condition unknown, by sampling kind.

    ``clear_delay_s``: normal for that long (continuous data) ends a condition; one normal value does for spot checks.
    ``findings``: which detectors beside the limits may call somebody, at which priority; the others only stand in the episode
    log.
    """

    limits: tuple[LimitRule, ...]
    news2: bool = True
    clear_delay_s: float = 60.0
    continuous_staleness_s: float = 300.0
    findings: dict[str, Priority] = field(
        default_factory=lambda: {"flat": Priority.MEDIUM, "disagreement": Priority.LOW}
    )
    escalate_s: dict[str, float] = field(default_factory=lambda: {"high": 120.0, "medium": 600.0, "low": 14400.0})
    realarm_s: dict[str, float] = field(default_factory=lambda: {"high": 600.0, "medium": 3600.0, "low": 14400.0})

    @property
    def version(self) -> str:
        """Names the content: the same numbers have the same version anywhere."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def limit(self, vital: str, side: str) -> LimitRule | None:
        return next((rule for rule in self.limits if rule.vital == vital and rule.side == side), None)


_M = Priority.MEDIUM

DEFAULT_POLICY = Policy(
    limits=(
        LimitRule("spo2", "low", 90, 15, 1, _M, severe=80),
        LimitRule("heart_rate", "low", 41, 10, 3, _M, severe=30),
        LimitRule("heart_rate", "high", 130, 10, 5, _M, severe=180),
        LimitRule("resp_rate", "low", 9, 30, 1, _M, severe=5),
        LimitRule("resp_rate", "high", 24, 30, 1, _M, severe=40),
        LimitRule("bp_sys", "low", 91, 0, 3, _M, severe=75),
        LimitRule("bp_sys", "high", 219, 0, 5, _M, severe=250),
        LimitRule("bp_mean", "low", 65, 0, 3, _M, severe=50),
        LimitRule("body_temp", "low", 35.1, 0, 0.2, _M, severe=32),
        LimitRule("body_temp", "high", 39.0, 0, 0.2, _M, severe=41),
        LimitRule("glucose_mgdl", "low", 70, 0, 5, _M, severe=54),
    )
)


def limit_problems(rule: LimitRule) -> list[str]:
    """Every reason why a limit cannot be used, in words; empty when it can."""
    where = f"{rule.vital} {rule.side}"
    kind = BY_NAME.get(rule.vital)
    if kind is None:
        return [f"{where}: no vital sign has this name"]
    if rule.side not in ("low", "high"):
        return [f"{where}: side must be low or high"]
    problems = []
    low, high = kind.reject
    if not low <= rule.limit <= high:
        problems.append(f"{where}: limit {rule.limit:g} is outside {low:g} to {high:g} {kind.display_unit}")
    if not 0 <= rule.delay_s <= MAX_DELAY_S:
        problems.append(f"{where}: delay {rule.delay_s:g} s is outside 0 to {MAX_DELAY_S:g} s")
    if not 0 <= rule.hysteresis <= (high - low) / 4:
        problems.append(f"{where}: hysteresis {rule.hysteresis:g} is negative or too wide")
    if rule.severe is not None:
        beyond = rule.severe < rule.limit if rule.side == "low" else rule.severe > rule.limit
        if not beyond or not low <= rule.severe <= high:
            problems.append(f"{where}: severe limit {rule.severe:g} must lie beyond the limit {rule.limit:g}")
    return problems


def validate(policy: Policy) -> None:
    """Raises ``PolicyError`` with every reason at once."""
    problems = [problem for rule in policy.limits for problem in limit_problems(rule)]
    for rule in policy.limits:
        other = policy.limit(rule.vital, "high") if rule.side == "low" else None
        if other is not None and rule.limit >= other.limit:
            problems.append(f"{rule.vital}: the low limit {rule.limit:g} is not below the high limit {other.limit:g}")
    seen = [rule.rule for rule in policy.limits]
    problems += [f"{name}: given twice" for name in sorted(set(seen)) if seen.count(name) > 1]
    if problems:
        raise PolicyError(problems)


def with_limits(policy: Policy, changes: list[dict[str, Any]], set_by: str) -> Policy:
    """The policy with some limits replaced or added; each change names ``vital``, ``side`` and the fields that differ.

    Raises ``PolicyError`` for an unknown field or a policy that would contradict itself.
    """
    rules = {rule.rule: rule for rule in policy.limits}
    allowed = set(LimitRule.__dataclass_fields__) - {"set_by"}
    problems = []
    for change in changes:
        unknown = sorted(set(change) - allowed)
        if unknown or not {"vital", "side"} <= set(change):
            problems.append(f"unknown or missing fields: {', '.join(unknown) or 'vital, side'}")
            continue
        name = f"limit.{change['vital']}.{change['side']}"
        base = rules.get(name)
        if base is None and "limit" not in change:
            problems.append(f"{name}: has no limit yet, so the change must give one")
            continue
        base = base or LimitRule(change["vital"], change["side"], change["limit"], 15, 0, _M)
        priorities: dict[str, Any] = {
            key: Priority(change[key]) for key in ("priority", "severe_priority") if key in change
        }
        fields: dict[str, Any] = {**change, **priorities, "set_by": set_by}
        rules[name] = replace(base, **fields)
    if problems:
        raise PolicyError(problems)
    result = replace(policy, limits=tuple(rules.values()))
    validate(result)
    return result
