"""Thermometers, scales, meters and straps beyond the vectors."""

from __future__ import annotations

import pytest

from gateway.ble.measurement import Measurement, Value
from tests.unit.gateway.ble.vectors import profile, temp, wt
from vigil.domain.errors import BadFrame
from vigil.domain.quality import Quality

RECORD = "07 00 EA 07 01 01 08 00 00"


def decode(short: int, text: str) -> Measurement:
    return profile(short).decode(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("kind", "site"),
    [
        *enumerate(
            ("armpit", "body", "ear", "finger", "gastro-intestinal", "mouth", "rectum", "toe", "tympanum"), start=1
        ),
        (0, None),
        (10, None),
        (255, None),
    ],
)
def test_where_a_temperature_was_taken(kind: int, site: str | None) -> None:
    assert decode(0x2A1C, f"04 70 01 00 FF {kind:02X}").values == temp(36.8, site)


@pytest.mark.parametrize(
    ("fahrenheit", "celsius"),
    [
        ("40 01 00 FF", 0.0),
        ("D4 00 00 00", 100.0),
        ("DA 03 00 FF", 37.0),
        ("D8 FF FF 00", -40.0),
        ("F2 03 00 FF", 38.333333),
    ],
)
def test_fahrenheit(fahrenheit: str, celsius: float) -> None:
    (found,) = decode(0x2A1C, f"01 {fahrenheit}").values
    assert found.value is not None
    assert round(found.value, 6) == celsius


def test_a_thermometer_at_the_end_of_its_range_has_no_value() -> None:
    assert decode(0x2A1C, "01 FE FF 7F 00") == Measurement(temp(None), note="temp: above what the device can tell")


def test_a_scale_that_does_not_know_who_stands_on_it() -> None:
    assert decode(0x2A9D, "04 B0 36 FF") == Measurement(wt(70.0), user_unknown=True)


def test_an_unsuccessful_weight_in_pounds() -> None:
    assert decode(0x2A9D, "01 FF FF").values == wt(None)


@pytest.mark.parametrize("kind", ["1A", "4A", "41", "FA"])
def test_control_solution_is_no_reading(kind: str) -> None:
    """By its sample type (10) or its location (4); the record number stays, so that the record is not asked for again."""
    found = decode(0x2A18, f"02 {RECORD} 64 B0 {kind}")
    assert (found.values, found.sequence, found.note) == ((), 7, "control solution, not blood")


def test_a_record_without_concentration() -> None:
    found = decode(0x2A18, f"00 {RECORD}")
    assert (found.values, found.note) == ((), "no concentration")


@pytest.mark.parametrize(
    ("kind", "site"), [("11", "finger"), ("21", "alternate"), ("31", "earlobe"), ("F9", None), ("02", None)]
)
def test_where_blood_was_taken(kind: str, site: str | None) -> None:
    assert decode(0x2A18, f"02 {RECORD} 64 B0 {kind}").values == (Value("glu-mgdl", 100, site=site),)


@pytest.mark.parametrize("kind", ["10", "1B", "1F"])
def test_a_sample_of_an_unknown_type_is_kept_and_questionable(kind: str) -> None:
    found = decode(0x2A18, f"02 {RECORD} 64 B0 {kind}").values
    assert found == (Value("glu-mgdl", 100, int(Quality.QUESTIONABLE), "finger"),)


@pytest.mark.parametrize("bit", range(16))
def test_status_of_a_meter(bit: int) -> None:
    found = decode(0x2A18, f"0A {RECORD} 64 B0 11 {(1 << bit).to_bytes(2, 'little').hex()}")
    doubtful = 1 <= bit <= 10
    assert found.values == (Value("glu-mgdl", 100, int(Quality.QUESTIONABLE) if doubtful else 0, "finger"),)
    assert found.clock_set is (bit != 11)


def test_a_meter_that_shows_hi() -> None:
    found = decode(0x2A18, f"06 {RECORD} FE 07 11")
    assert found.values == (Value("glu-mmol", None, site="finger"),)
    assert found.note == "glu-mmol: above what the device can tell"


def test_the_last_record_number_before_it_wraps() -> None:
    assert decode(0x2A18, "00 FF FF EA 07 01 01 08 00 00").sequence == 65_535


def test_half_a_beat_interval() -> None:
    with pytest.raises(BadFrame, match="1 bytes too few"):
        decode(0x2A37, "10 5A 00 08 00")


def test_contact_and_a_strap_that_cannot_tell() -> None:
    assert decode(0x2A37, "06 50") == decode(0x2A37, "00 50") == Measurement((Value("hr", 80.0),))


@pytest.mark.parametrize("frame", ["00 00", "01 00 00", "06 00"])
def test_a_strap_that_finds_no_beat_has_no_value(frame: str) -> None:
    lost = Value("hr", None, int(Quality.CONTACT_LOST))
    assert decode(0x2A37, frame) == Measurement((lost,), note="hr: no beat found")
