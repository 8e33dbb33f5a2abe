"""Every vector of ``reference/ble_gatt`` sections 3 to 10, and what each must decode to: (characteristic, hex, expected).

Expected None: a ``BadFrame``. Where the page gives only the numbers, the quality bits and notes are this gateway's.
"""

from __future__ import annotations

from gateway.ble.measurement import LocalTime, Measurement, Value
from gateway.ble.profiles import PROFILES
from gateway.ble.profiles.profile import Profile, uuid
from vigil.domain.quality import Quality

_QUESTIONABLE = int(Quality.QUESTIONABLE)
_LOST = int(Quality.CONTACT_LOST)

Vector = tuple[int, str, Measurement | None]


def profile(short: int) -> Profile:
    return PROFILES[uuid(short)]


def hr(rate: float) -> Measurement:
    return Measurement((Value("hr", rate),))


def plx(spo2: float | None, pulse: float | None, pi: float | None = None, quality: int = 0) -> tuple[Value, ...]:
    values = (Value("spo2", spo2, quality), Value("hr", pulse, quality, "finger"))
    return values if pi is None else (*values, Value("pi", pi, quality))


def pressures(systolic: float, diastolic: float, mean: float | None, quality: int = 0) -> tuple[Value, ...]:
    pair = (Value("sbp", systolic, quality), Value("dbp", diastolic, quality))
    return pair if mean is None else (*pair, Value("map", mean, quality))


def temp(value: float | None, site: str | None = None) -> tuple[Value, ...]:
    return (Value("skin" if site in ("finger", "toe") else "temp", value, site=site),)


def wt(kg: float | None) -> tuple[Value, ...]:
    return (Value("wt", kg),)


HEART_RATE: list[Vector] = [
    (0x2A37, "00 50", hr(80)),
    (0x2A37, "00 55", hr(85)),
    (0x2A37, "04 FF", Measurement((Value("hr", None, _LOST),), note="hr: no skin contact")),
    (0x2A37, "02 50", hr(80)),
    (0x2A37, "01 C8 00", hr(200)),
    (0x2A37, "0E 4B 80 00", hr(75)),
    (0x2A37, "10 5A 00 08 00 10", hr(90)),
    (0x2A37, "1E 55 32 00 21 00", hr(85)),
    (0x2A37, "1F 01 01 32 01 01 00 02 01 FF FF", hr(257)),
    (0x2A37, "17 01 01", None),
]

PLX: list[Vector] = [
    (0x2A5F, "00 E8 F3 84 F3", Measurement(plx(100.0, 90.0))),
    (0x2A5F, "00 64 00 5A 00", Measurement(plx(100, 90))),
    # Decoded as it stands; test_plx shows that the platform refuses it.
    (0x2A5F, "00 00 62 00 3C", Measurement(plx(512e6, -1024e3))),
    (0x2A5F, "1C 5F 00 5A 00 20 00 00 00 00 57 F0", Measurement(plx(95, 90, 8.7))),
    (
        0x2A5F,
        "1F DE F3 CA F3 CA F3 5A F5 D4 F3 B2 F2 20 01 00 00 00 7A E3",
        Measurement(plx(99.0, 97.0, 8.90)),
    ),
    (
        0x2A5E,
        "0F AC F3 BE F5 E8 07 0B 1D 17 08 39 20 40 22 00 00 66 E3",
        Measurement(
            plx(94.0, 147.0, 8.70, int(Quality.QUESTIONABLE | Quality.LOW_PERFUSION)),
            LocalTime.of(2024, 11, 29, 23, 8, 57),
        ),
    ),
    (0x2A5F, "00 FF 07 FF 07", Measurement(plx(None, None), note="spo2: not a number; hr: not a number")),
]

