"""What became of what a device sent: stored, or refused with which reason. For whoever checks that nothing was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fastapi import APIRouter

from api import shape
from api.auth import Right, may
from api.care import View
from api.context import LATEST_US, Context, Here, Seen, time_given
from api.schema.base import Time
from api.schema.devices import Deliveries
from api.shape import Json
from vigil.store import DeadLetter

router = APIRouter(prefix="/api/v1", tags=["devices"])

_PAGE = 500


@router.get(
    "/devices/{device_id}/deliveries",
    response_model=Deliveries,
    summary="Values of a device stored and refused since a time of receipt",
    dependencies=[may(Right.DEVICES)],
)
def deliveries(device_id: str, here: Here, seen: Seen, since: Time) -> Json:
    asked = time_given(since, "since")
    own = own_since(seen, device_id)
    start = asked if own is None else max(asked, own)
    values: Counter[str] = Counter()
    packs: Counter[str] = Counter()
    for letter in _letters(here, device_id, start):
        if letter.values:
            values.update(str(value["reason"]) for value in letter.values)
        else:
            packs[letter.reason] += 1
    return {
        "device_id": device_id,
        "since_at": shape.iso(asked),
        "values_stored": here.deps.readings.delivered(device_id, start),
        "values_refused": dict(values),
        "packs_refused": dict(packs),
    }


def own_since(seen: View, device_id: str) -> int | None:
    """Where others' patients have worn the device: when the first one whom the asker may see put it on after them (microseconds
    UTC; ``LATEST_US`` = nobody has). None: no others have. So no answer tells when one of theirs took it off."""
    if seen.everybody:
        return None
    worn = sorted(seen.known.worn.get(device_id, ()), key=lambda one: one.start)
    last = max((place for place, one in enumerate(worn) if not seen.patient(one.patient_id)), default=-1)
    if last < 0:
        return None
    return worn[last + 1].start if last + 1 < len(worn) else LATEST_US


def _letters(here: Context, device_id: str, start: int) -> Iterator[DeadLetter]:
    """Newest first, back to ``start``."""
    before: int | None = None
    while page := here.deps.readings.dead_letters(_PAGE, before, device_id, None):
        for letter in page:
            if letter.received_at < start:
                return
            yield letter
        before = page[-1].dead_id
