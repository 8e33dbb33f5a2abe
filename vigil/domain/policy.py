"""The monitoring policy: limits, delays and hysteresis for each vital, and its validation.

Every number here is a starting value of ours that needs clinical sign-off. Limits follow the outer NEWS2 bands (RCP 2017). Those
of mean pressure and glucose, which NEWS2 does not know, are general knowledge and were not read in a source (glucose below
54 mg/dL is harm on the reference page "Physiology"). Delays follow the reference page "Alarms and alerts" section 5 (SpO2 low
15 s, 0 s below 80 %; heart rate 10 s, 0 s below 30 or above 180; breathing rate 30 s; spot checks 0 s).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from vigil.domain.alerts import Priority
from vigil.domain.errors import PolicyError
from vigil.domain.schedules import Schedule, held_at
from vigil.domain.vitals import BY_NAME

MAX_DELAY_S = 3600.0
#: Stands wherever a value comes from the code and not from a document that somebody signed.
STARTING_VALUE = "Vigil starting value, not signed off"
#: Takes a detector out of ``findings``.
OFF = "off"
NO_LIMIT = "has no limit yet, so the change must give one"
_PRIORITIES = ("priority", "severe_priority")


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
    set_by: str = STARTING_VALUE

    @property
    def rule(self) -> str:
        """Name of the rule in alerts: ``limit.<vital>.<side>``."""
        return f"limit.{self.vital}.{self.side}"


def longest_name(name: str, names: Container[str]) -> str:
    """The longest beginning of a dotted name that is among ``names``; empty = none.

    >>> longest_name("rate.heart_rate.high", {"rate", "rate.heart_rate"}), longest_name("flat", {"rate"})
    ('rate.heart_rate', '')
    """
    while name and name not in names:
        name = name.rpartition(".")[0]
    return name


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one patient. ``staleness_s``: no valid value for longer makes a condition unknown, by sampling kind.

    ``news2_delay_s``: how long a score must call for an answer, by the priority it calls at; ``news2_clear_delay_s``: how long it
    must be lower before the alert eases or ends. ``interruptions_per_nurse_hour``: the ward's budget, None = no bound.
    ``clear_delay_s``: normal for that long (continuous data) ends a condition; one normal value does for spot checks.
    ``findings``: which detectors beside the limits may call somebody, at which priority (``drift``, or more exactly
    ``rate.heart_rate`` or ``rate.heart_rate.high``; None = this one does not, although a shorter name does); the others only
    stand in the episode log. ``interval_s``: expected seconds between values by vital, where missing data are not counted by
    what the device says. ``schedules``: limits that differ by time of day in ``timezone``; the later ones win; see ``in_force``.
    """

    limits: tuple[LimitRule, ...]
    news2: bool = True
    news2_delay_s: dict[str, float] = field(default_factory=lambda: {"high": 0.0, "medium": 0.0, "low": 0.0})
    news2_clear_delay_s: float = 60.0
    interruptions_per_nurse_hour: float | None = None
    clear_delay_s: float = 60.0
    continuous_staleness_s: float = 300.0
    findings: dict[str, Priority | None] = field(
        default_factory=lambda: {"flat": Priority.MEDIUM, "disagreement": Priority.LOW}
    )
    escalate_s: dict[str, float] = field(default_factory=lambda: {"high": 120.0, "medium": 600.0, "low": 14400.0})
    realarm_s: dict[str, float] = field(default_factory=lambda: {"high": 600.0, "medium": 3600.0, "low": 14400.0})
    interval_s: dict[str, float] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    timezone: str = "UTC"

    @property
    def version(self) -> str:
        """Names the content: the same numbers have the same version anywhere."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def news2_delays_us(self) -> tuple[int, int, int]:
        """Microseconds, of low, medium and high priority."""
        low, medium, high = (round(self.news2_delay_s[each] * 1e6) for each in ("low", "medium", "high"))
        return low, medium, high

    def finding(self, rule: str) -> Priority | None:
        """At which priority a finding such as ``rate.heart_rate.high`` calls; the longest name that says so counts."""
        return self.findings.get(longest_name(rule, self.findings))

    def limit(self, vital: str, side: str) -> LimitRule | None:
        return next((rule for rule in self.limits if rule.vital == vital and rule.side == side), None)


_M = Priority.MEDIUM

#: The starting values of the reference page "Alarms and alerts" as they stand there: for people who lie in bed under sensors that
#: measure each second.
BEDSIDE_POLICY = Policy(
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

#: What differs at home, where people climb stairs, sleep on their sensors and take them off: limit, delay, hysteresis. Tuned on
#: the simulated ward (decisions 0011, 0055 and 0056, ``docs/decisions/``); the severe limits stay as they are, without delay.
_AT_HOME = {
    "limit.spo2.low": (90, 600, 2),
    "limit.heart_rate.low": (41, 300, 3),
    "limit.heart_rate.high": (130, 300, 10),
    "limit.resp_rate.low": (10, 180, 2),
    "limit.resp_rate.high": (24, 2700, 3),
    "limit.bp_sys.low": (91, 2700, 3),
    "limit.bp_mean.low": (65, 0, 8),
    "limit.body_temp.low": (35.1, 1800, 0.2),
}

#: What calls at home beside the limits: a heart rate that jumps up, glucose that falls towards its limit
#: (``docs/decisions/0042-alert-quality.md``), and three changes against the person's own days: breathing far slower, a heart rate
#: above all that was seen, a temperature that goes up (``docs/decisions/0055-against-the-own-days.md``).
_FOUND_AT_HOME = dict.fromkeys(
    (
        "rate.heart_rate.high",
        "rate.glucose_mgdl",
        "baseline.resp_rate.low",
        "breakout.heart_rate.high",
        "trend.body_temp.high",
    ),
    _M,
)


def _at_home(rule: LimitRule) -> LimitRule:
    limit, delay_s, hysteresis = _AT_HOME.get(rule.rule, (rule.limit, rule.delay_s, rule.hysteresis))
    return replace(rule, limit=limit, delay_s=delay_s, hysteresis=hysteresis)


DEFAULT_POLICY = replace(
    BEDSIDE_POLICY,
    limits=tuple(_at_home(rule) for rule in BEDSIDE_POLICY.limits),
    news2_delay_s={"high": 300.0, "medium": 1800.0, "low": 3600.0},
    news2_clear_delay_s=3600.0,
    clear_delay_s=5400.0,
    findings={**BEDSIDE_POLICY.findings, **_FOUND_AT_HOME},
    realarm_s={"high": 1800.0, "medium": 14400.0, "low": 14400.0},
)


def values_of(policy: Policy) -> dict[str, Any]:
    """Every value of a policy by its path, schedules left out: ``limit.spo2.low.delay_s``, ``findings.flat``, ``news2``."""
    values: dict[str, Any] = {}
    for rule in policy.limits:
        fields = {name: value for name, value in asdict(rule).items() if name not in ("vital", "side")}
        values |= {f"{rule.rule}.{name}": value for name, value in fields.items()}
    for name in Policy.__dataclass_fields__:
        value = getattr(policy, name)
        if isinstance(value, dict):
            values |= {f"{name}.{key}": each for key, each in value.items()}
        elif name not in ("limits", "schedules"):
            values[name] = value
    return values


def without_number(policy: Policy, values: Mapping[str, Any]) -> list[str]:
    """The rules that these values change although nobody has given them a limit."""
    rules = {path.rpartition(".")[0]: None for path in values if path.startswith("limit.")}
    known = {rule.rule for rule in policy.limits}
    return [name for name in rules if name not in known and f"{name}.limit" not in values]


def with_values(policy: Policy, values: Mapping[str, Any]) -> Policy:
    """The policy with the values of these paths. Raises ``PolicyError`` for a limit that would have no number."""
    rules = {rule.rule: rule for rule in policy.limits}
    own = {name: getattr(policy, name) for name in Policy.__dataclass_fields__}
    tables: dict[str, Any] = {name: dict(value) for name, value in own.items() if isinstance(value, dict)}
    fields: dict[str, Any] = {}
    changes: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        head, _, rest = path.partition(".")
        if head == "limit":
            rule, _, name = path.rpartition(".")
            changes.setdefault(rule, {})[name] = Priority(value) if name in _PRIORITIES else value
        elif head not in tables:
            fields[path] = value
        elif head != "findings":
            tables[head][rest] = value
        elif value not in (None, OFF):
            tables[head][rest] = Priority(value)
        elif "." in rest:
            tables[head][rest] = None
        else:
            tables[head].pop(rest, None)
    homeless = without_number(policy, values)
    if homeless:
        raise PolicyError([f"{name}: {NO_LIMIT}" for name in homeless])
    for name, change in changes.items():
        vital, _, side = name.removeprefix("limit.").rpartition(".")
        base = rules.get(name) or LimitRule(vital, side, change["limit"], 15, 0, _M)
        rules[name] = replace(base, **change)
    return replace(policy, limits=tuple(rules.values()), **tables, **fields)


def in_force(policy: Policy, at: int) -> Policy:
    """The policy as its schedules make it at a moment, microseconds UTC; the very same object when it has none."""
    if not policy.schedules:
        return policy
    return scheduled(policy, held_at(policy.schedules, policy.timezone, at))


def scheduled(policy: Policy, held: tuple[Schedule, ...]) -> Policy:
    """The policy while just these of its schedules hold."""
    values = {path: value for each in held for path, value in each.values.items()}
    return with_values(replace(policy, schedules=()), values)


#: Says in words who set the value of a path, to be put behind it.
SaidBy = Callable[[str], str]


def _nobody(_path: str) -> str:
    return ""


def limit_problems(rule: LimitRule, by: SaidBy = _nobody) -> list[str]:
    """Every reason why a limit cannot be used, in words; empty when it can."""
    where = f"{rule.vital} {rule.side}"
    kind = BY_NAME.get(rule.vital)
    if kind is None:
        return [f"{where}: no vital sign has this name"]
    if rule.side not in ("low", "high"):
        return [f"{where}: side must be low or high"]
    problems = []
    low, high = kind.reject
    limit = f"{rule.limit:g}{by(f'{rule.rule}.limit')}"
    if not low <= rule.limit <= high:
        problems.append(f"{where}: limit {limit} is outside {low:g} to {high:g} {kind.display_unit}")
    if not 0 <= rule.delay_s <= MAX_DELAY_S:
        delay = f"{rule.delay_s:g} s{by(f'{rule.rule}.delay_s')}"
        problems.append(f"{where}: delay {delay} is outside 0 to {MAX_DELAY_S:g} s")
    if not 0 <= rule.hysteresis <= (high - low) / 4:
        hysteresis = f"{rule.hysteresis:g}{by(f'{rule.rule}.hysteresis')}"
        problems.append(f"{where}: hysteresis {hysteresis} is negative or too wide")
    if rule.severe is not None:
        beyond = rule.severe < rule.limit if rule.side == "low" else rule.severe > rule.limit
        if not beyond or not low <= rule.severe <= high:
            severe = f"{rule.severe:g}{by(f'{rule.rule}.severe')}"
            problems.append(f"{where}: severe limit {severe} must lie beyond the limit {limit}")
    return problems


def policy_problems(policy: Policy, by: SaidBy = _nobody) -> list[str]:
    """Every reason why a policy cannot be used, schedules left out."""
    problems = [problem for rule in policy.limits for problem in limit_problems(rule, by)]
    for rule in policy.limits:
        other = policy.limit(rule.vital, "high") if rule.side == "low" else None
        if other is not None and rule.limit >= other.limit:
            low, high = (f"{each.limit:g}{by(f'{each.rule}.limit')}" for each in (rule, other))
            problems.append(f"{rule.vital}: the low limit {low} is not below the high limit {high}")
    seen = [rule.rule for rule in policy.limits]
    return problems + [f"{name}: given twice" for name in sorted(set(seen)) if seen.count(name) > 1]


def validate(policy: Policy) -> None:
    """Raises ``PolicyError`` with every reason at once."""
    problems = policy_problems(policy)
    if problems:
        raise PolicyError(problems)


def with_limits(policy: Policy, changes: list[dict[str, Any]], set_by: str) -> Policy:
    """The policy with some limits replaced or added; each change names ``vital``, ``side`` and the fields that differ.

    Raises ``PolicyError`` for an unknown field or a policy that would contradict itself.
    """
    allowed = set(LimitRule.__dataclass_fields__) - {"set_by"}
    values: dict[str, Any] = {}
    problems = []
    for change in changes:
        unknown = sorted(set(change) - allowed)
        if unknown or not {"vital", "side"} <= set(change):
            problems.append(f"unknown or missing fields: {', '.join(unknown) or 'vital, side'}")
            continue
        rule = f"limit.{change['vital']}.{change['side']}"
        fields = {name: value for name, value in change.items() if name not in ("vital", "side")}
        values |= {f"{rule}.{name}": value for name, value in {**fields, "set_by": set_by}.items()}
    if problems:
        raise PolicyError(problems)
    result = with_values(policy, values)
    validate(result)
    return result
