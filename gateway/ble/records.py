"""Asks a peripheral for the readings in its memory, by the Record Access Control Point 0x2A52 (glucose meters, some oximeters).

The reference page names the characteristic only; the bytes are general knowledge of the Bluetooth specification and were tried
here against a software peripheral, not against a meter: request ``01 01`` = report stored records, all; response ``06 00``, the
request's code, then 1 = done, 6 = none found, others = refused. All, each time: what was taken before is known by its bytes.
"""

from __future__ import annotations

import logging

from bleak.backends.characteristic import BleakGATTCharacteristic

from gateway.ble.profiles.profile import uuid
from gateway.ble.radio import Connected

logger = logging.getLogger(__name__)

CONTROL_POINT = uuid(0x2A52)
REPORT_ALL = b"\x01\x01"
_RESPONSE, _REPORT, _DONE, _NONE = 0x06, 0x01, 0x01, 0x06


async def ask(connected: Connected, control_point: BleakGATTCharacteristic, label: str) -> None:
    """The records then come as notifications of their own characteristics. Raises ``BluetoothError``."""

    def answered(frame: bytes) -> None:
        if (
            len(frame) == 4
            and frame[0] == _RESPONSE
            and frame[2:] not in (bytes((_REPORT, _DONE)), bytes((_REPORT, _NONE)))
        ):
            logger.warning("%s: it does not give its stored readings: answer %s", label, frame.hex(" "))

    await connected.subscribe(control_point, answered)
    await connected.write(control_point, REPORT_ALL)
