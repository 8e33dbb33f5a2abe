"""A monitoring policy as a TOML document: what differs from the starting policy.

news2 = true
clear_delay_s = 60.0
[findings]            # detectors that may call somebody beside the limits; "off" silences one
flat = "low"
[[limit]]
vital = "spo2"
side = "low"
limit = 88
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from typing import Any

from vigil.domain.alerts import Priority
from vigil.domain.errors import PolicyError
from vigil.domain.policy import DEFAULT_POLICY, Policy, with_limits

_NUMBERS = ("clear_delay_s", "continuous_staleness_s")
_KEYS = ("news2", "limit", "findings", *_NUMBERS)
_OFF = "off"
_PRIORITIES = tuple(each.value for each in Priority)
#: What each field of a limit holds; others are refused by ``with_limits``.
_FIELDS = {
    **dict.fromkeys(("vital", "side"), "a text"),
    **dict.fromkeys(("limit", "delay_s", "hysteresis", "severe"), "a number"),
    **dict.fromkeys(("priority", "severe_priority"), "high, medium or low"),
    "enabled": "true or false",
}


def parse_policy(text: str, set_by: str, detectors: frozenset[str]) -> Policy:
    """``detectors``: names that ``findings`` may have. Raises ``PolicyError`` with every reason at once."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not a TOML document: {error}"]) from error
    problems = [f"unknown key {key}" for key in document if key not in _KEYS]
    problems += [f"{key} must be a number from 0 to 3600" for key in _NUMBERS if not _is_delay(document.get(key, 0.0))]
    if not isinstance(document.get("news2", True), bool):
        problems.append("news2 must be true or false")
    findings = dict(DEFAULT_POLICY.findings)
    for name, value in _table(document, "findings", problems).items():
        if name not in detectors:
            problems.append(f"findings: no detector is called {name}")
        elif value == _OFF:
            findings.pop(name, None)
        elif value in _PRIORITIES:
            findings[name] = Priority(value)
        else:
            problems.append(f"findings: {name} must be high, medium, low or off")
    changes = document.get("limit", [])
    if not isinstance(changes, list) or not all(isinstance(each, dict) for each in changes):
        problems.append("limit must be written as [[limit]]")
        changes = []
    wrong = [_wrong_fields(change) for change in changes]
    problems += [problem for of_change in wrong for problem in of_change]
    policy = DEFAULT_POLICY
    try:
        policy = with_limits(policy, [change for change, bad in zip(changes, wrong, strict=True) if not bad], set_by)
    except PolicyError as error:
        problems += error.reasons
    if problems:
        raise PolicyError(problems)
    fields = {key: document[key] for key in ("news2",) if key in document}
    fields |= {key: float(document[key]) for key in _NUMBERS if key in document}
    return replace(policy, findings=findings, **fields)


def _wrong_fields(change: dict[str, Any]) -> list[str]:
    """Fields of one limit whose value is of the wrong kind."""
    return [
        f"limit: {name} must be {_FIELDS[name]}"
        for name, value in change.items()
        if name in _FIELDS and not _is(_FIELDS[name], value)
    ]


def _is(what: str, value: Any) -> bool:
    if what == "a number":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if what == "true or false":
        return isinstance(value, bool)
    return isinstance(value, str) and (what == "a text" or value in _PRIORITIES)


def _is_delay(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 3600


def _table(document: dict[str, Any], key: str, problems: list[str]) -> dict[str, Any]:
    found = document.get(key, {})
    if isinstance(found, dict):
        return found
    problems.append(f"{key} must be a table")
    return {}
