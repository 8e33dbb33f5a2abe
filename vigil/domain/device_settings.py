"""What a device is told to do: how often it measures, and the limits by which it decides by itself to send at once.

A new version replaces the whole of the one before. It is *wanted* from when a person set it and *holds* from when the device
confirmed it: only then does the platform expect values at its intervals. The limits are the device's business alone; whether
somebody is called is decided by the policy, never by these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.domain.errors import InvalidInput
from vigil.domain.times import MINUTE
from vigil.domain.vitals import BY_NAME

#: A device that is switched on answers within seconds; one that sleeps between two values may take this long (ours).
OVERDUE_US = 15 * MINUTE
#: A week, as for the interval that a device is registered with.
LONGEST_INTERVAL_S = 604_800.0


@dataclass(frozen=True, slots=True)
class Limit:
    """In the vital's unit: below ``low`` or above ``high`` the device sends at once."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device said. ``at``: heard, microseconds UTC. ``text``: the device's own words."""

    accepted: bool
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One version. ``interval_s`` and ``limits`` by canonical vital name; ``version`` counts from 1 for each device and is given
    by the store. ``answer``: the last that the device said to this version, None = nothing yet."""

    device_id: str
    interval_s: Mapping[str, float]
    limits: Mapping[str, Limit]
    author: str
    reason: str
    at: int
    version: int = 0
    answer: Answer | None = None


class Standing(StrEnum):
    """How the newest version stands: never set, not answered yet, not answered in time, confirmed, refused by the device."""

    NONE = "none"
    WAITING = "waiting"
    OVERDUE = "overdue"
    CONFIRMED = "confirmed"
    REFUSED = "refused"


def check(settings: DeviceSettings) -> None:
    """Raises ``InvalidInput`` for what no device can do."""
    for name in {*settings.interval_s, *settings.limits}:
        if name not in BY_NAME:
            raise InvalidInput("names a vital sign that does not exist")
    for name, seconds in settings.interval_s.items():
        if not 0 < seconds <= LONGEST_INTERVAL_S:
            raise InvalidInput(f"interval_s.{name}: must be more than 0 and at most {LONGEST_INTERVAL_S:g} s")
    for name, limit in settings.limits.items():
        _check_limit(name, limit)


def _check_limit(name: str, limit: Limit) -> None:
    kind = BY_NAME[name]
    given = [bound for bound in (limit.low, limit.high) if bound is not None]
    if kind.codes:
        raise InvalidInput(f"limits.{name}: a code has no limits")
    if not given:
        raise InvalidInput(f"limits.{name}: give low, high or both")
    if any(not kind.reject[0] <= bound <= kind.reject[1] for bound in given):
        raise InvalidInput(f"limits.{name}: must lie between {kind.reject[0]:g} and {kind.reject[1]:g}")
    if len(given) == 2 and given[0] >= given[1]:
        raise InvalidInput(f"limits.{name}: low must be below high")


def standing(versions: Sequence[DeviceSettings], now: int) -> Standing:
    """Of the newest of ``versions``, which are newest first."""
    if not versions:
        return Standing.NONE
    newest = versions[0]
    if newest.answer is not None:
        return Standing.CONFIRMED if newest.answer.accepted else Standing.REFUSED
    return Standing.OVERDUE if now - newest.at >= OVERDUE_US else Standing.WAITING


def holding(versions: Sequence[DeviceSettings]) -> DeviceSettings | None:
    """What the device goes by: the newest of ``versions``, newest first, that it accepted."""
    return next((one for one in versions if one.answer is not None and one.answer.accepted), None)
