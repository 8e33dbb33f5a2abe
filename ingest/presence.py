"""Step "presence": keeps what devices and gateways say of themselves on ``state``. The rule is ``vigil.domain.presence``.

Nothing is stored: the broker holds each last word and gives it again at every subscription, so that a restart of the core costs
the times since when somebody is online, and no more.
"""

from __future__ import annotations

from collections.abc import Callable

from vigil.domain.presence import Seen, State, heard, settled
from vigil.runtime.metrics import Metrics

_WORDS = {b"online": True, b"offline": False}


class Presence:
    """``book``: what is known by name of device or gateway; read by the api in other threads, which see whole values only.

    ``on_online(name, at)`` is called at every "online", also after a connection so short that its loss was no event: the sender
    has a new connection and may have missed a command.
    """

    def __init__(self, book: dict[str, Seen], on_online: Callable[[str, int], None], metrics: Metrics) -> None:
        self._book = book
        self._on_online = on_online
        self._leaving: set[str] = set()
        self._changes = metrics.counter("ingest_presence_changes_total", "Senders that came or went", ["state"])
        self._returns = metrics.counter("ingest_presence_returns_total", "Lost connections that were back in time")
        self._refused = metrics.counter("ingest_presence_refused_total", "States other than online and offline")

    def hear(self, name: str, payload: bytes, at: int) -> None:
        """``at``: received, microseconds UTC. An empty payload is how MQTT removes a retained word: nothing is known then."""
        if not payload:
            self._book.pop(name, None)
            self._leaving.discard(name)
            return
        online = _WORDS.get(payload)
        if online is None:
            self._refused.inc()
            return
        before = self._book.get(name)
        self._put(name, before, heard(before, online, at))
        if online:
            self._on_online(name, at)

    def settle(self, now: int) -> None:
        """Counts who has been gone for long enough. Call it about once a second."""
        for name in sorted(self._leaving):
            seen = self._book[name]
            self._put(name, seen, settled(seen, now))

    def _put(self, name: str, before: Seen | None, after: Seen) -> None:
        if before is not None and before.leaving is not None and after == Seen(State.ONLINE, before.since):
            self._returns.inc()
        if after.state is not State.UNKNOWN and (before is None or before.state is not after.state):
            self._changes.labels(after.state.value).inc()
        self._book[name] = after
        if after.leaving is None:
            self._leaving.discard(name)
        else:
            self._leaving.add(name)
