"""The characteristics that the gateway understands: bytes in, measurements out, no input or output of their own.

Layouts and vectors: ``reference/ble_gatt``. A new profile is one file and its line in the table below.
"""

from __future__ import annotations

from gateway.ble.profiles import (
    battery,
    blood_pressure,
    current_time,
    glucose,
    heart_rate,
    plx_continuous,
    plx_spot,
    temperature,
    weight,
)
from gateway.ble.profiles.profile import Profile

#: By the lower-case 128-bit UUID of the characteristic.
PROFILES: dict[str, Profile] = {
    profile.characteristic_uuid: profile
    for profile in (
        heart_rate.PROFILE,
        plx_spot.PROFILE,
        plx_continuous.PROFILE,
        blood_pressure.PROFILE,
        temperature.PROFILE,
        weight.PROFILE,
        glucose.PROFILE,
        battery.PROFILE,
        current_time.PROFILE,
    )
}
