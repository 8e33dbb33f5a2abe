"""Who is on call, and who is next, as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from api import shape
from api.shape import Json
from vigil.domain.teams import Team, shift_changes
from vigil.domain.times import DAY

#: A rota repeats each week: whoever does not come in these days comes by an override only.
AHEAD_US = 8 * DAY


def members(team: Team, user_ids: Iterable[str]) -> list[Json]:
    found = [member for one in user_ids if (member := team.member(one)) is not None]
    return [{"id": one.user_id, "name": one.name, "channels": list(one.channels)} for one in found]


def next_change(team: Team, at: int) -> Json | None:
    """The first moment after ``at`` (microseconds UTC) at which somebody comes or goes; None = not in eight days."""
    changes = shift_changes(team, at + 1, at + AHEAD_US)
    if not changes:
        return None
    first = changes[0]
    return {
        "at": shape.iso(first.at),
        "leaving": members(team, first.outgoing),
        "on_call": members(team, first.incoming),
    }
