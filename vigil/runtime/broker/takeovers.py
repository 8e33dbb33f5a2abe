"""Credentials that were copied: two clients with one account push each other off, and the broker says so each time.

Client id = user name is forced (``acl.py``), so that a second connection ends the first. One such line is ordinary: a device
came back before the broker noticed that it had gone. Many in a short time are two clients that both keep trying.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from vigil.runtime.broker.acl import BROKER_LOG, LOG_TOPIC
from vigil.runtime.clock import Clock
from vigil.runtime.mqtt import Message, Subscriber
from vigil.runtime.tls import Trust

#: So many within ``WITHIN_S`` seconds are two clients (ours). A client that tries again every 2 minutes gets there too.
TIMES, WITHIN_S = 5, 600.0
#: Accounts remembered at once; the longest unheard-of is forgotten first.
MOST_ACCOUNTS = 10_000
#: As mosquitto 2.0.11 writes it.
_LINE = re.compile(r"Client (\S+) already connected, closing old connection\.")


def takeover_line(account: str) -> str:
    return f"Client {account} already connected, closing old connection."


def account_of(line: str) -> str | None:
    """Whose connection was taken over; None for any other line.

    >>> account_of(takeover_line("w-1")), account_of("Client w-1 disconnected.")
    ('w-1', None)
    """
    found = _LINE.fullmatch(line)
    return found[1] if found else None


class Recogniser:
    """Counts take-overs by account, and says once in ``WITHIN_S`` seconds that there were too many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._silent_until: dict[str, float] = {}

    def shared(self, account: str) -> bool:
        """Counts one more take-over; True if it has to be told now."""
        now = self._clock.monotonic()
        times = self._times.pop(account, None) or deque(maxlen=TIMES)
        self._times[account] = times
        times.append(now)
        if len(self._times) > MOST_ACCOUNTS:
            forgotten = next(iter(self._times))
            del self._times[forgotten]
            self._silent_until.pop(forgotten, None)
        if len(times) < TIMES or now - times[0] > WITHIN_S or now < self._silent_until.get(account, now):
            return False
        self._silent_until[account] = now + WITHIN_S
        return True


class TakeoverWatch:
    """Reads the broker's lines over a connection of its own. ``tell`` gets the account; it runs on the network thread and
    must not raise. What happens while this is not connected may not be heard: two clients go on, so it is heard afterwards."""

    def __init__(
        self, host: str, port: int, password: str, clock: Clock, tell: Callable[[str], None], tls: Trust | None = None
    ) -> None:
        self._recogniser = Recogniser(clock)
        self._tell = tell
        self._subscriber = Subscriber(
            host=host,
            port=port,
            client_id=BROKER_LOG,
            password=password,
            filters=[LOG_TOPIC],
            receive_maximum=100,
            clock=clock,
            on_message=self._heard,
            tls=tls,
        )

    @property
    def connected(self) -> bool:
        return self._subscriber.connected

    def start(self) -> None:
        self._subscriber.start()

    def stop(self) -> None:
        self._subscriber.stop()

    def _heard(self, message: Message) -> None:
        self._subscriber.acknowledge(message)
        account = account_of(message.payload.decode("utf-8", "replace"))
        if account is not None and self._recogniser.shared(account):
            self._tell(account)
