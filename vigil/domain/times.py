"""Microseconds UTC to text and back; pure arithmetic, reads no clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_IN_UTC = _EPOCH.replace(tzinfo=None)  # to write out a zone takes as long as the time itself


def to_iso(us: int) -> str:
    """RFC 3339 in UTC with milliseconds.

    >>> to_iso(1_767_225_600_123_456)
    '2026-01-01T00:00:00.123Z'
    """
    moment = _EPOCH_IN_UTC + timedelta(microseconds=us)
    return moment.isoformat(timespec="milliseconds") + "Z"


def utc_date(us: int) -> date:
    return (_EPOCH + timedelta(microseconds=us)).date()


def from_iso(text: str) -> int:
    """Microseconds of an RFC 3339 date-time; a time without zone is refused with ``ValueError``.

    >>> from_iso("2026-01-01T01:00:00+01:00")
    1767225600000000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no zone: add Z or an offset")
    return (moment - _EPOCH) // timedelta(microseconds=1)
