"""Cuffs: status, users, missing pressures, the wrong unit flag."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.ble.measurement import Measurement, Value
from tests.unit.gateway.ble.vectors import pressures, profile
from vigil.domain.quality import Quality
from vigil.domain.vitals import BY_WIRE, out_of_range


def cuff(text: str) -> Measurement:
    return profile(0x2A35).decode(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        ("00 00", Quality.GOOD),
        ("01 00", Quality.MOTION),
        ("02 00", Quality.QUESTIONABLE),  # cuff loose
        ("04 00", Quality.GOOD),  # irregular pulse: of the person
        ("08 00", Quality.GOOD),  # pulse above the cuff's limit
        ("10 00", Quality.GOOD),  # below it
        ("20 00", Quality.QUESTIONABLE),  # improper position
        ("C0 FF", Quality.GOOD),  # reserved
    ],
)
def test_status(status: str, quality: Quality) -> None:
    assert cuff(f"10 78 00 50 00 5A 00 {status}") == Measurement(pressures(120, 80, 90, int(quality)))


@pytest.mark.parametrize(("index", "user", "unknown"), [("00", 0, False), ("FE", 254, False), ("FF", None, True)])
def test_users(index: str, user: int | None, unknown: bool) -> None:
    expected = Measurement(pressures(120, 80, 90), user=user, user_unknown=unknown)
    assert cuff(f"08 78 00 50 00 5A 00 {index}") == expected


def test_a_cuff_without_a_mean_and_one_without_anything() -> None:
    assert cuff("00 78 00 50 00 FF 07") == Measurement(pressures(120, 80, None), note="map: not a number")
    nothing = cuff("04 FF 07 FF 07 FF 07 FF 07")
    assert nothing.values == (Value("sbp", None), Value("dbp", None), Value("hr", None, site="cuff"))
    assert nothing.note == "sbp: not a number; dbp: not a number; map: not a number; hr: not a number"


def test_kilopascals_with_the_flag_of_mmhg_are_refused_by_the_platform_with_nothing_left_of_the_reading() -> None:
    found = cuff("00 BD F0 0B 00 9F F0").values
    vital = np.array([BY_WIRE[one.name].index for one in found])
    assert out_of_range(vital, np.array([one.value for one in found], dtype=np.float64)).any()
    assert {one.name for one in found} == {
        "sbp",
        "dbp",
    }  # a refused half takes the other with it; a mean it would leave


def test_kilopascals() -> None:
    assert cuff("01 10 00 0A 00 0C 00").values == pressures(120.00992, 75.0062, 90.00744)
