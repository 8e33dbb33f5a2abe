"""How devices are connected to the broker, by their own word or by that of the gateways that may speak for them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable

from api import shape
from api.deps import ApiDeps
from api.shape import Json
from vigil.domain.errors import BrokerError
from vigil.domain.presence import Seen, connection

log = logging.getLogger("vigil.api")


def connections(deps: ApiDeps, devices: Iterable[str], now: int) -> dict[str, Json]:
    """By device. ``now``: server time, microseconds UTC."""
    book = deps.bus.presence
    spoken_for: defaultdict[str, list[Seen]] = defaultdict(list)
    for gateway, carried in _gateways(deps).items():
        seen = book.get(gateway)
        if seen is not None:
            for device in carried:
                spoken_for[device].append(seen)
    found = {device: connection(book.get(device), spoken_for.get(device, ()), now) for device in devices}
    return {
        device: {"state": one.state.value, "since_at": shape.iso_or_none(one.since), "by": one.by}
        for device, one in found.items()
    }


def _gateways(deps: ApiDeps) -> dict[str, tuple[str, ...]]:
    try:
        return dict(deps.gateways())
    except BrokerError as error:  # the list of devices is worth more than how they are connected
        log.warning("which devices a gateway speaks for cannot be read: %s", error)
        return {}
