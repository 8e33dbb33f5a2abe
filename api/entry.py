"""Checks what a person typed in against the same table that telemetry is checked against."""

from __future__ import annotations

from collections.abc import Sequence

from api.errors import Rejected
from vigil.domain.times import DAY, SECOND
from vigil.domain.vitals import BY_NAME

#: What a person can measure or judge; signals and counters that only a device knows are left out.
ENTERABLE = frozenset(
    {
        "heart_rate",
        "spo2",
        "resp_rate",
        "bp_sys",
        "bp_dia",
        "bp_mean",
        "body_temp",
        "body_weight",
        "glucose_mgdl",
        "glucose_mmol",
        "fio2",
        "o2_flow",
        "consciousness",
        "gcs",
    }
)

#: How far an entry may lie ahead (a hurried clock) and back (ours: what is older alarms nobody and belongs into the notes).
MOST_AHEAD_US = 5 * SECOND
MOST_BACK_US = DAY


def coded(vital: str, value: float | str) -> float:
    """The stored number of one entered value. Raises ``ValueError`` with the reason, which does not repeat the value."""
    kind = BY_NAME.get(vital)
    if kind is None:
        raise ValueError("no vital sign has this name")
    if vital not in ENTERABLE:
        raise ValueError("only a device can report this")
    if kind.codes:
        if not (isinstance(value, str) and len(value) == 1 and value.upper() in kind.codes):
            raise ValueError(f"must be one letter of {kind.codes}")
        return float(kind.codes.index(value.upper()))
    if isinstance(value, str):
        raise ValueError(f"must be a number in {kind.display_unit or 'points'}")
    low, high = kind.reject
    if not low <= value <= high:
        raise ValueError(f"must be from {low:g} to {high:g} {kind.display_unit}".rstrip())
    return value


def checked(
    values: Sequence[tuple[str, float | str]], measured_at: int, now: int
) -> tuple[tuple[str, float, int], ...]:
    """(vital, stored number, measured at) of each. Raises ``Rejected`` with all that is wrong."""
    problems, good = [], {}
    if measured_at > now + MOST_AHEAD_US:
        problems.append("measured_at: lies in the future")
    if measured_at < now - MOST_BACK_US:
        problems.append("measured_at: more than 24 h ago")
    for place, (vital, value) in enumerate(values):
        where = f"values.{place}"
        if vital in good:
            problems.append(f"{where}: {vital} is given twice")
        try:
            good[vital] = coded(vital, value)
        except ValueError as error:
            problems.append(f"{where}: {error}")
    if {"bp_sys", "bp_dia"} <= set(good) and good["bp_sys"] <= good["bp_dia"]:
        problems.append("bp_sys: must be above bp_dia")
    if problems:
        raise Rejected(problems)
    return tuple((vital, number, measured_at) for vital, number in good.items())
