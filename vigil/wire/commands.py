"""What the platform says about packs it lacks or refused: ``cmd/backfill`` and ``cmd/error``. JSON, QoS 1, never retained.

``cmd/backfill``  {"epoch":7,"from":5,"to":9}: send the packs of that epoch with these numbers, both ends included, at once.
                  What you have no more: the same JSON with its numbers on ``res/backfill``
``cmd/error``     {"epoch":7,"seq":12,"reason":"unit_missing","text":"this name must carry its unit","names":["temp"]}
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vigil.domain.errors import REASON_TEXT, RefusalReason
from vigil.domain.readings import NO_SEQUENCE


class Backfill(msgspec.Struct, frozen=True):
    """``cmd/backfill``: ``from_`` and ``to`` are both included."""

    epoch: int
    from_: int = msgspec.field(name="from")
    to: int


class Error(msgspec.Struct, frozen=True):
    """``cmd/error``: why a pack, or the values ``names`` of one, became a dead letter.

    ``reason`` is of the closed list, ``text`` its sentence. ``epoch`` and ``seq`` are null where the pack has none that
    can be read. ``names`` is empty where the pack was refused whole; it holds names of the published table only, so that nothing
    else that a payload said comes back.
    """

    epoch: int | None
    seq: int | None
    reason: str
    text: str
    names: list[str]


def write_backfill(epoch: int, first: int, last: int) -> bytes:
    """
    >>> write_backfill(7, 5, 9)
    b'{"epoch":7,"from":5,"to":9}'
    """
    return msgspec.json.encode(Backfill(epoch, first, last))


def read_backfill(payload: bytes) -> Backfill | None:
    """None when it is none, or asks for no number that a pack can have."""
    try:
        asked = msgspec.json.decode(payload, type=Backfill)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return asked if 0 <= asked.epoch < NO_SEQUENCE and 0 <= asked.from_ <= asked.to < NO_SEQUENCE else None


def write_error(epoch: int, seq: int, reason: RefusalReason, names: Sequence[str]) -> bytes:
    """``NO_SEQUENCE`` for a pack without numbers.

    >>> write_error(7, 12, RefusalReason.UNIT_MISSING, ["temp"])
    b'{"epoch":7,"seq":12,"reason":"unit_missing","text":"this name must carry its unit","names":["temp"]}'
    """
    numbered = NO_SEQUENCE not in (epoch, seq)
    text = REASON_TEXT[reason]
    return msgspec.json.encode(
        Error(epoch if numbered else None, seq if numbered else None, reason.value, text, list(names))
    )


def read_error(payload: bytes) -> Error | None:
    """None when it is none."""
    try:
        return msgspec.json.decode(payload, type=Error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
