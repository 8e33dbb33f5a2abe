"""NEWS2, the National Early Warning Score 2 (Royal College of Physicians, 2017), as a pure function.

Source: the RCP chart as given on the reference page "Early-warning scores", section 1. Bands are stated in the resolution of
the chart, so values are rounded first (whole numbers, temperature to one decimal, half up, in decimal arithmetic because
binary floats would round 38.05 to 38.0) and scored then. For adults of 16 and over who are not pregnant; for others the result
is "not applicable", never 0. An input that is missing leaves a partial score with bounds over the joint completions of what is
missing; to alert on the lower bound is our adaptation to home monitoring and needs clinical sign-off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from vigil.domain.scores import Band, ScoreStatus

MINIMUM_AGE = 16
GCS_ALERT = 15

#: Names of the inputs, in the order of the chart. ``oxygen`` is "on oxygen", ``consciousness`` is ACVPU.
INPUTS = ("resp_rate", "spo2", "oxygen", "bp_sys", "heart_rate", "consciousness", "body_temp")

#: (greatest value of the band, points), ascending, in the resolution of the chart; the last band has no end.
Bands = tuple[tuple[float, int], ...]

RESP_RATE = ((8, 3), (11, 1), (20, 0), (24, 2), (math.inf, 3))
SPO2_SCALE_1 = ((91, 3), (93, 2), (95, 1), (math.inf, 0))
SPO2_SCALE_2_AIR = ((83, 3), (85, 2), (87, 1), (math.inf, 0))
SPO2_SCALE_2_OXYGEN = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (math.inf, 3))
BP_SYS = ((90, 3), (100, 2), (110, 1), (219, 0), (math.inf, 3))
HEART_RATE = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (math.inf, 3))
BODY_TEMP = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (math.inf, 2))

OXYGEN_POINTS = 2
NOT_ALERT_POINTS = 3
WORST_POINTS = 3

_BAND_ORDER = (Band.LOW, Band.LOW_MEDIUM, Band.MEDIUM, Band.HIGH)


@dataclass(frozen=True, slots=True)
class News2Inputs:
    """None = not known; NaN counts as not known. Rates per minute, SpO2 in %, pressure in mmHg, temperature in °C.

    ``alert``: True for A, False for new confusion, voice, pain or unresponsive (all 3 points).
    """

    resp_rate: float | None = None
    spo2: float | None = None
    oxygen: bool | None = None
    bp_sys: float | None = None
    heart_rate: float | None = None
    alert: bool | None = None
    body_temp: float | None = None


@dataclass(frozen=True, slots=True)
class News2:
    """``points`` by input name, None where not known. ``lower`` to ``upper`` bound the total; equal when complete.

    ``single_3``: a known parameter scores 3. ``band`` follows ``lower``. All None when not applicable; ``why`` says why.
    """

    status: ScoreStatus
    total: int | None
    lower: int | None
    upper: int | None
    band: Band | None
    single_3: bool
    points: dict[str, int | None]
    missing: tuple[str, ...]
    why: dict[str, Any] | None = None


def half_up(value: float, digits: int = 0) -> float:
    """Round half up as on a chart.

    >>> half_up(38.05, 1), half_up(35.04, 1), half_up(20.5)
    (38.1, 35.0, 21.0)
    """
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def band_points(bands: Bands, value: float | None, digits: int = 0) -> int | None:
    """Points of a value rounded as on the chart; None where it is not known (None or NaN)."""
    if value is None or math.isnan(value):
        return None
    rounded = half_up(value, digits)
    return next(points for greatest, points in bands if rounded <= greatest)


#: Bands and digits after rounding of the inputs that are plain vital signs; SpO2 on scale 1.
_OF_VITAL = {
    "resp_rate": (RESP_RATE, 0),
    "spo2": (SPO2_SCALE_1, 0),
    "bp_sys": (BP_SYS, 0),
    "heart_rate": (HEART_RATE, 0),
    "body_temp": (BODY_TEMP, 1),
}


def vital_points(vital: str, value: float) -> int | None:
    """Points of one vital sign by its canonical name, SpO2 on scale 1; None where NEWS2 does not know it or the value is NaN.

    >>> vital_points("resp_rate", 25), vital_points("glucose_mgdl", 40)
    (3, None)
    """
    known = _OF_VITAL.get(vital)
    return None if known is None else band_points(known[0], value, known[1])


def _spo2_bands(scale2: bool, oxygen: bool) -> Bands:
    if not scale2:
        return SPO2_SCALE_1
    return SPO2_SCALE_2_OXYGEN if oxygen else SPO2_SCALE_2_AIR


def _saturation(inputs: News2Inputs, scale2: bool) -> tuple[int | None, int, int]:
    """Points of SpO2 where they are certain, and the bounds of SpO2 and oxygen together."""
    ways = (inputs.oxygen,) if inputs.oxygen is not None else (False, True)
    certain = {band_points(_spo2_bands(scale2, oxygen), inputs.spo2) for oxygen in ways}
    sums = []
    for oxygen in ways:
        spo2 = band_points(_spo2_bands(scale2, oxygen), inputs.spo2)
        extra = OXYGEN_POINTS if oxygen else 0
        sums += [extra + spo2] if spo2 is not None else [extra, extra + WORST_POINTS]
    return certain.pop() if len(certain) == 1 else None, min(sums), max(sums)


def band_of(lower: int, single_3: bool) -> Band:
    """The RCP's response band; a total of 5 or more outranks a single 3, which the caller keeps as a fact of its own."""
    if lower >= 7:
        return Band.HIGH
    if lower >= 5:
        return Band.MEDIUM
    return Band.LOW_MEDIUM if single_3 else Band.LOW


