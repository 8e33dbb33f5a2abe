"""One frame of a characteristic to the pack of a device, or to a reason why it cannot be anybody's reading.

Pure but for the clock of the peripheral, which it keeps. A frame that says when it was measured, or its number, has an identity:
the same frame again is the same reading. One without (a heart rate each second) is new each time it comes.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from gateway.ble.config import UNKNOWN_USER, Peripheral
from gateway.ble.device_time import PeripheralClock
from gateway.ble.measurement import Measurement
from gateway.ble.profiles import current_time
from gateway.ble.profiles.profile import Profile
from gateway.decode import NewPack, Sample
from vigil.domain.errors import BadFrame
from vigil.domain.quality import Quality

logger = logging.getLogger(__name__)

CURRENT_TIME = current_time.PROFILE.characteristic_uuid
#: A value that was measured longer ago goes as history (ours): as in the spool, it can no longer raise an alarm in time.
LIVE_FOR_US = 60 * 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """``identified``: the frame can be told from others, so that it is taken once however often it is sent."""

    pack: NewPack
    identified: bool


@dataclass(frozen=True, slots=True)
class Aside:
    """A frame that is nobody's reading: ``outcome`` is bad, unknown_user or untimed; ``why`` is for the log. ``address`` of its
    peripheral and ``offset_us`` of its clock are for a later try (``claim``)."""

    outcome: str
    label: str
    characteristic: str
    received_us: int
    frame: bytes
    why: str
    address: str = ""
    offset_us: int | None = None


class FrameReader:
    """Of one peripheral."""

    def __init__(self, peripheral: Peripheral) -> None:
        self._peripheral = peripheral
        self.clock = PeripheralClock(peripheral.zone)
        self._number = 0

    def take(self, profile: Profile, frame: bytes, received_us: int) -> list[Reading] | Aside:
        """Nothing where the frame has no value for anybody: a clock, or a pressure while the cuff is still pumping."""
        try:
            measurement = profile.decode(frame)
        except BadFrame as error:
            return self._aside("bad", profile, frame, received_us, str(error))
        if measurement.note:
            logger.debug("%s: %s: %s", self._peripheral.label, profile.name, measurement.note)
        if profile.characteristic_uuid == CURRENT_TIME and measurement.device_time is not None:
            self.clock.told(measurement.device_time, received_us)
        if not measurement.values:
            return []
        devices = self._devices(profile, measurement)
        if not devices:
            return self._aside("unknown_user", profile, frame, received_us, f"{profile.name}: {_whose(measurement)}")
        measured_us = self.clock.measured_us(measurement, received_us)
        if measured_us is None:
            why = f"{profile.name}: from its memory, and its clock says nothing"
            return self._aside("untimed", profile, frame, received_us, why)
        identified = measurement.device_time is not None or measurement.sequence is not None
        digest = self._digest(profile, frame, None if identified else received_us)
        old = measurement.stored or measured_us < received_us - LIVE_FOR_US
        # What is indicated may have waited in the sensor; what is notified or read is of now.
        guessed = profile.how == "indicate" and self.clock.told_us(measurement, received_us) is None
        mark = int(Quality.GATEWAY_TIME) if guessed else 0
        samples = tuple(
            Sample(each.name, measured_us, each.value, each.quality | mark, each.site) for each in measurement.values
        )
        return [Reading(NewPack(device, samples, old, digest), identified) for device in devices]

    def _devices(self, profile: Profile, measurement: Measurement) -> tuple[str, ...]:
        whose = self._peripheral
        if measurement.user_unknown or measurement.user is not None:
            index = measurement.user if measurement.user is not None else UNKNOWN_USER
            return (whose.users[index],) if index in whose.users else ()
        if profile.how == "read":  # the state of the peripheral itself concerns all its users
            return whose.devices
        return (whose.device,) if whose.device is not None else ()

    def _aside(self, outcome: str, profile: Profile, frame: bytes, received_us: int, why: str) -> Aside:
        # ``why`` goes into the log, so only a broken frame may have its bytes there: the others have a person's value.
        whose = self._peripheral
        return Aside(outcome, whose.label, profile.name, received_us, frame, why, whose.address, self.clock.offset_us)

    def _digest(self, profile: Profile, frame: bytes, received_us: int | None) -> bytes:
        self._number += 1
        made = hashlib.blake2b(f"{self._peripheral.address} {profile.characteristic_uuid} ".encode(), digest_size=16)
        if received_us is not None:
            made.update(f"{received_us} {self._number} ".encode())
        made.update(frame)
        return made.digest()


def _whose(measurement: Measurement) -> str:
    if measurement.user_unknown:
        return "it does not know which of its users this is"
    if measurement.user is None:
        return "it does not say which of its users this is, and has no device of its own"
    return f"its user {measurement.user} is not in the settings"