BLOOD_PRESSURE: list[Vector] = [
    (
        0x2A35,
        "1E 8A 00 58 00 78 00 00 00 04 11 14 29 3B 3C 00 01 27 00",
        Measurement(
            (
                *pressures(138, 88, 120, int(Quality.MOTION | Quality.QUESTIONABLE)),
                Value("hr", 60, int(Quality.MOTION | Quality.QUESTIONABLE), "cuff"),
            ),
            clock_set=False,
            user=1,
        ),
    ),
    (
        0x2A35,
        "15 BD F0 0B 00 9F F0 3C 00 12 00",
        Measurement(
            (*pressures(141.761718, 82.50682, 119.259858, _QUESTIONABLE), Value("hr", 60, _QUESTIONABLE, "cuff")),
        ),
    ),
    (
        0x2A35,
        "00 BD F0 0B 00 9F F0",
        Measurement(pressures(18.9, 11, None), note="map: not sent beside a pressure that the platform refuses"),
    ),
    (0x2A35, "00 78 00 50 00 5A 00", Measurement(pressures(120, 80, 90))),
]

TEMPERATURE: list[Vector] = [
    (
        0x2A1C,
        "06 B0 0E 00 FE DC 07 0C 05 0B 32 1B 04",
        Measurement(temp(37.60, "finger"), LocalTime.of(2012, 12, 5, 11, 50, 27)),
    ),
    (0x2A1C, "06 B0 0E 00 FE DC 07 0C 05 0B 32 1B", None),
    (0x2A1C, "00 70 01 00 FF", Measurement(temp(36.8))),
    (0x2A1C, "01 DA 03 00 FF", Measurement(temp(37.0))),
    (0x2A1C, "00 FF FF 7F 00", Measurement(temp(None), note="temp: not a number")),
]

WEIGHT: list[Vector] = [
    (0x2A9D, "00 B0 36", Measurement(wt(70.0))),
    (0x2A9D, "01 54 3D", Measurement(wt(71.21400209))),
    (0x2A9D, "02 B0 36 E7 07 0C 19 0E 1E 2D", Measurement(wt(70.0), LocalTime.of(2023, 12, 25, 14, 30, 45))),
    (0x2A9D, "0C B0 36 05 F5 00 D6 06", Measurement(wt(70.0), user=5)),
    (0x2A9D, "00 FF FF", Measurement(wt(None), note="wt: the scale did not succeed")),
    (0x2A9D, "00 78 00", Measurement(wt(0.6))),
]

#: The realistic concentrations of the page in the smallest record, taken on 2026-01-01 at 08:00:00.
_RECORD = "07 00 EA 07 01 01 08 00 00"
_AT_EIGHT = LocalTime.of(2026, 1, 1, 8, 0, 0)

GLUCOSE: list[Vector] = [
    (
        0x2A18,
        "1B 01 00 E3 07 02 1B 0B 0A 1E FB FF 1E 00 12 05 01",
        Measurement(
            (Value("glu-mgdl", 3_000_000, _QUESTIONABLE, "finger"),), LocalTime.of(2019, 2, 27, 11, 5, 30), sequence=1
        ),
    ),
    (
        0x2A18,
        f"02 {_RECORD} 64 B0 11",
        Measurement((Value("glu-mgdl", 100, site="finger"),), _AT_EIGHT, sequence=7),
    ),
    (
        0x2A18,
        f"06 {_RECORD} 37 C0 21",
        Measurement((Value("glu-mmol", 5.5, site="alternate"),), _AT_EIGHT, sequence=7),
    ),
]

BATTERY: list[Vector] = [
    (0x2A19, "64", Measurement((Value("batt", 100),))),
    (0x2A19, "0F", Measurement((Value("batt", 15),))),
    (0x2A19, "65", None),
    (0x2A19, "64 00", None),
]

#: Not of the page: the first from the Personal Health Devices Transcoding white paper (as quoted by ``rickosborne/es-js-ts``).
CURRENT_TIME: list[Vector] = [
    (
        0x2A2B,
        "DA 07 0C 12 0F 17 06 00 C0 00",
        Measurement(device_time=LocalTime(LocalTime.of(2010, 12, 18, 15, 23, 6).us + 750_000)),
    ),
    (0x2A2B, "00 00 00 00 00 00 00 00 00 00", Measurement(clock_set=False, note="the clock is not set")),
    (0x2A2B, "DA 07 0C 12 0F 17 06 08 C0 00", None),
    (0x2A2B, "DA 07 0C 12 0F 17 06 00 C0", None),
]

VECTORS: list[Vector] = [
    *HEART_RATE,
    *PLX,
    *BLOOD_PRESSURE,
    *TEMPERATURE,
    *WEIGHT,
    *GLUCOSE,
    *BATTERY,
    *CURRENT_TIME,
]