def not_applicable(age: int, pregnant: bool) -> dict[str, Any] | None:
    """Why NEWS2 must not be used for this person, as a phrase (``vigil.domain.phrases``); None when it may."""
    if age < MINIMUM_AGE:
        return {"key": "score.adults", "age": age}
    return {"key": "score.pregnancy"} if pregnant else None


def news2(inputs: News2Inputs, *, scale2: bool = False, age: int = 18, pregnant: bool = False) -> News2:
    """Score one set of inputs. ``scale2`` is prescribed for a person (confirmed hypercapnic failure), never inferred.

    >>> news2(News2Inputs(16, 97, None, 120, 70, True, 37.0), scale2=True).upper
    5
    """
    why = not_applicable(age, pregnant)
    if why:
        nothing: dict[str, int | None] = dict.fromkeys(INPUTS)
        return News2(ScoreStatus.NOT_APPLICABLE, None, None, None, None, False, nothing, (), why)
    spo2, low, high = _saturation(inputs, scale2)
    points = {
        "resp_rate": band_points(RESP_RATE, inputs.resp_rate),
        "spo2": spo2,
        "oxygen": None if inputs.oxygen is None else OXYGEN_POINTS * inputs.oxygen,
        "bp_sys": band_points(BP_SYS, inputs.bp_sys),
        "heart_rate": band_points(HEART_RATE, inputs.heart_rate),
        "consciousness": None if inputs.alert is None else NOT_ALERT_POINTS * (not inputs.alert),
        "body_temp": band_points(BODY_TEMP, inputs.body_temp, 1),
    }
    for name in ("resp_rate", "bp_sys", "heart_rate", "consciousness", "body_temp"):
        known = points[name]
        low += known or 0
        high += WORST_POINTS if known is None else known
    given = {
        "resp_rate": inputs.resp_rate,
        "spo2": inputs.spo2,
        "oxygen": inputs.oxygen,
        "bp_sys": inputs.bp_sys,
        "heart_rate": inputs.heart_rate,
        "consciousness": inputs.alert,
        "body_temp": inputs.body_temp,
    }
    missing = tuple(name for name in INPUTS if (value := given[name]) is None or math.isnan(value))
    single_3 = any(value == WORST_POINTS for value in points.values())
    status = ScoreStatus.PARTIAL if missing else ScoreStatus.COMPLETE
    total = None if missing else low
    return News2(status, total, low, high, band_of(low, single_3), single_3, points, missing)


def ask_for(result: News2) -> tuple[str, ...]:
    """The missing inputs, first the one that alone could raise the response band most.

    Order: the band that the known part would reach if this input were at its worst and the other missing ones at their best;
    then the points it could add; then the order of the chart. On scale 2 with a known SpO2 the oxygen status decides the points
    of SpO2 too, so it can add up to 5. Empty when nothing is missing or NEWS2 does not apply.

    >>> ask_for(news2(News2Inputs(spo2=97, bp_sys=105, heart_rate=70, alert=True, body_temp=37.0), scale2=True))
    ('oxygen', 'resp_rate')
    """
    if result.lower is None or result.upper is None:
        return ()
    lower = result.lower
    others = sum(name != "oxygen" for name in result.missing)
    oxygen_adds = result.upper - lower - WORST_POINTS * others

    def urgency(name: str) -> tuple[int, int]:
        adds = oxygen_adds if name == "oxygen" else WORST_POINTS
        # Oxygen itself scores 2; only SpO2 read on oxygen makes it 5, and then SpO2 is the single 3.
        single_3 = result.single_3 or (adds == OXYGEN_POINTS + WORST_POINTS if name == "oxygen" else True)
        return -_BAND_ORDER.index(band_of(lower + adds, single_3)), -adds

    return tuple(sorted(result.missing, key=urgency))
