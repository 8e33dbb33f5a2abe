"""One card a patient: what is on it, how it looks as JSON, and the bytes of it, kept until something on it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

import msgspec

from api import shape
from api.shape import Json
from vigil.domain.alerts import Alert, Priority
from vigil.domain.break_glass import Grant
from vigil.domain.calls import Call
from vigil.domain.order import in_main_lane
from vigil.domain.people import Patient
from vigil.domain.scores import Coverage, Score

#: Alerts shown on one card; the counts tell of the rest.
ALERTS_ON_CARD = 3
#: Cards whose bytes are kept, about 3 kB each (ours).
MOST = 4000


class Shown(NamedTuple):
    """All that a card depends on, and nothing that is changed in place. ``alerts`` in work-list order, each with what its newest
    line that asked for somebody did. ``rank``: in the list in which it stands."""

    patient: Patient
    vitals: Json
    trend: dict[str, str]
    sparks: dict[str, Any]
    score: Score | None
    before: Json | None
    coverage: Coverage
    alerts: Sequence[tuple[Alert, Call | None]]
    grants: Sequence[Grant]
    rank: int
    today: date


def card(shown: Shown, score: Json | None, names: bool) -> Json:
    """``score``: that of ``shown`` as JSON."""
    counts = {priority.value: 0 for priority in Priority} | {"technical": 0}
    for one, _ in shown.alerts:
        counts[one.priority.value if in_main_lane(one) else "technical"] += 1
    return {
        **shape.person(shown.patient, shown.today, names),
        "vitals": shown.vitals,
        "trend": shown.trend,
        "sparks": shown.sparks,
        "score": score,
        "score_before": shown.before,
        "coverage": shape.coverage(shown.coverage),
        "alerts": [shape.alert(one, names, call) for one, call in shown.alerts[:ALERTS_ON_CARD]],
        "alert_counts": counts,
        "rank": shown.rank,
        "break_glass": [{"by": one.person, "until": shape.iso(one.expires_at)} for one in shown.grants],
    }


class Written:
    """Bytes of cards. Not safe from several threads: its owner holds a lock. ``most``: cards."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: dict[tuple[str, bool], tuple[Shown, msgspec.Raw]] = {}

    def of(self, shown: Shown, names: bool, make: Callable[[Shown, bool], Json]) -> msgspec.Raw:
        """``make`` is called when another card was shown of this patient the last time."""
        key = (shown.patient.patient_id, names)
        known = self._kept.get(key)
        if known is not None and known[0] == shown:
            return known[1]
        if len(self._kept) >= self._most:
            self._kept.clear()
        made = msgspec.Raw(msgspec.json.encode(make(shown, names)))
        self._kept[key] = (shown, made)
        return made
