"""A policy document as a person writes it, in TOML or the same shape in JSON: only what differs from what holds without it.

reason = "night values are lower while asleep"
signed_off_by = "Dr Wang"
timezone = "Europe/Berlin"      # of the schedules; for everybody only
programme = "heart-failure"     # the programme that a ward or a patient takes part in
news2 = true
off = ["limit.bp_sys.high"]     # rules switched off by name
[findings]                      # detectors that may call somebody beside the limits; off = not
flat = "low"
rate.heart_rate.high = "medium" # of one vital, of one side
[interval_s]                    # expected seconds between values
body_temp = 14400
[[limit]]
vital = "spo2"
side = "low"
limit = 88
[[schedule]]
from = "22:00"
to = "07:00"
days = ["fri", "sat"]           # on which it begins; without them every day
[[schedule.limit]]
vital = "heart_rate"
side = "low"
limit = 38

Bounds of numbers are ours and need clinical sign-off; those of limits stand in ``vigil.domain.policy``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vigil.domain.alerts import Priority
from vigil.domain.effective import PolicyDocument, Scope, document_problems, merged
from vigil.domain.errors import PolicyError
from vigil.domain.policy import DEFAULT_POLICY, OFF, Policy
from vigil.domain.risk import RISK_PREFIX
from vigil.domain.schedules import DAYS, zone
from vigil.domain.vitals import BY_NAME

_WEEK_S = 604_800.0
#: Values that are true or false.
_FLAGS = ("news2",)
#: Numbers with the least and the greatest value.
_NUMBERS = {
    "clear_delay_s": (0.0, 7200.0),
    "continuous_staleness_s": (0.0, 3600.0),
    "news2_clear_delay_s": (0.0, 3600.0),
    "interruptions_per_nurse_hour": (0.0, 60.0),
}
#: Numbers by name.
_TABLES = {
    "news2_delay_s": {"high": (0.0, 600.0), "medium": (0.0, 3600.0), "low": (0.0, 14_400.0)},
    "escalate_s": {"high": (10.0, 900.0), "medium": (60.0, 7200.0), "low": (60.0, 86_400.0)},
    "realarm_s": {"high": (60.0, 3600.0), "medium": (60.0, 14_400.0), "low": (60.0, 86_400.0)},
    "interval_s": dict.fromkeys(BY_NAME, (1.0, _WEEK_S)),
}
#: Texts with the greatest number of letters.
_TEXTS = {"reason": 500, "signed_off_by": 200, "timezone": 64, "programme": 64}
_KEYS = (*_FLAGS, *_NUMBERS, *_TABLES, *_TEXTS, "off", "findings", "limit", "schedule")
_PRIORITIES = tuple(each.value for each in Priority)
_SIDES = ("low", "high")
_RISK = RISK_PREFIX.rstrip(".")
#: As the folder of a risk model is called.
_MODEL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: What each field of a limit holds.
_FIELDS = {
    **dict.fromkeys(("vital", "side"), "a text"),
    **dict.fromkeys(("limit", "delay_s", "hysteresis"), "a number"),
    "severe": 'a number or "none"',
    **dict.fromkeys(("priority", "severe_priority"), "high, medium or low"),
    "enabled": "true or false",
}
#: No vital has a greater number, and greater ones cannot be compared or printed as the others are.
_GREATEST = 1e9
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True, slots=True)
class Written:
    """``content``: the part of the document that can be used, in one form whatever way it was written: rules named under
    ``off`` are switched off where they stand. ``problems``: every reason to refuse it, empty when it can be used."""

    content: dict[str, Any]
    problems: list[str]
    reason: str = ""
    signed_off_by: str = ""


def parse_policy(text: str, set_by: str, detectors: frozenset[str]) -> Policy:
    """The starting policy as one TOML document changes it, for a back-test. Raises ``PolicyError`` with every reason at once."""
    written = read(decode(text), detectors)
    document = PolicyDocument(Scope.PROGRAMME, "", written.content, set_by)
    problems = written.problems + document_problems(DEFAULT_POLICY, (document,))
    if "schedule" in written.content:
        problems.append("schedule: a back-test cannot follow times of day")
    if problems:
        raise PolicyError(problems)
    return merged(DEFAULT_POLICY, (document,)).policy


def decode(text: str) -> dict[str, Any]:
    """Raises ``PolicyError`` for what is not TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError([f"not a TOML document: {error}"]) from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
        raise PolicyError(
            ["not a TOML document that can be read: a number is too long, or brackets lie too deep"]
        ) from error


