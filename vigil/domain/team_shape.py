"""Which parts of a team's document can be read at all, and what is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from vigil.domain.alerts import Priority
from vigil.domain.people import is_device_id
from vigil.domain.rota import DAYS, zone_of
from vigil.domain.teams import EVERYONE, MEMBER, ON_CALL

#: Minutes that a level may wait, by priority. The reference page "Alarms and alerts" escalates after 2 min, 10 min and 4 h; the
#: longest that a team may choose is ours and needs clinical sign-off.
SHORTEST_MIN = 1
LONGEST_MIN = {Priority.HIGH.value: 15, Priority.MEDIUM.value: 60, Priority.LOW.value: 240}
PRIORITIES = tuple(one.value for one in Priority)
DAY_NAMES = tuple(name[:3].lower() for name in DAYS)

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WORD = "a text of 1 to 100 characters"
_TEXTS = ("id", "ward", "timezone", "fallback")
#: What stands for a text that cannot be read, so that the rest can be checked.
_STANDING_IN = {"id": "", "ward": "", "timezone": "UTC", "fallback": ""}
#: Keys of each kind of entry: those that must be there, those that may.
_ENTRIES = {
    "member": (("id", "name", "channels"), ()),
    "shift": (("days", "from", "to", "person"), ()),
    "override": (("date", "person"), ("replaces",)),
    "stand_in": (("start", "end", "person"), ("replaces",)),
    "level": (("who",), ("channels", "after")),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """``readable``: the document with every part left out that is in ``problems``; ``broken``: the keys they stand under."""

    readable: dict[str, Any]
    problems: list[str]
    broken: frozenset[str]


def shape_of(document: Mapping[str, Any]) -> Shape:
    wrong = {key: [f"unknown key {key}"] for key in document if key not in _TEXTS and key not in _ENTRIES}
    readable: dict[str, Any] = {}
    for key in _TEXTS:
        wrong[key] = _text_problems(document, key)
        readable[key] = _STANDING_IN[key] if wrong[key] else document.get(key, "")
    for kind in _ENTRIES:
        readable[kind], wrong[kind] = _entries(document, kind)
    problems = [one for of_key in wrong.values() for one in of_key]
    return Shape(readable, problems, frozenset(key for key, found in wrong.items() if found))


def _text_problems(document: Mapping[str, Any], key: str) -> list[str]:
    value = document.get(key, "")
    if key == "fallback" and value == "":
        return []
    if key not in document:
        return [f"{key} is missing"]
    if not _is_word(value):
        return [f"{key} must be {_WORD}"]
    if key == "id" and not is_device_id(value):
        return ["id must be at most 64 letters, digits, dots, dashes or underscores"]
    if key == "timezone" and not _is_zone(value):
        return [f"timezone: {value} is not a name of the IANA list, such as Europe/Berlin"]
    return []


def _entries(document: Mapping[str, Any], kind: str) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The entries that can be read, and what is wrong with the others."""
    entries = document.get(kind, [])
    if not isinstance(entries, list) or not all(isinstance(one, Mapping) for one in entries):
        return [], [f"{kind} must be written as [[{kind}]]"]
    needed, optional = _ENTRIES[kind]
    readable, problems = [], []
    for number, entry in enumerate(entries, 1):
        found = [f"unknown key {key}" for key in entry if key not in needed + optional]
        found += [f"{key} is missing" for key in needed if key not in entry]
        known = [key for key in entry if key in needed + optional]
        found += [f"{key} must be {_EXPECTED[key]}" for key in known if not _fits(key, entry[key])]
        problems += [f"{kind} {number}: {one}" for one in found]
        if not found:
            readable.append(entry)
    return readable, problems


_EXPECTED = {
    **dict.fromkeys(("id", "name", "person", "replaces"), _WORD),
    **dict.fromkeys(("from", "to"), 'a local time like "07:30"'),
    "days": f"a list of {', '.join(DAY_NAMES)}",
    "date": "a day like 2026-12-24",
    **dict.fromkeys(("start", "end"), 'a local time like "2026-12-24T14:00"'),
    "channels": "a list of names",
    "who": f'"{ON_CALL}", "{EVERYONE}", "{MEMBER}<id>", or a list of them',
    "after": f"minutes or a table of them: {', '.join(f'{name} {SHORTEST_MIN} to {most}' for name, most in LONGEST_MIN.items())}",
}


def _fits(key: str, value: Any) -> bool:
    match key:
        case "from" | "to":
            return isinstance(value, str) and _CLOCK.fullmatch(value) is not None
        case "days":
            return _is_list(value) and all(one in DAY_NAMES for one in value)
        case "date":
            return _is_date(value)
        case "start" | "end":
            return _is_moment(value)
        case "channels":
            return value == [] or _is_list(value)
        case "who":
            return all(_is_who(one) for one in value) if _is_list(value) else _is_who(value)
        case "after":
            of_each = value if isinstance(value, Mapping) else dict.fromkeys(PRIORITIES, value)
            return all(_is_wait(name, minutes) for name, minutes in of_each.items())
    return value == "" if key == "replaces" and not value else _is_word(value)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 100 and value == value.strip() and value.isprintable()


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _is_who(value: Any) -> bool:
    return isinstance(value, str) and (value in (ON_CALL, EVERYONE) or (value.startswith(MEMBER) and value != MEMBER))


def _is_wait(priority: Any, minutes: Any) -> bool:
    if priority not in LONGEST_MIN or isinstance(minutes, bool) or not isinstance(minutes, int | float):
        return False
    return SHORTEST_MIN <= minutes <= LONGEST_MIN[priority]


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
        return True
    return type(value) is date


def _is_moment(value: Any) -> bool:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return False
    return isinstance(value, datetime) and is_wall_clock(value)


def is_wall_clock(value: datetime) -> bool:
    """A time to the minute that every clock and zone knows, without a zone."""
    return value.tzinfo is None and 2015 <= value.year < 2200 and not (value.second or value.microsecond)


def _is_zone(name: str) -> bool:
    try:
        zone_of(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
