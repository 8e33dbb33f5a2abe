"""What a deterioration is called by those who know the truth: when it is critical, judged on true values, never on a sensor.

``harm``: the harm the scenario names (for most, the first single NEWS2 parameter of 3 points; for some, a limit kept for a
while). ``critical``: that, or NEWS2 >= 7 if that comes first (reference page "Evaluation", version 1). Both are judged on the
person's own baseline moved by the person's own course, rounded as a chart is; noise, sleep and stairs are left out: nobody is
critical for having climbed them. Parameters that score 3 points on the baseline already are left out too, and so is a limit
that the baseline is beyond.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.course import Course
from simulators.disease import HarmLimit
from simulators.noise import Floats
from simulators.person import LEVELS, People

#: NEWS2 (Royal College of Physicians 2017): upper edge of each band but the last, and the points of all bands.
_BANDS: dict[str, tuple[tuple[float, ...], tuple[int, ...]]] = {
    "rr": ((8, 11, 20, 24), (3, 1, 0, 2, 3)),
    "spo2": ((91, 93, 95), (3, 2, 1, 0)),
    "spo2_scale2": ((83, 85, 87), (3, 2, 1, 0)),  # on air
    "sbp": ((90, 100, 110, 219), (3, 2, 1, 0, 3)),
    "hr": ((40, 50, 90, 110, 130), (3, 1, 0, 1, 2, 3)),
    "temp": ((35.0, 36.0, 38.0, 39.0), (3, 1, 0, 1, 2)),
}

_FEVER_HR, _FEVER_RR = 7.2, 1.4  # /min a Cel, P

#: How fine the course is looked at, hours; a limit that must be kept for minutes needs seconds.
_STEP_H, _FINE_H = 1 / 60, 1 / 3600


@dataclass(frozen=True, slots=True)
class Labels:
    """Hours after the onset; None = it never comes to that in this person."""

    harm_h: float | None
    critical_h: float | None


def points(name: str, values: Floats) -> NDArray[np.int64]:
    """NEWS2 points of one parameter, rounded half up first (whole numbers; temperature to 0.1).

    >>> points("rr", np.array([8.4, 8.5, 24.49, 24.5])).tolist()
    [3, 1, 2, 3]
    """
    edges, given = _BANDS[name]
    scale = 10.0 if name == "temp" else 1.0
    charted = np.floor(values * scale + 0.5 + 1e-9) / scale
    return np.asarray(np.array(given)[np.searchsorted(np.array(edges), charted, side="left")], dtype=np.int64)


def label(course: Course, people: People, person: int = 0) -> Labels:
    """When this person's course comes to harm and when it is critical."""
    scenario = course.scenario
    if not scenario.worsens:
        return Labels(None, None)
    if scenario.harm == "label":
        return Labels(scenario.harm_h, scenario.harm_h)
    limit = scenario.harm_limit
    step_h, after_h = (_FINE_H, limit.minutes / 60.0) if limit else (_STEP_H, 0.0)
    hours = np.arange(0.0, course.length_h + after_h + step_h, step_h)
    true = _true_levels(course, people, person, hours)
    scored = _points_over_time(true, people, person)
    total = np.sum(list(scored.values()), axis=0)
    worst = _first(hours, (total >= 7) & (total[0] < 7))
    harm = None
    if scenario.harm == "single_3":
        harm = _first(hours, np.any([row == 3 for row in scored.values() if row[0] != 3], axis=0))
    elif limit is not None:
        harm = _first(hours, _kept_beyond(limit, true[limit.vital], hours))
    return Labels(harm, min((hour for hour in (harm, worst) if hour is not None), default=None))


def _true_levels(course: Course, people: People, person: int, hours: Floats) -> dict[str, Floats]:
    """The person's baseline moved by the course; heart rate not beyond what this heart can do."""
    moved = course.at(hours)
    nothing = np.zeros(hours.size)
    fever = moved.get("fever", nothing)
    follows = {"hr": _FEVER_HR * fever, "rr": _FEVER_RR * fever}
    true = {}
    for vital, column in LEVELS.items():
        own = float(getattr(people, column)[person]) * moved.get(f"{vital}_own", 1.0)
        true[vital] = own + moved.get(vital, nothing) + follows.get(vital, nothing)
    true["hr"] = np.minimum(true["hr"], float(people.hr_ceiling[person]))
    return true


def _kept_beyond(limit: HarmLimit, values: Floats, hours: Floats) -> NDArray[np.bool_]:
    """Where the rounded value has been at or beyond the limit for its minutes."""
    charted = np.floor(values + 0.5 + 1e-9)
    beyond = charted >= limit.at_least if limit.at_least is not None else charted <= limit.at_most
    if beyond[0]:
        return np.zeros(hours.size, dtype=np.bool_)
    within = np.maximum.accumulate(np.where(beyond, -np.inf, hours))
    step_h = hours[1] - hours[0]
    return np.asarray(beyond & (hours - within - step_h >= limit.minutes / 60.0 - 1e-9), dtype=np.bool_)


def _points_over_time(true: dict[str, Floats], people: People, person: int) -> dict[str, NDArray[np.int64]]:
    # People with COPD are taken as those for whom a clinician has prescribed SpO2 scale 2 (target 88 to 92 %).
    scale = "spo2_scale2" if people.described[person].copd else "spo2"
    scored = {}
    for vital in ("hr", "rr", "spo2", "sbp", "temp"):
        scored[vital] = points(scale if vital == "spo2" else vital, true[vital])
    return scored


def _first(hours: Floats, met: NDArray[np.bool_]) -> float | None:
    found = np.flatnonzero(met)
    return float(hours[found[0]]) if found.size else None