def read(document: Mapping[str, Any], detectors: frozenset[str]) -> Written:
    """Check each value of a document by itself. ``detectors``: names that ``findings`` may have."""
    problems = [f"unknown key {key}" for key in document if key not in _KEYS]
    texts = {key: _text(document, key, most, problems) for key, most in _TEXTS.items() if key in document}
    content: dict[str, Any] = {}
    for key in _FLAGS:
        if key in document:
            _keep(content, key, document[key], _is_flag, f"{key} must be true or false", problems)
    for key, (low, high) in _NUMBERS.items():
        if key in document:
            _keep_number(content, key, document[key], low, high, key, problems)
    for key, allowed in _TABLES.items():
        table = _numbers(key, _table(document, key, problems), allowed, problems)
        content |= {key: table} if table else {}
    findings = _findings(_table(document, "findings", problems), detectors, problems)
    content |= {"findings": findings} if findings else {}
    limits = _limits(document.get("limit", []), "limit", "[[limit]]", problems)
    content |= {"limit": limits} if limits else {}
    _switch_off(content, document.get("off", []), detectors, problems)
    schedules = _schedules(document.get("schedule", []), problems)
    content |= {"schedule": schedules} if schedules else {}
    if texts.get("programme"):
        content["programme"] = texts["programme"]
    if zone(texts.get("timezone", "UTC")) is None:
        problems.append("timezone must be a name of the IANA data base such as Europe/Berlin")
    elif "timezone" in texts:
        content["timezone"] = texts["timezone"]
    return Written(content, problems, texts.get("reason", ""), texts.get("signed_off_by", ""))


def _text(document: Mapping[str, Any], key: str, most: int, problems: list[str]) -> str:
    value = document[key]
    if isinstance(value, str) and len(value) <= most:
        return value.strip()
    problems.append(f"{key} must be a text of at most {most} letters")
    return "UTC" if key == "timezone" else ""


def _keep(
    content: dict[str, Any], key: str, value: Any, fits: Callable[[Any], bool], problem: str, problems: list[str]
) -> None:
    if fits(value):
        content[key] = value
    else:
        problems.append(problem)


def _keep_number(
    content: dict[str, Any], key: str, value: Any, low: float, high: float, where: str, problems: list[str]
) -> None:
    if _is_number(value) and low <= value <= high:
        content[key] = float(value)
    else:
        problems.append(f"{where} must be a number from {low:g} to {high:g}")


def _numbers(
    key: str, table: dict[str, Any], allowed: Mapping[str, tuple[float, float]], problems: list[str]
) -> dict[str, float]:
    kept: dict[str, float] = {}
    for name, value in table.items():
        if name in allowed:
            _keep_number(kept, name, value, *allowed[name], f"{key}: {name}", problems)
        else:
            problems.append(f"{key}: unknown key {name}")
    return kept


def _findings(table: dict[str, Any], detectors: frozenset[str], problems: list[str]) -> dict[str, str]:
    kept: dict[str, Any] = {}
    for name, value in _flat(table):
        if not _is_finding(name, detectors):
            problems.append(f"findings: no detector is called {name}")
        else:
            wrong = f"findings: {name} must be high, medium, low or off"
            _keep(kept, name, value, lambda each: each in (*_PRIORITIES, OFF), wrong, problems)
    return kept


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """TOML takes ``rate.heart_rate`` for a table in a table."""
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_finding(name: str, detectors: frozenset[str]) -> bool:
    """A detector, or ``<detector>.<vital>``, or that with its side; of the risk models each by its name, never all at once."""
    detector, *rest = name.split(".")
    if detector == _RISK:
        return detector in detectors and len(rest) == 1 and _MODEL.fullmatch(rest[0]) is not None
    allowed: tuple[Container[str], ...] = (BY_NAME, _SIDES)
    fits = all(each in names for each, names in zip(rest, allowed, strict=False))
    return detector in detectors and len(rest) <= len(allowed) and fits


