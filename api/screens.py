"""Which screens would be heard: each page says by itself, again and again, whether its browser lets it sound.

It is no way to call somebody and never counts as a delivery; it only tells whether a ward has a screen that can be heard.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from api.auth import RIGHTS, Principal, Right
from vigil.domain.times import SECOND
from vigil.runtime.clock import Clock

#: A page repeats what it said every 30 s; one that has said nothing for so long is gone (ours).
LIFE_US = 90 * SECOND
#: Screens that are remembered (ours): as many streams as the live view has, twice.
MOST = 2000


@dataclass(frozen=True, slots=True)
class _Screen:
    """``wards`` None = all. ``until``: microseconds UTC."""

    wards: frozenset[str] | None
    audible: bool
    until: int

    def watches(self, ward: str) -> bool:
        return self.wards is None or ward in self.wards


@dataclass(frozen=True, slots=True)
class Heard:
    """Screens of people who may answer an alert of this ward."""

    ward: str
    audible: int
    silent: int


class Screens:
    """Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], _Screen] = {}

    def tell(self, who: Principal, screen: str, audible: bool) -> None:
        """``screen``: a name that the page gave itself. Of who may answer no alert it is not kept. Beyond ``MOST`` the one that
        was silent about itself for the longest is forgotten."""
        if not may_answer(who):
            return
        key = who.name, screen
        with self._lock:
            self._known.pop(key, None)
            self._known[key] = _Screen(who.wards, audible, self._clock.now_us() + LIFE_US)
            while len(self._known) > MOST:
                del self._known[next(iter(self._known))]

    def heard(self, wards: Iterable[str]) -> list[Heard]:
        now = self._clock.now_us()
        with self._lock:
            # A clock that was put back must not keep a screen that is gone.
            self._known = {key: one for key, one in self._known.items() if now < one.until <= now + LIFE_US}
            screens = list(self._known.values())
        found = []
        for ward in wards:
            own = [one.audible for one in screens if one.watches(ward)]
            found.append(Heard(ward, sum(own), len(own) - sum(own)))
        return found


def may_answer(who: Principal) -> bool:
    """Also while the session is locked: its screen goes on sounding."""
    return Right.ACT in RIGHTS[who.role] and (who.rights is None or Right.ACT in who.rights)
