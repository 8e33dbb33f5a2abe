"""Notices of an alert: whom it called, by which way, and how far each has come."""

from __future__ import annotations

from collections import defaultdict

from fastapi import APIRouter

from api.auth import Actor, Right, may
from api.context import Context, Here
from api.schema.notices import Notices
from api.shape import Json, iso, iso_or_none
from vigil.domain.deliveries import Attempt, Delivery

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_TIMES = ("next_at", "sent_at", "delivered_at", "seen_at", "accepted_at")


@router.get(
    "/{alert_id}/deliveries",
    response_model=Notices,
    summary="Whom the alert called, and what became of each notice",
    dependencies=[may(Right.READ)],
)
def deliveries(alert_id: str, here: Here) -> Json:
    return _notices(here, alert_id)


@router.post("/{alert_id}/seen", response_model=Notices, summary="The alert is on my screen")
def seen(alert_id: str, who: Actor, here: Here) -> Json:
    """Marks the caller's own notices in the page; nothing changes when there are none, or they were seen before."""
    here.deps.records.seen(alert_id, who.name, here.deps.clock.now_us())
    return _notices(here, alert_id)


def _notices(here: Context, alert_id: str) -> Json:
    records = here.deps.records
    records.alert(alert_id)
    steps = {line.seq: line.step.value for line in records.transitions(alert_id=alert_id)}
    tries: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in records.attempts(alert_id):
        tries[attempt.delivery_id].append(attempt)
    found = records.deliveries(alert_id)
    return {"items": [_shaped(one, steps[one.seq], tries[one.delivery_id]) for one in found]}


def _shaped(one: Delivery, step: str, tries: list[Attempt]) -> Json:
    return {
        "id": one.delivery_id,
        "seq": one.seq,
        "step": step,
        "channel": one.channel,
        "person": one.person,
        "state": one.state.value,
        "why": one.why,
        "queued_at": iso(one.queued_at),
        **{name: iso_or_none(getattr(one, name)) for name in _TIMES},
        "attempts": [
            {"at": iso(each.at), "state": each.state.value, "why": each.why, "next_at": iso_or_none(each.next_at)}
            for each in tries
        ],
    }