def _limits(written: Any, where: str, header: str, problems: list[str]) -> list[dict[str, Any]]:
    """The limits without a mistake, each rule once."""
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in _tables_in(written, where, header, problems):
        wrong = _limit_problems(entry)
        problems += [f"{where}: {each}" for each in wrong]
        if not wrong:
            name = entry["vital"], entry["side"]
            if name in kept:
                problems.append(f"{where}: {name[0]} {name[1]} is given twice")
            kept[name] = {**entry, "severe": None} if entry.get("severe") == "none" else dict(entry)
    return list(kept.values())


def _limit_problems(entry: Mapping[str, Any]) -> list[str]:
    unknown = [name for name in entry if name not in _FIELDS]
    missing = [name for name in ("vital", "side") if name not in entry]
    wrong = [f"unknown or missing fields: {', '.join([*unknown, *missing])}"] if unknown or missing else []
    bad = [name for name, value in entry.items() if name in _FIELDS and not _is(_FIELDS[name], value)]
    wrong += [f"{name} must be {_FIELDS[name]}" for name in bad]
    if missing or bad:
        return wrong
    where = f"{entry['vital']} {entry['side']}"
    if entry["vital"] not in BY_NAME:
        wrong.append(f"{where}: no vital sign has this name")
    if entry["side"] not in _SIDES:
        wrong.append(f"{where}: side must be low or high")
    return wrong


def _switch_off(content: dict[str, Any], names: Any, detectors: frozenset[str], problems: list[str]) -> None:
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        problems.append("off must be a list of rules")
        return
    for name in names:
        vital, _, side = name.removeprefix("limit.").partition(".")
        if name == "news2":
            content["news2"] = False
        elif _is_finding(name, detectors):
            content.setdefault("findings", {})[name] = OFF
        elif name.startswith("limit.") and vital in BY_NAME and side in _SIDES:
            limits = content.setdefault("limit", [])
            entry = next((each for each in limits if (each["vital"], each["side"]) == (vital, side)), None)
            if entry is None:
                entry = {"vital": vital, "side": side}
                limits.append(entry)
            entry["enabled"] = False
        else:
            problems.append(f"off: no rule that can be switched off is called {name}")


def _schedules(written: Any, problems: list[str]) -> list[dict[str, Any]]:
    kept = []
    for number, entry in enumerate(_tables_in(written, "schedule", "[[schedule]]", problems), 1):
        where = f"schedule {number}"
        wrong = [f"unknown key {key}" for key in entry if key not in ("from", "to", "days", "limit")]
        times = [entry.get(key) for key in ("from", "to")]
        if not all(isinstance(each, str) and _CLOCK.fullmatch(each) for each in times):
            wrong.append("from and to must be times of day like 22:00")
        elif times[0] == times[1]:
            wrong.append("from and to must differ")
        days = entry.get("days", list(DAYS))
        if not isinstance(days, list) or not days or not all(each in DAYS for each in days):
            wrong.append(f"days must be some of {', '.join(DAYS)}")
        problems += [f"{where}: {each}" for each in wrong]
        before = len(problems)
        limits = _limits(entry.get("limit", []), f"{where}: limit", "[[schedule.limit]]", problems)
        if not limits and len(problems) == before:
            problems.append(f"{where}: must change a limit")
        if not wrong and limits:
            kept.append({"from": times[0], "to": times[1], "days": days, "limit": limits})
    return kept


def _is(what: str, value: Any) -> bool:
    if what == _FIELDS["severe"]:
        return value is None or value == "none" or _is_number(value)
    if what == "a number":
        return _is_number(value)
    if what == "true or false":
        return _is_flag(value)
    return isinstance(value, str) and (what == "a text" or value in _PRIORITIES)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_GREATEST <= value <= _GREATEST


def _table(document: Mapping[str, Any], key: str, problems: list[str]) -> dict[str, Any]:
    found = document.get(key, {})
    if isinstance(found, dict):
        return found
    problems.append(f"{key} must be a table")
    return {}


def _tables_in(written: Any, where: str, header: str, problems: list[str]) -> list[dict[str, Any]]:
    if isinstance(written, list) and all(isinstance(each, dict) for each in written):
        return written
    problems.append(f"{where} must be written as {header}")
    return []
