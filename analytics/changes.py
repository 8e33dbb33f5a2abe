"""What the condition engine says when a condition of one slot changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    BEGAN = "began"
    WORSE = "worse"
    EASED = "eased"
    ENDED = "ended"
    PASSED = "passed"
    DOUBTED = "doubted"
    DOUBT_CONFIRMED = "doubt_confirmed"
    DOUBT_ENDED = "doubt_ended"
    WITHDRAWN = "withdrawn"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Change:
    """``side`` 0 = low limit, 1 = high limit. ``level`` 1 = beyond the limit, 2 = beyond the severe limit, after the change.

    ``value`` with its times, quality and ordinal is the reading that brought the change (for one brought by time or by a
    decision: the newest valid one). ``peak`` is the value farthest beyond the limit since ``onset_at``. ``due``: the time
    that brought the change, 0 = a reading did. ``detector``: its number in the engine. Times are microseconds UTC.
    """

    what: What
    slot: int
    side: int
    level: int
    ordinal: int
    measured_at: int
    received_at: int
    value: float
    quality: int
    onset_at: int
    peak: float
    peak_at: int
    ended_at: int = 0
    due: int = 0
    reason: str = ""
    detector: int = 0
