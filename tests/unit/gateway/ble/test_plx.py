"""Status bits of oximeters: quality, no value, memory."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.ble.measurement import Measurement
from tests.unit.gateway.ble.vectors import plx, profile
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE, out_of_range

#: Bits of the measurement status (reference section 5) and what they make of a value: quality, why absent.
MEASUREMENT_BITS = {
    **dict.fromkeys((0, 1, 2, 3, 4, 5, 7, 8, 9), (Quality.GOOD, "")),
    6: (Quality.EARLY_ESTIMATE, ""),
    10: (Quality.TEST, ""),
    11: (Quality.TEST, ""),
    12: (Quality.QUESTIONABLE, ""),
    13: (Quality.GOOD, "unavailable"),
    14: (Quality.QUESTIONABLE, ""),
    15: (Quality.GOOD, "invalid"),
}
SENSOR_BITS = {
    **dict.fromkeys((0, *range(16, 24)), (Quality.GOOD, "")),
    **dict.fromkeys((1, 2, 3, 4, 6, 8, 10, 12, 14), (Quality.QUESTIONABLE, "")),
    5: (Quality.LOW_PERFUSION, ""),
    7: (Quality.GOOD, "non-pulsatile"),
    9: (Quality.EARLY_ESTIMATE, ""),
    11: (Quality.CONTACT_LOST, "sensor unconnected to user"),
    13: (Quality.CONTACT_LOST, "sensor displaced"),
    15: (Quality.CONTACT_LOST, "sensor disconnected"),
}


def spot(measurement: int, sensor: int) -> Measurement:
    status = measurement.to_bytes(2, "little") + sensor.to_bytes(3, "little")
    return profile(0x2A5E).decode(b"\x06\x64\x00\x5a\x00" + status)


def continuous(measurement: int, sensor: int) -> Measurement:
    status = measurement.to_bytes(2, "little") + sensor.to_bytes(3, "little")
    return profile(0x2A5F).decode(b"\x0c\x64\x00\x5a\x00" + status)


@pytest.mark.parametrize("read", [spot, continuous])
def test_every_bit(read: object) -> None:
    assert callable(read)
    assert (len(MEASUREMENT_BITS), len(SENSOR_BITS)) == (16, 24)
    for bit, (quality, absent) in MEASUREMENT_BITS.items():
        expected = plx(None if absent else 100, None if absent else 90, quality=int(quality))
        assert read(1 << bit, 0) == Measurement(expected, stored=bit == 9, note=absent), f"measurement status bit {bit}"
    for bit, (quality, absent) in SENSOR_BITS.items():
        expected = plx(None if absent else 100, None if absent else 90, quality=int(quality))
        assert read(0, 1 << bit) == Measurement(expected, note=absent), f"device and sensor status bit {bit}"


def test_several_bits_add_up() -> None:
    found = spot(1 << 9 | 1 << 13 | 1 << 11, 1 << 7 | 1 << 5 | 1 << 15)
    quality = int(Quality.TEST | Quality.LOW_PERFUSION | Quality.CONTACT_LOST)
    note = "unavailable, non-pulsatile, sensor disconnected"
    assert found == Measurement(plx(None, None, quality=quality), stored=True, note=note)


def test_one_special_takes_one_value() -> None:
    found = profile(0x2A5F).decode(bytes.fromhex("10 64 00 FE 07 00 08"))
    assert [one.value for one in found.values] == [100, None, None]
    assert found.note == "hr: above what the device can tell; pi: not at this resolution"


def test_a_frame_in_the_wrong_byte_order_is_refused_by_the_platform() -> None:
    spo2, pulse = profile(0x2A5F).decode(bytes.fromhex("00 00 62 00 3C")).values
    vital = np.array([BY_WIRE[one.name].index for one in (spo2, pulse)])
    assert out_of_range(vital, np.array([spo2.value, pulse.value], dtype=np.float64)).tolist() == [True, True]
