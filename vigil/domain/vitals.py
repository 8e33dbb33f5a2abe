"""The one table of vital kinds. Validator, simulator, scores, page and documents all read it.

Codes: LOINC, UCUM and IEEE 11073-10101 (MDC), after the reference page "Vital-sign vocabulary"; LOINC 67775-7, 9269-2 and
39106-0 have a valid check digit but were not read in a source: confirm before release. Ranges are an engineering choice
that needs clinical sign-off, above all those of HRV, skin temperature, steps and perfusion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Sampling(StrEnum):
    """How a vital usually arrives; decides staleness and how scores read it."""

    CONTINUOUS = "continuous"
    SPOT = "spot"


@dataclass(frozen=True, slots=True)
class VitalKind:
    """One kind of vital sign.

    ``index`` is its place in ``VITALS`` and its number in columns. ``reject`` and ``plausible`` are closed intervals in
    the kind's unit. ``unit_required``: the unit must be sent because the value looks plausible in another one.
    ``coded``: the value is one letter of ``codes`` stored as its position.
    """

    index: int
    name: str
    wire: str
    title: str
    ucum: str
    senml_unit: str
    display_unit: str
    loinc: tuple[str, ...]
    mdc: int | None
    reject: tuple[float, float]
    plausible: tuple[float, float]
    digits: int
    sampling: Sampling
    expected_interval_s: float | None
    unit_required: bool = False
    codes: str = ""

    def rounded(self, value: float) -> float:
        return round(value, self.digits)


#: ACVPU letters in the order of their stored codes 0 to 4.
ACVPU = "ACVPU"

_C, _S = Sampling.CONTINUOUS, Sampling.SPOT


# fmt: off
# One row a line, so that it reads as the table it is:
# name, wire name, title, UCUM, SenML unit, shown unit, LOINC, MDC, reject, plausible, digits, sampling, interval in s
_ROWS: tuple[tuple[Any, ...], ...] = (
    ("heart_rate", "hr", "Heart rate", "/min", "beat/min", "/min", ("8867-4",), 147842, (0, 350), (20, 300), 0, _C, 1),
    ("spo2", "spo2", "Oxygen saturation", "%", "/100", "%", ("2708-6", "59408-5"), 150456, (0, 100), (50, 100), 0, _C, 1),
    ("resp_rate", "rr", "Breathing rate", "/min", "1/min", "/min", ("9279-1",), 151562, (0, 100), (3, 80), 0, _C, 1),
    ("bp_sys", "sbp", "Systolic pressure", "mm[Hg]", "mmHg", "mmHg", ("8480-6",), 150021, (20, 320), (50, 280), 0, _S, 900),
    ("bp_dia", "dbp", "Diastolic pressure", "mm[Hg]", "mmHg", "mmHg", ("8462-4",), 150022, (10, 220), (20, 200), 0, _S, 900),
    ("bp_mean", "map", "Mean pressure", "mm[Hg]", "mmHg", "mmHg", ("8478-0",), 150023, (10, 260), (30, 230), 0, _S, 900),
    ("body_temp", "temp", "Temperature", "Cel", "Cel", "°C", ("8310-5",), 150364, (25, 46), (30, 45), 1, _S, 3600),
    ("skin_temp", "skin", "Skin temperature", "Cel", "Cel", "°C", ("39106-0",), 150388, (5, 50), (15, 42), 1, _C, 60),
    ("body_weight", "wt", "Weight", "kg", "kg", "kg", ("29463-7",), 188736, (0.2, 650), (20, 400), 1, _S, 86400),
    ("glucose_mgdl", "glu-mgdl", "Glucose", "mg/dL", "mg/dL", "mg/dL", ("41653-7",), 160184, (0, 1500), (20, 800), 0, _S, None),
    ("glucose_mmol", "glu-mmol", "Glucose", "mmol/L", "mmol/L", "mmol/L", ("15074-8",), 160188, (0, 83.2), (1.1, 44.4), 1, _S, None),
    ("fio2", "fio2", "Inspired oxygen", "%", "/100", "%", ("3150-0",), 152196, (21, 100), (21, 100), 0, _S, None),
    ("o2_flow", "o2flow", "Oxygen flow", "L/min", "L/min", "L/min", ("3151-8",), None, (0, 80), (0, 60), 1, _S, None),
    ("consciousness", "avpu", "Consciousness", "", "", "", ("67775-7",), None, (0, 4), (0, 4), 0, _S, None),
    ("gcs", "gcs", "Glasgow Coma Scale", "{score}", "", "", ("9269-2",), None, (3, 15), (3, 15), 0, _S, None),
    ("perfusion_index", "pi", "Perfusion index", "%", "/100", "%", ("61006-3",), 150448, (0, 30), (0.02, 20), 1, _C, 1),
    ("steps", "steps", "Steps", "{steps}", "count", "steps", ("55423-8",), None, (0, 200000), (0, 100000), 0, _S, None),
    ("hrv_rmssd", "hrv", "Heart rate variability", "ms", "ms", "ms", (), None, (0, 500), (5, 250), 0, _S, None),
    ("battery_level", "batt", "Battery", "%", "%EL", "%", (), 67996, (0, 100), (0, 100), 0, _S, 600),
    ("rssi", "rssi", "Radio signal", "dBm", "dBm", "dBm", (), None, (-127, 20), (-110, -20), 0, _S, None),
)
# fmt: on


def _kind(index: int, row: tuple[Any, ...]) -> VitalKind:
    kind = VitalKind(index, *row)
    return replace(kind, unit_required=kind.wire in ("temp", "wt"), codes=ACVPU if kind.wire == "avpu" else "")


#: Every vital kind; position = ``VitalKind.index``. New rows go to the end: the index is stored.
VITALS: tuple[VitalKind, ...] = tuple(_kind(index, row) for index, row in enumerate(_ROWS))
BY_NAME: dict[str, VitalKind] = {kind.name: kind for kind in VITALS}
BY_WIRE: dict[str, VitalKind] = {kind.wire: kind for kind in VITALS}

_REJECT = np.array([kind.reject for kind in VITALS])
#: By vital: the least and the greatest value that is kept without a mark.
PLAUSIBLE = np.array([kind.plausible for kind in VITALS])

#: Oxygen by flow (0 = room air) or inspired fraction decides "on oxygen"; more than 21 % is oxygen.
ROOM_AIR_FIO2 = 21.0


def out_of_range(vital: NDArray[np.integer[Any]], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True where a value is refused: no sensor on a living adult reports it. NaN ("tried, no value") is not.

    ``vital`` holds indices of ``VITALS``.

    >>> out_of_range(np.array([0, 0, 0]), np.array([350.0, 351.0, np.nan])).tolist()
    [False, True, False]
    """
    return _outside(_REJECT, vital, value)


def implausible(vital: NDArray[np.integer[Any]], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True where a value is kept but marked ``Quality.IMPLAUSIBLE``; also where it is out of range. NaN is not."""
    return _outside(PLAUSIBLE, vital, value)


def _outside(
    ranges: NDArray[np.float64], vital: NDArray[np.integer[Any]], value: NDArray[np.float64]
) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (value < ranges[vital, 0]) | (value > ranges[vital, 1])
    return result


def loinc_check_digit_ok(code: str) -> bool:
    """Luhn (mod 10) check of a LOINC code such as ``8867-4``.

    >>> loinc_check_digit_ok("3150-0"), loinc_check_digit_ok("3150-6")
    (True, False)
    """
    body, _, check = code.partition("-")
    if not (body.isdigit() and len(check) == 1 and check.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return (10 - total % 10) % 10 == int(check)
