"""What the hub must know of one characteristic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gateway.ble.measurement import Measurement


def uuid(short: int) -> str:
    """The 128-bit text of a number assigned by the Bluetooth SIG.

    >>> uuid(0x2A37)
    '00002a37-0000-1000-8000-00805f9b34fb'
    """
    return f"0000{short:04x}-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True, slots=True)
class Profile:
    """``decode`` raises ``BadFrame`` and nothing else, whatever the bytes. ``how`` the values arrive: an indication is
    confirmed by the receiver's Bluetooth stack, a notification is not, a value to read must be asked for."""

    name: str
    service_uuid: str
    characteristic_uuid: str
    how: Literal["notify", "indicate", "read"]
    decode: Callable[[bytes], Measurement]
