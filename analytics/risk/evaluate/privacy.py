"""No count of fewer than ten patients leaves a report, so that nobody in it can be found again (fairness.md, section 2)."""

from __future__ import annotations

LEAST = 10


def hidden(count: int) -> bool:
    """0 too: that nobody in a small group had an event is a statement about each of them."""
    return count < LEAST


def shown(count: int) -> int | None:
    """The count, or None where it must not be told.

    >>> shown(10), shown(9)
    (10, None)
    """
    return None if hidden(count) else count
