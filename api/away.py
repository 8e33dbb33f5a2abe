"""What happened to alerts while somebody did not look, as counts."""

from __future__ import annotations

from api import shape
from api.care import View
from api.context import Context
from api.handover import lines_since
from api.shape import Json
from vigil.domain.handover import happened_without
from vigil.domain.people import is_test
from vigil.domain.times import DAY

#: Of what is longer ago the hand-over note tells (ours).
LONGEST_US = DAY


def away(here: Context, view: View, person: str, since: int, names: bool) -> Json:
    """``since``: microseconds UTC. Of the alerts in ``view``; what ``person`` did is no news to him."""
    now = here.deps.clock.now_us()
    begin = max(since, now - LONGEST_US)
    lines = (one for one in lines_since(here.deps.records, begin) if not is_test(one.after.patient_id))
    told = happened_without(person, [one for one in lines if view.alert(one.after)])
    return {
        "since_at": shape.iso(begin),
        "at": shape.iso(now),
        "opened": told.opened,
        "escalated": told.escalated,
        "resolved": told.resolved,
        "taken": [{"by": who if names else None, "alerts": count} for who, count in told.taken],
    }
