"""When a peripheral's value was measured, in UTC.

A peripheral's clock shows local time without a zone, and is often wrong. So the hub reads it at each connection and works with
the offset it finds: then neither the zone nor the error matters, as long as nobody sets the clock between measuring and
connecting. Reference page "Bluetooth GATT wire formats", section 11.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.ble.measurement import LocalTime, Measurement
from vigil.domain.quality import AHEAD_ALLOWED, OLDEST

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 a peripheral's clock has no zone
_US = timedelta(microseconds=1)


class PeripheralClock:
    """Of one peripheral. ``offset_us`` = UTC - what it shows; None until it has told its time in this connection."""

    def __init__(self, zone: ZoneInfo | None = None) -> None:
        self._zone = zone
        self.offset_us: int | None = None

    def told(self, shown: LocalTime, received_us: int) -> None:
        """``shown``: its Current Time, just read."""
        self.offset_us = received_us - shown.us

    def forget(self) -> None:
        """At the end of a connection: the clock may be set while nobody listens."""
        self.offset_us = None

    def measured_us(self, measurement: Measurement, received_us: int) -> int | None:
        """Microseconds UTC. None: it comes from the memory and nobody can say when it was measured.

        A fresh value whose time is missing, unset or impossible was measured when it came. A numbered record comes from the
        memory.
        """
        found = self.told_us(measurement, received_us)
        if found is not None:
            return found
        return None if measurement.stored or measurement.sequence is not None else received_us

    def told_us(self, measurement: Measurement, received_us: int) -> int | None:
        """The same, as far as the peripheral itself tells it."""
        shown = measurement.device_time if measurement.clock_set else None
        found = self._utc_us(shown) if shown is not None else None
        return found if found is not None and OLDEST <= found <= received_us + AHEAD_ALLOWED else None

    def _utc_us(self, shown: LocalTime) -> int | None:
        if self.offset_us is not None:
            return shown.us + self.offset_us
        if self._zone is None:
            return None
        local = (_EPOCH + shown.us * _US).replace(tzinfo=self._zone)
        # Not ``astimezone``, which overflows on the last day of the calendar.
        return shown.us - (local.utcoffset() or timedelta()) // _US
