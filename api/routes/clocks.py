"""A device's clock: how far it is off, how surely that is known, and what to do about it, in words for a technician."""

from __future__ import annotations

from fastapi import APIRouter

from api import shape
from api.auth import Right, may
from api.context import Here
from api.schema.clocks import ClockOut
from api.shape import Json
from vigil.domain.device_clock import ClockState, DeviceClock
from vigil.domain.errors import NotFound

router = APIRouter(prefix="/api/v1", tags=["devices"])

#: Local time sent as UTC is off by whole quarters of an hour, and the clock itself by this much at most, seconds (ours).
_QUARTER, _NEAR = 900.0, 60.0
#: More than any zone, seconds.
_FURTHEST_ZONE = 14.25 * 3600
#: Values that need longer than this are worth a word, seconds (ours).
_LATE = 2.0


@router.get(
    "/devices/{device_id}/clock",
    response_model=ClockOut,
    summary="How far the device's clock is off, and what is made of it",
    dependencies=[may(Right.DEVICES)],
)
def clock(device_id: str, here: Here) -> Json:
    if not any(one.device_id == device_id for one in here.deps.records.devices()):
        raise NotFound("no such device")
    found = here.deps.clocks(device_id)
    if found is None:
        return _never_heard(device_id)
    return {
        "device_id": device_id,
        "state": found.state.value,
        "corrected": found.corrected,
        "offset_s": _rounded(found.offset_s, 3),
        "uncertainty_s": _rounded(found.uncertainty_s, 3),
        "drift_ppm": _rounded(found.drift_ppm, 1),
        "drift_uncertainty_ppm": _rounded(found.drift_uncertainty_ppm, 1),
        "least_lag_s": _rounded(found.least_lag_s, 3),
        "since_at": shape.iso(found.since_at),
        "packs": found.packs,
        "samples": found.samples,
        "jumps": found.jumps,
        "jumped_at": shape.iso_or_none(found.jumped_at),
        "words": words(found),
    }


def _never_heard(device_id: str) -> Json:
    figures = (
        "offset_s",
        "uncertainty_s",
        "drift_ppm",
        "drift_uncertainty_ppm",
        "least_lag_s",
        "since_at",
        "jumped_at",
    )
    return {
        "device_id": device_id,
        "state": ClockState.UNKNOWN.value,
        "corrected": False,
        **dict.fromkeys(figures),
        "packs": 0,
        "samples": 0,
        "jumps": 0,
        "words": "Nothing live was heard of this device since the platform started.",
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0  # no minus zero


def words(found: DeviceClock) -> str:
    """One to three sentences."""
    if found.state is ClockState.JUMPED:
        return "The clock jumped, and by how much is not certain yet. Values ahead of their receipt stand at their receipt."
    if found.state is ClockState.NEVER_SET:
        return _never_set(found)
    if found.offset_s is None or found.uncertainty_s is None:
        return _unknown(found)
    give = f"give or take {found.uncertainty_s:.1f} s"
    if not found.corrected:
        return (
            f"The clock is right: {abs(found.offset_s):.1f} s {_side(found.offset_s)}, {give}. Up to 2 s is left alone."
        )
    moved = "New values are moved by that and marked; the time that the device sent is kept."
    return f"The clock is {_span(found.offset_s)} {_side(found.offset_s)}, {give}. {moved}{_zone(found.offset_s)}"


def _never_set(found: DeviceClock) -> str:
    if found.corrected:
        return "The clock was never set, and by how much it is wrong is known: values stand at their true time and are marked."
    now = "Live values stand at their receipt; history cannot be placed and is kept as dead letters."
    return f"The clock was never set: it shows a time before 2015. {now} Set the clock from cmd/time."


def _unknown(found: DeviceClock) -> str:
    if found.least_lag_s > _LATE:
        late = f"Values come {_span(found.least_lag_s)} or more after the time that they carry"
        return (
            f"{late}: they are late, or the clock is behind. Which of the two is not certain, so nothing is corrected."
        )
    return "Too little was heard to say how far the clock is off. Values more than 5 s ahead stand at their receipt."


def _side(offset_s: float) -> str:
    return "ahead" if offset_s >= 0 else "behind"


def _span(seconds: float) -> str:
    """The two largest parts.

    >>> _span(-3600.2), _span(90.0), _span(4.21), _span(200_000)
    ('1 h 0 min', '1 min 30 s', '4.2 s', '2 d 7 h')
    """
    left = abs(seconds)
    for unit, size, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if left >= size:
            return f"{int(left // size)} {unit} {int(left % size // part)} {smaller}"
    return f"{left:.1f} s"


def _zone(offset_s: float) -> str:
    quarters = round(offset_s / _QUARTER)
    if not quarters or abs(offset_s) > _FURTHEST_ZONE or abs(offset_s - quarters * _QUARTER) > _NEAR:
        return ""
    return " That is a whole number of quarter hours: the device may send its local time as if it were UTC."
