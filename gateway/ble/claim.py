"""What was kept aside, tried again with the settings of today.

A user index that is named now, or a time zone that is given now, makes a frame somebody's reading. So whoever owns the gateway
answers "whose?" where he says it anyway: in the settings. The peripheral's clock is taken as it was when the frame came.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.ble.config import BluetoothSettings, Peripheral
from gateway.ble.deliver import BATCH_FRAMES, stored
from gateway.ble.frames import FrameBook
from gateway.ble.packs import Aside, FrameReader, Reading
from gateway.ble.profiles import PROFILES
from gateway.spool import Spool

_BY_NAME = {profile.name: profile for profile in PROFILES.values()}


def claim(settings: BluetoothSettings, spool: Spool, book: FrameBook) -> int:
    """How many frames became readings, as history. What the spool has no room for stays aside. Raises ``SpoolError``."""
    peripherals = {each.address: each for each in settings.peripherals}
    found: list[tuple[int, list[Reading]]] = []
    for number, aside in book.claimable():
        if aside.address in peripherals and (readings := _readings(peripherals[aside.address], aside)):
            found.append((number, readings))
    done = 0
    for first in range(0, len(found), BATCH_FRAMES):
        batch = found[first : first + BATCH_FRAMES]
        if stored(spool, book, [reading for _, readings in batch for reading in readings]).left:
            break
        book.claimed(number for number, _ in batch)
        done += len(batch)
    return done


def _readings(peripheral: Peripheral, aside: Aside) -> list[Reading]:
    reader = FrameReader(peripheral)
    reader.clock.offset_us = aside.offset_us
    taken = reader.take(_BY_NAME[aside.characteristic], aside.frame, aside.received_us)
    if isinstance(taken, Aside):
        return []
    return [replace(reading, pack=replace(reading.pack, backfill=True)) for reading in taken]
