"""What became of a notice: one delivery a log line, channel and person. Sent, delivered, seen, accepted: different facts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

#: The channel that every installation has: the page and its event stream. It needs no settings and no sender.
APP = "app"


class State(StrEnum):
    """How far a delivery has come. The order is that of proof, from none to a person's own word.

    ``sent``: handed to a carrier that proves nothing further (a mail relay, the event stream). ``delivered``: the receiving
    system has confirmed it. ``seen``, ``accepted``: a person has. ``failed``: given up, with why.
    """

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    SEEN = "seen"
    ACCEPTED = "accepted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a transition calls, and by which channel. ``person``: the name that acts in the alerts' log."""

    channel: str
    person: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """``seq``: the log line it tells of. ``next_at``: when it is due (queued ones only). ``why``: of the last attempt, no
    patient's identifier. Times are microseconds UTC, server time; None = that has not happened."""

    delivery_id: str
    seq: int
    alert_id: str
    channel: str
    person: str
    state: State
    attempts: int
    next_at: int | None
    why: str
    queued_at: int
    sent_at: int | None = None
    delivered_at: int | None = None
    seen_at: int | None = None
    accepted_at: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send. ``state``: that of the delivery after it; ``queued`` = it will be tried again at ``next_at``."""

    delivery_id: str
    at: int
    state: State
    why: str = ""
    next_at: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one channel. ``oldest_at``: when the oldest was queued, microseconds UTC."""

    channel: str
    queued: int
    oldest_at: int


def delivery_id(alert_id: str, seq: int, at: int, target: Target) -> str:
    """The idempotency key of a delivery: the same for each try, another one in another installation.

    >>> delivery_id("a-1", 7, 0, Target("pager", "Li Na"))
    'd-9794679d106438d83f992485'
    """
    text = f"{alert_id}\0{seq}\0{at}\0{target.channel}\0{target.person}"
    return f"d-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
