"""What became of the notices of an alert."""

from __future__ import annotations

from typing import Any, Literal

from api.schema.base import Model, Moment, example

EXAMPLE: dict[str, Any] = {
    "id": "d-9794679d106438d83f992485",
    "seq": 412,
    "step": "opened",
    "channel": "pager",
    "person": "Li Na",
    "state": "delivered",
    "why": "",
    "next_at": None,
    "queued_at": "2026-01-01T08:30:00.000Z",
    "sent_at": "2026-01-01T08:30:00.120Z",
    "delivered_at": "2026-01-01T08:30:00.120Z",
    "seen_at": None,
    "accepted_at": None,
    "attempts": [{"at": "2026-01-01T08:30:00.120Z", "state": "delivered", "why": "", "next_at": None}],
}

StateName = Literal["queued", "sent", "delivered", "seen", "accepted", "failed"]


class AttemptOut(Model):
    at: Moment
    state: StateName
    why: str
    next_at: Moment | None


class NoticeOut(Model):
    """``sent``: a carrier took it, which proves nothing further; ``delivered``: the receiving system has it; ``seen`` and
    ``accepted``: the person. ``why`` is that of the last attempt."""

    model_config = example(**EXAMPLE)

    id: str
    seq: int
    step: str
    channel: str
    person: str
    state: StateName
    why: str
    next_at: Moment | None
    queued_at: Moment
    sent_at: Moment | None
    delivered_at: Moment | None
    seen_at: Moment | None
    accepted_at: Moment | None
    attempts: list[AttemptOut]


class Notices(Model):
    items: list[NoticeOut]
