"""What a device measured while nobody wore it: it is stored, belongs to nobody, and can be claimed later."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import APIRouter

from api import shape
from api.auth import Right, may
from api.context import EARLIEST_US, LATEST_US, Context, Here, Seen, time_given
from api.routes.devices import binding_state, require_device
from api.schema.devices import BindingState
from api.schema.unclaimed import Claim, UnclaimedList
from api.shape import Json
from vigil.domain.errors import InvalidInput, NotFound
from vigil.domain.people import Binding, is_test
from vigil.domain.times import SECOND
from vigil.store import EVERY_READING

router = APIRouter(prefix="/api/v1", tags=["devices"])

#: Buckets of one look for the first value.
_POINTS = 500


@router.get(
    "/devices/{device_id}/unclaimed",
    response_model=UnclaimedList,
    summary="Values that the device measured while nobody wore it",
    dependencies=[may(Right.DEVICES)],
)
def unclaimed(device_id: str, here: Here, seen: Seen) -> Json:
    require_device(here, device_id)
    numbers = [one.stream for one in here.deps.readings.streams() if one.device_id == device_id]
    free = free_spans([one for one in here.deps.records.bindings() if one.device_id == device_id])
    # Where the spans before lie would tell when another ward's patient wore it.
    spans = [one for one in free if one[0] >= seen.since(device_id)]
    items = [_item(here, numbers, span) for span in spans] if numbers else []
    return {"device_id": device_id, "items": [item for item in items if item is not None]}


@router.post(
    "/devices/{device_id}/unclaimed",
    status_code=HTTPStatus.CREATED,
    response_model=BindingState,
    summary="The patient wore this device then: values of that past span become the patient's, shown and not judged again",
    dependencies=[may(Right.BIND)],
)
def claim(device_id: str, body: Claim, here: Here, seen: Seen) -> Json:
    seen.require_patient(body.patient_id)
    require_device(here, device_id)
    start, end = time_given(body.start_at, "start_at"), time_given(body.end_at, "end_at")
    if end > here.deps.clock.now_us():
        raise InvalidInput("end_at: lies in the future; a running binding is made at /devices/{id}/binding")
    if start < seen.since(device_id):  # hidden above; the words are those of a span in which somebody wore it
        raise InvalidInput(f"device {device_id} was bound in that span already")
    if is_test(body.patient_id):
        raise NotFound("no such patient")
    return binding_state(device_id, here.deps.records.claim(device_id, body.patient_id, start, end))


def free_spans(bindings: Sequence[Binding]) -> list[tuple[int, int]]:
    """Where no binding is, [start, end) in microseconds, in order; ``EARLIEST_US`` and ``LATEST_US`` stand for no end."""
    spans, free_from = [], EARLIEST_US
    for one in sorted(bindings, key=lambda binding: binding.start):
        if one.start > free_from:
            spans.append((free_from, one.start))
        free_from = max(free_from, LATEST_US if one.end is None else one.end)
    return [*spans, (free_from, LATEST_US)] if free_from < LATEST_US else spans


def _item(here: Context, numbers: Sequence[int], span: tuple[int, int]) -> Json | None:
    start, end = max(span[0], here.deps.readings.whole_since()), span[1]
    newest = here.deps.readings.range(numbers, start, end, 1)
    if not len(newest):
        return None
    last = int(newest.measured_at[0])
    whole = here.deps.readings.buckets(numbers, start, last + 1, 1)
    return {
        "from_at": shape.iso_or_none(start if start > EARLIEST_US else None),
        "to_at": shape.iso_or_none(end if end < LATEST_US else None),
        "first_at": shape.iso(_first(here, numbers, start, last)),
        "last_at": shape.iso(last),
        "values": int(whole.count.sum()) + int(whole.bad.sum()),
    }


def _first(here: Context, numbers: Sequence[int], start: int, last: int) -> int:
    """When the first value from ``start`` on was measured: each look is 500 times closer, until a second is left."""
    width = last + 1 - start
    while width > SECOND:
        found = here.deps.readings.buckets(numbers, start, start + width, _POINTS)
        width = -(-width // _POINTS)
        start = int(found.start[0])
    return int(here.deps.readings.range(numbers, start, start + SECOND, EVERY_READING).measured_at[0])
