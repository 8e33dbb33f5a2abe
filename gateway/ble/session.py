"""One connection to one peripheral: read its state, subscribe to what it measures, hand on each frame until it goes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable

from bleak.backends.characteristic import BleakGATTCharacteristic

from gateway.ble import records
from gateway.ble.packs import CURRENT_TIME, Aside, FrameReader, Reading
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import Profile
from gateway.ble.radio import Connected
from vigil.domain.errors import BluetoothError, PairingLost
from vigil.runtime.clock import Clock

logger = logging.getLogger(__name__)

#: Lines about frames of one kind and fault in one connection (ours): more are counted, and kept in the file.
_SAID = 3

_Known = tuple[Profile, BleakGATTCharacteristic]


class Session:
    """``take`` gets what the frames are. ``values``: how many readings this connection has brought."""

    def __init__(self, label: str, reader: FrameReader, clock: Clock, take: Callable[[Reading | Aside], None]) -> None:
        self._label = label
        self._reader = reader
        self._clock = clock
        self._take = take
        self._said: Counter[tuple[str, str]] = Counter()
        self.values = 0

    async def run(self, connected: Connected) -> None:
        """Until the connection ends. Raises ``PairingLost``, or ``BluetoothError`` when nothing can be had from it."""
        everything = connected.characteristics()
        known = [(PROFILES[each.uuid.lower()], each) for each in everything if each.uuid.lower() in PROFILES]
        known.sort(key=lambda each: each[0].characteristic_uuid != CURRENT_TIME)  # the others' times need it
        for profile, characteristic in known:
            if profile.how == "read" and "read" in characteristic.properties:
                await self._tried(self._read(connected, profile, characteristic), f"read {profile.name}")
        subscribed = [await self._subscribed(connected, each) for each in known]
        if not any(subscribed):
            raise BluetoothError("it has nothing that Vigil reads")
        if self._reader.clock.offset_us is None:
            logger.info("%s: it does not tell its time", self._label)
        for each in everything:
            if each.uuid.lower() == records.CONTROL_POINT:
                await self._tried(records.ask(connected, each, self._label), "ask for its stored readings")
        await connected.gone()

    async def _read(self, connected: Connected, profile: Profile, characteristic: BleakGATTCharacteristic) -> None:
        self._came(profile, await connected.read(characteristic))

    async def _subscribed(self, connected: Connected, known: _Known) -> bool:
        profile, characteristic = known
        if not {"notify", "indicate"} & set(characteristic.properties):
            return False
        work = connected.subscribe(characteristic, lambda frame: self._came(profile, frame))
        return await self._tried(work, f"subscribe to {profile.name}")

    async def _tried(self, work: Awaitable[None], what: str) -> bool:
        """One characteristic that does not work is no reason to go without the others."""
        try:
            await work
        except PairingLost:
            raise
        except BluetoothError as error:
            logger.warning("%s: cannot %s: %s", self._label, what, error)
            return False
        return True

    def _came(self, profile: Profile, frame: bytes) -> None:
        taken = self._reader.take(profile, frame, self._clock.now_us())
        if isinstance(taken, Aside):
            self._say(taken)
            self._take(taken)
            return
        for reading in taken:
            self.values += 1
            self._take(reading)

    def _say(self, aside: Aside) -> None:
        kind = (aside.characteristic, aside.outcome)
        self._said[kind] += 1
        if self._said[kind] <= _SAID:
            logger.warning("%s: kept aside: %s", self._label, aside.why)
        if self._said[kind] == _SAID:
            logger.warning("%s: further ones of %s are counted and kept, not said", self._label, aside.characteristic)
