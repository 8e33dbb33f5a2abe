"""Who is told something again and again until he answers, with back-off; not while he is known to be away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vigil.domain.presence import Seen, State
from vigil.runtime.clock import Clock

#: What is not answered goes again after the first, doubling to the second (ours).
FIRST_AGAIN_S, LONGEST_AGAIN_S = 60.0, 3600.0


@dataclass(slots=True)
class _Due:
    """When it goes out next, monotonic seconds, and how often it did."""

    at: float
    tries: int = 0


class Again:
    """``presence``: who is known to be away; telling him would only pile up at the broker. He is told when he is back."""

    def __init__(self, presence: Mapping[str, Seen], clock: Clock) -> None:
        self._presence = presence
        self._clock = clock
        self._due: dict[str, _Due] = {}

    def tell(self, device_id: str) -> None:
        """At once, and from the beginning."""
        self._due[device_id] = _Due(self._clock.monotonic())

    def stop(self, device_id: str) -> None:
        self._due.pop(device_id, None)

    def due(self) -> Iterator[str]:
        """Who is to be told now. Each has been told when it is asked for the next."""
        now = self._clock.monotonic()
        for device_id, one in list(self._due.items()):
            if one.at > now:
                continue
            seen = self._presence.get(device_id)
            here = seen is None or seen.state is not State.OFFLINE
            one.tries += here
            one.at = now + min(FIRST_AGAIN_S * 2.0 ** min(max(one.tries - 1, 0), 16), LONGEST_AGAIN_S)
            if here:
                yield device_id
