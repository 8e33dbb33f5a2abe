"""What happened while nobody looked at a screen: counts, no patient."""

from __future__ import annotations

from api.schema.base import Model, Moment, example


class Taken(Model):
    """``alerts``: how many ``by`` has acknowledged or accepted. ``by`` null: the role sees no names."""

    by: str | None
    alerts: int


class AwayOut(Model):
    """Each alert is counted once. ``taken``: by others, who took most first."""

    model_config = example(
        since_at="2026-01-01T13:31:00Z",
        at="2026-01-01T14:07:00Z",
        opened=3,
        escalated=1,
        resolved=2,
        taken=[{"by": "Li Na", "alerts": 2}],
    )

    since_at: Moment
    at: Moment
    opened: int
    escalated: int
    resolved: int
    taken: list[Taken]
