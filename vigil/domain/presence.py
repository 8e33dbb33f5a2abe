"""Presence: is a device or gateway connected to the broker, by its retained ``state``. It says nothing about data.

A device may be online and silent (off the skin, sensor broken), and a gateway may be online while none of its peripherals is in
reach: whether somebody is watched is ``Coverage``, never this. And "offline" is the broker's word, from the sender's will: a
broker that was killed publishes no will, so "online" may be stale until the sender comes back.

Pure: what a sender said and when it was heard go in, what counts at a moment comes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from vigil.domain.times import SECOND

#: "offline" counts only when no "online" followed for this long (ours; the contract page gives 30 to 60 s for the delay of a
#: will, so that a reconnection is no event). MQTT 3.1.1 has no will delay: the platform waits instead.
OFFLINE_AFTER_US = 45 * SECOND


class State(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class By(StrEnum):
    """Whose word it is: the device's own, or that of a gateway which may speak for it."""

    DEVICE = "device"
    GATEWAY = "gateway"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one sender has said. ``state`` stood from ``since``; ``leaving``: when an "offline" was heard that no "online" has
    followed yet. Times are the server's, microseconds UTC."""

    state: State
    since: int
    leaving: int | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """``since`` and ``by`` are None where nobody has said anything."""

    state: State
    since: int | None
    by: By | None


NOTHING_SAID = Connection(State.UNKNOWN, None, None)


def heard(before: Seen | None, online: bool, at: int) -> Seen:
    """What is known after one more word of the sender, heard at ``at``."""
    if before is None:
        # The retained word after a start of the platform: the sender may just be coming back, so "offline" has to wait too.
        return Seen(State.ONLINE, at) if online else Seen(State.UNKNOWN, at, leaving=at)
    known = settled(before, at)
    if online:
        return replace(known, leaving=None) if known.state is State.ONLINE else Seen(State.ONLINE, at)
    if known.state is State.OFFLINE or known.leaving is not None:
        return known
    return replace(known, leaving=at)


def settled(seen: Seen, now: int) -> Seen:
    """The same with an "offline" that has lasted: the sender is gone since it was heard.

    >>> settled(Seen(State.ONLINE, 0, leaving=5), 5 + OFFLINE_AFTER_US).state.value
    'offline'
    """
    if seen.leaving is not None and now - seen.leaving >= OFFLINE_AFTER_US:
        return Seen(State.OFFLINE, seen.leaving)
    return seen


def connection(own: Seen | None, gateways: Iterable[Seen], now: int) -> Connection:
    """How a device is connected. Without a word of its own it is as present as the best connected of its gateways."""
    if own is not None:
        known = settled(own, now)
        return Connection(known.state, known.since, By.DEVICE)
    found = sorted((settled(one, now) for one in gateways), key=lambda one: (_RANK[one.state], one.since))
    if not found:
        return NOTHING_SAID
    return Connection(found[0].state, found[0].since, By.GATEWAY)


_RANK = {State.ONLINE: 0, State.UNKNOWN: 1, State.OFFLINE: 2}
