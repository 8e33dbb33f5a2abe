"""Who has the card of which alert open: said by each page again and again, kept in memory only, told to all who see the alert.

It stops nothing, and is neither seen nor accepted. So it is in no log, and a page that says nothing more is gone.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from api.auth import Principal
from api.care import View
from api.shape import Json
from vigil.domain.alerts import Alert
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock

#: A page repeats what it said every 10 s; one that has said nothing for so long is gone (ours).
LIFE_US = 25 * SECOND
#: Cards that are remembered for one person, and in all (ours).
MOST_OF_ONE, MOST = 20, 2000


@dataclass(frozen=True, slots=True)
class _Card:
    """``until``: microseconds UTC."""

    alert: Alert
    person: str
    until: int


class Looking:
    """Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By alert, person and screen; the one that was told of last comes last.
        self._cards: dict[tuple[str, str, str], _Card] = {}
        self._told: frozenset[tuple[str, str]] = frozenset()

    def tell(self, who: Principal, alert: Alert, screen: str, looking: bool) -> None:
        """``screen``: a name that the page gave itself. Beyond the bounds the card that was told of longest ago is forgotten."""
        key = alert.alert_id, who.name, screen
        with self._lock:
            self._cards.pop(key, None)
            if not looking:
                return
            self._cards[key] = _Card(alert, who.name, self._clock.now_us() + LIFE_US)
            own = [one for one in self._cards if one[1] == who.name]
            for gone in own[:-MOST_OF_ONE] or [*self._cards][:-MOST]:
                del self._cards[gone]

    @property
    def anybody(self) -> bool:
        return bool(self._cards)

    def turned(self) -> bool:
        """Is it another answer than at the last call?"""
        now = frozenset((one.alert.alert_id, one.person) for one in self._running())
        with self._lock:
            before, self._told = self._told, now
        return now != before

    def seen(self, view: View) -> list[Json]:
        """Of the alerts that may be seen: who looks at each."""
        found: dict[str, dict[str, None]] = {}
        for one in self._running():
            if view.alert(one.alert):
                found.setdefault(one.alert.alert_id, {})[one.person] = None
        return [{"alert_id": alert_id, "by": [*people]} for alert_id, people in found.items()]

    def _running(self) -> list[_Card]:
        now = self._clock.now_us()
        with self._lock:
            # A clock that was put back must not keep a card that is closed.
            self._cards = {key: one for key, one in self._cards.items() if now < one.until <= now + LIFE_US}
            return list(self._cards.values())
